// SPDX-License-Identifier: MIT
// How long it takes until a thread that sleeps runs, once another has woken it.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace crochet {

// One measurement, by two threads that hand a turn to and fro.
class Hop {
 public:
  void reset() { turn_.store(0, relaxed); }
  std::int64_t measure();  // by the one: nanoseconds, the median of several
  void answer();           // by the other, meanwhile

 private:
  static constexpr int kTimes = 9;

  void hand_over(std::uint64_t turn);
  void await(std::uint64_t turn);

  Atomic<std::uint64_t> turn_{0};
};

}  // namespace crochet
