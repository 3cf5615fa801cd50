/* SPDX-License-Identifier: MIT
 * Delays and deadlines: an operation that fails is tried again after a pause, which doubles each time; nobody waits in a
 * sleeping thread meanwhile. And a call that is no use any more when it would start too late does not run.
 */
#include "must.h"

#include <crochet.h>

enum { TRIES = 4 };

struct attempt { /* in the storage of its call, which is prepared anew for each try */
  int number;
  int64_t pause_ns;
  crochet_deferred *outer; /* of the operation as a whole */
};

static void let_go(void *storage) {
  struct attempt *attempt = storage;
  crochet_deferred_release(attempt->outer);
}

/* Runs on the loop's thread. The first tries fail, as if nobody answered. */
static void try_it(crochet_deferred *deferred, void *storage) {
  struct attempt *attempt = storage;
  crochet_call *again = NULL;
  crochet_resolve(deferred, NULL, NULL); /* this try is over */
  static char answer[] = "an answer";
  printf("try %d\n", attempt->number);
  if (attempt->number == TRIES) {
    crochet_resolve(attempt->outer, answer, NULL);
    return;
  }
  if (crochet_call_new(crochet_current_loop(), sizeof *attempt, &again) != CROCHET_OK ||
      crochet_call_set_delay_ns(again, attempt->pause_ns) != CROCHET_OK) {
    crochet_call_discard(again);
    return; /* with the last deferred the operation is broken */
  }
  struct attempt *next = crochet_call_storage(again);
  *next = (struct attempt){attempt->number + 1, 2 * attempt->pause_ns, crochet_deferred_retain(attempt->outer)};
  MUST(crochet_call_run(again, try_it, let_go, NULL) == CROCHET_OK);
}

static void never(crochet_deferred *deferred, void *arg) {
  const int was_in_time = 0;
  (void)deferred, (void)arg;
  MUST(was_in_time);
}

int main(void) {
  crochet_deferred *outer = NULL;
  crochet_result *answer = NULL, *pause = NULL, *late = NULL;
  crochet_call *call = NULL;

  MUST(crochet_setup(NULL) == CROCHET_OK);
  MUST(crochet_deferred_new(NULL, NULL, NULL, &outer, &answer) == CROCHET_OK);
  MUST(crochet_call_new(NULL, sizeof(struct attempt), &call) == CROCHET_OK);
  *(struct attempt *)crochet_call_storage(call) = (struct attempt){1, CROCHET_MILLISECOND, outer};
  MUST(crochet_call_run(call, try_it, let_go, NULL) == CROCHET_OK);
  MUST(crochet_result_wait(answer, 60 * CROCHET_SECOND) == CROCHET_OK);
  printf("%s\n", (const char *)crochet_result_value(answer));
  crochet_result_release(answer);

  /* This one must start within a millisecond; but it is to start after a pause of five. */
  MUST(crochet_sleep(NULL, 5 * CROCHET_MILLISECOND, &pause) == CROCHET_OK);
  MUST(crochet_call_new(NULL, 0, &call) == CROCHET_OK);
  MUST(crochet_call_set_after(call, pause) == CROCHET_OK);
  MUST(crochet_call_set_deadline_ns(call, CROCHET_MILLISECOND) == CROCHET_OK);
  MUST(crochet_call_run(call, never, NULL, &late) == CROCHET_OK);
  MUST(crochet_result_wait(late, 60 * CROCHET_SECOND) == CROCHET_EFAILED);
  MUST(crochet_error_code(crochet_result_error(late)) == CROCHET_EEXPIRED);
  printf("%s\n", crochet_error_message(crochet_result_error(late)));
  crochet_result_release(late);
  crochet_result_release(pause);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
