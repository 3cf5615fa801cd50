/* SPDX-License-Identifier: MIT
 * What recurs: a meter is read every few milliseconds, on a grid that does not drift. One reading takes long, as if the
 * meter did not answer: it is not asked a second time meanwhile, and the next reading is told how many were missed.
 */
#include "must.h"

#include <crochet.h>

enum { READINGS = 5 };

struct meter { /* the loop's thread only, until the result is settled and joined */
  int readings;
  uint64_t missed;
  crochet_result *answer; /* of the reading that takes long */
  int closed;
};

static void answered(crochet_deferred *deferred, void *storage) {
  crochet_deferred **reading = storage;
  crochet_resolve(*reading, NULL, NULL); /* now the next reading may begin */
  crochet_resolve(deferred, NULL, NULL);
}

static void let_go(void *storage) { crochet_deferred_release(*(crochet_deferred **)storage); }

static void read_meter(crochet_deferred *deferred, void *arg, uint64_t missed) {
  struct meter *meter = arg;
  crochet_call *call = NULL;
  meter->missed += missed;
  if (++meter->readings != 2) {
    crochet_resolve(deferred, NULL, NULL);
    return;
  }
  /* An operation: it settles this reading later, and holds its deferred until then. */
  MUST(crochet_call_new(crochet_current_loop(), sizeof(crochet_deferred *), &call) == CROCHET_OK);
  *(crochet_deferred **)crochet_call_storage(call) = crochet_deferred_retain(deferred);
  MUST(crochet_call_set_delay_ns(call, 20 * CROCHET_MILLISECOND) == CROCHET_OK);
  MUST(crochet_call_run(call, answered, let_go, NULL) == CROCHET_OK);
}

static void close_meter(void *arg) { ((struct meter *)arg)->closed = 1; }

struct question {
  const struct meter *meter;
  int readings; /* a copy: the loop goes on counting */
};

static void how_many(crochet_deferred *deferred, void *arg) {
  struct question *question = arg;
  question->readings = question->meter->readings;
  crochet_resolve(deferred, NULL, NULL);
}

static int readings_of(const struct meter *meter) { /* asked where they are counted */
  struct question question = {meter, 0};
  MUST(crochet_wait_for(NULL, how_many, &question, NULL, CROCHET_FOREVER, NULL) == CROCHET_OK);
  return question.readings;
}

int main(void) {
  static struct meter meter;
  crochet_result *reading = NULL, *pause = NULL;

  MUST(crochet_setup(NULL) == CROCHET_OK);
  MUST(crochet_every(NULL, 0, 2 * CROCHET_MILLISECOND, read_meter, &meter, close_meter, &reading) == CROCHET_OK);
  while (readings_of(&meter) < READINGS) {
    MUST(crochet_sleep(NULL, CROCHET_MILLISECOND, &pause) == CROCHET_OK);
    MUST(crochet_result_wait(pause, CROCHET_FOREVER) == CROCHET_OK);
    crochet_result_release(pause);
  }
  MUST(crochet_result_cancel(reading, NULL) == CROCHET_OK);
  MUST(crochet_result_join(reading, 60 * CROCHET_SECOND) == CROCHET_OK); /* no reading runs, nor will one */
  MUST(crochet_result_status(reading) == CROCHET_ECANCELED);
  printf("%d readings, %d missed\n", meter.readings, (int)meter.missed);
  MUST(meter.readings >= READINGS && meter.missed >= 9 && meter.closed);
  crochet_result_release(reading);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
