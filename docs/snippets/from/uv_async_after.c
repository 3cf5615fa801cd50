/* SPDX-License-Identifier: MIT
 * The same by the library.
 */
#include <crochet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* [call] */
static void twice(crochet_deferred *deferred, void *arg) {
  crochet_resolve(deferred, (void *)(2 * (intptr_t)arg), NULL); /* not an address: fine */
}

static int call_and_wait(intptr_t number, int64_t timeout_ns, intptr_t *out_value) {
  crochet_result *result;
  int rc = crochet_wait_for(NULL, twice, (void *)number, NULL, timeout_ns, &result);
  *out_value = rc == CROCHET_OK ? (intptr_t)crochet_result_value(result) : 0;
  crochet_result_release(result);
  return rc;
}
/* [end call] */

int main(void) {
  intptr_t value;
  crochet_setup(NULL);
  int rc = call_and_wait(21, 10 * CROCHET_SECOND, &value);
  printf("%d\n", (int)value);
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK && rc == CROCHET_OK && value == 42 ? 0 : 1;
}
