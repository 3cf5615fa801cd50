/* SPDX-License-Identifier: MIT
 * A cork: fire and forget, many at once. Workers count what they do in a table that only the loop's thread touches.
 * Each gathers the calls of one job, and flushes them at its end: one operation on the queue, and one wake-up at most,
 * instead of one for each call.
 */
#include "must.h"

#include <crochet.h>
#include <pthread.h>
#include <stdint.h>

enum { WORKERS = 4, JOBS = 100, STEPS = 20 };

static struct { int steps, jobs, torn; } table; /* the loop's thread only */

static void count_step(crochet_deferred *deferred, void *step) {
  (void)deferred; /* nobody waits: nothing to settle */
  /* The steps of a job are queued together: nothing of another worker's comes between. */
  if ((int)(intptr_t)step != table.steps % STEPS) table.torn++;
  if (++table.steps % STEPS == 0) table.jobs++;
}

static void report(crochet_deferred *deferred, void *arg) {
  (void)arg;
  crochet_resolve(deferred, &table, NULL);
}

static void *worker(void *arg) {
  crochet_cork *cork;
  (void)arg;
  MUST(crochet_cork_new(NULL, &cork) == CROCHET_OK);
  for (int job = 0; job < JOBS; job++) {
    for (int step = 0; step < STEPS; step++) {
      MUST(crochet_cork_run(cork, count_step, (void *)(intptr_t)step, NULL) == CROCHET_OK);
    }
    MUST(crochet_cork_flush(cork) == CROCHET_OK);
  }
  crochet_cork_free(cork); /* would flush as well */
  /* Made after the flush, hence started later. */
  MUST(crochet_wait_for(NULL, report, NULL, NULL, 60 * CROCHET_SECOND, NULL) == CROCHET_OK);
  return NULL;
}

int main(void) {
  pthread_t threads[WORKERS];
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (int i = 0; i < WORKERS; i++) MUST(pthread_create(&threads[i], NULL, worker, NULL) == 0);
  for (int i = 0; i < WORKERS; i++) pthread_join(threads[i], NULL);
  printf("%d jobs of %d steps by %d workers, %d torn apart\n", table.jobs, STEPS, WORKERS, table.torn);
  MUST(table.steps == WORKERS * JOBS * STEPS && table.jobs == WORKERS * JOBS && table.torn == 0);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
