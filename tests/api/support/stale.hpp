// SPDX-License-Identifier: MIT
// Handles whose last reference has been given back: to be refused.
#pragma once

#include <gtest/gtest.h>

#include "api/support/durations.hpp"
#include "api/support/ended.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {

// A result that has been destroyed. Good until the next call is made, which may get the same slot in another life.
inline crochet_result* stale_result() {
  OwnedResult result = ended(CROCHET_OK);
  return result.get();
}

// A deferred whose call has been destroyed.
inline crochet_deferred* stale_deferred() {
  Pending call;
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  return call.deferred.get();
}

// A loop that has ended and been released.
inline crochet_loop* stale_loop() {
  OwnedLoop loop;
  EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  return loop.get();
}

}  // namespace contract
