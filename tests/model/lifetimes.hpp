// SPDX-License-Identifier: MIT
// Which pieces of memory are alive, and whether all their users know it.
//
// Birth and death count as writes to the whole piece: a use must happen after the birth, a death after every use. So a
// use of dead memory is found even in an execution that happened to run it in time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/clock.hpp"

namespace crochet::model {

enum class Memory {
  kHeap,        // dead: must not be touched at all. The allocator orders a death before the next birth at that address
  kTypeStable,  // a pool's slot. Dead: its atomics may still be touched, its plain fields must not.
                // The pool itself must order a death before the next birth
};

// Marks. `what` names the piece in failures.
void born(const void* begin, std::size_t size, const char* what, Memory kind = Memory::kHeap);
void died(const void* begin);

// Where an atomic or plain field remembers the piece that it lies in.
struct PieceCache {
  std::uint32_t version = 0;
  int piece = 0;
};

class Lifetimes {
 public:
  void clear() noexcept;
  void birth(const void* begin, std::size_t size, const char* what, Memory kind);
  void death(const void* begin);
  // Called by every operation of a tracked object. The innermost piece around it decides; outside of all: no check.
  void touch(PieceCache& cache, const void* object, bool is_atomic) {
    if (count_ != 0) check(cache, object, is_atomic);
  }
  // The leak report.
  void expect_none_alive() const;

 private:
  static constexpr int kMaxPieces = 1024;

  struct Piece {
    std::uintptr_t begin = 0;
    std::size_t size = 0;
    const char* what = nullptr;
    Memory kind = Memory::kHeap;
    bool alive = false;
    int changed_by = 0;  // born or died: in this thread, then
    Tick changed_at = 0;
    VectorClock used;  // the last use by each thread since the birth
  };

  int find(const void* begin) const noexcept;
  int innermost_around(const void* object) const noexcept;
  void check(PieceCache& cache, const void* object, bool is_atomic);

  int count_ = 0;
  std::uint32_t version_ = 0;  // of the set of pieces: changes whenever a cache may be wrong
  Piece pieces_[kMaxPieces];
};

extern constinit Lifetimes lifetimes;

}  // namespace crochet::model
