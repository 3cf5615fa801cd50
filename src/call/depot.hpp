// SPDX-License-Identifier: MIT
// A lock-free stack of magazines: chains of free slots on their way from threads that free to threads that allocate.
//
// The head is {tag, index of a magazine's first slot}; the tag changes with every push and pop, so that a head seen
// twice is the same stack (ABA). The link to the next magazine lies in an atomic field of the magazine's first slot;
// memory is type-stable, so a pop that lost the race reads a live call's field, and its compare-exchange fails.
// It is consistent at every instant: a fork may happen between any two instructions.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace crochet {

// Slots: `Atomic<std::uint64_t>& link(std::uint32_t index)`; index 0 is none.
template <class Slots>
class Depot {
 public:
  struct Magazine {
    std::uint32_t first;  // index; 0: the depot was empty
    std::uint32_t count;
  };

  void push(Slots& slots, Magazine magazine) {
    std::uint64_t head = head_.load(relaxed);
    do {
      // release: the field is another thing while a call lives in the slot; who takes the link for that sees the life
      // ended.
      slots.link(magazine.first).store(pack(magazine.count, index(head)), release);
      // release: hands the magazine's slots over to pop()'s acquire.
    } while (!head_.compare_exchange_weak(head, pack(tag(head) + 1, magazine.first), release, relaxed));
  }

  Magazine pop(Slots& slots) {
    std::uint64_t head = head_.load(acquire);
    for (;;) {
      if (index(head) == 0) return {0, 0};
      // May be another life's field by now: then the compare-exchange fails.
      const std::uint64_t link = slots.link(index(head)).load(relaxed);
      const Magazine taken{index(head), tag(link)};
      if (head_.compare_exchange_weak(head, pack(tag(head) + 1, index(link)), acquire, acquire)) return taken;
    }
  }

 private:
  static std::uint64_t pack(std::uint32_t high, std::uint32_t low) { return (std::uint64_t{high} << 32) | low; }
  static std::uint32_t tag(std::uint64_t packed) { return static_cast<std::uint32_t>(packed >> 32); }
  static std::uint32_t index(std::uint64_t packed) { return static_cast<std::uint32_t>(packed); }

  alignas(64) Atomic<std::uint64_t> head_{0};
};

}  // namespace crochet
