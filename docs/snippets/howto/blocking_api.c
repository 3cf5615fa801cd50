/* SPDX-License-Identifier: MIT
 * A counter that lives on a loop, behind functions that block: for several threads, and with an end of its own.
 */
#include <crochet.h>
#include <stdio.h>
#include <stdlib.h>

struct counter;
struct counter *counter_new(void);
int counter_add(struct counter *counter, int n, int64_t timeout_ns, int *out_total);
int counter_free(struct counter *counter);

/* [api] */
struct counter {
  crochet_loop *loop;
  int total; /* the loop's thread only: no lock */
};

struct addition { /* in the storage of its call, so that it outlives a caller who has given up */
  struct counter *counter;
  int n, total;
};

static void add(crochet_deferred *deferred, void *storage) {
  struct addition *addition = storage;
  addition->total = addition->counter->total += addition->n;
  crochet_resolve(deferred, &addition->total, NULL); /* lives as long as the result */
}

int counter_add(struct counter *counter, int n, int64_t timeout_ns, int *out_total) {
  crochet_call *call;
  crochet_result *result;
  int rc = crochet_call_new(counter->loop, sizeof(struct addition), &call);
  if (rc != CROCHET_OK) return rc;
  *(struct addition *)crochet_call_storage(call) = (struct addition){counter, n, 0};
  crochet_call_set_label(call, "counter_add");
  rc = crochet_call_run(call, add, NULL, &result);
  if (rc != CROCHET_OK) return rc;
  rc = crochet_result_wait(result, timeout_ns);
  if (rc == CROCHET_OK) *out_total = *(int *)crochet_result_value(result);
  if (rc == CROCHET_ETIMEDOUT) crochet_result_cancel(result, NULL);
  crochet_result_release(result);
  return rc;
}

struct counter *counter_new(void) {
  struct counter *counter = calloc(1, sizeof *counter);
  if (counter != NULL && crochet_loop_new(NULL, &counter->loop) == CROCHET_OK) return counter;
  free(counter);
  return NULL;
}

int counter_free(struct counter *counter) {
  int rc = crochet_loop_stop(counter->loop, CROCHET_SECOND);
  crochet_loop_release(counter->loop);
  if (rc != CROCHET_ETIMEDOUT) free(counter); /* otherwise a callback may still use it */
  return rc;
}
/* [end api] */

int main(void) {
  int total = 0;
  struct counter *counter = counter_new();
  if (counter == NULL) return 1;
  for (int i = 1; i <= 4; i++)
    if (counter_add(counter, i, CROCHET_SECOND, &total) != CROCHET_OK) return 1;
  printf("%d\n", total);
  return counter_free(counter) == CROCHET_OK && total == 10 ? 0 : 1;
}
