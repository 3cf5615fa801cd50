// SPDX-License-Identifier: MIT
// The history of one atomic object: its stores in modification order, and who may see which of them.
//
// Modification order is a choice of its own, not the order of execution: a store may be slipped in below stores that
// its thread does not know yet. What a thread may read is bounded from below by coherence: never older than a store
// that it knows to have been written or read by anyone, itself included. A read-modify-write reads the store directly
// below its own, so no two of them ever read the same one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/birth.hpp"
#include "model/clock.hpp"

namespace crochet::model {

class Location {
 public:
  void start(std::uint64_t value, const Birth& birth);

  // Decisions: each returns the index of the store that is read.
  int choose_to_load(std::memory_order order);
  int choose_to_modify(std::memory_order order);
  // Never one that equals `expected` and is taken by another read-modify-write: a strong one can't fail on it.
  int choose_to_compare(std::uint64_t expected, bool sequential);

  std::uint64_t value(int index) const noexcept { return stores_[index].value; }
  std::uint64_t newest() const noexcept { return stores_[count_ - 1].value; }
  int behind(int index) const noexcept { return count_ - 1 - index; }
  bool known_to_be_born() const noexcept { return birth_.known_to(execution.clock()); }

  void read(int index, std::memory_order order);
  void write(std::uint64_t value, std::memory_order order);
  // The second half of a read-modify-write that has read `index`.
  void write_after(int index, std::uint64_t value, std::memory_order order);

  // For a futex, see park.cpp.
  VectorClock bucket;        // what the kernel's lock on this word orders
  std::uint32_t parked = 0;  // one bit for each thread
  int choose_under(const VectorClock& lock);
  void see(int index) noexcept;  // coherence only, no synchronisation

 private:
  static constexpr int kMaxStores = 48;
  static constexpr int kPatience = 2;  // how often a thread rereads a stale store: stores are visible in finite time

  struct Store {
    std::uint64_t value;
    VectorClock released;  // what an acquire load of this store comes to know
    Sightings sightings;
    bool modified;  // the next store is a read-modify-write's, and read this one
  };

  int oldest_visible(const VectorClock& clock) const noexcept;
  int oldest_visible(bool sequential) const noexcept;
  int oldest_readable(bool sequential) const noexcept;  // with patience
  void insert(int index, std::uint64_t value, std::memory_order order, const VectorClock* sequence);
  void make_room();

  int count_ = 0;
  int newest_sequential_ = 0;  // the last seq_cst store, or 0
  std::uint8_t stale_reads_[kLanes] = {};
  Birth birth_;
  Store stores_[kMaxStores];
};

// All locations of an execution.
class Locations {
 public:
  void clear() noexcept { used_ = 0; }
  Location& make(std::uint64_t value, const Birth& birth);

 private:
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<Location>> all_;
};

extern Locations locations;

void fence(std::memory_order order);

}  // namespace crochet::model
