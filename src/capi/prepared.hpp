// SPDX-License-Identifier: MIT
// Calls that are being prepared: what their setters ask first.
#pragma once

#include "capi/entry.hpp"
#include "loop/loop_table.hpp"

namespace crochet {

// A prepared call: nobody refers to it yet but who prepares it.
inline Call* open(crochet_call* handle) {
  const Target target = target_of(handle);
  if (target.call == nullptr) return nullptr;
  const Word w = target.call->word.load(acquire);
  return word::generation(w) == target.generation && word::references(w) == 0 ? target.call : nullptr;
}

// From before a fork, in the child.
inline bool is_parents(const Call& call) {
  return process_is_forked() || loop_table::block(call.loop.load(relaxed))->is_parents();
}

// From before a fork, in the child, or for a loop that has a limit.
inline bool is_special(const Call& call) {
  return process_is_forked() || loop_table::block(call.loop.load(relaxed))->is_special();
}

// What a prepared call will wait for; null: nothing.
inline Call* after_of(const Call& call) {
  const SideRecord* side = call.side();
  return side == nullptr ? nullptr : static_cast<Call*>(side->after);
}

inline bool is_at_stop(const Call& call) { return (call.word.load(relaxed) & word::kAtStop) != 0; }

inline bool is_conditional(const Call& call) { return (call.word.load(relaxed) & word::kConditional) != 0; }

}  // namespace crochet
