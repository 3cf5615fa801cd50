/* SPDX-License-Identifier: MIT
 * The tutorial's first step: a loop, a call, a value.
 */
#include <crochet.h>
#include <stdio.h>

static void hello(crochet_deferred *deferred, void *arg) {
  static char text[] = "hello from the loop's thread";
  (void)arg;
  crochet_resolve(deferred, text, NULL);
}

int main(void) {
  crochet_result *result;
  int rc = crochet_setup(NULL);
  if (rc != CROCHET_OK) {
    fprintf(stderr, "no loop: %s\n", crochet_status_message(rc));
    return 1;
  }
  rc = crochet_wait_for(NULL, hello, NULL, NULL, CROCHET_SECOND, &result);
  if (rc == CROCHET_OK) puts(crochet_result_value(result));
  crochet_result_release(result);
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK && rc == CROCHET_OK ? 0 : 1;
}
