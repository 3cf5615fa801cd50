// SPDX-License-Identifier: MIT
// Calls without an argument, for which Call::finish() and Call::release_handle() have ends of their own: who may take
// them, who is looked for first, and what must not be forgotten on the way.
#include "model/scenarios/model_world_call.hpp"

namespace crochet::model {
namespace {

struct PlainCall : CallWorld {
  Thing value{"value"};
  PlainCall(Word handles, Word flags) {
    call = allocate_call();
    generation = make_plain(handles, flags);
  }
  Word make_plain(Word handles, Word flags) {
    return call->make(kLoop, 0, nullptr, nullptr, handles, flags, Call::From::kHand);
  }
  void settle_with_nothing() { MODEL_EXPECT(call->settle(generation, nullptr, nullptr) == CROCHET_OK); }
  void end() {
    expect_consistency();
    value.expect_settled_up();
  }
};

// ---- With a handle: the deferred or the handle goes last ----

// Who goes last comes after all uses by the other.
MODEL_SCENARIO(plain_call_that_its_waiter_lets_go, 2) : PlainCall {
  plain_call_that_its_waiter_lets_go() : PlainCall(1, 0) {}
  void thread(int t) {
    if (t == 0) {
      settle_with_nothing();
      return release_deferred();
    }
    MODEL_EXPECT(wait() == CROCHET_OK && call->value == nullptr);
    release_result();
  }
};

MODEL_SCENARIO(plain_call_that_two_let_go, 3) : PlainCall {
  plain_call_that_two_let_go() : PlainCall(2, 0) {}
  void thread(int t) {
    if (t == 0) {
      settle_with_nothing();
      return release_deferred();
    }
    if (word::settled(call->word.load(acquire))) MODEL_EXPECT(call->value == nullptr);
    release_result();
  }
};

MODEL_SCENARIO(plain_call_whose_value_nobody_takes, 2) : PlainCall {
  plain_call_whose_value_nobody_takes() : PlainCall(1, 0) {}
  void thread(int t) {
    if (t == 1) return release_result();
    MODEL_EXPECT(resolve(value) == CROCHET_OK);
    release_deferred();
  }
};

MODEL_SCENARIO(plain_call_whose_failure_nobody_looked_at, 2) : PlainCall {
  plain_call_whose_failure_nobody_looked_at() : PlainCall(1, 0) {}
  void thread(int t) {
    if (t == 1) return release_result();
    MODEL_EXPECT(call->reject(generation, -5, nullptr, 0, nullptr, nullptr) == CROCHET_OK);
    release_deferred();
  }
  void end() {
    PlainCall::end();
    MODEL_EXPECT(logged() == 1);
  }
};

MODEL_SCENARIO(plain_call_that_breaks_unnoticed, 2) : PlainCall {
  plain_call_that_breaks_unnoticed() : PlainCall(1, 0) {}
  void thread(int t) {
    if (t == 1) return release_result();
    release_deferred();
  }
  void end() {
    PlainCall::end();
    MODEL_EXPECT(logged() == 1);
  }
};

// ---- Forgotten: nobody but the deferred, and sweeps ----

// The word is as before, and yet somebody was there.
MODEL_SCENARIO(forgotten_plain_call_that_is_pinned_for_a_moment, 2) : PlainCall {
  forgotten_plain_call_that_is_pinned_for_a_moment() : PlainCall(0, word::kForgotten) {}
  void thread(int t) {
    if (t == 0) return release_deferred();
    if (!pin(*call, kLoop)) return;
    MODEL_EXPECT(call->drop == nullptr);
    call->release_reference();
  }
  void end() {
    PlainCall::end();
    MODEL_EXPECT(logged() == 0);
  }
};

MODEL_SCENARIO(forgotten_plain_call_against_two_sweeps, 3) : PlainCall {
  forgotten_plain_call_against_two_sweeps() : PlainCall(0, word::kForgotten) {}
  void thread(int t) {
    if (t == 0) {
      const int how = choose(3);
      if (how == 1) call->settle(generation, nullptr, nullptr);
      if (how == 2) resolve(value);
      return release_deferred();
    }
    stop_one();
    if (t == 2) call->abandon(kLoop);
  }
  void end() {
    PlainCall::end();
    MODEL_EXPECT(logged() == 0);
  }
};

// The same from the queue, by the way that a function's return takes.
MODEL_SCENARIO(forgotten_plain_call_that_is_run_against_a_sweep, 2) : CallWorld {
  forgotten_plain_call_that_is_run_against_a_sweep() {
    call = allocate_call();
    generation = call->make(kLoop, Call::plain_field([](crochet_deferred* deferred, void*) {
                              const Target target = target_of(deferred);
                              if (choose(2) == 0) target.call->settle(target.generation, nullptr, nullptr);
                            }),
                            nullptr, nullptr, 0, word::kForgotten);
    box.push(call);
  }
  void thread(int t) {
    if (t == 0) serve();
    else stop_one();
  }
  void end() {
    expect_consistency();
    MODEL_EXPECT(logged() == 0);
  }
};

// ---- With a side record ----

// The one who sets the hook finds the record that another is just installing: the end must not pass over it.
MODEL_SCENARIO(hook_of_a_plain_call_whose_side_record_another_installs, 2) : PlainCall {
  Thing hook_arg{"hook's argument"};
  hook_of_a_plain_call_whose_side_record_another_installs() : PlainCall(1, 0) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(hook_on_cancel(hook_arg) == CROCHET_OK);
      settle_with_nothing();
      release_deferred();
    } else {
      MODEL_EXPECT(call->need_side() != nullptr);  // crochet_call_set_after, with this call to be watched
      release_result();
    }
  }
  void end() {
    PlainCall::end();
    hook_arg.expect_settled_up();
  }
};

