// SPDX-License-Identifier: MIT
// What a loop counts from its start to its end. A program reads them by name, so that more can come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"

namespace crochet {

// Every call that was accepted is in exactly one of the first four, once its loop has ended.
// The last three are looked up when somebody asks: Loop::read().
enum class Counter : std::size_t {
  kRun,
  kNotRun,
  kCancelled,
  kExpired,
  kHeld,
  kOpenHandles,
  kTurns,
  kBlocked,
  kWaitsTimedOut,
  kUnobserved,
  kCpu,
  kQueued,
  kUnsettled
};

inline constexpr const char* kCounterNames[] = {
    "calls_run",    "calls_not_run", "calls_cancelled", "calls_expired",   "calls_held",
    "handles_open", "turns",         "times_blocked",   "waits_timed_out", "failures_unobserved",
    "cpu_ns",       "calls_queued",  "calls_unsettled"};
inline constexpr std::size_t kCounters = sizeof kCounterNames / sizeof *kCounterNames;
inline constexpr std::size_t kCheapCounters =
    static_cast<std::size_t>(Counter::kQueued);  // these need no walk over all calls

class Counters {
 public:
  void clear() {
    for (auto& counter : counts_) counter.store(0, relaxed);
  }
  void add(Counter which, std::int64_t by = 1) { at(which).fetch_add(static_cast<std::uint64_t>(by), relaxed); }
  // For a counter that one thread alone writes.
  void add_alone(Counter which) { at(which).store(get(which) + 1, relaxed); }
  std::uint64_t get(Counter which) const { return counts_[static_cast<std::size_t>(which)].load(relaxed); }

 private:
  Atomic<std::uint64_t>& at(Counter which) { return counts_[static_cast<std::size_t>(which)]; }

  Atomic<std::uint64_t> counts_[kCounters] = {};  // relaxed: they publish nothing
};

}  // namespace crochet
