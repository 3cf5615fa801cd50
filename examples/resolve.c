/* SPDX-License-Identifier: MIT
 * Names and addresses without a line of libuv: a look-up that any thread waits for, with a time-out, and the way back.
 *
 *   resolve [name...]
 */
#include "must.h"

#include <crochet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

static int resolve(const char *name) {
  crochet_result *result;
  MUST(crochet_getaddrinfo(NULL, name, "80", AF_UNSPEC, SOCK_STREAM, 0, 0, &result) == CROCHET_OK);
  int rc = crochet_result_wait(result, 10 * CROCHET_SECOND);
  if (rc == CROCHET_ETIMEDOUT) crochet_result_cancel(result, NULL);
  if (rc == CROCHET_OK) {
    const crochet_addresses *addresses = crochet_result_value(result);
    for (size_t i = 0; i < crochet_addresses_count(addresses); i++) {
      printf("%s: %s, port %d\n", name, crochet_addresses_text(addresses, i), crochet_addresses_port(addresses, i));
    }
  } else {
    printf("%s: %s\n", name,
           rc == CROCHET_EFAILED ? crochet_error_message(crochet_result_error(result)) : crochet_status_message(rc));
  }
  crochet_result_release(result);
  return rc;
}

static void way_back(void) {
  crochet_result *result;
  MUST(crochet_getnameinfo_text(NULL, "127.0.0.1", 80, NI_NUMERICSERV, &result) == CROCHET_OK);
  MUST(crochet_result_wait(result, 60 * CROCHET_SECOND) == CROCHET_OK);
  const crochet_name_info *names = crochet_result_value(result);
  printf("127.0.0.1 is %s\n", crochet_name_info_host(names));
  MUST(strcmp(crochet_name_info_service(names), "80") == 0);
  crochet_result_release(result);
}

int main(int argc, char **argv) {
  int failures = 0;
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (int i = 1; i < argc; i++) failures += resolve(argv[i]) != CROCHET_OK;
  if (argc == 1) { /* what every machine knows without asking another one */
    MUST(resolve("localhost") == CROCHET_OK && resolve("::1") == CROCHET_OK);
    MUST(resolve("not a name") == CROCHET_EFAILED);
    way_back();
  }
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
