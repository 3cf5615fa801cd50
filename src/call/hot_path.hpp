// SPDX-License-Identifier: MIT
// The transitions that every call goes through, inline; what only few need is called from here, out of line. Nothing
// else belongs here: a function earns its place by an instruction count.
#pragma once

#include "base/forced_unwind.hpp"
#include "call/call.hpp"
#include "call/call_memory.hpp"
#include "call/handle.hpp"

namespace crochet {

constexpr std::uint32_t deferred_count(Word generation, std::uint32_t count) {
  return static_cast<std::uint32_t>(generation) | (count << Call::kDeferredCountShift);
}
constexpr std::uint32_t deferred_count(std::uint32_t deferreds) { return deferreds >> Call::kDeferredCountShift; }

inline Word Call::make(std::uint32_t loop_id, std::uint64_t fn, void* argument, crochet_drop_fn* argument_drop,
                       Word handles, Word flags, From from) {
  // release: with see(), here and below. Who sees a field of this life sees the life before ended.
  function.store(fn, release);
  return make_prepared(loop_id, argument, argument_drop, handles, flags, from);
}

inline Word Call::make_prepared(std::uint32_t loop_id, void* argument, crochet_drop_fn* argument_drop, Word handles,
                                Word flags, From from) {
  // A wait through a stale handle may have left a flag in the word: the generation alone is taken.
  const Word generation = word::generation(word.load(relaxed));
  arg = argument;
  drop = argument_drop;
  deferreds.store(deferred_count(generation, 1), relaxed);
  loop.store(loop_id, release);
  const Phase phase = from == From::kQueue ? Phase::kQueued : Phase::kRunning;
  // release: with the acquire of a sweep that pins the call, or of whoever pops it. Nothing is written after this.
  word.store(generation + (word::phase_bits(phase) + flags + (handles + 1) * word::kReference), release);
  return generation;
}

// ---- The loop's thread ----

inline bool Call::start() {
  Word w = word.load(relaxed);
  do {
    if (!word::starts_plainly(w)) return false;
    // acq_rel: who settles or cancels from here on sees a call that runs.
  } while (!word.compare_exchange_weak(w, w - word::phase_bits(kOnePhase), acq_rel, relaxed));
  return true;
}

[[gnu::always_inline]] CROCHET_CATCHES_FORCED_UNWIND inline void Call::run() {
  const Word generation = word::generation(word.load(relaxed));
  try {
    plain_function()(deferred_handle(this, generation), arg);
  } catch (abi::__forced_unwind&) {
    thread_ends_in_callback(generation);
    throw;
  } catch (...) {
    callback_has_thrown(generation);
  }
  // acquire: with the releases of other deferreds, so that what they did happens before drop(arg).
  if (deferreds.load(acquire) != deferred_count(generation, 1)) {
    release_deferred(generation);
    return;
  }
  // relaxed: nobody else holds one, so nobody else can change the count.
  deferreds.store(deferred_count(generation, 0), relaxed);
  finish();
}

inline void Call::finish() {
  Word w = word.load(acquire);
  // No argument to be dropped, nobody joins: the common ends of a call.
  if (drop == nullptr && (w & (word::kJoiners | word::kHasMore)) == 0) {
    if (word::references(w) > 1) {
      // acq_rel: as in finish_slowly().
      if (word::settled(w) &&
          word.compare_exchange_strong(w, w + (word::kFinished - word::kReference), acq_rel, relaxed)) {
        return;
      }
    } else if (word::settled(w)) {
      if (word::outcome(w) == Outcome::kValue && value_drop == nullptr) {
        end_life(word::generation(w));  // N7
        return free_plain_call(this);
      }
    } else if (word::phase(w) == Phase::kRunning && (w & word::kForgotten) != 0) {
      // Nobody wants to know, but a sweep may have pinned it. acq_rel: as in finish_slowly().
      if (word.compare_exchange_strong(w, word::unused(word::generation(w) + 1), acq_rel, relaxed)) {
        return free_plain_call(this);
      }
    }
  }
  finish_slowly();
}

// ---- Settling ----

inline bool Call::claim(Word generation) {
  Word w = word.load(relaxed);
  do {
    if (!word::runs(w, generation)) return false;
    // acquire: the outcome's fields are this thread's alone until it publishes.
  } while (!word.compare_exchange_weak(w, w - word::phase_bits(kOnePhase), acquire, relaxed));
  return true;
}

inline int Call::publish(Outcome outcome) {
  // acq_rel: with the acquire of every wait. Flags may have been set meanwhile, hence an addition.
  const Word before = word.fetch_add(word::outcome_bits(outcome) - word::phase_bits(kOnePhase), acq_rel);
  if ((before & (word::kWaiters | word::kWatched | word::kFinished)) == 0) return CROCHET_OK;
  return published_with_company(before);
}

inline int Call::resolve(void* result, crochet_drop_fn* result_drop) {
  value = result;
  value_drop = result_drop;
  return publish(Outcome::kValue);
}

inline int Call::settle(Word generation, void* result, crochet_drop_fn* result_drop) {
  return claim(generation) ? resolve(result, result_drop) : why_not_claimed(generation);
}

// ---- Results ----

inline bool Call::release_handle(Word generation) {
  // acquire: what other holders did happens before the destruction.
  const Word w = word.load(acquire);
  if (!word::ends_plainly(w, generation) || value_drop != nullptr) return release_slowly(generation);
  end_life(generation);  // N7
  free_plain_call(this);
  return true;
}

inline void Call::end_life(Word generation) {
  // N5. release: who allocates the slot next, and any stale look at it, sees this life ended.
  word.store(word::unused(generation + 1), release);
}

}  // namespace crochet
