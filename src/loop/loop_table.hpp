// SPDX-License-Identifier: MIT
// All loops by their ids. Control blocks are made when they are needed and reused, never unmapped.
//
// An id is the block's place in the table and how often it was used before, so that a call made for a loop that has
// ended is never taken for one of the loop that uses the block now. Reading is lock-free; making and reusing is for the
// runtime, under its lock.
#pragma once

#include <cstdint>

#include "loop/loop.hpp"

namespace crochet {

namespace loop_table {

inline constexpr std::uint32_t kPlaceBits = 12;
inline constexpr std::uint32_t kPlaces = std::uint32_t{1} << kPlaceBits;  // place 0 stays empty: no id is 0

// acquire on reading, release on writing: who finds a block sees it made. After place 0 the first null is the end.
extern constinit Atomic<Loop*> places[kPlaces];

// The block an id points to, whatever loop uses it now; null: none yet.
inline Loop* block(std::uint32_t id) { return places[id & (kPlaces - 1)].load(acquire); }
// A block in State::kUnused, and the id for its next loop. Null: no memory, or all places are taken. Runtime's lock.
Loop* take_unused(std::uint32_t* out_id);
// visit(Loop&) for every block, used or not.
template <class Visit>
void for_each(Visit&& visit) {
  for (std::uint32_t place = 1; place < kPlaces; ++place) {
    Loop* loop = block(place);
    if (loop == nullptr) return;
    visit(*loop);
  }
}
// In a forked child, alone: the parent's loops are dead, their blocks never used again.
void leave_to_parent();

}  // namespace loop_table
}  // namespace crochet
