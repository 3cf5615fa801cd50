/* SPDX-License-Identifier: MIT
 * Fire and forget: calls without a result. Four threads make entries in a table that only the loop's thread touches, so
 * that it needs no lock. Every argument is dropped, and calls made by one thread start in the order made.
 */
#include "must.h"

#include <crochet.h>
#include <pthread.h>

enum { THREADS = 4, CALLS = 1000 };

static struct { int counted, last_call[THREADS], out_of_order; } table; /* the loop's thread only */

struct entry {
  int thread, call;
};

static void count(crochet_deferred *deferred, void *arg) {
  const struct entry *entry = arg;
  (void)deferred; /* nobody waits: nothing to settle */
  table.counted++;
  if (entry->call != table.last_call[entry->thread] + 1) table.out_of_order++;
  table.last_call[entry->thread] = entry->call;
}

static void report(crochet_deferred *deferred, void *arg) {
  (void)arg;
  crochet_resolve(deferred, &table, NULL);
}

static void *caller(void *arg) {
  for (int call = 1; call <= CALLS; call++) {
    struct entry *entry = malloc(sizeof *entry);
    MUST(entry != NULL);
    *entry = (struct entry){.thread = *(int *)arg, .call = call};
    MUST(crochet_run(NULL, count, entry, free, NULL) == CROCHET_OK);
  }
  /* Made last, hence started last: when it is through, so are the others of this thread. */
  MUST(crochet_wait_for(NULL, report, NULL, NULL, 60 * CROCHET_SECOND, NULL) == CROCHET_OK);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  int numbers[THREADS];
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    MUST(pthread_create(&threads[i], NULL, caller, &numbers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  /* What the loop did before a call was settled is visible to those who waited for it. */
  printf("%d calls by %d threads, %d out of order\n", table.counted, THREADS, table.out_of_order);
  MUST(table.counted == THREADS * CALLS && table.out_of_order == 0);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
