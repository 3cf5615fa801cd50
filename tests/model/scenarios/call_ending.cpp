// SPDX-License-Identifier: MIT
// The end of a call: the last deferred, the last handle, joins, and what a stopped loop or a fork leaves behind.
#include "model/scenarios/model_world_call.hpp"

namespace crochet::model {
namespace {

// Cancel and join are a barrier: nothing of the caller's is used any more when they have returned.
MODEL_SCENARIO(join_then_free_the_context, 3) : CallWorld {
  Thing value{"value"};
  Plain<int> context{1};
  join_then_free_the_context() { make(1); }
  void use_context() { MODEL_EXPECT(context == 1); }
  void function() override {
    use_context();
    hand_over_a_deferred();
    use_context();
  }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      if (!await_deferred()) return;
      resolve(value);
      use_context();
      release_deferred();
    } else {
      cancel();
      MODEL_EXPECT(join() == CROCHET_OK);
      arg.expect_dropped();
      context = 0;
      note_outcome();
      release_result();
    }
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
  }
};

MODEL_SCENARIO(join_a_call_settled_inside, 2) : CallWorld {
  Thing value{"value"};
  Plain<int> context{1};
  join_a_call_settled_inside() { make(1); }
  void function() override {
    MODEL_EXPECT(resolve(value) == CROCHET_OK);
    MODEL_EXPECT(context == 1);
  }
  void thread(int t) {
    if (t == 0) return serve();
    MODEL_EXPECT(join() == CROCHET_OK);
    arg.expect_dropped();
    context = 0;
    release_result();
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
  }
};

// Without an argument the fast end of a call: it must tell joiners as well.
MODEL_SCENARIO(join_a_call_without_an_argument, 2) : CallWorld {
  join_a_call_without_an_argument() {
    call = allocate_call();
    generation = call->make(kLoop, Call::plain_field([](crochet_deferred* deferred, void*) {
                              const Target target = target_of(deferred);
                              target.call->settle(target.generation, nullptr, nullptr);
                            }),
                            nullptr, nullptr, 1, 0);
    box.push(call);
  }
  void thread(int t) {
    if (t == 0) return serve();
    MODEL_EXPECT(join() == CROCHET_OK);
    release_result();
  }
  void end() { expect_nothing_left(); }
};

MODEL_SCENARIO(wait_for_a_broken_call_without_an_argument, 2) : CallWorld {
  wait_for_a_broken_call_without_an_argument() {
    call = allocate_call();
    generation = call->make(kLoop, 0, nullptr, nullptr, 1, 0, Call::From::kHand);
  }
  void thread(int t) {
    if (t == 0) return release_deferred();
    MODEL_EXPECT(wait() == CROCHET_EBROKEN && call->observe(generation));
    release_result();
  }
  void end() {
    expect_nothing_left();
    MODEL_EXPECT(logged() == 0);
  }
};

// Settled or not, its result let go or waited for, and a sweep: each may be the last.
MODEL_SCENARIO(a_call_without_an_argument_that_is_let_go, 3) : CallWorld {
  a_call_without_an_argument_that_is_let_go() {
    call = allocate_call();
    generation = call->make(kLoop, Call::plain_field([](crochet_deferred* deferred, void*) {
                              const Target target = target_of(deferred);
                              if (choose(2) == 0) target.call->settle(target.generation, nullptr, nullptr);
                            }),
                            nullptr, nullptr, 1, 0);
    box.push(call);
  }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 2) return stop_one();
    if (choose(2) == 1) wait();
    release_result();
  }
  void end() { expect_nothing_left(); }
};

// ---- Who is the last one ----

struct ReleasedByTwo : CallWorld {
  Thing value{"value"};
  explicit ReleasedByTwo(Word handles) { make(handles, 0, Call::From::kHand); }
  void end() {
    expect_consistency();
    value.expect_settled_up();
  }
};

MODEL_SCENARIO(two_handles_and_the_last_deferred, 3) : ReleasedByTwo {
  two_handles_and_the_last_deferred() : ReleasedByTwo(2) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(resolve(value) == CROCHET_OK);
      return release_deferred();
    }
    const Word w = call->word.load(acquire);
    if (word::settled(w)) Thing::at(call->value).use();
    release_result();
  }
};

