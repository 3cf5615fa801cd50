// SPDX-License-Identifier: MIT
// The operations whose instructions are counted, from C: each is done kCalls times a round, between a stopped loop and a
// drained one, so that nothing depends on how the threads run.
//
//   count-c OPERATION ROUNDS
#include <crochet.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instructions/counting.h"

enum { kCalls = 1024, kWarmUp = 5 };

typedef enum { kNothing, kSubmit, kSettle, kWait, kRelease, kCollect, kForget, kOperations } operation;
static const char *const names[kOperations] = {"nothing", "submit", "settle", "wait", "release", "collect", "forget"};

static operation counted;
static crochet_result *results[kCalls];
static sem_t at_gate, gate;  // the loop has come to the gate; it may go on

// What the loop does is counted from the gate's opening to the last call, if the loop's part is asked for.
static int counts_the_loop(void) { return counted == kCollect || counted == kForget; }

static void wait_at_gate(crochet_deferred *deferred, void *arg) {
  (void)arg;
  sem_post(&at_gate);
  sem_wait(&gate);
  crochet_resolve(deferred, NULL, NULL);
  switch_counting_if(counts_the_loop());
}

static void last(crochet_deferred *deferred, void *arg) {
  (void)arg;
  switch_counting_if(counts_the_loop());
  crochet_resolve(deferred, NULL, NULL);
}

static void settle(crochet_deferred *deferred, void *arg) {
  (void)arg;
  crochet_resolve(deferred, NULL, NULL);
}

static void settle_counted(crochet_deferred *deferred, void *arg) {
  (void)arg;
  CALLGRIND_TOGGLE_COLLECT;
  crochet_resolve(deferred, NULL, NULL);
  CALLGRIND_TOGGLE_COLLECT;
}

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(2);
}

static void submit_all(crochet_call_fn *fn) {
  if (counted == kForget) {
    for (int i = 0; i < kCalls; ++i) crochet_run(NULL, fn, NULL, NULL, NULL);
  } else {
    for (int i = 0; i < kCalls; ++i) crochet_run(NULL, fn, NULL, NULL, &results[i]);
  }
}

static void round_of(operation what) {
  crochet_result *first = NULL, *end = NULL;
  counted = what;
  if (crochet_run(NULL, wait_at_gate, NULL, NULL, &first) != CROCHET_OK) fail("crochet_run failed");
  sem_wait(&at_gate);  // so that what comes now is one list, taken when the gate is passed

  switch_counting_if(what == kSubmit || what == kCollect || what == kForget);
  submit_all(what == kSettle ? settle_counted : settle);
  switch_counting_if(what == kSubmit || what == kCollect || what == kForget);

  if (crochet_run(NULL, last, NULL, NULL, &end) != CROCHET_OK) fail("crochet_run failed");
  sem_post(&gate);
  crochet_result_join(end, CROCHET_FOREVER);
  crochet_result_release(first);
  crochet_result_release(end);
  if (what == kForget) return;

  if (what == kCollect) {
    CALLGRIND_TOGGLE_COLLECT;
    for (int i = 0; i < kCalls; ++i) {
      crochet_result_wait(results[i], CROCHET_FOREVER);
      crochet_result_release(results[i]);
    }
    CALLGRIND_TOGGLE_COLLECT;
    return;
  }
  switch_counting_if(what == kWait);
  for (int i = 0; i < kCalls; ++i) crochet_result_wait(results[i], CROCHET_FOREVER);
  switch_counting_if(what == kWait);
  switch_counting_if(what == kRelease);
  for (int i = 0; i < kCalls; ++i) crochet_result_release(results[i]);
  switch_counting_if(what == kRelease);
}

int main(int count, char **arguments) {
  if (count != 3) fail("usage: count-c OPERATION ROUNDS");
  operation what = kNothing;
  while (what < kOperations && strcmp(names[what], arguments[1]) != 0) ++what;
  if (what == kOperations) fail("there is no operation of that name");
  sem_init(&at_gate, 0, 0);
  sem_init(&gate, 0, 0);
  if (crochet_setup(NULL) != CROCHET_OK) fail("crochet_setup failed");
  for (int i = 0; i < kWarmUp; ++i) round_of(kNothing);
  for (int i = atoi(arguments[2]); i > 0; --i) round_of(what);
  return 0;
}
