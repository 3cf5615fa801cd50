// SPDX-License-Identifier: MIT
// What a call makes visible besides its outcome: to who waits, to who is told to end, to the stop of its loop.
#include "model/scenarios/model_world_call.hpp"

namespace crochet::model {
namespace {

// "Everything done before the settling is visible after a wait that returned a final code": here it is settled by who
// refuses it, and did something before.
MODEL_SCENARIO(wait_sees_what_came_before_a_refusal, 2) : CallWorld {
  Plain<int> words{0};
  wait_sees_what_came_before_a_refusal() { make(1); }
  void thread(int t) {
    if (t == 0) {
      Call* refused = box.close();
      words = 1;
      MODEL_EXPECT(refused->refuse());
    } else {
      MODEL_EXPECT(wait() == CROCHET_ESTOPPED);
      MODEL_EXPECT(words == 1);
      release_result();
    }
  }
  void end() { expect_consistency(); }
};

// Who spins before he sleeps may find the result by that, without any read-modify-write: what came before the settling is
// seen all the same, the value too.
MODEL_SCENARIO(wait_that_spins_sees_what_came_before_the_settling, 2) : CallWorld {
  Plain<int> words{0};
  Spin spin;
  wait_that_spins_sees_what_came_before_the_settling() {
    make(1, 0, Call::From::kHand);
    spin.set_limit(1);
  }
  void thread(int t) {
    if (t == 0) {
      words = 1;
      MODEL_EXPECT(call->settle(generation, nullptr, nullptr) == CROCHET_OK);
      release_deferred();
    } else {
      MODEL_EXPECT(wait_for_call(*call, generation, Until::kSettled, kForever, false, &spin) == CROCHET_OK);
      MODEL_EXPECT(words == 1);
      MODEL_EXPECT(static_cast<void*>(call->value) == nullptr);
      release_result();
    }
  }
  void end() { expect_consistency(); }
};

// An interrupt that comes while it spins ends this wait, or else it is left for the next one; never both.
MODEL_SCENARIO(wait_that_spins_is_interrupted_once, 3) : CallWorld {
  Spin spin;
  int interrupts_seen = 0;
  wait_that_spins_is_interrupted_once() {
    make(1, 0, Call::From::kHand);
    spin.set_limit(1);
  }
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(call->settle(generation, nullptr, nullptr) == CROCHET_OK);
      release_deferred();
    } else if (t == 1) {
      interrupt_waits(*call, generation);
    } else {
      for (;;) {
        const int code = wait_for_call(*call, generation, Until::kSettled, kForever, false, &spin);
        if (code == CROCHET_OK) break;
        MODEL_EXPECT(code == CROCHET_EINTR);
        ++interrupts_seen;
      }
      MODEL_EXPECT(interrupts_seen <= 1);
    }
  }
  void end() { release_result(); }
};

// Somebody holds the deferred of a running call, and asks whether to go on; who asks for the end has said something
// before.
struct ToldToEnd : CallWorld {
  Plain<int> words{0};
  ToldToEnd() { make(1, 0, Call::From::kHand); }
  virtual ~ToldToEnd() = default;
  virtual void ask() = 0;
  void thread(int t) {
    if (t == 0) {
      if (call->asked_to_end(generation)) MODEL_EXPECT(words == 1);
      release_deferred();
    } else {
      words = 1;
      ask();
      release_result();
    }
  }
  void end() { expect_consistency(); }
};

MODEL_SCENARIO(told_to_end_by_a_cancel_sees_what_came_before_it, 2) : ToldToEnd {
  void ask() override { cancel(); }
};

MODEL_SCENARIO(told_to_end_by_a_stop_sees_what_came_before_it, 2) : ToldToEnd {
  void ask() override {
    if (!pin(*call, kLoop)) return;
    call->ask_to_stop();
    call->release_reference();
  }
};

// A stop waits for calls that somebody still holds. When it sees them finished, their arguments are dropped, also when
// nobody else refers to the call any more and its slot is free at once.
struct ForgottenUnderAStop : CallWorld {
  ForgottenUnderAStop() { make(0, word::kForgotten, Call::From::kHand); }
  void await_its_end() {
    while (is_unfinished(*call, kLoop)) yield();
    arg.expect_dropped();
  }
  void end() { expect_consistency(); }
};

MODEL_SCENARIO(stop_sees_the_end_of_a_forgotten_call, 2) : ForgottenUnderAStop {
  void thread(int t) {
    if (t == 1) return await_its_end();
    MODEL_EXPECT(call->settle(generation, nullptr, nullptr) == CROCHET_OK);
    release_deferred();
  }
};

MODEL_SCENARIO(stop_sees_the_end_of_a_forgotten_call_that_breaks, 2) : ForgottenUnderAStop {
  void thread(int t) {
    if (t == 1) return await_its_end();
    release_deferred();
  }
};

// Without an argument, a stop sees at least what was done before the last deferred was given back.
MODEL_SCENARIO(stop_sees_what_came_before_a_plain_call_breaks, 2) : CallWorld {
  Plain<int> words{0};
  stop_sees_what_came_before_a_plain_call_breaks() {
    call = allocate_call();
    generation = call->make(kLoop, 0, nullptr, nullptr, 0, word::kForgotten, Call::From::kHand);
  }
  void thread(int t) {
    if (t == 0) {
      words = 1;
      return release_deferred();
    }
    while (is_unfinished(*call, kLoop)) yield();
    MODEL_EXPECT(words == 1);
  }
  void end() { expect_nothing_left(); }
};

}  // namespace
}  // namespace crochet::model
