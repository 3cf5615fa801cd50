// SPDX-License-Identifier: MIT
// The end of the log's thread: taken back, and for ever.
#include "log/bridge.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "api/support/in_child.hpp"
#include "log/level.hpp"

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

// Its thread stands still in the sink.
LogBridge& bridge_that_writes(Held& held) {
  LogBridge& bridge = bridge_with(new_function_sink(Held::write, &held, nullptr));
  EXPECT_EQ(bridge.offer(kMessage), CROCHET_OK);
  EXPECT_EQ(bridge.start(), CROCHET_OK);
  held.entered.wait();
  return bridge;
}

TEST(LogBridge, GoesOnWhenItIsStartedWhileItIsToEnd) {
  in_child([] {
    Held held;
    LogBridge& bridge = bridge_that_writes(held);
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

TEST(LogBridge, IsNotStartedWhileItEndsForEverAndWritesItsMessage) {
  in_child([] {
    Held held;
    LogBridge& bridge = bridge_that_writes(held);
    std::thread ends([&bridge] {
      const Deadline late = Deadline::after(contract::kKillTimer);
      bridge.end_for_ever(late, late);
    });
    while (!bridge.is_over()) std::this_thread::yield();
    EXPECT_EQ(bridge.start(), CROCHET_ESTOPPED);
    held.leave.open();
    ends.join();
    EXPECT_EQ(bridge.counted(LogCounter::kWritten), 1u);
    EXPECT_EQ(bridge.counted(LogCounter::kAbandoned), 0u);
  });
}

TEST(LogBridge, OnItsOwnThreadHasNothingToWaitFor) {
  in_child([] {
    const auto ask = [](void* asked, const crochet_log_record*) {
      *static_cast<std::uint64_t*>(asked) = LogBridge::get()->ask_to_end(Deadline::never());
    };
    std::uint64_t asked = 1;
    LogBridge& bridge = bridge_with(new_function_sink(ask, &asked, nullptr));
    EXPECT_EQ(bridge.offer(kMessage), CROCHET_OK);
    EXPECT_EQ(bridge.flush(Deadline::never()), CROCHET_OK);
    EXPECT_EQ(asked, 0u);
    EXPECT_TRUE(bridge.is_running());
    EXPECT_EQ(bridge.wait_until_ended(0, Deadline::never()), CROCHET_OK);
  });
}

// Its thread has been given up by then, and another may have taken its place: what that does goes on.
TEST(LogBridge, GoesOnWhenAThreadThatWasLeftBehindEndsTheProcess) {
  in_child([] {
    struct LeftBehind : Held {
      contract::Gate ended;
    } left_behind;
    const auto write = [](void* it, const crochet_log_record* record) {
      auto* const self = static_cast<LeftBehind*>(it);
      if (self->entered.is_open()) return;  // the next thread's
      Held::write(self, record);
      LogBridge::get()->end_for_ever(Deadline::never(), Deadline::never());
      self->ended.open();
    };
    LogBridge& bridge = bridge_with(new_function_sink(write, &left_behind, nullptr));
    EXPECT_EQ(bridge.offer(kMessage), CROCHET_OK);
    EXPECT_EQ(bridge.start(), CROCHET_OK);
    left_behind.entered.wait();
    EXPECT_EQ(bridge.wait_until_ended(bridge.ask_to_end(Deadline::after(0)), Deadline::after(0)), CROCHET_ETIMEDOUT);
    EXPECT_EQ(bridge.counted(LogCounter::kAbandoned), 1u);
    EXPECT_EQ(bridge.start(), CROCHET_OK);
    left_behind.leave.open();
    left_behind.ended.wait();
    EXPECT_TRUE(bridge.is_running());
  });
}

TEST(LogBridge, TellsNoGapWhenItIsOffByThen) {
  in_child([] {
    struct Counting : Held {
      std::atomic<int> writes{0};
    } counting;
    const auto write = [](void* it, const crochet_log_record* record) {
      ++static_cast<Counting*>(it)->writes;
      Held::write(static_cast<Counting*>(it), record);
    };
    LogBridge& bridge = bridge_with(new_function_sink(write, &counting, nullptr));
    EXPECT_EQ(bridge.start(), CROCHET_OK);
    int kept = 0;
    while (bridge.offer(kMessage) == CROCHET_OK) {
      ++kept;
      counting.entered.wait();
    }
    set_threshold(LogLevel::kOff);
    counting.leave.open();
    const Deadline late = Deadline::after(contract::kKillTimer);
    bridge.end_for_ever(late, late);
    EXPECT_EQ(counting.writes, kept);
  });
}

}  // namespace
}  // namespace crochet
