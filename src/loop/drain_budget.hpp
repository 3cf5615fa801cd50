// SPDX-License-Identifier: MIT
// How much a loop may do for its calls before sockets and timers get their turn: a time, which is looked at as late and
// as seldom as calls are short.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/deadline.hpp"

namespace crochet {

class DrainBudget {
 public:
  // Asked before each call: is it time to look? A call that comes alone costs no clock.
  bool is_due() { return --left_ == 0; }
  // Looks at the clock; the first time, starts it.
  bool is_spent() {
    const std::int64_t now = monotonic_ns();
    if (end_ == 0) end_ = now + kTime;
    else step_ = now - looked_ > kShort ? 1 : std::min(2 * step_, kMostCallsBetweenLooks);
    looked_ = now;
    left_ = step_ + 1;
    return now >= end_;
  }
  // When it was looked at last.
  std::int64_t looked_ns() const { return looked_; }

 private:
  static constexpr std::int64_t kTime = 2'000'000;
  // The clock is read after 1 call, then after 1, 2, 4... as long as those are short.
  static constexpr unsigned kMostCallsBetweenLooks = 32;
  static constexpr std::int64_t kShort = 20'000;

  unsigned left_ = 2;
  unsigned step_ = 1;
  std::int64_t end_ = 0;
  std::int64_t looked_ = 0;
};

}  // namespace crochet
