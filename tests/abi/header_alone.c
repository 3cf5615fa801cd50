/* SPDX-License-Identifier: MIT */
/* crochet.h compiles alone, twice over, in every dialect that tests/abi/meson.build names, as C and as C++. */
#include "crochet.h"
#include "crochet.h"

#if CROCHET_VERSION_MAJOR * 10000 + CROCHET_VERSION_MINOR * 100 + CROCHET_VERSION_PATCH < 100
#error "the version is no number for the preprocessor"
#endif

int64_t header_alone(int status, crochet_call_fn *fn, crochet_drop_fn *drop);

/* Each macro in an expression: what a user's warnings would say about it, they say here. */
int64_t header_alone(int status, crochet_call_fn *fn, crochet_drop_fn *drop) {
  int64_t time_ns = 5 * CROCHET_SECOND + CROCHET_MILLISECOND;
  if (status == CROCHET_OK && fn && drop) time_ns = CROCHET_FOREVER;
  switch (status) {
    case CROCHET_EFAILED:
    case CROCHET_ETIMEDOUT:
    case CROCHET_CANCEL_REQUESTED: return 0;
    default: return time_ns;
  }
}
