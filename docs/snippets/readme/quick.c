/* SPDX-License-Identifier: MIT
 * The README's example in C. */
/* [quick] */
#include <crochet.h>
#include <stdio.h>

static void answer(crochet_deferred *deferred, void *arg) { /* runs on the loop's thread, beside timers and sockets */
  crochet_resolve(deferred, arg, NULL);                     /* now; or keep the deferred, and resolve it later */
}

int main(void) {
  static char question[] = "Is anybody there?";
  crochet_result *result;
  crochet_setup(NULL); /* starts the loop's thread, once */

  int rc = crochet_wait_for(NULL, answer, question, NULL, 5 * CROCHET_SECOND, &result); /* gives up after 5 s */
  puts(rc == CROCHET_OK ? (const char *)crochet_result_value(result) : crochet_status_message(rc));
  crochet_result_release(result);

  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? 0 : 1; /* a second of grace */
}
/* [end quick] */