MODEL_SCENARIO(handles_retained_and_released, 3) : ReleasedByTwo {
  handles_retained_and_released() : ReleasedByTwo(2) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(resolve(value) == CROCHET_OK);
      return release_deferred();
    }
    MODEL_EXPECT(call->retain(generation));
    release_result();
    release_result();
  }
};

// The sole owner of an unsettled call is not alone: a sweep may pin it.
MODEL_SCENARIO(last_handle_and_last_deferred_against_a_sweep, 3) : CallWorld {
  last_handle_and_last_deferred_against_a_sweep() { make(1, 0, Call::From::kHand); }
  void thread(int t) {
    if (t == 0) {
      release_deferred();
    } else if (t == 1) {
      release_result();
    } else {
      stop_one();
    }
  }
  void end() { expect_consistency(); }
};

MODEL_SCENARIO(forgotten_call_against_a_sweep, 3) : CallWorld {
  Thing value{"value"};
  forgotten_call_against_a_sweep() { make(0, word::kForgotten); }
  void function() override { hand_over_a_deferred(); }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      if (!await_deferred()) return;
      if (choose(2) == 0) resolve(value);
      release_deferred();
    } else {
      stop_one();
    }
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
    MODEL_EXPECT(logged() == 0);
  }
};

// A pin that comes and goes while the last deferred is released: the word is as before, and yet somebody was there.
MODEL_SCENARIO(forgotten_call_that_is_pinned_for_a_moment, 2) : CallWorld {
  forgotten_call_that_is_pinned_for_a_moment() { make(0, word::kForgotten, Call::From::kHand); }
  void thread(int t) {
    if (t == 0) return release_deferred();
    if (!pin(*call, kLoop)) return;
    MODEL_EXPECT(call->drop == &Thing::drop);
    call->release_reference();
  }
  void end() {
    expect_consistency();
    MODEL_EXPECT(logged() == 0);
  }
};

// Two deferreds released at once, while a third thread takes the value.
MODEL_SCENARIO(two_last_deferreds_and_a_take, 3) : CallWorld {
  Thing value{"value"};
  two_last_deferreds_and_a_take() {
    make(1, 0, Call::From::kHand);
    MODEL_EXPECT(call->retain_deferred(generation));
    MODEL_EXPECT(resolve(value) == CROCHET_OK);
  }
  void thread(int t) {
    if (t < 2) {
      arg.use();
      return release_deferred();
    }
    MODEL_EXPECT(take());
    release_result();
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
    MODEL_EXPECT(takes == 1);
  }
};

MODEL_SCENARIO(two_takes_and_a_release, 3) : CallWorld {
  Thing value{"value"};
  two_takes_and_a_release() {
    make(3, 0, Call::From::kHand);
    MODEL_EXPECT(resolve(value) == CROCHET_OK);
    release_deferred();
  }
  void thread(int t) {
    if (t < 2) take();
    release_result();
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
    MODEL_EXPECT(takes == 1);
  }
};

// ---- A loop that has ended ----

MODEL_SCENARIO(join_of_an_abandoned_call, 3) : CallWorld {
  bool joined = false;
  int code = CROCHET_OK;
  join_of_an_abandoned_call() { make(1, 0, Call::From::kHand); }
  void thread(int t) {
    if (t == 0) {
      block_until([this] { return joined; });  // somebody keeps his deferred for long
      release_deferred();
    } else if (t == 1) {
      code = join();
      MODEL_EXPECT(code == CROCHET_ESTOPPED);
      joined = true;
      release_result();
    } else {
      stop_one();
      call->abandon(kLoop);
    }
  }
  void end() { expect_consistency(); }
};

MODEL_SCENARIO(abandon_against_the_last_deferred_and_a_join, 3) : CallWorld {
  abandon_against_the_last_deferred_and_a_join() { make(1, 0, Call::From::kHand); }
  void thread(int t) {
    if (t == 0) {
      release_deferred();
    } else if (t == 1) {
      const int code = join();
      MODEL_EXPECT(code == CROCHET_OK || code == CROCHET_ESTOPPED);
      if (code == CROCHET_OK) arg.expect_dropped();
      note_outcome();
      release_result();
    } else {
      stop_one();
      call->abandon(kLoop);
    }
  }
  void end() { expect_consistency(); }
};

