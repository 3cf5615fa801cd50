// SPDX-License-Identifier: MIT
// Looking at a word for a while before going to sleep over it: when that is worth a try, and for how long.
//
// Whether it is worth it depends on how soon the other side comes, and on whether it can run meanwhile: on the same CPU
// it can't. Both show in whether the last tries were in vain. So each try in vain doubles the number of sleeps before
// the next one, and one that is not halves it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"

namespace crochet {

// Tells the processor that this is a loop that waits.
inline void relax_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

class Spin {
 public:
  // 0: never.
  void set_limit(std::int64_t ns) {
    limit_.store(ns, relaxed);
    rest_.store(0, relaxed);
    next_rest_.store(1, relaxed);
  }
  std::int64_t limit_ns() const { return limit_.load(relaxed); }

  // Before each sleep: is it worth a try this time?
  bool is_worth_it() {
    if (limit_ns() == 0) return false;
    const std::uint32_t left = rest_.load(relaxed);
    if (left == 0) return true;
    rest_.store(left - 1, relaxed);
    return false;
  }
  // Not all at once: what came just then, when this thread was preempted, says little.
  void was_worth_it() {
    const std::uint32_t next = next_rest_.load(relaxed);
    if (next != 1) next_rest_.store(next / 2, relaxed);
  }
  void was_in_vain() {
    const std::uint32_t next = next_rest_.load(relaxed);
    rest_.store(next, relaxed);
    next_rest_.store(std::min(2 * next, kLongestRest), relaxed);
  }

  // Spins until looks_up() is true, or the deadline has passed. What looks_up() said last.
  template <class LooksUp>
  static bool until(Deadline deadline, LooksUp&& looks_up) {
    constexpr int kLooksAtOnce = 8;  // between two of the clock
#ifdef CROCHET_MODEL
    return looks_up() || looks_up();  // the checker's schedules come between
#endif
    for (;;) {
      for (int i = 0; i < kLooksAtOnce; ++i) {
        if (looks_up()) return true;
        relax_cpu();
      }
      if (deadline.passed()) return looks_up();
    }
  }

 private:
  static constexpr std::uint32_t kLongestRest = 1024;

  // relaxed: hints, that publish nothing; several waiters may change them at once, and lose a change.
  Atomic<std::int64_t> limit_{0};
  Atomic<std::uint32_t> rest_{0};       // sleeps before the next try
  Atomic<std::uint32_t> next_rest_{1};  // after the next one in vain
};

}  // namespace crochet
