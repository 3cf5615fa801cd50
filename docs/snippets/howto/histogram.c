/* SPDX-License-Identifier: MIT
 * A histogram in the form that Prometheus reads.
 */
#include <crochet.h>
#include <inttypes.h>
#include <stdio.h>

static void print_histogram(void) {
  /* [print] */
  uint64_t counts[CROCHET_HISTOGRAM_BUCKETS], sum, so_far = 0;
  if (crochet_loop_histogram(NULL, "run_ns", counts, CROCHET_HISTOGRAM_BUCKETS, &sum) == CROCHET_OK) {
    for (uint32_t i = 0; i + 1 < CROCHET_HISTOGRAM_BUCKETS; i++) {
      so_far += counts[i];
      printf("crochet_run_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", (double)crochet_histogram_bound(i) / 1e9, so_far);
    }
    so_far += counts[CROCHET_HISTOGRAM_BUCKETS - 1];
    printf("crochet_run_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", so_far);
    printf("crochet_run_seconds_sum %g\ncrochet_run_seconds_count %" PRIu64 "\n", (double)sum / 1e9, so_far);
  }
  /* [end print] */
}

int main(void) {
  crochet_setup(NULL);
  print_histogram();
  return crochet_shutdown(CROCHET_SECOND) == CROCHET_OK ? 0 : 1;
}