// ---- Side records ----

MODEL_SCENARIO(two_install_the_side_record_of_a_queued_call, 3) : CallWorld {
  SideRecord* records[2] = {nullptr, nullptr};
  two_install_the_side_record_of_a_queued_call() { make(2); }
  void function() override { call->settle(generation, nullptr, nullptr); }
  void thread(int t) {
    if (t == 0) return serve();
    SideRecord* record = call->need_side();
    MODEL_EXPECT(record != nullptr && record->label.load(relaxed) == nullptr);
    MODEL_EXPECT(call->side() == record);
    records[t - 1] = record;
    wait();
    release_result();
  }
  void end() {
    expect_consistency();
    MODEL_EXPECT(records[0] == records[1]);
    MODEL_EXPECT(runs == 1);
  }
};

MODEL_SCENARIO(a_label_is_seen_by_all, 3) : CallWorld {
  Thing value{"value"};
  void prepare() {
    call = allocate_call();
    call->need_side()->label.store("label", relaxed);
    call->set_function([](crochet_deferred* deferred, void* argument) {
      Thing::at(argument).use();
      MODEL_EXPECT(target_of(deferred).call->label()[0] == 'l');
      MODEL_EXPECT(static_cast<a_label_is_seen_by_all&>(World::present()).resolve_labelled());
    });
    generation = call->make_prepared(kLoop, arg.give(), &Thing::drop, 1, call->word.load(relaxed) & word::kHasMore);
    MODEL_EXPECT(box.push(call));
  }
  bool resolve_labelled() { return resolve(value) == CROCHET_OK; }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      prepare();
      MODEL_EXPECT(wait() == CROCHET_OK);
      release_result();
    } else if (Call* seen = slot(0); pin(*seen, kLoop)) {
      MODEL_EXPECT(seen->label()[0] == 'l');
      seen->release_reference();
    }
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
  }
};

// ---- A forked child ----

MODEL_SCENARIO(left_to_the_parent_of_a_fork, 1) : CallWorld {
  Thing value{"value"};
  Thing payload{"payload"};
  left_to_the_parent_of_a_fork() { make(1, 0, choose_phase()); }
  static Call::From choose_phase() { return choose(2) == 0 ? Call::From::kQueue : Call::From::kHand; }
  void thread(int) {
    if (choose(2) == 1) call->need_side();
    call->leave_to_parent();
    MODEL_EXPECT(resolve(value) == CROCHET_EFORKED);
    MODEL_EXPECT(reject(-5, "text", payload) == CROCHET_EFORKED);
    MODEL_EXPECT(wait() == CROCHET_EFORKED && join() == CROCHET_EFORKED && wait(0) == CROCHET_EFORKED);
    int result = CROCHET_CANCEL_NONE;
    MODEL_EXPECT(call->cancel(generation, &result) == CROCHET_EFORKED);
    void* taken = nullptr;
    crochet_drop_fn* drop = nullptr;
    MODEL_EXPECT(call->take(generation, &taken, &drop) == CROCHET_EFORKED);
    MODEL_EXPECT(!call->asked_to_end(generation));
    MODEL_EXPECT(!pin(*call, kLoop) && !is_unfinished(*call, kLoop));
    MODEL_EXPECT(!call->end_as(Outcome::kNotRun, Outcome::kStopped));
    MODEL_EXPECT(interrupt_waits(*call, generation));
    call->abandon(kLoop);
    for (int i = 0; i < 3; ++i) {
      release_deferred();
      release_result();
    }
    MODEL_EXPECT(wait() == CROCHET_EFORKED && frees() == 0 && !arg.dropped());
    // The scenario's memory goes, the call stays for ever.
    arg.keep();
    call->end_side();
    free(call);
  }
  void end() {
    value.expect_settled_up();
    payload.expect_settled_up();
    arg.expect_settled_up();
  }
};

}  // namespace
}  // namespace crochet::model
