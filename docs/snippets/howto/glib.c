/* SPDX-License-Identifier: MIT
 * A GLib program that makes calls and never blocks: results come by a completion queue, whose descriptor GLib polls.
 */
#include <crochet.h>
#include <glib-unix.h>
#include <stdio.h>

static int answered;

static void answer(crochet_deferred *deferred, void *arg) { crochet_resolve(deferred, arg, NULL); }

/* [source] */
static gboolean on_completions(gint fd, GIOCondition condition, gpointer queue) {
  crochet_result *results[16];
  uint64_t tags[16];
  size_t count;
  (void)fd, (void)condition;
  crochet_completion_queue_drain(queue, 16, results, tags, &count);
  for (size_t i = 0; i < count; i++) {
    printf("call %d: %s\n", (int)tags[i], crochet_status_name(crochet_result_status(results[i])));
    crochet_result_release(results[i]);
    answered++;
  }
  return G_SOURCE_CONTINUE;
}

static guint watch(crochet_completion_queue *queue) {
  int fd;
  if (crochet_completion_queue_descriptor(queue, &fd) != CROCHET_OK) return 0;
  return g_unix_fd_add(fd, G_IO_IN, on_completions, queue);
}
/* [end source] */

int main(void) {
  crochet_completion_queue *queue;
  crochet_setup(NULL);
  if (crochet_completion_queue_new(&queue) != CROCHET_OK) return 1;
  guint source = watch(queue);
  for (uint64_t i = 0; i < 3; i++) {
    crochet_result *result;
    if (crochet_run(NULL, answer, NULL, NULL, &result) != CROCHET_OK) return 1;
    crochet_completion_queue_watch(queue, result, i);
    crochet_result_release(result); /* the queue has its own */
  }
  while (answered < 3) g_main_context_iteration(NULL, TRUE);
  g_source_remove(source);
  crochet_completion_queue_release(queue);
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? 0 : 1;
}
