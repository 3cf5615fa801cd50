// SPDX-License-Identifier: MIT
// Abuse by the wall clock: row C9. The clock that jumps is this program's, never the machine's: its functions are found
// before the C library's by everything in the process.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <thread>

#include "abuse/keeping.hpp"
#include "abuse/own_process.hpp"
#include "api/support/asleep.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/durations.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

std::atomic<std::time_t> wall_clock_is_off{0};  // in seconds

// What the library does with clocks.
std::atomic<int> wall_clock_uses{0};
std::atomic<int> looks{0};  // at the monotonic clock, by `looking_thread`
std::atomic<pid_t> looking_thread{0};

bool shows_wall_time(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

bool is_in_library(const void* code) {
  Dl_info info;
  return dladdr(code, &info) != 0 && std::strstr(info.dli_fname, "libcrochet") != nullptr;
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace contract

// ---- The functions by which the library could look at a clock, or wait until it shows something

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  using namespace contract;
  static auto* const real = next<int(clockid_t, timespec*)>("clock_gettime");
  const int status = real(clock, time);
  if (!shows_wall_time(clock)) {
    if (gettid() == looking_thread) ++looks;
    return status;
  }
  if (is_in_library(__builtin_return_address(0))) ++wall_clock_uses;
  time->tv_sec += wall_clock_is_off;
  return status;
}

extern "C" long syscall(long number, ...) noexcept {
  using namespace contract;
  // Without the guard of a static with an initialiser, in which threads wait by this very function.
  using Function = long(long, long, long, long, long, long, long);
  static constinit std::atomic<Function*> found{nullptr};
  Function* real = found;
  if (real == nullptr) found = real = next<Function>("syscall");
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_futex && (arguments[1] & FUTEX_CLOCK_REALTIME) != 0) ++wall_clock_uses;
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

extern "C" int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* time) {
  using namespace contract;
  static auto* const real = next<int(pthread_cond_t*, pthread_mutex_t*, const timespec*)>("pthread_cond_timedwait");
  ++wall_clock_uses;
  return real(condition, mutex, time);
}

