// SPDX-License-Identifier: MIT
// Vector clocks: what each thread of an execution knows to have happened before its next step.
//
// An event of thread t is stamped with t's own tick. A thread knows the event when its clock's entry for t has reached
// that tick. A thread's tick advances each time it publishes its clock (a release), so that what comes later is not
// covered by what was published.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace crochet::model {

inline constexpr int kMaxThreads = 6;      // threads of a scenario: 0 to 5
inline constexpr int kMain = kMaxThreads;  // constructs the scenario before they start, ends it after all have finished
inline constexpr int kLanes = 8;           // a clock fills one 16-byte register

using Tick = std::uint16_t;

// The ticks of all threads in one vector: compared and joined by a handful of instructions.
using Lanes [[gnu::vector_size(kLanes * sizeof(Tick))]] = Tick;

// Of a comparison of two vectors: whether it held for any lane.
template <class Mask>
bool any_lane(Mask mask) noexcept {
  using Halves = std::array<std::uint64_t, 2>;
  const auto halves = std::bit_cast<Halves>(mask);
  return (halves[0] | halves[1]) != 0;
}

class VectorClock {
 public:
  Tick of(int thread) const noexcept { return ticks_[thread]; }
  const Lanes& ticks() const noexcept { return ticks_; }
  bool knows(int thread, Tick tick) const noexcept { return tick <= ticks_[thread]; }
  void set(int thread, Tick tick) noexcept { ticks_[thread] = tick; }
  void advance(int thread) noexcept { ++ticks_[thread]; }

  void join(const VectorClock& other) noexcept { ticks_ = ticks_ < other.ticks_ ? other.ticks_ : ticks_; }

  // Everything that `other` knows is known here.
  bool covers(const VectorClock& other) const noexcept { return !any_lane(other.ticks_ > ticks_); }

 private:
  Lanes ticks_ = {};
};

// When each thread first read or wrote a certain store. Whoever knows of one of these events must not see older stores.
class Sightings {
 public:
  void clear() noexcept { first_ = Lanes{} + kNever; }
  bool by(int thread) const noexcept { return first_[thread] != kNever; }
  void add(int thread, Tick tick) noexcept {
    if (!by(thread)) first_[thread] = tick;
  }
  bool any_known_to(const VectorClock& clock) const noexcept { return any_lane(first_ <= clock.ticks()); }

 private:
  static constexpr Tick kNever = std::numeric_limits<Tick>::max();

  Lanes first_;
};

}  // namespace crochet::model
