// SPDX-License-Identifier: MIT
// The calls that wait for a time: a heap that allocates nothing, and clears itself of the cancelled as it grows. The
// loop's thread only.
//
// Two leftist heaps. What comes goes into `fresh_`; each time, two calls of `old_` are looked at, and move over or, as
// husks, go. When `old_` is empty the two change places. So husks stay bounded by the calls that wait, and no insertion
// takes longer than a few merges, each of which takes the logarithm of the number of calls.
#pragma once

#include <cstdint>
#include <utility>

#include "base/deadline.hpp"
#include "call/call.hpp"
#include "call/timing.hpp"

namespace crochet {

class DueCalls {
 public:
  // With the group's reference (N2). Those that are due at the same time come out in the order in which they went in.
  void insert(Timing& timing) {
    timing.due = timing.first().ns();
    timing.number = ++inserted_;
    alone(timing);
    fresh_ = merge(fresh_, &timing);
    look_at_an_old_one();
    look_at_an_old_one();
  }
  bool empty() const { return fresh_ == nullptr && old_ == nullptr; }
  Deadline first() const {
    const Timing* next = earlier(fresh_, old_);
    return next == nullptr ? Deadline::never() : Deadline::at(next->due);
  }
  // The first, due or not; not empty.
  Call* take() { return pop(earlier(fresh_, old_) == fresh_ ? fresh_ : old_)->call; }

 private:
  static void alone(Timing& timing) {
    timing.left = nullptr;
    timing.right = nullptr;
    timing.rank = 1;
  }
  static bool before(const Timing& a, const Timing& b) { return a.due != b.due ? a.due < b.due : a.number < b.number; }
  static Timing* earlier(Timing* a, Timing* b) {
    if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
    return before(*b, *a) ? b : a;
  }
  static unsigned rank(const Timing* heap) { return heap == nullptr ? 0 : static_cast<unsigned>(heap->rank); }
  // Along the right spines, which are as long as the logarithm of the heaps' sizes.
  static Timing* merge(Timing* a, Timing* b) {
    if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
    if (before(*b, *a)) std::swap(a, b);
    a->right = merge(a->right, b);
    if (rank(a->left) < rank(a->right)) {
      Timing* left = a->left;
      a->left = a->right;
      a->right = left;
    }
    a->rank = rank(a->right) + 1;
    return a;
  }
  static Timing* pop(Timing*& heap) {
    Timing* first = heap;
    heap = merge(first->left, first->right);
    alone(*first);
    return first;
  }
  void look_at_an_old_one() {
    if (old_ == nullptr) std::swap(old_, fresh_);
    if (old_ == nullptr) return;
    Timing* timing = pop(old_);
    // acquire: what the canceller did happens before the slot is free.
    if (word::settled(timing->call->word.load(acquire))) timing->call->release_reference();
    else fresh_ = merge(fresh_, timing);
  }

  Timing* fresh_ = nullptr;
  Timing* old_ = nullptr;
  std::uint64_t inserted_ = 0;
};

}  // namespace crochet
