// SPDX-License-Identifier: MIT
// A call in a known state, with the generation its handles carry; and what can be read off its word.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "call/call.hpp"
#include "call/call_memory.hpp"
#include "call/handle.hpp"
#include "call/hot_path.hpp"

namespace crochet {

inline constexpr std::uint32_t kLoopId = 77;

// Functions of calls.
inline void do_nothing(crochet_deferred*, void*) {}
inline int settle_by(crochet_deferred* deferred, void* value = nullptr, crochet_drop_fn* drop = nullptr) {
  const Target target = target_of(deferred);
  return target.call->settle(target.generation, value, drop);
}
inline void resolve_null(crochet_deferred* deferred, void*) { settle_by(deferred); }

struct MadeCall {
  Call* call;
  Word generation;

  Call* operator->() const { return call; }
  Word word() const { return call->word.load(acquire); }
  Word references() const { return word::references(word()); }
  bool has(Word flag) const { return (word() & flag) != 0; }
  // The life it was made for is over and the slot was given back.
  bool is_destroyed() const { return word() == word::unused(generation + 1); }

  int resolve(void* value = nullptr, crochet_drop_fn* drop = nullptr) const {
    return call->settle(generation, value, drop);
  }
  int reject(int code, const char* message = nullptr) const {
    return call->reject(generation, code, message, 0, nullptr, nullptr);
  }
  // The outcome, which is also expected to be CROCHET_OK.
  int cancel() const {
    int outcome = -1;
    EXPECT_EQ(call->cancel(generation, &outcome), CROCHET_OK);
    return outcome;
  }
  bool release_deferred() const { return call->release_deferred(generation); }
  bool release() const { return call->release_handle(generation); }
};

// In a queue's hands: the group's reference is the queue's (N2).
inline MadeCall queued_call(crochet_call_fn* fn = do_nothing, void* arg = nullptr, crochet_drop_fn* drop = nullptr,
                            Word handles = 1, Word flags = 0, std::uint32_t loop_id = kLoopId) {
  Call* call = allocate_call();
  return {call, call->make(loop_id, Call::plain_field(fn), arg, drop, handles, flags)};
}

// Made by hand: it runs from the start, the one deferred is the maker's.
inline MadeCall running_call(void* arg = nullptr, crochet_drop_fn* drop = nullptr, Word handles = 1, Word flags = 0,
                             std::uint32_t loop_id = kLoopId) {
  Call* call = allocate_call();
  return {call, call->make(loop_id, 0, arg, drop, handles, flags, Call::From::kHand)};
}

}  // namespace crochet
