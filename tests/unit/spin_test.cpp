// SPDX-License-Identifier: MIT
// When a try is worth it, and how one ends.
#include "base/spin.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace crochet {
namespace {

// Tries again and again, always in vain: the sleeps between two tries.
int sleeps_before_a_try(Spin& spin) {
  int sleeps = 0;
  while (!spin.is_worth_it()) ++sleeps;
  return sleeps;
}

TEST(Spin, IsNeverWorthItWithoutALimit) {
  Spin spin;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(spin.is_worth_it());
}

TEST(Spin, IsWorthItAsLongAsItIs) {
  Spin spin;
  spin.set_limit(1000);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(spin.is_worth_it());
    spin.was_worth_it();
  }
}

TEST(Spin, RestsTwiceAsLongAfterEachTryInVainUpToABound) {
  Spin spin;
  spin.set_limit(1000);
  EXPECT_EQ(sleeps_before_a_try(spin), 0);
  for (int rest = 1; rest <= 1024; rest *= 2) {
    spin.was_in_vain();
    EXPECT_EQ(sleeps_before_a_try(spin), rest);
  }
  spin.was_in_vain();
  EXPECT_EQ(sleeps_before_a_try(spin), 1024);
}

TEST(Spin, RestsHalfAsLongAfterOneThatWasWorthIt) {
  Spin spin;
  spin.set_limit(1000);
  for (int i = 0; i < 4; ++i) {
    spin.was_in_vain();
    sleeps_before_a_try(spin);
  }
  spin.was_worth_it();
  EXPECT_TRUE(spin.is_worth_it()) << "at once";
  spin.was_in_vain();
  EXPECT_EQ(sleeps_before_a_try(spin), 8);
}

TEST(Spin, BeginsAnewWithANewLimit) {
  Spin spin;
  spin.set_limit(1000);
  spin.was_in_vain();
  spin.set_limit(2000);
  EXPECT_TRUE(spin.is_worth_it());
  EXPECT_EQ(spin.limit_ns(), 2000);
}

TEST(Spin, EndsWhenWhatItLooksForIsThere) {
  int looks = 0;
  EXPECT_TRUE(Spin::until(Deadline::never(), [&] { return ++looks == 100; }));
  EXPECT_EQ(looks, 100);
}

TEST(Spin, EndsAtItsDeadlineAfterALastLook) {
  int looks = 0;
  EXPECT_FALSE(Spin::until(Deadline::after(0), [&] { return ++looks, false; }));
  EXPECT_GE(looks, 2);
  EXPECT_TRUE(Spin::until(Deadline::after(0), [&, last = looks + 9] { return ++looks == last; }))
      << "the last look counts";
}

TEST(Spin, SeesWhatAnotherThreadDoes) {
  std::atomic<bool> there{false};
  std::thread other([&] { there.store(true, release); });
  EXPECT_TRUE(Spin::until(Deadline::never(), [&] { return there.load(acquire); }));
  other.join();
}

}  // namespace
}  // namespace crochet
