// SPDX-License-Identifier: MIT
// When what recurs is due: the arithmetic, on a clock of plain numbers.
#include "base/schedule.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace crochet {
namespace {

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

TEST(Schedule, IsDueAtItsStartAndEachPeriodAfter) {
  Schedule schedule(100, 10);
  for (std::int64_t round = 0; round < 1000; ++round) {
    EXPECT_EQ(schedule.due(), 100 + 10 * round);
    EXPECT_EQ(schedule.begin(schedule.due()), 0u);
    schedule.end(schedule.due());
  }
}

TEST(Schedule, DoesNotDriftHoweverLateARoundBegins) {
  Schedule schedule(100, 10);
  for (std::int64_t round = 0; round < 1000; ++round) {
    const std::int64_t late = round % 10;
    EXPECT_EQ(schedule.due(), 100 + 10 * round);
    EXPECT_EQ(schedule.begin(schedule.due() + late), 0u);
    schedule.end(schedule.due() + late);
  }
}

TEST(Schedule, CountsTheRoundsThatALongOneLeftOut) {
  Schedule schedule(0, 10);
  EXPECT_EQ(schedule.begin(0), 0u);
  schedule.end(35);
  EXPECT_EQ(schedule.due(), 40);
  EXPECT_EQ(schedule.begin(41), 3u);  // 10, 20, 30
  schedule.end(42);
  EXPECT_EQ(schedule.due(), 50);
  EXPECT_EQ(schedule.begin(50), 0u);
}

TEST(Schedule, CountsTheRoundsThatALateBeginningLeftOut) {
  Schedule schedule(0, 10);
  EXPECT_EQ(schedule.begin(25), 2u);  // 0 and 10: this is the round of 20
  schedule.end(26);
  EXPECT_EQ(schedule.due(), 30);
}

TEST(Schedule, ARoundThatEndsWhenTheNextIsDueLeavesNothingOut) {
  Schedule schedule(0, 10);
  EXPECT_EQ(schedule.begin(0), 0u);
  schedule.end(10);
  EXPECT_EQ(schedule.due(), 10);
  EXPECT_EQ(schedule.begin(10), 0u);
  schedule.end(30);
  EXPECT_EQ(schedule.due(), 30);
  EXPECT_EQ(schedule.begin(30), 1u);  // 20
}

TEST(Schedule, BeginsEachPointOnceAlthoughTheClockStandsStill) {
  Schedule schedule(0, 10);
  EXPECT_EQ(schedule.begin(10), 1u);
  schedule.end(10);
  EXPECT_EQ(schedule.due(), 20);
}

TEST(Schedule, WithoutAPeriodIsDueWhenItHasEnded) {
  Schedule schedule(5, 0);
  EXPECT_EQ(schedule.due(), 5);
  EXPECT_EQ(schedule.begin(700), 0u);
  schedule.end(1000);
  EXPECT_EQ(schedule.due(), 1000);
  EXPECT_EQ(schedule.begin(5000), 0u);
}

TEST(Schedule, EverythingThatWasDueWasBegunOrMissed) {
  // Odd lengths, from a generator of no importance.
  std::uint64_t state = 1;
  const auto some = [&state](std::int64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::int64_t>(state >> 33) % below;
  };
  for (const std::int64_t period : {1, 7, 1000}) {
    Schedule schedule(17, period);
    std::uint64_t rounds = 0;
    std::int64_t now = 0;
    for (int i = 0; i < 10000; ++i) {
      ASSERT_GE(schedule.due(), now);
      ASSERT_EQ((schedule.due() - 17) % period, 0);
      now = schedule.due() + some(3 * period);
      rounds += schedule.begin(now) + 1;
      ASSERT_EQ(rounds, static_cast<std::uint64_t>((now - 17) / period) + 1);
      now += some(5 * period);
      schedule.end(now);
    }
  }
}

TEST(Schedule, SaturatesAtTheEndOfTime) {
  Schedule late(kEnd - 1, kEnd);
  EXPECT_EQ(late.due(), kEnd - 1);
  EXPECT_EQ(late.begin(kEnd - 1), 0u);
  late.end(kEnd - 1);
  EXPECT_EQ(late.due(), kEnd - 1);
  Schedule seldom(1, kEnd);
  EXPECT_EQ(seldom.begin(1), 0u);
  seldom.end(2);
  EXPECT_EQ(seldom.due(), kEnd - 1);
  Schedule often(0, 1);
  EXPECT_EQ(often.begin(kEnd - 2), static_cast<std::uint64_t>(kEnd - 2));
  often.end(kEnd - 2);
  EXPECT_EQ(often.due(), kEnd - 1);
}

}  // namespace
}  // namespace crochet
