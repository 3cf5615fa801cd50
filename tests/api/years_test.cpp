// SPDX-License-Identifier: MIT
// Delays and what recurs over years, in no time: by a monotonic clock of this program's own, found before the C
// library's by everything in the process.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <ctime>
#include <vector>

#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

std::atomic<std::time_t> ahead{0};  // in seconds

}  // namespace
}  // namespace contract

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const real = reinterpret_cast<int (*)(clockid_t, timespec*)>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int status = real(clock, time);
  if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE) time->tv_sec += contract::ahead;
  return status;
}

// Who sleeps until a time of this clock sleeps by the kernel's.
extern "C" long syscall(long number, ...) noexcept {
  // Without the guard of a static with an initialiser, in which threads wait by this very function.
  using Function = long(long, long, long, long, long, long, long);
  static constinit std::atomic<Function*> found{nullptr};
  Function* real = found;
  if (real == nullptr) found = real = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "syscall"));
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  timespec until{};
  if (number == SYS_futex && (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && arguments[3] != 0) {
    until = *reinterpret_cast<const timespec*>(arguments[3]);
    until.tv_sec = std::max<std::time_t>(0, until.tv_sec - contract::ahead);
    arguments[3] = reinterpret_cast<long>(&until);
  }
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

namespace contract {
namespace {

constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kYear = 365 * kDay;

class Years : public WithDefaultLoop {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer replaces the clock's functions itself";
    WithDefaultLoop::SetUp();
  }
  // Whatever has become due by then has begun: this sleep is due after it. libuv looks at the clock once in a turn;
  // where it has done so before, and is on its way to sleep for years, only a wake-up makes it look again.
  static void pass(std::int64_t ns) {
    ahead += ns / kSecond;
    OwnedResult moment;
    ASSERT_EQ(crochet_sleep(nullptr, 1, moment.out()), CROCHET_OK);
    while (crochet_result_wait(moment.get(), 0) == CROCHET_ETIMEDOUT) ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    ASSERT_EQ(crochet_result_status(moment.get()), CROCHET_OK);
  }
};

TEST_F(Years, DelayedCallsStartInTheirYear) {
  std::vector<int> begun;
  std::vector<OwnedResult> results;
  for (const int years : {40, 3, 1, 200, 2}) {
    struct Storage {
      std::vector<int>* begun;
      int years;
    };
    crochet_call* call = nullptr;
    ASSERT_EQ(crochet_call_new(nullptr, sizeof(Storage), &call), CROCHET_OK);
    *static_cast<Storage*>(crochet_call_storage(call)) = {&begun, years};
    ASSERT_EQ(crochet_call_set_delay_ns(call, years * kYear), CROCHET_OK);
    results.emplace_back();
    ASSERT_EQ(crochet_call_run(
                  call,
                  [](crochet_deferred* deferred, void* storage) {
                    const auto* self = static_cast<Storage*>(storage);
                    self->begun->push_back(self->years);
                    crochet_resolve(deferred, nullptr, nullptr);
                  },
                  nullptr, results.back().out()),
              CROCHET_OK);
  }
  pass(kYear - kHour);
  EXPECT_TRUE(begun.empty());
  pass(kHour);
  EXPECT_EQ(begun, (std::vector<int>{1}));
  pass(kYear);
  pass(kYear);
  EXPECT_EQ(begun, (std::vector<int>{1, 2, 3}));
  pass(100 * kYear);
  EXPECT_EQ(begun, (std::vector<int>{1, 2, 3, 40}));
  pass(100 * kYear);
  EXPECT_EQ(begun, (std::vector<int>{1, 2, 3, 40, 200}));
}

TEST_F(Years, WhatRecursStaysOnItsGridAndCountsWhatItMissed) {
  struct Rounds {
    std::uint64_t begun = 0;
    std::uint64_t missed = 0;
    OwnedDeferred held;
    bool holds = false;
  } rounds;
  OwnedResult result;
  ASSERT_EQ(crochet_every(
                nullptr, kHour, kDay,
                [](crochet_deferred* deferred, void* arg, std::uint64_t missed) {
                  auto* self = static_cast<Rounds*>(arg);
                  ++self->begun;
                  self->missed += missed;
                  if (self->holds) self->held.reset(crochet_deferred_retain(deferred));
                  else crochet_resolve(deferred, nullptr, nullptr);
                },
                &rounds, nullptr, result.out()),
            CROCHET_OK);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // its first round waits
  const auto expect = [&rounds](std::uint64_t begun, std::uint64_t missed) {
    EXPECT_EQ(rounds.begun, begun);
    EXPECT_EQ(rounds.missed, missed);
  };
  pass(kHour - 60 * kSecond);
  expect(0, 0);
  pass(60 * kSecond);
  expect(1, 0);
  for (std::uint64_t day = 1; day <= 1000; ++day) {
    pass(kDay);
    expect(1 + day, 0);
  }
  pass(400 * kDay);  // a machine that slept, or a loop that was busy
  expect(1002, 399);
  pass(kDay - 60 * kSecond);
  expect(1002, 399);
  pass(60 * kSecond);
  expect(1003, 399);
  rounds.holds = true;
  pass(kDay);
  expect(1004, 399);
  for (int year = 0; year < 5; ++year) pass(kYear);
  expect(1004, 399);
  rounds.holds = false;
  ASSERT_EQ(crochet_resolve(rounds.held.get(), nullptr, nullptr), CROCHET_OK);
  rounds.held.reset();
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // it has learnt that the round has settled
  pass(kDay);
  expect(1005, 399 + 5 * 365);
  EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  pass(kYear);
  expect(1005, 399 + 5 * 365);
}

TEST_F(Years, ADeadlineIsInTimeToTheLastHour) {
  const auto outcome_after = [](std::int64_t pause) {
    OwnedResult before, result;
    EXPECT_EQ(crochet_sleep(nullptr, kYear, before.out()), CROCHET_OK);
    crochet_call* call = nullptr;
    EXPECT_EQ(crochet_call_new(nullptr, 0, &call), CROCHET_OK);
    EXPECT_EQ(crochet_call_set_after(call, before.get()), CROCHET_OK);
    EXPECT_EQ(crochet_call_set_deadline_ns(call, 2 * kYear), CROCHET_OK);
    EXPECT_EQ(crochet_call_run(call, resolve_null, nullptr, result.out()), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    pass(pause);
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    crochet_result_error(result.get());
    return crochet_result_status(result.get());
  };
  EXPECT_EQ(outcome_after(2 * kYear - kHour), CROCHET_OK);
  EXPECT_EQ(outcome_after(2 * kYear + kHour), CROCHET_EFAILED);
}

}  // namespace
}  // namespace contract
