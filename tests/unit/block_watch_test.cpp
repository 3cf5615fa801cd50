// SPDX-License-Identifier: MIT
// When the watchdog speaks, on a clock of the test's own.
#include "runtime/block_watch.hpp"

#include <gtest/gtest.h>

namespace crochet {
namespace {

using Verdict = BlockWatch::Verdict;

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kThreshold = 100 * kMs;
constexpr std::int64_t kTick = 50 * kMs;

class BlockWatchTest : public testing::Test {
 protected:
  Verdict look(BlockWatch::Look look, std::int64_t after = kTick) {
    now_ += after;
    return watch_.look(look, now_, kTick, kThreshold);
  }
  Verdict in_call(std::uint64_t run, std::int64_t after = kTick) { return look({&call_, run, 1, false}, after); }
  Verdict in_callback(std::uint64_t turns, std::int64_t after = kTick) {
    return look({nullptr, 0, turns, false}, after);
  }
  Verdict asleep() { return look({nullptr, 0, 1, true}); }

  BlockWatch watch_;
  std::int64_t now_ = 1'000'000'000;
  int call_ = 0;
};

TEST_F(BlockWatchTest, SpeaksWhenACallHasBeenSeenForTheThreshold) {
  EXPECT_EQ(in_call(1), Verdict::kFine);
  EXPECT_EQ(in_call(1), Verdict::kFine);
  EXPECT_FALSE(watch_.is_blocked());
  EXPECT_EQ(in_call(1), Verdict::kBlocked);
  EXPECT_EQ(watch_.blocked_ns(), kThreshold);
  EXPECT_TRUE(watch_.is_blocked());
}

TEST_F(BlockWatchTest, SpeaksAgainEachTimeItHasDoubledAndAtTheEnd) {
  in_call(1);
  int told = 0;
  for (int ticks = 1; ticks <= 32; ++ticks) {
    const Verdict verdict = in_call(1);
    const bool is_due = ticks == 2 || ticks == 4 || ticks == 8 || ticks == 16 || ticks == 32;
    EXPECT_EQ(verdict != Verdict::kFine, is_due) << ticks;
    if (!is_due) continue;
    EXPECT_EQ(verdict, told++ == 0 ? Verdict::kBlocked : Verdict::kStillBlocked) << ticks;
  }
  EXPECT_EQ(in_call(2), Verdict::kGoesOn);
  EXPECT_EQ(watch_.blocked_ns(), 33 * kTick);
  EXPECT_EQ(in_call(3), Verdict::kFine);
  EXPECT_FALSE(watch_.is_blocked());
}

TEST_F(BlockWatchTest, IsSilentAboutManyShortCallsInTheSamePlace) {
  for (std::uint64_t run = 1; run < 100; ++run) EXPECT_EQ(in_call(run), Verdict::kFine);
}

TEST_F(BlockWatchTest, IsSilentAboutALoopThatGoesRound) {
  for (std::uint64_t turns = 1; turns < 100; ++turns) EXPECT_EQ(in_callback(turns), Verdict::kFine);
}

TEST_F(BlockWatchTest, IsSilentAboutALoopThatSleepsAndCountsFromItsWaking) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(asleep(), Verdict::kFine);
  EXPECT_EQ(in_callback(1), Verdict::kFine);
  EXPECT_EQ(in_callback(1), Verdict::kFine);
  EXPECT_EQ(in_callback(1), Verdict::kBlocked);
  EXPECT_EQ(asleep(), Verdict::kGoesOn);
  EXPECT_EQ(asleep(), Verdict::kFine);
}

// A debugger, a suspended machine: the loop had no more of that time than the watchdog.
TEST_F(BlockWatchTest, CountsNoTimeInWhichTheProcessStoodStill) {
  in_call(1);
  EXPECT_EQ(in_call(1, 10), Verdict::kFine);
  EXPECT_EQ(in_call(1, 3600'000 * kMs), Verdict::kBlocked);
  EXPECT_LE(watch_.blocked_ns(), 2 * kTick + 10);
}

}  // namespace
}  // namespace crochet
