// SPDX-License-Identifier: MIT
// A call settled by hand, both sides in one place. One that is let go unsettled is no failure worth a log line.
#pragma once

#include <gtest/gtest.h>

#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {

struct Pending {
  explicit Pending(crochet_loop* loop = nullptr, void* arg = nullptr, crochet_drop_fn* drop = nullptr) {
    EXPECT_EQ(crochet_deferred_new(loop, arg, drop, deferred.out(), result.out()), CROCHET_OK);
  }
  Pending(Pending&&) = default;
  Pending& operator=(Pending&&) = default;
  ~Pending() {
    deferred.reset();
    if (result && crochet_result_status(result.get()) == CROCHET_EBROKEN) crochet_result_error(result.get());
  }

  OwnedDeferred deferred;
  OwnedResult result;
};

}  // namespace contract
