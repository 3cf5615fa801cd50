// SPDX-License-Identifier: MIT
// Waits that are interrupted, or run out of time: nobody who is present is missed, and nobody is woken for nothing twice.
//
// Of the two waits one waits for the result, the other joins: so that the word tells who is present.
#include "model/scenarios/model_world_call.hpp"

namespace crochet::model {
namespace {

struct Interrupted : CallWorld {
  enum Who { kWaiter = 0, kJoiner = 1 };

  explicit Interrupted(Word handles) { make(handles, 0, Call::From::kHand); }

  // Waits once. Present: from the operation on that sets its flag.
  int wait_as(Who who, std::int64_t timeout_ns = kForever) {
    Waiting& mine = waiting[who];
    mine = {true, false};
    const int code = who == kWaiter ? wait(timeout_ns) : join(timeout_ns);
    // A signal may be reported or not when the result came too; a time-out must not hide it.
    if (code == CROCHET_ETIMEDOUT) MODEL_EXPECT(!mine.must_end);
    mine = {};
    if (code == CROCHET_EINTR) {
      ++ends;
      MODEL_EXPECT(who == kJoiner || !settled);
    }
    if (code == CROCHET_OK && who == kWaiter) Thing::at(call->value).use();
    return code;
  }
  bool present(Who who) const {
    return waiting[who].inside && (call->word.peek() & (who == kWaiter ? word::kWaiters : word::kJoiners)) != 0;
  }
  void interrupt() {
    const bool was[2] = {present(kWaiter), present(kJoiner)};
    const int rounds[2] = {waiting[0].inside ? 1 : 0, waiting[1].inside ? 1 : 0};
    ++interrupts;
    MODEL_EXPECT(interrupt_waits(*call, generation));
    for (int i = 0; i < 2; ++i) {
      if (was[i] && rounds[i] == 1 && waiting[i].inside) waiting[i].must_end = once[i];
    }
  }
  void settle_and_finish() {
    MODEL_EXPECT(resolve(value) == CROCHET_OK);
    settled = true;
    release_deferred();
  }
  // For end(), when no thread did.
  void clean_up() {
    settle_and_finish();
    while (frees() == 0) release_result();
    expect_nothing_left();
    arg.expect_settled_up();
  }

  struct Waiting {
    bool inside = false;
    bool must_end = false;  // an interrupt began and ended while it was present
  };
  Waiting waiting[2];
  bool once[2] = {false, false};  // it waits a single time: then `present` is exact
  Thing value{"value"};
  bool settled = false;  // before the settler goes on: whoever looks again must see it
  int interrupts = 0;
  int ends = 0;  // with EINTR
};

// In any order: before, the interrupt stays pending; later, it finds the wait present.
MODEL_SCENARIO(interrupt_against_one_wait, 2) : Interrupted {
  Plain<int> message{0};  // what came before the interrupt is seen by who is interrupted
  interrupt_against_one_wait() : Interrupted(1) {}
  void thread(int t) {
    if (t == 0) {
      message = 1;
      interrupt();
    } else {
      MODEL_EXPECT(wait_as(kWaiter) == CROCHET_EINTR);
      MODEL_EXPECT(message == 1);
    }
  }
  void end() {
    MODEL_EXPECT((call->word.peek() & word::kInterruptPending) == 0);
    clean_up();
  }
};

MODEL_SCENARIO(interrupt_against_one_join, 2) : Interrupted {
  interrupt_against_one_join() : Interrupted(1) {
    MODEL_EXPECT(call->settle(generation, nullptr, nullptr) == CROCHET_OK);
  }
  void thread(int t) {
    if (t == 0) interrupt();
    else MODEL_EXPECT(wait_as(kJoiner) == CROCHET_EINTR);
  }
  void end() {
    release_deferred();
    release_result();
    expect_nothing_left();
  }
};

MODEL_SCENARIO(interrupt_reaches_both_who_are_present, 3) : Interrupted {
  interrupt_reaches_both_who_are_present() : Interrupted(1) {}
  void thread(int t) {
    if (t < 2) {
      MODEL_EXPECT(wait_as(static_cast<Who>(t)) == CROCHET_EINTR);
    } else {
      block_until([this] { return present(kWaiter) && present(kJoiner); });
      interrupt();
    }
  }
  void end() { clean_up(); }
};

// The second interrupt is not the first one again: who came between the two is present for the second only, and the
// first's pending bit may be taken by the other.
MODEL_SCENARIO(second_interrupt_reaches_who_came_between, 3) : Interrupted {
  bool joined = false;
  second_interrupt_reaches_who_came_between() : Interrupted(1) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(wait_as(kWaiter) == CROCHET_EINTR);
    } else if (t == 1) {
      MODEL_EXPECT(wait_as(kJoiner) == CROCHET_EINTR);
      joined = true;
    } else {
      block_until([this] { return present(kWaiter); });
      interrupt();
      block_until([this] { return present(kJoiner) || joined; });
      if (!joined) interrupt();
    }
  }
  void end() { clean_up(); }
};

