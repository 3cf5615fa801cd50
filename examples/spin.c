/* SPDX-License-Identifier: MIT
 * Many short round trips: the loop and who waits look for a while before they sleep, as long as a wake-up takes here.
 * That pays when each thread has a CPU; where it does not, the library finds out, and sleeps.
 */
#include "must.h"

#include <crochet.h>

enum { kRounds = 10000 };

static void add(crochet_deferred *deferred, void *sum) {
  ++*(int *)sum;
  crochet_resolve(deferred, NULL, NULL);
}

int main(void) {
  crochet_options *options;
  int sum = 0;
  MUST(crochet_options_new(&options) == CROCHET_OK);
  MUST(crochet_options_set_spin(options, CROCHET_SPIN_MEASURED, CROCHET_SPIN_MEASURED) == CROCHET_OK);
  MUST(crochet_setup(options) == CROCHET_OK);
  crochet_options_free(options);

  for (int i = 0; i < kRounds; i++) MUST(crochet_wait_for(NULL, add, &sum, NULL, CROCHET_FOREVER, NULL) == CROCHET_OK);

  MUST(sum == kRounds);
  printf("%d round trips\n", sum);
  MUST(crochet_shutdown(CROCHET_SECOND) == CROCHET_OK);
  return 0;
}
