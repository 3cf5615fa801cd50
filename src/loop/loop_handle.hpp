// SPDX-License-Identifier: MIT
// What callers hold of a loop: its control block's address with the block's generation in the low bits.
#pragma once

#include <cstdint>

#include "loop/loop.hpp"

namespace crochet {

static_assert(alignof(Loop) >= Loop::kGenerations);

struct LoopTarget {
  Loop* loop;
  std::uint32_t generation;

  bool alive() const { return loop != nullptr && loop->alive(generation); }
  // The loop whose thread this is: lent as long as it runs, though nobody else may have a handle any more.
  bool is_here() const { return loop != nullptr && loop == current_loop() && loop->generation() == generation; }
};

inline crochet_loop* loop_handle(const Loop* loop) {
  return reinterpret_cast<crochet_loop*>(reinterpret_cast<std::uintptr_t>(loop) | loop->generation());
}

inline LoopTarget target_of(const crochet_loop* handle) {
  constexpr std::uintptr_t kLowBits = Loop::kGenerations - 1;
  const auto bits = reinterpret_cast<std::uintptr_t>(handle);
  return {reinterpret_cast<Loop*>(bits & ~kLowBits), static_cast<std::uint32_t>(bits & kLowBits)};
}

}  // namespace crochet
