/* SPDX-License-Identifier: MIT
 * A GLib main loop, as GTK's, that never blocks: it hears of progress by g_idle_add(), and of results by the descriptor of
 * a completion queue. What it asks for here comes to an end only because the main loop ticks on meanwhile.
 */
#include "must.h"

#include <crochet.h>
#include <glib-unix.h>
#include <unistd.h>
#include <uv.h>

enum { JOBS = 2, TICKS = 5 };

struct job {                  /* in the storage of its call */
  uv_work_t work;             /* libuv has this memory until done() */
  crochet_deferred *deferred; /* held just as long */
  int number;
  int device;                 /* a pipe: blocks until the device says something */
  char got;
};

/* The main loop's thread only. */
static GMainLoop *main_loop;
static int pipes[JOBS][2];
static int ticks, awaited = 2 * JOBS; /* of each job: that it has begun, and what came of it */

static void heard(void) { if (--awaited == 0) g_main_loop_quit(main_loop); }

static gboolean on_tick(gpointer none) { /* what keeps a window alive */
  (void)none;
  ticks++;
  for (int i = 0; ticks == TICKS && i < JOBS; i++) MUST(write(pipes[i][1], "x", 1) == 1); /* the device's turn */
  return G_SOURCE_CONTINUE;
}

static gboolean on_begun(gpointer number) {
  printf("job %d has begun\n", GPOINTER_TO_INT(number));
  heard();
  return G_SOURCE_REMOVE;
}

static gboolean on_results(gint fd, GIOCondition condition, gpointer queue) {
  crochet_result *results[8];
  uint64_t tags[8];
  size_t count;
  (void)fd, (void)condition;
  MUST(crochet_completion_queue_drain(queue, 8, results, tags, &count) == CROCHET_OK);
  for (size_t i = 0; i < count; i++, heard()) {
    MUST(crochet_result_status(results[i]) == CROCHET_OK);
    printf("job %d: '%c', after %d ticks\n", (int)tags[i], GPOINTER_TO_INT(crochet_result_value(results[i])), ticks);
    crochet_result_release(results[i]);
  }
  return G_SOURCE_CONTINUE;
}

/* A thread of libuv's pool: it may block. */
static void ask_device(uv_work_t *work) {
  struct job *job = work->data;
  g_idle_add(on_begun, GINT_TO_POINTER(job->number)); /* from any thread */
  MUST(read(job->device, &job->got, 1) == 1);
}

/* The thread of crochet's loop: it may not. */
static void done(uv_work_t *work, int status) {
  struct job *job = work->data;
  if (status != 0) crochet_reject(job->deferred, status, NULL);
  else crochet_resolve(job->deferred, GINT_TO_POINTER(job->got), NULL); /* a value need not be an address */
  crochet_deferred_release(job->deferred);
}

static void start(crochet_deferred *deferred, void *storage) {
  struct job *job = storage;
  job->deferred = crochet_deferred_retain(deferred);
  job->work.data = job;
  MUST(uv_queue_work(crochet_current_uv(), &job->work, ask_device, done) == 0);
}

int main(void) {
  crochet_completion_queue *queue;
  int fd;
  MUST(crochet_setup(NULL) == CROCHET_OK && crochet_completion_queue_new(&queue) == CROCHET_OK);
  MUST(crochet_completion_queue_descriptor(queue, &fd) == CROCHET_OK);
  main_loop = g_main_loop_new(NULL, FALSE);
  guint source = g_unix_fd_add(fd, G_IO_IN, on_results, queue), timer = g_timeout_add(1, on_tick, NULL);
  for (int i = 0; i < JOBS; i++) {
    crochet_call *call;
    crochet_result *result;
    MUST(pipe(pipes[i]) == 0 && crochet_call_new(NULL, sizeof(struct job), &call) == CROCHET_OK);
    *(struct job *)crochet_call_storage(call) = (struct job){.number = i, .device = pipes[i][0]};
    MUST(crochet_call_run(call, start, NULL, &result) == CROCHET_OK);
    MUST(crochet_completion_queue_watch(queue, result, (uint64_t)i) == CROCHET_OK);
    crochet_result_release(result);
  }
  g_main_loop_run(main_loop);
  MUST(ticks >= TICKS); /* while the jobs were blocked */
  MUST(g_source_remove(timer) && g_source_remove(source)); /* before the queue closes its descriptor */
  g_main_loop_unref(main_loop);
  crochet_completion_queue_release(queue);
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