// Nobody was present: it is for one of the two, not for both.
MODEL_SCENARIO(one_pending_interrupt_two_waits, 2) : Interrupted {
  one_pending_interrupt_two_waits() : Interrupted(1) { interrupt(); }
  void thread(int t) { wait_as(static_cast<Who>(t), 1000); }
  void end() {
    MODEL_EXPECT(ends == 1);
    clean_up();
  }
};

// A wait that begins when an interrupt is over and was taken by another is not interrupted by it.
MODEL_SCENARIO(wait_that_begins_after_the_interrupt, 3) : Interrupted {
  bool was_there = false;
  bool joined = false;
  wait_that_begins_after_the_interrupt() : Interrupted(1) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(wait_as(kWaiter, 1000) == CROCHET_ETIMEDOUT);
      was_there = true;
      block_until([this] { return joined; });
      MODEL_EXPECT(wait_as(kWaiter, 1000) == CROCHET_ETIMEDOUT);
    } else if (t == 1) {
      block_until([this] { return was_there; });
      MODEL_EXPECT(wait_as(kJoiner) == CROCHET_EINTR);
      joined = true;
    } else {
      block_until([this] { return present(kJoiner); });
      interrupt();
    }
  }
  void end() { clean_up(); }
};

// Any order. Then once more for those who were not present the first time.
MODEL_SCENARIO(two_interrupts_against_two_waits, 4) : Interrupted {
  int done = 0;
  two_interrupts_against_two_waits() : Interrupted(1) {}
  void thread(int t) {
    if (t < 2) {
      MODEL_EXPECT(wait_as(static_cast<Who>(t)) == CROCHET_EINTR);
      ++done;
    } else if (t == 2) {
      interrupt();
    } else {
      block_until([this] { return (present(kWaiter) || done > 0) && (present(kJoiner) || done > 0); });
      interrupt();
      block_until([this] { return done == 2 || (done == 1 && interrupts == 2); });
      if (done == 1) interrupt();
    }
  }
  void end() { clean_up(); }
};

// Nobody waits: the next wait ends, once, however many there were.
MODEL_SCENARIO(interrupt_when_nobody_waits, 2) : Interrupted {
  interrupt_when_nobody_waits() : Interrupted(1) {}
  void thread(int t) {
    if (t == 0) {
      interrupt();
      interrupt();
    } else {
      int ended = 0;
      for (int i = 0; i < 3; ++i) ended += wait_as(kWaiter, 1000) == CROCHET_EINTR ? 1 : 0;
      MODEL_EXPECT(ended <= 2);
      missed = ended == 0;
    }
  }
  bool missed = false;
  void end() {
    if (missed) MODEL_EXPECT(wait_as(kWaiter, 1000) == CROCHET_EINTR);
    clean_up();
  }
};

// A timed wait whose time runs out at the moment of the interrupt, while another takes the pending bit.
MODEL_SCENARIO(interrupt_against_a_time_out, 3) : Interrupted {
  interrupt_against_a_time_out() : Interrupted(1) { once[kWaiter] = once[kJoiner] = true; }
  void thread(int t) {
    if (t < 2) wait_as(static_cast<Who>(t), 1000);
    else interrupt();
  }
  void end() { clean_up(); }
};

