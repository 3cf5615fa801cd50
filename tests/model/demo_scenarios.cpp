// SPDX-License-Identifier: MIT
// A small set of scenarios to try the program with, and to measure it: a one-shot result that a thread waits for.
//
// Compiled with PLANTED_BUG, the settler looks for waiters in what it has read before it publishes.
#include <cstdint>

#include "base/atomic.hpp"
#include "base/park.hpp"
#include "model/control.hpp"
#include "model/scenario.hpp"

namespace crochet {
namespace {

constexpr std::uint64_t kSettled = 1;  // the value may be read
constexpr std::uint64_t kWaiters = 2;  // whoever settles must wake

class OneShot {
 public:
  OneShot() {
    model::name(word_, "word");
    model::name(value_, "value");
  }

  void settle(int value) {
    value_ = value;
#ifdef PLANTED_BUG
    const std::uint64_t before = word_.load(relaxed);
    word_.fetch_or(kSettled, acq_rel);
#else
    const std::uint64_t before = word_.fetch_or(kSettled, acq_rel);
#endif
    if ((before & kWaiters) != 0) unpark_all(word_);
  }

  int wait() {
    while ((word_.load(acquire) & kSettled) == 0) {
      if ((word_.fetch_or(kWaiters, acq_rel) & kSettled) != 0) break;
      park(word_, kWaiters, Deadline::never(), false);
    }
    return value_;
  }

 private:
  Atomic<std::uint64_t> word_{0};
  Plain<int> value_{0};
};

MODEL_SCENARIO(one_waiter, 2) {
  OneShot result;
  void thread(int t) {
    if (t == 0) return result.settle(7);
    MODEL_EXPECT(result.wait() == 7);
  }
  void end() {}
};

MODEL_SCENARIO(three_waiters, 4) {
  OneShot result;
  void thread(int t) {
    if (t == 0) return result.settle(7);
    MODEL_EXPECT(result.wait() == 7);
  }
  void end() {}
};

}  // namespace
}  // namespace crochet
