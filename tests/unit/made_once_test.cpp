// SPDX-License-Identifier: MIT
// What the process has one of, made by two at once: the second one comes while the first allocates, and is the quicker.
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "base/deadline.hpp"
#include "log/bridge.hpp"
#include "log/log.hpp"
#include "runtime/runtime.hpp"
#include "unit/support/on_allocation.hpp"

namespace crochet {
namespace {

// Runs `other` in the next allocation.
void meanwhile(std::function<void()> other) {
  on_allocation = [other = std::move(other)] {
    on_allocation = nullptr;
    other();
    return true;
  };
}

class MadeByTwoAtOnce : public testing::Test {
 protected:
  void SetUp() override {
    if (!kAllocationsAreSeen) GTEST_SKIP() << "this sanitizer's allocations can't be looked at";
  }
};

template <class One>
void make_by_two() {
  contract::in_child([] {
    static One* quicker;
    meanwhile([] { quicker = One::get_or_make(); });
    One* const slower = One::get_or_make();
    EXPECT_EQ(on_allocation, nullptr);
    EXPECT_NE(quicker, nullptr);
    EXPECT_EQ(slower, quicker);
    EXPECT_EQ(One::get(), quicker);
  });
}

TEST_F(MadeByTwoAtOnce, TheRuntimeIsOne) { make_by_two<Runtime>(); }

TEST_F(MadeByTwoAtOnce, TheLogIsOne) { make_by_two<LogBridge>(); }

TEST_F(MadeByTwoAtOnce, TheLogWritesEachLineOnce) {
  contract::in_child([] {
    contract::LogCapture capture;
    meanwhile([] { LogBridge::get_or_make(); });
    LogBridge::get_or_make();
    log(LogLevel::kError, "said once");
    EXPECT_EQ(LogBridge::get()->flush(Deadline::never()), CROCHET_OK);
    EXPECT_EQ(contract::LogCapture::occurrences(capture.stop(), "said once"), 1);
  });
}

}  // namespace
}  // namespace crochet
