// SPDX-License-Identifier: MIT
// A loop whose thread stands still at a gate, so that calls made meanwhile stay queued.
#pragma once

#include <gtest/gtest.h>

#include "api/support/closure.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {

class BlockedLoop {
 public:
  explicit BlockedLoop(crochet_loop* loop = nullptr) {
    const int code = run(
        loop,
        [this](crochet_deferred* deferred) {
          entered_.open();
          leave_.wait();
          crochet_resolve(deferred, nullptr, nullptr);
        },
        blocker_.out());
    EXPECT_EQ(code, CROCHET_OK);
    if (code == CROCHET_OK) entered_.wait();
  }
  BlockedLoop(const BlockedLoop&) = delete;
  BlockedLoop& operator=(const BlockedLoop&) = delete;
  ~BlockedLoop() { unblock(); }

  void unblock() {
    if (!blocker_) return;
    leave_.open();
    EXPECT_EQ(crochet_result_join(blocker_.get(), kKillTimer), CROCHET_OK);
    blocker_.reset();
  }

  // Lets the loop go on without waiting for it.
  void let_go() { leave_.open(); }

 private:
  Gate entered_;
  Gate leave_;
  OwnedResult blocker_;
};

}  // namespace contract