namespace contract {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kShort = 100 * kMillisecond;
constexpr std::time_t kYear = 365L * 24 * 60 * 60;

// A year ahead, then a year back, each in a process of its own; body(jump) says when.
void for_each_jump(const std::function<void(const std::function<void()>&)>& body) {
  for (const std::time_t years : {kYear, -kYear}) {
    SCOPED_TRACE(years);
    in_own_process([&body, years] {
      ASSERT_EQ(crochet_log_set_level(CROCHET_LOG_OFF), CROCHET_OK);  // what is logged has the wall clock's time
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      body([years] { wall_clock_is_off += years; });
      EXPECT_EQ(wall_clock_uses, 0);
    });
  }
}

// Expects that `wait` ends with `code` and takes at least that long, although the wall clock jumps while it sleeps.
void expect_takes(std::int64_t at_least_ns, int code, const std::function<void()>& jump,
                  const std::function<int()>& wait) {
  std::thread jumper([&jump, waiter = gettid()] {
    until_asleep(waiter);
    jump();
  });
  const auto begin = Clock::now();
  EXPECT_EQ(wait(), code);
  EXPECT_GE(Clock::now() - begin, std::chrono::nanoseconds(at_least_ns));
  jumper.join();
}

#define SKIP_WHERE_CLOCKS_ARE_REPLACED() \
  if (kSanitized) GTEST_SKIP() << "a sanitizer replaces the clock's functions itself"

// What all the others rest on.
TEST(AbuseC9, EverythingInThisProcessSeesTheWallClockJump) {
  SKIP_WHERE_CLOCKS_ARE_REPLACED();
  for_each_jump([](const std::function<void()>& jump) {
    const auto steady = Clock::now();
    const auto before = std::chrono::system_clock::now();  // in libstdc++
    jump();
    const auto jumped = std::chrono::system_clock::now() - before;
    EXPECT_GT(std::chrono::abs(jumped), std::chrono::hours(364 * 24));
    EXPECT_LT(Clock::now() - steady, std::chrono::hours(24));
  });
}

TEST(AbuseC9, WaitsTimeOutAsIfNothingHadHappened) {
  SKIP_WHERE_CLOCKS_ARE_REPLACED();
  for_each_jump([](const std::function<void()>& jump) {
    Pending call;
    crochet_result* const result = call.result.get();
    expect_takes(kShort, CROCHET_ETIMEDOUT, jump, [result] { return crochet_result_wait(result, kShort); });
    expect_takes(kShort, CROCHET_ETIMEDOUT, jump, [result] { return crochet_result_join(result, kShort); });
    expect_takes(kShort, CROCHET_ETIMEDOUT, jump, [] {
      OwnedDeferred held;
      const int code = wait_for(
          nullptr, [&held](crochet_deferred* deferred) { held.reset(crochet_deferred_retain(deferred)); }, kShort,
          nullptr);
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      return code;
    });
    // Looks up every 100 ms, by the same clock.
    expect_takes(0, CROCHET_EINTR, jump, [result] { return crochet_result_wait_interruptible(result, kForever); });
  });
}

TEST(AbuseC9, AWaitThatLooksAgainAfterTheJumpGoesOn) {
  SKIP_WHERE_CLOCKS_ARE_REPLACED();
  for_each_jump([](const std::function<void()>& jump) {
    static std::atomic<int> handled{0};
    std::signal(SIGUSR1, [](int) { ++handled; });
    Pending call;
    std::atomic<pid_t> thread{0};
    std::thread waiter([&call, &thread] {
      thread = gettid();
      EXPECT_EQ(crochet_result_wait(call.result.get(), kKillTimer), CROCHET_OK);
    });
    while (thread == 0) sched_yield();
    until_asleep(thread);
    jump();
    EXPECT_EQ(pthread_kill(waiter.native_handle(), SIGUSR1), 0);
    while (handled == 0) sched_yield();
    until_asleep(thread);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    waiter.join();
  });
}

TEST(AbuseC9, ProducersGetTheirGraceToTheEnd) {
  SKIP_WHERE_CLOCKS_ARE_REPLACED();
  for_each_jump([](const std::function<void()>& jump) {
    Keeping keeping;
    EXPECT_EQ(on_loop(nullptr, [] { looking_thread = gettid(); }), CROCHET_OK);
    std::thread stopping([] { EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK); });
    keeping.asked.wait();
    jump();
    const int before = looks;
    while (looks < before + 20) sched_yield();  // the stopping loop has looked whether the time is over
    EXPECT_EQ(crochet_resolve(keeping.call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    keeping.let_go();
    stopping.join();
  });
}

TEST(AbuseC9, TheGraceEndsWhenItIsOver) {
  SKIP_WHERE_CLOCKS_ARE_REPLACED();
  for_each_jump([](const std::function<void()>& jump) {
    Keeping keeping;
    std::thread jumper([&] {
      keeping.asked.wait();
      jump();
    });
    const auto begin = Clock::now();
    EXPECT_EQ(crochet_shutdown(kShort), CROCHET_OK);
    EXPECT_GE(Clock::now() - begin, std::chrono::nanoseconds(kShort));
    jumper.join();
    EXPECT_EQ(crochet_result_status(keeping.call.result.get()), CROCHET_ESTOPPED);
  });
}

// A stashed result whose value's end can be seen.
std::uint64_t stash_something(DropCounter& drops) {
  OwnedResult result;
  std::uint64_t uid = 0;
  EXPECT_EQ(wait_for(
                nullptr,
                [&drops](crochet_deferred* deferred) { crochet_resolve(deferred, drops.pointer(), DropCounter::drop); },
                kForever, result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
  return uid;
}

TEST(AbuseC9, WhatIsStashedStaysForItsTime) {
  SKIP_WHERE_CLOCKS_ARE_REPLACED();
  for_each_jump([](const std::function<void()>& jump) {
    DropCounter drops;
    ASSERT_EQ(crochet_stash_limits(10, kKillTimer), CROCHET_OK);
    const std::uint64_t uid = stash_something(drops);
    jump();
    OwnedResult result;
    DropCounter others;
    stash_something(others);  // the loop looks what has expired when something is stashed, too
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_retrieve_result(uid, 1, result.out()), CROCHET_OK);
    EXPECT_EQ(drops.count(), 0);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);  // drops the other one while its counter lives
    result.reset();
  });
}

TEST(AbuseC9, WhatIsStashedIsDroppedWhenItsTimeIsOver) {
  SKIP_WHERE_CLOCKS_ARE_REPLACED();
  for_each_jump([](const std::function<void()>& jump) {
    DropCounter drops;
    ASSERT_EQ(crochet_stash_limits(10, kShort), CROCHET_OK);
    const auto begin = Clock::now();
    const std::uint64_t uid = stash_something(drops);
    jump();
    drops.wait();
    EXPECT_GE(Clock::now() - begin, std::chrono::nanoseconds(kShort));
    OwnedResult result;
    EXPECT_EQ(crochet_retrieve_result(uid, 1, result.out()), CROCHET_ENOENT);
  });
}

}  // namespace
}  // namespace contract
