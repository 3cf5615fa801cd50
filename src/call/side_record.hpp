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
  Plain<std::uint64_t> function{0};        // what the call's own field held; fixed at installation
  Plain<const char*> label{nullptr};       // fixed before the call is made
  Plain<void*> storage{nullptr};           // storage too large for the pool: malloc's; fixed before the call is made
  Plain<Call*> after{nullptr};             // prepared after-call: the call it will wait for, with a reference
  Plain<Timing*> timing{nullptr};          // of a call that is kConditional: when it may start
  Atomic<Hook*> hook{nullptr};             // see hook.hpp
  Atomic<std::uint64_t> watchers{0};       // see watchers.hpp
  Atomic<std::uint32_t> adds{0};           // watchers added since the last pruning; a hint, publishes nothing
  Atomic<std::uint32_t> prune_at{16};      // prune when `adds` gets there; a hint
};

}  // namespace crochet
