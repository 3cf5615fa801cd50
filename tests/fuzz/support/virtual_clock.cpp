// SPDX-License-Identifier: MIT
#include "fuzz/support/virtual_clock.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace fuzz {
namespace {

constexpr std::int64_t kBeginning = 1'000'000'000;
constexpr std::int64_t kTick = 10;  // a look takes its time, so that who looks until it has passed comes to an end

// relaxed: one thread at a time moves it, in lock step with the others.
std::atomic<std::int64_t> now{kBeginning};
thread_local bool is_virtual = false;

}  // namespace

void reset_virtual_clock() { now.store(kBeginning, std::memory_order_relaxed); }
void advance_virtual_clock(std::int64_t ns) { now.fetch_add(ns, std::memory_order_relaxed); }
std::int64_t virtual_now_ns() { return now.load(std::memory_order_relaxed); }

OnVirtualClock::OnVirtualClock(bool yes) : before_(is_virtual) { is_virtual = yes; }
OnVirtualClock::~OnVirtualClock() { is_virtual = before_; }

}  // namespace fuzz

// Before the C library's for everything in the process. Not by dlsym(): sanitizers ask for the time before they are
// ready.
extern "C" __attribute__((no_sanitize("address", "thread"))) int clock_gettime(clockid_t clock,
                                                                               timespec* time) noexcept {
  using namespace fuzz;
  if (!is_virtual || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)) {
    return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  }
  const std::int64_t ns = now.fetch_add(kTick, std::memory_order_relaxed);
  time->tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  time->tv_nsec = static_cast<long>(ns % 1'000'000'000);
  return 0;
}
