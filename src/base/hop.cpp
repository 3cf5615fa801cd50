// SPDX-License-Identifier: MIT
#include "base/hop.hpp"

#include <algorithm>

#include "base/deadline.hpp"
#include "base/park.hpp"
#include "base/process.hpp"

namespace crochet {

void Hop::hand_over(std::uint64_t turn) {
  turn_.store(turn, release);  // with the acquire in await()
  unpark_all(turn_);
}

void Hop::await(std::uint64_t turn) {
  for (std::uint64_t now = turn_.load(acquire); now != turn; now = turn_.load(acquire)) {
    park(turn_, static_cast<std::uint32_t>(now), Deadline::never(), false);
    if (process_is_forked()) return;  // by a signal handler that ran meanwhile: nobody answers
  }
}

std::int64_t Hop::measure() {
  std::int64_t took[kTimes];
  for (std::uint64_t i = 0; i < kTimes; ++i) {
    const std::int64_t begin = monotonic_ns();
    hand_over(2 * i + 1);
    await(2 * i + 2);
    took[i] = (monotonic_ns() - begin) / 2;
  }
  std::nth_element(took, took + kTimes / 2, took + kTimes);
  return took[kTimes / 2];
}

void Hop::answer() {
  for (std::uint64_t i = 0; i < kTimes; ++i) {
    await(2 * i + 1);
    hand_over(2 * i + 2);
  }
}

}  // namespace crochet
