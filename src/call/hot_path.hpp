// SPDX-License-Identifier: MIT
// The transitions that every call goes through, inline; what only few need is called from here, out of line. Nothing
// else belongs here: a function earns its place by an instruction count.
#pragma once

#include "call/call.hpp"
#include "call/call_memory.hpp"

namespace crochet {

inline constexpr std::uint32_t kDeferredCountMask = (std::uint32_t{1} << Call::kDeferredCountBits) - 1;

constexpr std::uint32_t deferred_count(Word generation, std::uint32_t count) {
  return (static_cast<std::uint32_t>(generation) << Call::kDeferredCountBits) | count;
}

inline Word Call::make(std::uint32_t loop_id, std::uint64_t fn, void* argument, crochet_drop_fn* argument_drop,
                       Word handles, Word flags, From from) {
  const Word generation = word::generation(word.load(relaxed));
  function.store(fn, relaxed);
  arg = argument;
  drop = argument_drop;
  deferreds.store(deferred_count(generation, 1), relaxed);
  loop.store(loop_id, relaxed);
  // release: with the acquire of a sweep that pins the call, or of whoever pops it. Nothing is written after this.
  word.store(word::in_generation(generation) | static_cast<Word>(from) | flags | (handles + 1) * word::kReference,
             release);
  return generation;
}

// ---- The loop's thread ----

inline bool Call::start() {
  Word w = word.load(relaxed);
  do {
    if (word::phase(w) != Phase::kQueued) return false;
    // acq_rel: who settles or cancels from here on sees a call that runs.
  } while (!word.compare_exchange_weak(w, word::with_phase(w, Phase::kRunning), acq_rel, relaxed));
  return true;
}

inline void Call::run() {
  call_function(plain_function(), word::generation(word.load(relaxed)), arg);
  // acquire: with the releases of other deferreds, so that what they did happens before drop(arg).
  const std::uint32_t held = deferreds.load(acquire);
  if ((held & kDeferredCountMask) != 1) {
    release_deferred(held >> kDeferredCountBits);
    return;
  }
  deferreds.store(held - 1, relaxed);  // nobody else holds one, so nobody else can change the count
  finish();
}

inline void Call::finish() {
  if (drop == nullptr && side() == nullptr) {
    Word w = word.load(acquire);
    // Settled, and handles are left: the common end of a call.
    if (word::settled(w) && word::references(w) > 1 && (w & word::kJoiners) == 0) {
      // acq_rel: as in finish_slowly().
      if (word.compare_exchange_strong(w, (w | word::kFinished) - word::kReference, acq_rel, relaxed)) return;
    }
  }
  finish_slowly();
}

// ---- Settling ----

inline int Call::settle(Word generation, Outcome outcome, void* result, crochet_drop_fn* result_drop) {
  Word w = word.load(relaxed);
  do {
    if (!word::alive(w, generation) || word::phase(w) != Phase::kRunning) return why_not_settled(generation);
    // acquire: the outcome's fields are this thread's alone until it publishes.
  } while (!word.compare_exchange_weak(w, word::with_phase(w, Phase::kSettling), acquire, relaxed));
  value = result;
  value_drop = result_drop;
  publish(outcome);
  return CROCHET_OK;
}

inline void Call::publish(Outcome outcome) {
  constexpr Word kStep = static_cast<Word>(Phase::kSettled) - static_cast<Word>(Phase::kSettling);
  // acq_rel: with the acquire of every wait. Flags may have been set meanwhile, hence an addition.
  const Word before = word.fetch_add(kStep + (static_cast<Word>(outcome) << word::kOutcomeShift), acq_rel);
  if ((before & (word::kWaiters | word::kWatched | word::kFinished)) != 0) published_with_company(before);
}

// ---- Results ----

inline bool Call::release_handle(Word generation) {
  // acquire: what other holders did happens before the destruction.
  Word w = word.load(acquire);
  do {
    if (!word::alive(w, generation)) return false;
    if (word::settled(w) && word::references(w) == 1) {  // N7
      destroy(w);
      return true;
    }
    // Never to zero: an unsettled word has the group's reference beside the handle's (N1).
  } while (!word.compare_exchange_weak(w, w - word::kReference, acq_rel, acquire));
  return true;
}

inline void Call::destroy(Word last) {
  const bool has_value = word::outcome(last) == Outcome::kValue;
  if (!has_value || value_drop != nullptr || side() != nullptr) return destroy_slowly(last);
  // N5. release: who allocates the slot next, and any stale look at it, sees this life ended.
  word.store(word::unused(word::generation(last) + 1), release);
  free_call(this);
}

}  // namespace crochet
