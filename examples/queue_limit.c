/* SPDX-License-Identifier: MIT
 * A limit for the queue: a loop that is busy takes so many calls and no more. Who offers work without end is told at once,
 * and may leave it; or waits until there is room, so that fast callers go at the pace of the loop.
 */
#include "must.h"

#include <crochet.h>
#include <pthread.h>

enum { LIMIT = 8, OFFERED = 100, PATIENT = 1000 };

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* closed while main holds it */
static int done; /* the loop's thread only */

static void stand_at_gate(crochet_deferred *deferred, void *entered) { /* an example may block its loop */
  crochet_resolve((crochet_deferred *)entered, NULL, NULL);
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  crochet_resolve(deferred, NULL, NULL);
}

static void release(void *deferred) { crochet_deferred_release(deferred); }

static void work(crochet_deferred *deferred, void *arg) {
  (void)deferred, (void)arg;
  done++;
}

static void report(crochet_deferred *deferred, void *arg) {
  (void)arg;
  crochet_resolve(deferred, &done, NULL);
}

static crochet_loop *start(int64_t wait_ns) {
  crochet_options *options = NULL;
  crochet_loop *loop = NULL;
  MUST(crochet_options_new(&options) == CROCHET_OK);
  MUST(crochet_options_set_queue_limit(options, LIMIT, wait_ns) == CROCHET_OK);
  MUST(crochet_loop_new(options, &loop) == CROCHET_OK);
  crochet_options_free(options);
  return loop;
}

static void stop(crochet_loop *loop) {
  MUST(crochet_loop_stop(loop, CROCHET_SECOND) == CROCHET_OK);
  crochet_loop_release(loop);
}

int main(void) {
  crochet_deferred *entered = NULL;
  crochet_result *at_gate = NULL;
  int accepted = 0, refused = 0;

  /* Refused at once. */
  crochet_loop *loop = start(0);
  pthread_mutex_lock(&gate);
  MUST(crochet_deferred_new(loop, NULL, NULL, &entered, &at_gate) == CROCHET_OK);
  MUST(crochet_run(loop, stand_at_gate, entered, release, NULL) == CROCHET_OK);
  MUST(crochet_result_wait(at_gate, 60 * CROCHET_SECOND) == CROCHET_OK);
  crochet_result_release(at_gate);
  for (int i = 0; i < OFFERED; i++) {
    int rc = crochet_run(loop, work, NULL, NULL, NULL);
    if (rc == CROCHET_OK) accepted++;
    else if (rc == CROCHET_EAGAIN) refused++;
  }
  printf("%d accepted, %d refused: %s\n", accepted, refused, crochet_status_message(CROCHET_EAGAIN));
  MUST(accepted == LIMIT && refused == OFFERED - LIMIT);
  pthread_mutex_unlock(&gate);
  stop(loop);

  /* Or waiting for room. */
  loop = start(CROCHET_FOREVER);
  done = 0;
  for (int i = 0; i < PATIENT; i++) MUST(crochet_run(loop, work, NULL, NULL, NULL) == CROCHET_OK);
  MUST(crochet_wait_for(loop, report, NULL, NULL, 60 * CROCHET_SECOND, NULL) == CROCHET_OK);
  printf("%d done, never more than %d of them queued\n", done, LIMIT);
  MUST(done == PATIENT);
  stop(loop);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
