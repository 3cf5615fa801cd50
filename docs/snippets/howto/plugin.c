/* SPDX-License-Identifier: MIT
 * A library, or a plugin, with a loop of its own in a process that belongs to others.
 */
#include <crochet.h>
#include <stdio.h>

/* [plugin] */
static crochet_loop *loop; /* ours alone: the host may have others, or none */

int plugin_begin(void);
int plugin_answer(int *out_answer);
int plugin_end(void);

int plugin_begin(void) {
  crochet_options *options;
  int rc = crochet_options_new(&options);
  if (rc != CROCHET_OK) return rc;
  crochet_options_set_thread_name(options, "plugin");
  rc = crochet_loop_new(options, &loop);
  crochet_options_free(options);
  return rc;
}

static void answer(crochet_deferred *deferred, void *arg) {
  *(int *)arg = 42;
  crochet_resolve(deferred, NULL, NULL);
}

int plugin_answer(int *out_answer) {
  crochet_result *result;
  int rc = crochet_run(loop, answer, out_answer, NULL, &result);
  if (rc != CROCHET_OK) return rc;
  rc = crochet_result_wait(result, 5 * CROCHET_SECOND);
  if (rc == CROCHET_ETIMEDOUT) crochet_result_cancel(result, NULL);
  crochet_result_join(result, CROCHET_FOREVER); /* *out_answer is the caller's: nothing may write there once we return */
  crochet_result_release(result);
  return rc;
}

int plugin_end(void) { /* before dlclose(): no code of ours may be running after this */
  int rc = crochet_loop_stop(loop, 2 * CROCHET_SECOND);
  crochet_loop_release(loop);
  loop = NULL;
  return rc; /* CROCHET_ETIMEDOUT: a callback is stuck. Then we must not be unloaded. */
}
/* [end plugin] */

int main(void) {
  int value = 0;
  if (plugin_begin() != CROCHET_OK || plugin_answer(&value) != CROCHET_OK || value != 42) return 1;
  printf("%d\n", value);
  return plugin_end() == CROCHET_OK ? 0 : 1;
}
