/* SPDX-License-Identifier: MIT
 * Blocking DNS with a time-out, in one function.
 */
#include <crochet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* [resolve] */
/* The first address of a name, as text. 0; or a negative code, and a reason in `text`. */
static int resolve(const char *name, int64_t timeout_ns, char *text, size_t size) {
  crochet_result *result;
  int rc = crochet_getaddrinfo(NULL, name, NULL, AF_UNSPEC, SOCK_STREAM, 0, 0, &result);
  if (rc == CROCHET_OK) rc = crochet_result_wait(result, timeout_ns);
  if (rc == CROCHET_ETIMEDOUT) crochet_result_cancel(result, NULL); /* nobody wants it any more */
  const char *reason = rc == CROCHET_OK        ? crochet_addresses_text(crochet_result_value(result), 0)
                       : rc == CROCHET_EFAILED ? crochet_error_message(crochet_result_error(result))
                                               : crochet_status_message(rc);
  snprintf(text, size, "%s", reason);
  crochet_result_release(result);
  return rc;
}
/* [end resolve] */

int main(void) {
  char text[256];
  crochet_setup(NULL);
  int rc = resolve("localhost", 5 * CROCHET_SECOND, text, sizeof text);
  puts(text);
  int bad = resolve("not a name", 5 * CROCHET_SECOND, text, sizeof text);
  puts(text);
  return crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK && rc == CROCHET_OK && bad == CROCHET_EFAILED ? 0 : 1;
}
