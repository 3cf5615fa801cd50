/* SPDX-License-Identifier: MIT
 * The first answer counts: three mirrors are asked, whoever answers first is taken, the others are cancelled.
 */
#include <crochet.h>

#include "must.h"

enum { MIRRORS = 3 };

static const char *const names[MIRRORS] = {"north", "east", "south"};
static int cancelled; /* the loop's thread only */

static void give_up(crochet_deferred *deferred, void *arg) {
  (void)arg;
  cancelled++;
  crochet_reject(deferred, CROCHET_ECANCELED, NULL);
}

/* What stands for a request: it is settled by hand. */
static crochet_deferred *request(crochet_result **out_result) {
  crochet_deferred *deferred;
  MUST(crochet_deferred_new(NULL, NULL, NULL, &deferred, out_result) == CROCHET_OK);
  MUST(crochet_deferred_on_cancel(deferred, give_up, NULL, NULL) == CROCHET_OK);
  return deferred;
}

static void answer(crochet_deferred *deferred, void *mirror) {
  static char text[] = "an answer";
  crochet_resolve(mirror, text, NULL);
  crochet_resolve(deferred, NULL, NULL);
}

int main(void) {
  crochet_deferred *mirrors[MIRRORS];
  crochet_result *results[MIRRORS];
  size_t first = MIRRORS;
  MUST(crochet_setup(NULL) == CROCHET_OK);
  for (int i = 0; i < MIRRORS; i++) mirrors[i] = request(&results[i]);

  MUST(crochet_wait_any(results, MIRRORS, 10 * CROCHET_MILLISECOND, &first) == CROCHET_ETIMEDOUT); /* nobody yet */
  MUST(crochet_run(NULL, answer, mirrors[1], NULL, NULL) == CROCHET_OK);
  MUST(crochet_wait_any(results, MIRRORS, 60 * CROCHET_SECOND, &first) == CROCHET_OK);
  printf("%s: %s\n", names[first], (const char *)crochet_result_value(results[first]));

  for (size_t i = 0; i < MIRRORS; i++) {
    if (i != first) MUST(crochet_result_cancel(results[i], NULL) == CROCHET_OK);
  }
  MUST(crochet_wait_all(results, MIRRORS, 60 * CROCHET_SECOND) == CROCHET_OK); /* each has ended, one way or another */
  for (size_t i = 0; i < MIRRORS; i++) {
    MUST(crochet_result_status(results[i]) == (i == first ? CROCHET_OK : CROCHET_ECANCELED));
    crochet_deferred_release(mirrors[i]);
    crochet_result_release(results[i]);
  }
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  MUST(first == 1 && cancelled == MIRRORS - 1);
  return EXIT_SUCCESS;
}
