// SPDX-License-Identifier: MIT
// A limit for the queue: never more inside than it says, and everybody who waits for room is woken when there is some, or when
// the loop stops.
#include "loop/queue_limit.hpp"

#include "model/control.hpp"
#include "model/names.hpp"
#include "model/scenario.hpp"

namespace crochet {
namespace {

constexpr std::uint32_t kLoop = 1;

struct Limited {
  QueueLimit limit;
  Atomic<int> queue{0};  // the calls in it, which come to the loop as by the real one
  int inside = 0;        // ghosts
  int entered = 0;

  explicit Limited(std::uint64_t calls) { limit.set(kLoop, calls, kForever); }
  void enter() {
    MODEL_EXPECT(limit.enter(kLoop, true) == CROCHET_OK);
    ++inside;
    ++entered;
    queue.fetch_add(1, release);
  }
  // The loop: pops one call, and another, as long as there are.
  void pop(int calls) {
    while (calls-- > 0) {
      model::block_until([this] { return queue.peek() > 0; });
      queue.fetch_sub(1, acq_rel);
      --inside;
      limit.leave();
    }
  }
};

MODEL_SCENARIO(limit_of_one_lets_everybody_in, 3) : Limited {
  limit_of_one_lets_everybody_in() : Limited(1) {}
  void thread(int t) {
    if (t == 2) return pop(3);
    enter();
    MODEL_EXPECT(inside <= 1);
    if (t == 0) enter();
  }
  void end() { MODEL_EXPECT(entered == 3 && inside == 0); }
};

MODEL_SCENARIO(limit_of_two_lets_everybody_in, 4) : Limited {
  limit_of_two_lets_everybody_in() : Limited(2) {}
  void thread(int t) {
    if (t == 3) return pop(3);
    enter();
    MODEL_EXPECT(inside <= 2);
  }
  void end() { MODEL_EXPECT(entered == 3 && inside == 0); }
};

MODEL_SCENARIO(limit_closed_wakes_who_waits, 4) : Limited {
  int codes[2] = {};
  limit_closed_wakes_who_waits() : Limited(1) { MODEL_EXPECT(limit.enter(kLoop, true) == CROCHET_OK); }
  void thread(int t) {
    if (t == 2) return limit.leave();
    if (t == 3) return limit.close();
    codes[t] = limit.enter(kLoop, true);
  }
  void end() {
    for (const int code : codes) MODEL_EXPECT(code == CROCHET_OK || code == CROCHET_ESTOPPED);
    MODEL_EXPECT(codes[0] != CROCHET_OK || codes[1] != CROCHET_OK);
  }
};

// Nothing keeps the block of a loop in which somebody waits for room: it has stopped and serves another one by the time
// that he looks. That has no limit, or is full: nobody would ever wake him there.
template <std::uint64_t kNextLimit>
struct AnotherLoop : Limited {
  static constexpr std::uint32_t kNextLoop = 2;
  int code = CROCHET_OK;

  AnotherLoop() : Limited(1) { MODEL_EXPECT(limit.enter(kLoop, true) == CROCHET_OK); }
  void thread(int t) {
    if (t == 0) {
      code = limit.enter(kLoop, true);
      return;
    }
    limit.close();
    limit.set(kNextLoop, kNextLimit, kForever);
    if (kNextLimit != 0) MODEL_EXPECT(limit.enter(kNextLoop, false) == CROCHET_OK);
  }
  void end() { MODEL_EXPECT(code == CROCHET_ESTOPPED); }
};

MODEL_SCENARIO(limit_of_a_block_that_serves_a_loop_without, 2) : AnotherLoop<0> {};

MODEL_SCENARIO(limit_of_a_block_that_serves_a_full_loop, 2) : AnotherLoop<1> {};

}  // namespace
}  // namespace crochet
