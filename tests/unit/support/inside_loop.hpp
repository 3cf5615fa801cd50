// SPDX-License-Identifier: MIT
// The private fields of a loop that several tests reach.
#pragma once

#include <cstdint>

#include "loop/loop.hpp"
#include "unit/support/inside.hpp"

namespace crochet {

struct IdOfLoop {
  friend Atomic<std::uint32_t> Loop::*field(IdOfLoop);
};
template struct Inside<IdOfLoop, &Loop::id_>;
struct StateOfLoop {
  friend Atomic<Word> Loop::*field(StateOfLoop);
};
template struct Inside<StateOfLoop, &Loop::state_>;
struct ReferencesOfLoop {
  friend Atomic<std::uint64_t> Loop::*field(ReferencesOfLoop);
};
template struct Inside<ReferencesOfLoop, &Loop::references_>;
struct QueueOfLoop {
  friend CallQueue Loop::*field(QueueOfLoop);
};
template struct Inside<QueueOfLoop, &Loop::queue_>;
struct WakeUpOfLoop {
  friend WakeUp Loop::*field(WakeUpOfLoop);
};
template struct Inside<WakeUpOfLoop, &Loop::wake_up_>;

inline void pretend_id(Loop& loop, std::uint32_t id) { (loop.*field(IdOfLoop{})).store(id); }
inline void pretend(Loop& loop, Loop::State state) { (loop.*field(StateOfLoop{})).store(static_cast<Word>(state)); }
// The counts of handles and holds, and the generation above them.
inline Atomic<std::uint64_t>& references_of(Loop& loop) { return loop.*field(ReferencesOfLoop{}); }
inline CallQueue& queue_of(Loop& loop) { return loop.*field(QueueOfLoop{}); }
inline WakeUp& wake_up_of(Loop& loop) { return loop.*field(WakeUpOfLoop{}); }

}  // namespace crochet
