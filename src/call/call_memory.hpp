// SPDX-License-Identifier: MIT
// Where calls come from and go to: size classes for their storage, this thread's caches, and the walk over all calls.
#pragma once

#include <cstddef>

#include "call/call.hpp"

namespace crochet {

// A slot with R = 0 and zeroed storage behind it. Null: no memory. Any thread.
Call* allocate_call(std::size_t storage_size);
// Called by who ended the slot's life (N5), or by who allocated it and never made a call of it.
void free_call(Call* call);
// What was asked for in allocate_call(); null: none.
void* call_storage(const Call* call);

// Stands before a slot; walks over every call there ever was, of all sizes. Copyable: a place to come back to.
class CallWalk {
 public:
  Call* next();  // null: the end; calls that happened before the walk are never missed
 private:
  std::size_t pool_ = 0;
  std::size_t position_ = 0;
};

}  // namespace crochet
