// SPDX-License-Identifier: MIT
// What only few calls need, kept out of the 64 bytes of all: a label, times, an on-cancel hook, the list of watchers.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"
#include "crochet.h"

namespace crochet {

struct Call;
struct Timing;

// An on-cancel hook. Whoever takes the pointer out of its record owns it, and runs it or drops its argument.
struct Hook {
  crochet_call_fn* function;
  void* arg;
  crochet_drop_fn* drop;
};

// Installed once in a call's life, by whoever needs it first (Call::need_side); gone when the call is destroyed.
struct SideRecord {
  // Read by who looks at all calls as well, hence atomic; published by the word.
  Atomic<std::uint64_t> function{0};   // what the call's own field held; fixed when the call is made
  Atomic<const char*> label{nullptr};  // fixed before the call is made
  // For who looks: the handle of the result that the call waits for, or kItsTime.
  Atomic<std::uint64_t> waits_for{0};
  static constexpr std::uint64_t kItsTime = 1;  // no handle is that
  Plain<void*> storage{nullptr};       // storage too large for the pool: malloc's; fixed before the call is made
  Plain<Call*> after{nullptr};         // prepared after-call: the call it will wait for, with a reference
  Plain<Timing*> timing{nullptr};      // of a call that is kConditional: when it may start
  Atomic<Hook*> hook{nullptr};         // see hook.hpp
  Atomic<std::uint64_t> watchers{0};   // see watchers.hpp
  Atomic<std::uint32_t> adds{0};       // watchers added since the last pruning; a hint, publishes nothing
  Atomic<std::uint32_t> prune_at{16};  // prune when `adds` gets there; a hint
  Plain<SideRecord*> next{nullptr};    // ended, while somebody may still read it: see side_reading.hpp
};

}  // namespace crochet
