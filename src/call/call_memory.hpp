// SPDX-License-Identifier: MIT
// Where calls come from and go to: size classes for their storage, this thread's caches, and the walk over all calls.
#pragma once

#include <cstddef>

#include "call/call.hpp"
#include "call/pool.hpp"

namespace crochet {

// A slot with R = 0 and zeroed storage behind it. Null: no memory. Any thread.
Call* allocate_call_with_storage(std::size_t storage_size);
Call* allocate_call();
// Called by who ended the slot's life (N5), or by who allocated it and never made a call of it.
void free_call(Call* call);
void free_plain_call(Call* call);  // one of allocate_call()
// What was asked for; null: none.
void* call_storage(const Call* call);

// See Pool::first_seen().
Atomic<std::int64_t>* first_seen(const Call* call);

// Stands before a slot; walks over every call there ever was, of all sizes. Copyable: a place to come back to.
class CallWalk {
 public:
  Call* next();  // null: the end; calls that happened before the walk are never missed
 private:
  std::size_t pool_ = 0;
  std::size_t position_ = 0;
};

#ifdef CROCHET_MODEL

inline void free_plain_call(Call* call) { free_call(call); }

#else

inline constexpr std::size_t kPools = 4;

// This thread's cache of calls without storage. A thread that has none, not yet or not any more, has a magazine that is
// full and holds nothing, so that the fast paths need not ask.
inline constexpr Pool::Magazine kNoMagazine{nullptr, 0};
extern constinit thread_local Pool::Cache t_plain_calls;

inline bool has_call_at_hand() { return t_plain_calls.loaded.top != nullptr; }
inline Call* take_call_at_hand() { return Pool::pop(t_plain_calls.loaded); }

inline void free_plain_call(Call* call) {
  if (!Pool::push_if_room(t_plain_calls.loaded, call)) free_call(call);
}

#endif

}  // namespace crochet
