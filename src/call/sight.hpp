// SPDX-License-Identifier: MIT
// What can be seen of a call that is somebody else's, while it goes on: a copy, for who lists what is outstanding.
//
// Nothing is held, so that looking never ends a call, nor runs what its host would drop then. The slot is type-stable
// and all that is read is atomic; the word is read first and last, and both must be of one life. (32 lives later, in
// the middle of one look, two would be taken for one: the copy is wrong then, and nothing else.)
#pragma once

#include <cstdint>

#include "call/call.hpp"
#include "call/call_memory.hpp"

namespace crochet {

struct Sight {
  Word word;
  std::uint32_t loop;
  std::uint32_t deferreds;    // held references of the producer's side
  crochet_call_fn* function;  // null: made without one
  const char* label;          // static; null: none
  std::uint64_t waits_for;    // see SideRecord::waits_for; 0: nothing
  std::int64_t first_seen;    // monotonic; 0: no memory to note it
  std::uint64_t id;           // what the result's handle looks like
};

// Is it made, and not finished?
inline bool is_outstanding(Word w) {
  return word::references(w) != 0 && !word::finished(w) && word::outcome(w) != Outcome::kForked &&
         word::outcome(w) != Outcome::kUnused;
}

// Would it start now, if its loop came to it?
inline bool waits_for_its_turn(const Sight& sight) {
  return word::phase(sight.word) == Phase::kQueued && (sight.word & word::kAtStop) == 0 && sight.waits_for == 0;
}

// Looks at a slot, whatever is in it. False: it is not outstanding, or was another one before the look was over.
bool see(Call& call, Sight* out);

// What the call that a loop's thread is busy with is called, also when it has ended and its value is dropped. The
// thread keeps its slot from being used again. Else what comes of it means nothing, and nothing worse.
void see_name(Call& call, crochet_call_fn** out_function, const char** out_label);

// Notes of each outstanding call that it was seen.
void see_all();

// visit(Call&, const Sight&) for each outstanding call of that loop; 0: of all. Until it returns false.
template <class Visit>
void for_each_outstanding(std::uint32_t loop_id, Visit&& visit) {
  CallWalk walk;
  while (Call* call = walk.next()) {
    // Most slots of most walks are free or another loop's: two loads.
    if (!is_outstanding(call->word.load(relaxed))) continue;
    if (loop_id != 0 && call->loop.load(relaxed) != loop_id) continue;
    Sight sight;
    if (!see(*call, &sight) || (loop_id != 0 && sight.loop != loop_id)) continue;
    if (!visit(*call, sight)) return;
  }
}

}  // namespace crochet
