// SPDX-License-Identifier: MIT
// Parking on the low half of a word.
#include "base/park.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "api/support/asleep.hpp"
#include "api/support/durations.hpp"

namespace crochet {
namespace {

using contract::kKillTimer;
constexpr std::uint64_t kHigh = std::uint64_t{9} << 32;

TEST(Park, ReturnsAtOnceWhenTheLowHalfIsNotAsExpected) {
  const Atomic<std::uint64_t> word{kHigh | 5};
  EXPECT_EQ(park(word, 6, Deadline::never(), false), Parked::kWoken);
  EXPECT_EQ(park(word, 9, Deadline::never(), false), Parked::kWoken);
}

TEST(Park, DoesNotLookAtTheHighHalf) {
  const Atomic<std::uint64_t> word{kHigh | 5};
  EXPECT_EQ(park(word, 5, Deadline::at(1), false), Parked::kTimedOut);
}

TEST(Park, TimesOutWhenItsDeadlineHasPassedAndNotBefore) {
  const Atomic<std::uint64_t> word{0};
  const Deadline deadline = Deadline::after(2'000'000);
  Parked why;
  do {
    why = park(word, 0, deadline, false);
  } while (why == Parked::kWoken);
  EXPECT_EQ(why, Parked::kTimedOut);
  EXPECT_TRUE(deadline.passed());
}

TEST(Park, TimesOutAtOnceWhenTheDeadlineIsZero) {
  const Atomic<std::uint64_t> word{0};
  EXPECT_EQ(park(word, 0, Deadline::at(0), false), Parked::kTimedOut);
}

TEST(Park, KeepsErrno) {
  const Atomic<std::uint64_t> word{1};
  errno = EDOM;
  EXPECT_EQ(park(word, 0, Deadline::never(), false), Parked::kWoken);  // EAGAIN inside
  EXPECT_EQ(park(word, 1, Deadline::at(1), false), Parked::kTimedOut);
  EXPECT_EQ(errno, EDOM);
}

TEST(Unpark, KeepsErrno) {
  const Atomic<std::uint64_t> word{1};
  errno = EDOM;
  unpark_all(word);
  EXPECT_EQ(errno, EDOM);
}

class ParkedThreads : public testing::TestWithParam<std::int64_t> {};

TEST_P(ParkedThreads, AreAllWoken) {
  constexpr int kThreads = 4;
  Atomic<std::uint64_t> word{kHigh};
  std::atomic<int> woken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    std::atomic<pid_t> id{0};
    threads.emplace_back([&] {
      id.store(gettid());
      id.notify_one();
      while (word.load(acquire) == kHigh) {
        if (park(word, 0, Deadline::after(GetParam()), false) == Parked::kTimedOut) return;
      }
      woken.fetch_add(1);
    });
    id.wait(0);
    contract::until_asleep(id.load());
  }
  word.fetch_add(1, acq_rel);
  unpark_all(word);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(woken.load(), kThreads);
}

INSTANTIATE_TEST_SUITE_P(WithinAMinuteAndWithDeadlinesThatSaturate, ParkedThreads,
                         testing::Values(kKillTimer, std::numeric_limits<std::int64_t>::max()));

// ---- Signals

std::atomic<int> signals_handled{0};

class Signalled : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    signals_handled = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { signals_handled.fetch_add(1); };
    action.sa_flags = GetParam();
    ASSERT_EQ(sigaction(SIGUSR1, &action, &before_), 0);
  }
  void TearDown() override { sigaction(SIGUSR1, &before_, nullptr); }

  // How a thread's park ends, which gets signals until then.
  static Parked park_under_signals(Atomic<std::uint64_t>& word, bool notice_signals) {
    std::atomic<bool> back{false};
    Parked why{};
    std::thread thread([&] {
      why = park(word, 0, Deadline::after(kKillTimer), notice_signals);
      back.store(true);
    });
    while (!back.load()) {
      pthread_kill(thread.native_handle(), SIGUSR1);
      sched_yield();
    }
    thread.join();
    return why;
  }

 private:
  struct sigaction before_ {};
};

TEST_P(Signalled, ParkSaysSoWhenItIsToNotice) {
  Atomic<std::uint64_t> word{0};
  EXPECT_EQ(park_under_signals(word, true), Parked::kSignalled);
  EXPECT_GT(signals_handled.load(), 0);
}

TEST_P(Signalled, ParkOnlyLooksAgainWhenItIsNot) {
  Atomic<std::uint64_t> word{0};
  EXPECT_EQ(park_under_signals(word, false), Parked::kWoken);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutRestart, Signalled, testing::Values(0, SA_RESTART));

}  // namespace
}  // namespace crochet
