// SPDX-License-Identifier: MIT
// The end of the log's thread: taken back, and for ever.
#include "log/bridge.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "api/support/in_child.hpp"

namespace crochet {
namespace {

using contract::in_child;

constexpr LogMessage kMessage{LogLevel::kError, "test", "it", 2};

// Whoever writes stands still at it.
struct Held {
  contract::Gate entered;
  contract::Gate leave;
  static void write(void* held, const crochet_log_record*) {
    static_cast<Held*>(held)->entered.open();
    static_cast<Held*>(held)->leave.wait();
  }
};

LogBridge& bridge_with(LogSink* sink) {
  LogBridge& bridge = *LogBridge::get_or_make();
  bridge.sinks().remove(CROCHET_LOG_DEFAULT_SINK);
  std::uint64_t id = 0;
  EXPECT_EQ(bridge.sinks().add(sink, LogLevel::kTrace, &id), CROCHET_OK);
  return bridge;
}

TEST(LogBridge, GoesOnWhenItIsStartedWhileItIsToEnd) {
  in_child([] {
    Held held;
    LogBridge& bridge = bridge_with(new_function_sink(Held::write, &held, nullptr));
    EXPECT_EQ(bridge.offer(kMessage), CROCHET_OK);
    EXPECT_EQ(bridge.start(), CROCHET_OK);
    held.entered.wait();
    const std::uint64_t asked = bridge.ask_to_end(Deadline::never());
    EXPECT_NE(asked, 0u);
    EXPECT_EQ(bridge.start(), CROCHET_OK) << "taken back";
    EXPECT_EQ(bridge.wait_until_ended(asked, Deadline::never()), CROCHET_OK);
    EXPECT_TRUE(bridge.is_running());
    held.leave.open();
    EXPECT_EQ(bridge.offer(kMessage), CROCHET_OK);
    EXPECT_EQ(bridge.flush(Deadline::never()), CROCHET_OK);
    EXPECT_EQ(bridge.counted(LogCounter::kWritten), 2u);
  });
}

TEST(LogBridge, WritesWhatIsThereBeforeItEndsAndNothingLater) {
  in_child([] {
    const auto ignore = [](void*, const crochet_log_record*) {};
    LogBridge& bridge = bridge_with(new_function_sink(ignore, nullptr, nullptr));
    EXPECT_EQ(bridge.offer(kMessage), CROCHET_OK);
    const Deadline late = Deadline::after(contract::kKillTimer);
    bridge.end_for_ever(late, late);
    EXPECT_FALSE(bridge.is_running());
    EXPECT_EQ(bridge.counted(LogCounter::kWritten), 1u);
    EXPECT_EQ(bridge.offer(kMessage), CROCHET_OK);
    EXPECT_EQ(bridge.start(), CROCHET_ESTOPPED);
    EXPECT_EQ(bridge.flush(Deadline::never()), CROCHET_OK) << "nothing is left to wait for";
    EXPECT_EQ(bridge.counted(LogCounter::kWritten), 1u);
    EXPECT_EQ(bridge.counted(LogCounter::kAbandoned), 1u);
  });
}

}  // namespace
}  // namespace crochet
