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
// What was asked for; null: none.
void* call_storage(const Call* call);

// Stands before a slot; walks over every call there ever was, of all sizes. Copyable: a place to come back to.
class CallWalk {
 public:
  Call* next();  // null: the end; calls that happened before the walk are never missed
 private:
  std::size_t pool_ = 0;
  std::size_t position_ = 0;
};

#ifndef CROCHET_MODEL

inline constexpr std::size_t kPools = 4;

struct ThreadCache {
  Pool::Cache of[kPools];
};

// This thread's; null: none yet, or no more.
extern constinit thread_local ThreadCache* t_cache;

Call* allocate_call_slowly();
void free_call_slowly(Call* call);

inline Call* allocate_call() {
  if (ThreadCache* cache = t_cache) {
    Pool::Magazine& loaded = cache->of[0].loaded;
    if (loaded.top != nullptr) return Pool::pop(loaded);
  }
  return allocate_call_slowly();
}

inline void free_call(Call* call) {
  if (ThreadCache* cache = t_cache) {
    Pool::Magazine& loaded = cache->of[Pool::number_of(call)].loaded;
    if (loaded.count < Pool::kMagazineSize) return Pool::push(loaded, call);
  }
  free_call_slowly(call);
}

#endif

}  // namespace crochet
