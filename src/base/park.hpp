// SPDX-License-Identifier: MIT
// Putting a thread to sleep on the low half of a 64-bit word, and waking all who sleep there.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"

namespace crochet {

enum class Parked {
  kWoken,      // woken, or the low half was not `expected` any more, or for no reason at all: look again
  kTimedOut,   // the deadline passed
  kSignalled,  // a signal handler ran in this thread; only when `notice_signals`
};

// Sleeps while the low 32 bits of `word` are `expected`, until unpark_all or the deadline. Keeps errno.
// Publishes nothing and sees nothing: the caller looks at the word with the order it needs.
// notice_signals: return kSignalled when a handler ran here, whatever its SA_RESTART, if the deadline is not never (the
// kernel restarts a sleep without an end); else signals are slept through.
Parked park(const Atomic<std::uint64_t>& word, std::uint32_t expected, Deadline deadline, bool notice_signals) noexcept;

// How long at most who wants to notice signals parks: one that came just before is noticed then.
inline constexpr std::int64_t kLongestDeafness = 100'000'000;

// In a forked child: a signal handler may have forked in the middle of this thread's sleep, which the kernel would
// restart after it for ever. Spoils the word, which is nobody's there.
void end_sleep_in_child() noexcept;

// Wakes every thread that is parked on `word`. Async-signal-safe; keeps errno. The word must not be unmapped yet,
// but may belong to somebody else already: pooled memory is type-stable, and a parked stranger looks again.
void unpark_all(const Atomic<std::uint64_t>& word) noexcept;

}  // namespace crochet
