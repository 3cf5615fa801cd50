// SPDX-License-Identifier: MIT
// Linux futexes. Parking on half of a 64-bit atomic lies outside C++'s memory model; the kernel compares the half
// under its own lock, and every waker changes the word before it wakes, so no wake-up falls between.
#include "base/park.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <climits>
#include <ctime>
#include <limits>

#include "base/process.hpp"

namespace crochet {
namespace {

const std::uint32_t* low_half(const Atomic<std::uint64_t>& word) noexcept {
  static_assert(sizeof(word) == sizeof(std::uint64_t));
  const auto* halves = reinterpret_cast<const std::uint32_t*>(&word);
  return std::endian::native == std::endian::little ? halves : halves + 1;
}

// Whose idea of a timespec is the C library's? Where time_t outgrew long, not the old call's.
#ifdef SYS_futex_time64
constexpr long kFutex = sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex;
#else
constexpr long kFutex = SYS_futex;
#endif

// timeout: absolute on CLOCK_MONOTONIC; null: none.
long futex_wait(const std::uint32_t* address, std::uint32_t expected, const timespec* timeout) noexcept {
  return syscall(kFutex, address, FUTEX_WAIT_BITSET_PRIVATE, expected, timeout, nullptr, FUTEX_BITSET_MATCH_ANY);
}

// What this thread sleeps on without an end. relaxed: for the thread itself, also in a signal handler.
constinit thread_local Atomic<const Atomic<std::uint64_t>*> t_endless{nullptr};

}  // namespace

Parked park(const Atomic<std::uint64_t>& word, std::uint32_t expected, Deadline deadline,
            bool notice_signals) noexcept {
  const int saved_errno = errno;
  timespec at{};
  constexpr std::int64_t kLastSecond = std::numeric_limits<time_t>::max();
  at.tv_sec = static_cast<time_t>(std::min(deadline.ns() / 1'000'000'000, kLastSecond));
  at.tv_nsec = static_cast<long>(deadline.ns() % 1'000'000'000);
  Parked why = Parked::kWoken;
  const bool endless = deadline.is_never();
  if (endless) t_endless.store(&word, relaxed);
  // A handler that forks from here on finds the note; in the child of one that did before, nobody is left to wake.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const bool nobody_wakes = endless && process_is_forked();
  if (!nobody_wakes && futex_wait(low_half(word), expected, endless ? nullptr : &at) != 0) {
    if (errno == ETIMEDOUT) why = Parked::kTimedOut;
    if (errno == EINTR && notice_signals) why = Parked::kSignalled;
  }
  t_endless.store(nullptr, relaxed);
  errno = saved_errno;
  return why;
}

void end_sleep_in_child() noexcept {
  // The kernel restarts the sleep and compares again.
  if (const auto* word = t_endless.load(relaxed)) {
    const_cast<Atomic<std::uint64_t>*>(word)->fetch_xor(std::uint64_t{1} << 31, relaxed);
  }
}

void unpark_all(const Atomic<std::uint64_t>& word) noexcept {
  const int saved_errno = errno;
  syscall(kFutex, low_half(word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  errno = saved_errno;
}

}  // namespace crochet
