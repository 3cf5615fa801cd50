// SPDX-License-Identifier: MIT
// Where an atomic or a plain field comes from: the execution and the event that constructed it.
//
// What was made outside of any execution has static storage: it is as old as the world, known to everybody, and starts
// every execution with its first value. Memory that is all zero bytes looks the same, and is a zero of that age.
#pragma once

#include <cstdint>
#include <type_traits>

#include "model/execution.hpp"

namespace crochet::model {

struct Birth {
  std::uint32_t execution = 0;
  Tick tick = 0;
  std::uint8_t thread = 0;

  static constexpr Birth here() noexcept {
    if (std::is_constant_evaluated()) return {};
    const Execution& present = model::execution;
    if (present.number() == Execution::kNone) return {};
    return {present.number(), present.clock_of(present.thread()).of(present.thread()),
            static_cast<std::uint8_t>(present.thread())};
  }

  bool known_to(const VectorClock& clock) const noexcept { return clock.knows(thread, tick); }

  // To be asked when an object is first used in an execution.
  void expect_of_this_execution(const void* object) const noexcept;
};

}  // namespace crochet::model
