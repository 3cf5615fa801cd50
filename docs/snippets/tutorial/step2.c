/* SPDX-License-Identifier: MIT
 * The tutorial's second step: results that are waited for later, failures, time-outs.
 */
#include <crochet.h>
#include <stdio.h>

static void fails(crochet_deferred *deferred, void *arg) {
  (void)arg;
  crochet_reject(deferred, -1000, "the kettle is empty");
}

static crochet_deferred *kept; /* the loop's thread only: no lock */

static void never(crochet_deferred *deferred, void *arg) {
  (void)arg;
  kept = crochet_deferred_retain(deferred); /* not settled: that comes later, or not at all */
}

static void forget(crochet_deferred *deferred, void *arg) {
  (void)arg;
  crochet_deferred_release(kept);
  crochet_resolve(deferred, NULL, NULL);
}

/* [report] */
static void report(crochet_result *result) {
  int rc = crochet_result_wait(result, 50 * CROCHET_MILLISECOND);
  switch (rc) {
    case CROCHET_OK: puts("a value is there"); break;
    case CROCHET_EFAILED: /* what the function said by crochet_reject() */
      printf("failed: %s\n", crochet_error_message(crochet_result_error(result)));
      break;
    case CROCHET_ETIMEDOUT: puts("not yet: the call goes on, wait again if you like"); break;
    default: puts(crochet_status_message(rc)); /* cancelled, stopped, broken */
  }
}
/* [end report] */

int main(void) {
  crochet_result *first, *second;
  crochet_setup(NULL);
  /* [main] */
  crochet_run(NULL, fails, NULL, NULL, &first); /* both return at once */
  crochet_run(NULL, never, NULL, NULL, &second);
  report(first);                       /* failed: the kettle is empty */
  report(second);                      /* not yet */
  crochet_result_cancel(second, NULL); /* asks that it stop */
  report(second);                      /* cancelled */
  crochet_result_release(first);
  crochet_result_release(second);
  /* [end main] */
  crochet_wait_for(NULL, forget, NULL, NULL, CROCHET_SECOND, NULL);
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? 0 : 1;
}
