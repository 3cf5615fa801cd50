// SPDX-License-Identifier: MIT
// A call that a stop waits for, up to its grace.
#pragma once

#include <gtest/gtest.h>

#include "api/support/gate.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {

struct Keeping {
  Gate asked;  // opened when the stop, or a cancel, has begun
  Pending call;

  explicit Keeping(crochet_loop* loop = nullptr) : call(loop) {
    EXPECT_EQ(crochet_deferred_on_cancel(
                  call.deferred.get(), [](crochet_deferred*, void* gate) { static_cast<Gate*>(gate)->open(); }, &asked,
                  nullptr),
              CROCHET_OK);
  }

  void let_go() { call.deferred.reset(); }
};

}  // namespace contract
