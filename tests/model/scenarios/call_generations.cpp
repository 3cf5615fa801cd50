// SPDX-License-Identifier: MIT
// Stale handles: whoever uses one against the call's end and the slot's next life is refused, and changes nothing there.
#include "model/scenarios/model_world_call.hpp"

namespace crochet::model {
namespace {

// Thread 0 ends the first life and lives the second; thread 1 uses a handle of the first that it has no right to.
struct Reused : CallWorld {
  static constexpr std::uint32_t kOtherLoop = 8;

  Thing second_arg{"second argument"};
  Thing value{"second value"};
  Word second_generation = 0;
  bool reused = false;
  int second_code = CROCHET_OK;

  Reused() { make(1, 0, Call::From::kHand); }
  virtual void use_stale() = 0;

  void thread(int t) {
    if (t == 1) return use_stale();
    end_first_life();
    handed.exchange(1, acq_rel);
    live_second_life();
  }
  virtual void end_first_life() {
    MODEL_EXPECT(call->release_deferred(generation));
    release_result();
  }
  virtual void settle_second_life() {
    MODEL_EXPECT(call->settle(second_generation, value.give(), &Thing::drop) == CROCHET_OK);
  }
  void live_second_life() {
    Call* next = allocate_call();
    reused = next == call;
    if (!reused) return World::free(next);  // the stale user got hold of the first life in time
    second_generation = call->make(kOtherLoop, 0, second_arg.give(), &Thing::drop, 1, 0, Call::From::kHand);
    MODEL_EXPECT(second_generation == generation + 1);
    settle_second_life();
    MODEL_EXPECT(call->release_deferred(second_generation));
    MODEL_EXPECT(wait_for_call(*call, second_generation, Until::kSettled, kForever, false) == second_code);
    if (second_code == CROCHET_OK) {
      MODEL_EXPECT(static_cast<void*>(call->value) == &value);
      value.use();
    }
    MODEL_EXPECT((call->word.peek() & (word::kAbandoned | word::kAsked | word::kObserved | word::kTaken)) == 0);
    MODEL_EXPECT(call->release_handle(second_generation));
  }
  void end() {
    expect_nothing_left();
    MODEL_EXPECT(frees() == 2);  // the second life's, or that of the slot which was not needed
    for (const Thing* thing : {&arg, &second_arg, &value}) thing->expect_settled_up();
  }
};

// A stale retain may succeed in the last moment, against the destruction without a read-modify-write (N7): what it got is
// refused from then on.
MODEL_SCENARIO(stale_retain, 2) : Reused {
  void use_stale() override {
    if (call->retain(generation)) call->release_handle(generation);
  }
};

MODEL_SCENARIO(stale_settle, 2) : Reused {
  Thing stale_value{"stale value"};
  void use_stale() override {
    const int status = resolve(stale_value);
    MODEL_EXPECT(status == CROCHET_OK || status == CROCHET_EALREADY || status == CROCHET_EINVAL);
  }
  void end() {
    Reused::end();
    stale_value.expect_settled_up();
  }
};

// The settler's deferred is gone, the call finishes under it: then the rest is left to the settler.
MODEL_SCENARIO(stale_settle_against_a_join, 3) : CallWorld {
  Thing stale_value{"stale value"};
  stale_settle_against_a_join() { make(1, 0, Call::From::kHand); }
  void thread(int t) {
    if (t == 0) {
      release_deferred();
    } else if (t == 1) {
      resolve(stale_value);
    } else {
      MODEL_EXPECT(join() == CROCHET_OK);
      arg.expect_dropped();
      release_result();
    }
  }
  void end() {
    expect_consistency();
    stale_value.expect_settled_up();
  }
};

MODEL_SCENARIO(stale_reject, 2) : Reused {
  Thing payload{"stale payload"};
  void use_stale() override { reject(-5, "stale", payload); }
  void end() {
    Reused::end();
    payload.expect_settled_up();
  }
};

// One release too many. While the last handle is released that is a misuse which may go unnoticed; later it must be told.
MODEL_SCENARIO(stale_release, 2) : Reused {
  void use_stale() override {
    if (await_deferred()) MODEL_EXPECT(!call->release_handle(generation));
  }
};

MODEL_SCENARIO(stale_on_cancel, 2) : Reused {
  Thing hook_arg{"stale hook's argument"};
  void use_stale() override {
    if (await_deferred()) MODEL_EXPECT(hook_on_cancel(hook_arg) == CROCHET_EINVAL);
  }
  void end() {
    Reused::end();
    hook_arg.expect_settled_up();
  }
};

// The same, while the first life ends: set_hook() holds a deferred while it works on the side record.
MODEL_SCENARIO(stale_on_cancel_against_the_end, 2) : Reused {
  Thing hook_arg{"stale hook's argument"};
  void use_stale() override { hook_on_cancel(hook_arg); }
  void end() {
    Reused::end();
    hook_arg.expect_settled_up();
  }
};

MODEL_SCENARIO(stale_deferred_retain, 2) : Reused {
  void use_stale() override {
    if (call->retain_deferred(generation)) release_deferred();
  }
};

// The owner releases its deferred too: one of the two was the last, the other is told.
MODEL_SCENARIO(stale_deferred_release, 2) : Reused {
  int releases = 0;
  void use_stale() override { releases += call->release_deferred(generation) ? 1 : 0; }
  void end_first_life() override {
    releases += call->release_deferred(generation) ? 1 : 0;
    release_result();
  }
  void end() {
    Reused::end();
    MODEL_EXPECT(releases == 1);
  }
};

MODEL_SCENARIO(stale_cancel, 2) : Reused {
  void use_stale() override {
    int result = CROCHET_CANCEL_NONE;
    call->cancel(generation, &result);
  }
};

MODEL_SCENARIO(stale_take, 2) : Reused {
  void use_stale() override {
    void* taken = nullptr;
    crochet_drop_fn* drop = nullptr;
    MODEL_EXPECT(call->take(generation, &taken, &drop) != CROCHET_OK);
  }
};

MODEL_SCENARIO(stale_observe, 2) : Reused {
  void settle_second_life() override {
    second_code = CROCHET_EFAILED;
    MODEL_EXPECT(call->reject(second_generation, -5, nullptr, 0, nullptr, nullptr) == CROCHET_OK);
  }
  void use_stale() override { call->observe(generation); }
};

MODEL_SCENARIO(stale_interrupt, 2) : Reused {
  void use_stale() override { interrupt_waits(*call, generation); }
};

// A wait without a reference may leave its flag to a stranger, and no more. It never takes a stranger's result for its own.
MODEL_SCENARIO(stale_wait, 2) : Reused {
  void use_stale() override { MODEL_EXPECT(wait() != CROCHET_OK); }
};

// The last look of a timed wait asks whose call it is by then.
MODEL_SCENARIO(stale_timed_wait, 2) : Reused {
  void use_stale() override { MODEL_EXPECT(wait(1000) != CROCHET_OK); }
};

MODEL_SCENARIO(stale_abandon_and_sweep, 2) : Reused {
  void use_stale() override {
    stop_one();
    call->abandon(kLoop);
  }
};

}  // namespace
}  // namespace crochet::model
