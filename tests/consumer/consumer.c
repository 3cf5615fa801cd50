/* SPDX-License-Identifier: MIT */
/* What a user's first program does: setup, a call on the loop's thread, its value, shutdown. Strict C99. */
#include <crochet.h>
#include <stdio.h>

static void answer(crochet_deferred *deferred, void *arg) {
  (void)crochet_resolve(deferred, arg, NULL);
}

int main(void) {
  static int forty_two = 42;
  crochet_result *result = NULL;
  int status = crochet_setup(NULL);
  if (status == CROCHET_OK) status = crochet_wait_for(NULL, answer, &forty_two, NULL, 10 * CROCHET_SECOND, &result);
  if (status != CROCHET_OK) {
    fprintf(stderr, "consumer: %s\n", crochet_status_message(status));
    return 1;
  }
  printf("crochet %d.%d.%d: %d\n", CROCHET_VERSION_MAJOR, CROCHET_VERSION_MINOR, CROCHET_VERSION_PATCH,
         *(int *)crochet_result_value(result));
  crochet_result_release(result);
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? 0 : 1;
}