MODEL_SCENARIO(two_interrupts_against_two_time_outs, 4) : Interrupted {
  two_interrupts_against_two_time_outs() : Interrupted(1) { once[kWaiter] = once[kJoiner] = true; }
  void thread(int t) {
    if (t < 2) wait_as(static_cast<Who>(t), 1000);
    else interrupt();
  }
  void end() { clean_up(); }
};

MODEL_SCENARIO(interrupt_of_two_waits_that_are_settled, 4) : Interrupted {
  interrupt_of_two_waits_that_are_settled() : Interrupted(3) {}
  void thread(int t) {
    if (t < 2) {
      int code = CROCHET_EINTR;
      while (code == CROCHET_EINTR) code = wait_as(static_cast<Who>(t));
      MODEL_EXPECT(code == CROCHET_OK);
    } else if (t == 2) {
      interrupt();
    } else {
      return settle_and_finish();
    }
    release_result();
  }
  void end() {
    expect_nothing_left();
    arg.expect_settled_up();
  }
};

// A time-out at the moment of the result: the last look finds it, or the next wait does.
MODEL_SCENARIO(time_out_against_settling, 2) : Interrupted {
  time_out_against_settling() : Interrupted(1) {}
  void thread(int t) {
    if (t == 0) {
      return settle_and_finish();
    }
    int code = wait(1000);
    MODEL_EXPECT(code == CROCHET_OK || !settled);
    if (code == CROCHET_ETIMEDOUT) code = wait(0);
    if (code == CROCHET_ETIMEDOUT) code = wait();
    MODEL_EXPECT(code == CROCHET_OK);
    Thing::at(call->value).use();
    release_result();
  }
  void end() {
    expect_nothing_left();
    value.expect_settled_up();
  }
};

// crochet_wait_for(): on time-out cancel; too late for that: the outcome.
MODEL_SCENARIO(wait_for_whose_time_runs_out, 3) : CallWorld {
  Thing inside{"value from inside"};
  Thing outside{"value from outside"};
  int code = CROCHET_EPENDING;
  wait_for_whose_time_runs_out() { make(1); }
  void function() override {
    hand_over_a_deferred();
    resolve(inside);
  }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      if (!await_deferred()) return;
      resolve(outside);
      return release_deferred();
    }
    code = wait(1000);
    if (code == CROCHET_ETIMEDOUT && cancel() == CROCHET_CANCEL_TOO_LATE) {
      code = wait();
      MODEL_EXPECT(code == CROCHET_OK);
    }
    if (code == CROCHET_OK) Thing::at(call->value).use();
    else note_outcome();
    release_result();
  }
  void end() {
    expect_consistency();
    for (const Thing* thing : {&inside, &outside}) thing->expect_settled_up();
    MODEL_EXPECT((code == CROCHET_ETIMEDOUT) == (outcome_known && outcome == Outcome::kCancelled));
  }
};

// The waiting thread's own signal handler interrupts.
MODEL_SCENARIO(interrupt_from_a_signal_handler, 2) : Interrupted {
  interrupt_from_a_signal_handler() : Interrupted(1) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(wait_as(kWaiter) == CROCHET_EINTR);
    } else {
      block_until([this] { return waiting[kWaiter].inside; });
      signal(0, [](void* self) { static_cast<Interrupted*>(self)->interrupt(); }, static_cast<Interrupted*>(this));
    }
  }
  void end() { clean_up(); }
};

// Parks may end for no reason, and weak compare-exchanges fail for none.
MODEL_SCENARIO(wait_with_spurious_wakeups, 3) : Interrupted {
  wait_with_spurious_wakeups() : Interrupted(2) {
    allow_spurious_wakeups(2);
    allow_weak_cas_failures(2);
  }
  void thread(int t) {
    if (t == 0) return settle_and_finish();
    MODEL_EXPECT(wait_as(static_cast<Who>(t - 1)) == CROCHET_OK);
    release_result();
  }
  void end() { expect_nothing_left(); }
};

}  // namespace
}  // namespace crochet::model
