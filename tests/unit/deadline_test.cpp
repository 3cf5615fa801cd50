// SPDX-License-Identifier: MIT
// Deadlines: what has passed, what never does, and sums that would overflow.
#include "base/deadline.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>
#include <limits>

namespace crochet {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kSecond = 1'000'000'000;

TEST(Deadline, OfNoTimeHasPassed) {
  EXPECT_TRUE(Deadline::after(0).passed());
  EXPECT_FALSE(Deadline::after(0).is_never());
  EXPECT_EQ(Deadline::after(0).ns(), 0);
}

TEST(Deadline, OfForeverNeverPasses) {
  EXPECT_TRUE(Deadline::after(kForever).is_never());
  EXPECT_FALSE(Deadline::after(kForever).passed());
  EXPECT_EQ(Deadline::after(kForever).ns(), Deadline::never().ns());
}

TEST(Deadline, IsCountedFromNow) {
  const std::int64_t before = monotonic_ns();
  const Deadline deadline = Deadline::after(3 * kSecond);
  const std::int64_t after = monotonic_ns();
  EXPECT_GE(deadline.ns(), before + 3 * kSecond);
  EXPECT_LE(deadline.ns(), after + 3 * kSecond);
}

TEST(Deadline, SaturatesJustBelowNever) {
  for (const std::int64_t huge : {kMost, kMost - 1, kMost - kSecond / 1000}) {
    const Deadline deadline = Deadline::after(huge);
    EXPECT_EQ(deadline.ns(), kMost - 1) << huge;
    EXPECT_FALSE(deadline.is_never()) << huge;
    EXPECT_FALSE(deadline.passed()) << huge;
  }
}

TEST(Deadline, IsNotCutOffWhenTheSumStillFits) {
  const std::int64_t before = monotonic_ns();
  const std::int64_t fits = kMost - 1 - before - 3600 * kSecond;
  EXPECT_LT(Deadline::after(fits).ns(), kMost - 1);
}

TEST(Deadline, HasPassedAtItsVeryMoment) {
  EXPECT_TRUE(Deadline::at(monotonic_ns()).passed());
  EXPECT_TRUE(Deadline::at(1).passed());
}

TEST(Deadline, HasNotPassedAnHourBefore) { EXPECT_FALSE(Deadline::after(3600 * kSecond).passed()); }

TEST(Deadline, OfTwoIsTheEarlier) {
  const Deadline early = Deadline::at(10), late = Deadline::at(20);
  EXPECT_EQ(early.earlier_of(late).ns(), 10);
  EXPECT_EQ(late.earlier_of(early).ns(), 10);
  EXPECT_EQ(Deadline::never().earlier_of(late).ns(), 20);
  EXPECT_TRUE(Deadline::never().earlier_of(Deadline::never()).is_never());
}

TEST(Timeout, IsValidUnlessNegative) {
  for (const std::int64_t valid : {std::int64_t{0}, std::int64_t{1}, kMost, kForever})
    EXPECT_TRUE(valid_timeout(valid));
}

TEST(Timeout, IsInvalidWhenNegativeAndNotForever) {
  for (const std::int64_t invalid : {std::int64_t{-2}, -kSecond, std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_FALSE(valid_timeout(invalid)) << invalid;
  }
}

TEST(Clock, IsTheMonotonicOne) {
  const auto read = [] {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * kSecond + now.tv_nsec;
  };
  const std::int64_t before = read();
  const std::int64_t now = monotonic_ns();
  EXPECT_LE(before, now);
  EXPECT_LE(now, read());
}

}  // namespace
}  // namespace crochet
