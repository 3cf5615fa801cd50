/* SPDX-License-Identifier: MIT */
/* A plugin that is linked with the library. It starts a loop, uses it, and ends it before it is unloaded. */
#include <crochet.h>

#if defined(__cplusplus)
extern "C"
#endif
    int
    plugin_main(void);

static void answer(crochet_deferred *deferred, void *arg) {
  *(int *)arg = 42;
  (void)crochet_resolve(deferred, NULL, NULL);
}

int plugin_main(void) {
  int number = 0;
  crochet_loop *loop = NULL;
  crochet_result *result = NULL;
  int status = crochet_loop_new(NULL, &loop);
  if (status == CROCHET_OK) status = crochet_run(loop, answer, &number, NULL, &result);
  /* Joined: its function has returned, and is about to be unloaded. */
  if (status == CROCHET_OK) status = crochet_result_join(result, 10 * CROCHET_SECOND);
  if (status == CROCHET_OK && number != 42) status = CROCHET_EFAILED;
  crochet_result_release(result);
  if (status == CROCHET_OK) status = crochet_loop_stop(loop, CROCHET_SECOND);
  crochet_loop_release(loop);
  return status;
}
