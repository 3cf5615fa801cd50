// SPDX-License-Identifier: MIT
// Type-stable memory for calls of one size: slabs that are never given back, a depot of magazines between threads, and
// per-thread magazines that need no atomic operation. A slot is a Call from the slab's birth on, so that a stale handle
// or a sweep may look at it at any time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "call/call.hpp"
#include "call/depot.hpp"

namespace crochet {

class Pool {
  struct Slab;

 public:
#ifdef CROCHET_MODEL
  static constexpr std::size_t kSlabSize = std::size_t{1} << 20;
  static constexpr std::uint32_t kSlotsPerSlabAtMost = 4;
  static constexpr std::uint32_t kMagazineSize = 2;
  static constexpr std::size_t kMostSlabs = 16;
#else
  static constexpr std::size_t kSlabSize = std::size_t{1} << 16;
  static constexpr std::uint32_t kSlotsPerSlabAtMost = kSlabSize / sizeof(Call);
  static constexpr std::uint32_t kMagazineSize = 64;
  static constexpr std::size_t kMostSlabs = std::size_t{1} << 15;
#endif

  // A chain of free slots, linked by Call::next.
  struct Magazine {
    Call* top = nullptr;
    std::int32_t room = kMagazineSize;  // for so many more

    std::uint32_t count() const { return kMagazineSize - static_cast<std::uint32_t>(room); }
  };
  // One thread's: what is loaded, and a full or empty one beside it, so that no pattern goes to the depot each time.
  struct Cache {
    Magazine loaded;
    Magazine spare;
  };

  static Call* pop(Magazine& magazine) {  // not empty
    Call* call = magazine.top;
    magazine.top = call->next;
    ++magazine.room;
    return call;
  }
  static void push(Magazine& magazine, Call* call) {
    call->next = magazine.top;
    magazine.top = call;
    --magazine.room;
  }

  static bool push_if_room(Magazine& magazine, Call* call) {
    if (--magazine.room < 0) {  // one instruction to count and to ask
      magazine.room = 0;
      return false;
    }
    call->next = magazine.top;
    magazine.top = call;
    return true;
  }

  // A pool's slabs, found by their numbers; apart from the pool, so that the library's file need not hold all the
  // zeros.
  struct Slabs {
    Atomic<Slab*> at[kMostSlabs] = {};
  };

  // slot_size: a multiple of Call's alignment, sizeof(Call) at least. number: the owner's, for number_of.
  constexpr Pool(Slabs& slabs, std::uint32_t slot_size, std::uint32_t number)
      : slabs_(slabs), slot_size_(slot_size), number_(number) {}

  Call* allocate(Cache& cache);         // null: no memory
  void free(Cache& cache, Call* call);  // call is the caller's alone, R = 0
  void give_back(Cache& cache);         // the thread ends: everything to the depot
  Call* allocate_without_cache();       // for threads that have none (any more)
  void free_without_cache(Call* call);

  static std::uint32_t number_of(const Call* call) { return Slab::of(call)->pool_number; }

  // When the call in this slot was first seen, for who looks at all calls: beside the slots, since few programs ever
  // ask. Null: no memory. Nothing of it is given back.
  Atomic<std::int64_t>* first_seen(const Call* call);

  // Every slot that was ever made, in a fixed order: position 0 upwards, null at the end. A call that happened before
  // is seen; memory is never given back.
  Call* slot(std::size_t position) const;

  Atomic<std::uint64_t>& link(std::uint32_t index);  // for the depot

 private:
  // A slab's head; slots follow. Aligned to the slab's size, so that a slot finds it by its own address.
  struct alignas(64) Slab {
    std::uint32_t pool_number;
    std::uint32_t number;
    Atomic<Atomic<std::int64_t>*> first_seen{nullptr};  // one for each slot; null: nobody has looked yet
    static Slab* of(const Call* call) {
      return reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(call) & ~(kSlabSize - 1));
    }
  };

  Call* slot_in(Slab* slab, std::uint32_t i) const;
  Magazine take_magazine();  // from the depot, or a new slab; empty: no memory
  void give_magazine(Magazine magazine);
  bool grow();
  bool publish(Slab* slab);
  std::uint32_t slots_per_slab() const;
  std::uint32_t index_of(const Call* call) const;
  Call* at(std::uint32_t index) const;

  Slabs& slabs_;
  const std::uint32_t slot_size_;
  const std::uint32_t number_;
  Depot<Pool> depot_;
  Atomic<std::uint32_t> first_empty_{0};
};

}  // namespace crochet
