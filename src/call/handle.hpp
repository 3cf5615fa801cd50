// SPDX-License-Identifier: MIT
// What callers hold: a slot's address with the call's generation, and the kind of handle, in its six low bits.
#pragma once

#include <cstdint>

#include "call/call.hpp"

namespace crochet {

// Where a handle points to. `call` is null when the handle is; of the wrong kind it has a generation that no call has.
struct Target {
  Call* call;
  Word generation;
};

namespace handle {

inline constexpr std::uintptr_t kDeferredBit = 32;
inline constexpr std::uintptr_t kLowBits = alignof(Call) - 1;
static_assert(kLowBits == (kDeferredBit | (word::kGenerations - 1)));

inline std::uintptr_t make(const Call* call, Word generation, std::uintptr_t kind) {
  return reinterpret_cast<std::uintptr_t>(call) | static_cast<std::uintptr_t>(generation) | kind;
}
inline Target open(const void* handle, std::uintptr_t kind) {
  const auto bits = reinterpret_cast<std::uintptr_t>(handle);
  return {reinterpret_cast<Call*>(bits & ~kLowBits), static_cast<Word>((bits ^ kind) & kLowBits)};
}

}  // namespace handle

inline crochet_result* result_handle(const Call* call, Word generation) {
  return reinterpret_cast<crochet_result*>(handle::make(call, generation, 0));
}
inline crochet_deferred* deferred_handle(const Call* call, Word generation) {
  return reinterpret_cast<crochet_deferred*>(handle::make(call, generation, handle::kDeferredBit));
}
inline crochet_call* prepared_handle(const Call* call, Word generation) {
  return reinterpret_cast<crochet_call*>(handle::make(call, generation, 0));
}

inline Target target_of(const crochet_result* result) { return handle::open(result, 0); }
inline Target target_of(const crochet_error* error) { return handle::open(error, 0); }
inline Target target_of(const crochet_call* call) { return handle::open(call, 0); }
inline Target target_of(const crochet_deferred* deferred) { return handle::open(deferred, handle::kDeferredBit); }

}  // namespace crochet
