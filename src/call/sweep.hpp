// SPDX-License-Identifier: MIT
// Finding the calls of a loop without a registry: a walk over all slots, each candidate pinned by a reference.
//
// Complete for calls that happened before (the loop's queue is closed first): a call's word is written last when it is
// made, and only a live unsettled word can be pinned. Loop ids are not reused while an unsettled call carries them.
#pragma once

#include <utility>

#include "call/call.hpp"
#include "call/call_memory.hpp"

namespace crochet {

// Pins an unsettled call of that loop. False: it is none, or not any more.
inline bool pin(Call& call, std::uint32_t loop_id) {
  Word w = call.word.load(acquire);
  do {
    if (!word::unsettled_and_free(w) || word::references(w) == 0) return false;
    if (call.loop.load(relaxed) != loop_id) return false;
  } while (!call.word.compare_exchange_weak(w, w + word::kReference, acq_rel, acquire));
  if (call.loop.load(relaxed) == loop_id) return true;
  call.release_reference();  // the slot was recycled between the look at the loop and the pin
  return false;
}

// visit(Call&) for each unsettled call of the loop, pinned meanwhile. It may settle it, and run user code. step() for
// each slot there is.
template <class Visit, class Step>
void for_each_unsettled(std::uint32_t loop_id, Visit&& visit, Step&& step) {
  CallWalk walk;
  while (Call* call = walk.next()) {
    step();
    if (!pin(*call, loop_id)) continue;
    const GivesBack pinned{*call};
    visit(*call);
  }
}

template <class Visit>
void for_each_unsettled(std::uint32_t loop_id, Visit&& visit) {
  for_each_unsettled(loop_id, std::forward<Visit>(visit), [] {});
}

// Is it a call of that loop that is not finished? A look that may be out of date; never false for one that stays so.
inline bool is_unfinished(const Call& call, std::uint32_t loop_id) {
  const Word w = call.word.load(acquire);
  return word::references(w) != 0 && !word::finished(w) && word::outcome(w) != Outcome::kForked &&
         call.loop.load(relaxed) == loop_id;
}

}  // namespace crochet
