// SPDX-License-Identifier: MIT
// When a call may start: not before one time, not after another; and its node among those that wait for theirs.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"

namespace crochet {

struct Call;

// Made while the call is prepared, the only place that can say that there is no memory; gone with its side record.
// The loop's thread only, once the call is made.
struct Timing {
  Plain<std::int64_t> delay_ns{0};           // 0: none; kForever: never by itself
  Plain<std::int64_t> timeout_ns{kForever};  // to have started in
  Plain<std::int64_t> starts{kNotCounted};   // on the monotonic clock, as expires
  Plain<std::int64_t> expires{kNotCounted};
  Plain<bool> is_limited{false};  // it counts for its loop's limit

  // A node of DueCalls.
  Plain<Call*> call{nullptr};
  Plain<std::int64_t> due{0};
  Plain<std::uint64_t> number{0};
  Plain<Timing*> left{nullptr};
  Plain<Timing*> right{nullptr};
  Plain<unsigned> rank{1};

  static constexpr std::int64_t kNotCounted = -1;

  // The call is being made. starts_later: it waits for something else first, and the delay is counted from there.
  void begin(Call* made, bool starts_later, bool counts_for_limit) {
    call = made;
    is_limited = counts_for_limit;
    expires = Deadline::after(timeout_ns).ns();
    if (!starts_later) count_delay();
  }
  void count_delay() {
    if (starts == kNotCounted) starts = Deadline::after(delay_ns).ns();
  }
  // When the loop has something to do for it: to start it, or to see that it is too late for that.
  Deadline first() const { return Deadline::at(starts).earlier_of(Deadline::at(expires)); }
  bool expired() const { return Deadline::at(expires).passed(); }
};

}  // namespace crochet
