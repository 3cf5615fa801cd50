// SPDX-License-Identifier: MIT
// When what recurs is due: at its start and each period after, whatever delays it. Arithmetic alone; the time is told.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace crochet {

class Schedule {
 public:
  // On the monotonic clock, in nanoseconds, neither negative. A period of 0: again as soon as it has ended.
  constexpr Schedule(std::int64_t start, std::int64_t period) : start_(start), period_(period), due_(start) {}

  // When the next round is to begin.
  constexpr std::int64_t due() const { return due_; }

  // It begins. How many rounds before it were due, and were not begun.
  constexpr std::uint64_t begin(std::int64_t now) {
    const std::uint64_t round = std::max(rounds_until(now), next_);
    const std::uint64_t missed = period_ == 0 ? 0 : round - next_;
    next_ = round + 1;
    return missed;
  }

  // It has ended: the next is due at the first point of the grid that has not passed.
  constexpr void end(std::int64_t now) {
    if (period_ == 0) {
      due_ = now;
      return;
    }
    const std::uint64_t round = rounds_until(now);
    const bool is_now = point(round) == now;
    due_ = point(std::max(next_, is_now ? round : round + 1));
  }

 private:
  static constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max() - 1;  // the end of time is "never"

  // The number of the last point that has come.
  constexpr std::uint64_t rounds_until(std::int64_t now) const {
    return period_ == 0 || now < start_ ? 0 : static_cast<std::uint64_t>((now - start_) / period_);
  }
  constexpr std::int64_t point(std::uint64_t round) const {
    const auto most = static_cast<std::uint64_t>((kLast - start_) / period_);
    return round > most ? kLast : start_ + static_cast<std::int64_t>(round) * period_;
  }

  std::int64_t start_;
  std::int64_t period_;
  std::int64_t due_;
  std::uint64_t next_ = 0;  // the first round that was neither begun nor missed
};

}  // namespace crochet