MODEL_SCENARIO(hook_of_a_plain_call, 2) : PlainCall {
  Thing hook_arg{"hook's argument"};
  hook_of_a_plain_call() : PlainCall(1, 0) {}
  void thread(int t) {
    if (t == 1) return release_result();
    MODEL_EXPECT(hook_on_cancel(hook_arg) == CROCHET_OK);
    settle_with_nothing();
    release_deferred();
  }
  void end() {
    PlainCall::end();
    hook_arg.expect_settled_up();
  }
};

// The record comes while the call is settled already, by who wants to watch it.
MODEL_SCENARIO(side_record_of_a_plain_call_that_ends, 3) : PlainCall {
  side_record_of_a_plain_call_that_ends() : PlainCall(2, 0) {}
  void thread(int t) {
    if (t == 0) {
      settle_with_nothing();
      return release_deferred();
    }
    if (t == 1) MODEL_EXPECT(call->need_side() != nullptr);
    release_result();
  }
};

// ---- Stale handles ----

// Thread 0 ends the first life and lives the second, thread 1 uses a handle of the first.
struct PlainReused : PlainCall {
  Thing stale_value{"stale value"};
  PlainReused(Word handles, Word flags) : PlainCall(handles, flags) {}
  virtual void end_first_life() = 0;
  virtual void use_stale() = 0;
  void thread(int t) {
    if (t == 1) return use_stale();
    end_first_life();
    Call* next = allocate_call();
    if (next != call) return World::free(next);  // the stale user got hold of the first life in time
    const Word second = make_plain(1, 0);
    MODEL_EXPECT(second == generation + 1);
    MODEL_EXPECT(call->settle(second, value.give(), &Thing::drop) == CROCHET_OK);
    MODEL_EXPECT(call->release_deferred(second));
    MODEL_EXPECT(static_cast<void*>(call->value) == &value);
    value.use();
    MODEL_EXPECT(call->release_handle(second));
  }
  void end() {
    expect_nothing_left();
    value.expect_settled_up();
    stale_value.expect_settled_up();
  }
};

MODEL_SCENARIO(stale_retain_of_a_plain_call, 2) : PlainReused {
  stale_retain_of_a_plain_call() : PlainReused(1, 0) {
    settle_with_nothing();
    release_deferred();
  }
  void end_first_life() override { release_result(); }
  void use_stale() override {
    if (call->retain(generation)) call->release_handle(generation);
  }
};

// The deferred goes last.
MODEL_SCENARIO(stale_retain_of_a_plain_call_that_finishes_last, 2) : PlainReused {
  stale_retain_of_a_plain_call_that_finishes_last() : PlainReused(1, 0) { settle_with_nothing(); }
  void end_first_life() override {
    release_result();
    release_deferred();
  }
  void use_stale() override {
    if (call->retain(generation)) call->release_handle(generation);
  }
};

// Told that it is stale, once the first life is over.
MODEL_SCENARIO(stale_release_of_a_plain_call, 2) : PlainReused {
  stale_release_of_a_plain_call() : PlainReused(1, 0) {
    settle_with_nothing();
    release_deferred();
  }
  void end_first_life() override {
    release_result();
    handed.exchange(1, acq_rel);
  }
  void use_stale() override {
    if (await_deferred()) MODEL_EXPECT(!call->release_handle(generation));
  }
};

// A settler without a deferred comes in between, in time or not.
MODEL_SCENARIO(stale_settle_of_a_forgotten_plain_call, 2) : PlainReused {
  stale_settle_of_a_forgotten_plain_call() : PlainReused(0, word::kForgotten) {}
  void end_first_life() override { release_deferred(); }
  void use_stale() override {
    const int status = resolve(stale_value);
    MODEL_EXPECT(status == CROCHET_OK || status == CROCHET_EALREADY || status == CROCHET_EINVAL);
  }
};

}  // namespace
}  // namespace crochet::model
