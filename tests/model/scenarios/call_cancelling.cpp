// SPDX-License-Identifier: MIT
// Cancelling and stopping: with a hook, with one that comes, goes or is replaced meanwhile, against a stopping loop.
#include "model/scenarios/model_world_call.hpp"

namespace crochet::model {
namespace {

// The cancelled call travels to the loop once more, behind or in front of another one, while others settle it.
MODEL_SCENARIO(cancel_message_while_another_thread_settles, 4) : CallWorld {
  Thing value{"value"};
  Thing late{"the hook's value"};
  Thing hook_arg{"hook's argument"};
  cancel_message_while_another_thread_settles() { make(2); }
  void function() override {
    MODEL_EXPECT(call->retain_deferred(generation));
    hook_on_cancel(hook_arg);
    handed.exchange(1, acq_rel);
  }
  void hook() override { resolve(late); }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      if (!await_deferred()) return;
      resolve(value);
      arg.use();
      release_deferred();
    } else if (t == 2) {
      wait_and_use();
      release_result();
    } else {
      cancel();
      release_result();
    }
  }
  void end() {
    expect_consistency();
    for (const Thing* thing : {&value, &late, &hook_arg}) thing->expect_settled_up();
    if (cancelled == CROCHET_CANCEL_TOO_LATE) MODEL_EXPECT(outcome == Outcome::kValue && hook_runs == 0);
    if (hook_runs == 1) MODEL_EXPECT(outcome == Outcome::kValue);
  }
};

// As before, already running, with the settler that only releases: the message must find the arg alive or nothing.
MODEL_SCENARIO(cancel_message_against_the_last_release, 3) : CallWorld {
  Thing hook_arg{"hook's argument"};
  cancel_message_against_the_last_release() {
    make(1, 0, Call::From::kHand);
    hook_on_cancel(hook_arg);
  }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      arg.use();
      release_deferred();
    } else {
      cancel();
      wait();
      note_outcome();
      release_result();
    }
  }
  void end() {
    expect_consistency();
    hook_arg.expect_settled_up();
    MODEL_EXPECT(outcome == Outcome::kBroken);
  }
};

// The message comes when the call is settled already, and somebody still holds a deferred: no hook then.
MODEL_SCENARIO(cancel_message_of_a_settled_call, 2) : CallWorld {
  Thing value{"value"};
  Thing hook_arg{"hook's argument"};
  bool waited = false;
  cancel_message_of_a_settled_call() {
    make(1, 0, Call::From::kHand);
    hook_on_cancel(hook_arg);
  }
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(resolve(value) == CROCHET_OK);
      block_until([this] { return waited; });
      for (Call* message = box.take(); message != nullptr; message = nullptr) process(message);
      release_deferred();
      return serve();
    }
    cancel();
    MODEL_EXPECT(wait_and_use() == CROCHET_OK);
    waited = true;
    release_result();
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
    hook_arg.expect_settled_up();
    MODEL_EXPECT(hook_runs == 0);
  }
};

// Two cancels: one message, one call of the hook.
MODEL_SCENARIO(two_cancels_of_a_call_with_a_hook, 3) : CallWorld {
  Thing hook_arg{"hook's argument"};
  two_cancels_of_a_call_with_a_hook() {
    make(2, 0, Call::From::kHand);
    hook_on_cancel(hook_arg);
  }
  void hook() override { MODEL_EXPECT(call->reject(generation, CROCHET_ECANCELED, nullptr, 0, nullptr, nullptr) == CROCHET_OK); }
  void thread(int t) {
    if (t == 0) {
      for (Call* message = nullptr; message == nullptr;) {
        block_until([this] { return box.has_any(); });
        message = box.take();
        if (message != nullptr) process(message);
      }
      release_deferred();
      return serve();
    }
    const int result = cancel();
    MODEL_EXPECT(result == CROCHET_CANCEL_REQUESTED || result == CROCHET_CANCEL_TOO_LATE);
    MODEL_EXPECT(wait() == CROCHET_ECANCELED);
    note_outcome();
    release_result();
  }
  void end() {
    expect_consistency();
    hook_arg.expect_settled_up();
    MODEL_EXPECT(hook_runs == 1);
  }
};

// A setter replaces its hook, or takes it back, while a cancel is in flight.
struct HookChanges : CallWorld {
  Thing first{"first hook's argument"};
  Thing second{"second hook's argument"};
  int status = CROCHET_OK;
  HookChanges() {
    make(1, 0, Call::From::kHand);
    hook_on_cancel(first);
  }
  virtual void change() = 0;
  void hook() override { call->reject(generation, CROCHET_ECANCELED, nullptr, 0, nullptr, nullptr); }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      change();
      release_deferred();
    } else {
      cancel();
      wait();
      note_outcome();
      release_result();
    }
  }
  void end() {
    expect_nothing_left();
    for (const Thing* thing : {&arg, &first, &second}) thing->expect_settled_up();
    MODEL_EXPECT(hook_runs <= 1);
    if (hook_runs == 1) MODEL_EXPECT(outcome == Outcome::kCancelled);
  }
};

MODEL_SCENARIO(hook_replaced_while_a_cancel_is_in_flight, 3) : HookChanges {
  void change() override { status = hook_on_cancel(second); }
};

MODEL_SCENARIO(hook_cleared_while_a_cancel_is_in_flight, 3) : HookChanges {
  bool cleared = false;
  void change() override {
    if (clear_hook() == CROCHET_OK) {
      // It is not called any more, and whoever is asked for it settles the call instead.
      MODEL_EXPECT(hook_runs == 0);
      cleared = true;
    }
    wait();
  }
  void end() {
    HookChanges::end();
    MODEL_EXPECT(hook_runs == (cleared ? 0 : 1));
    MODEL_EXPECT(outcome == Outcome::kCancelled);
  }
};

MODEL_SCENARIO(hook_cleared_and_set_again_while_a_cancel_is_in_flight, 3) : HookChanges {
  void change() override {
    if (clear_hook() == CROCHET_OK) status = hook_on_cancel(second);
  }
};

// Refused, or called for every cancel that comes later: never accepted and forgotten.
MODEL_SCENARIO(hook_installed_against_cancel, 3) : CallWorld {
  Thing hook_arg{"hook's argument"};
  int status = CROCHET_OK;
  hook_installed_against_cancel() { make(1, 0, Call::From::kHand); }
  void hook() override { handed.exchange(1, acq_rel); }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      status = hook_on_cancel(hook_arg);
      if (status == CROCHET_OK) {
        block_until([this] { return handed.peek() == 1; });  // the cancel will come: it must lead to the hook
        handed.fetch_add(0, acq_rel);
      } else {
        MODEL_EXPECT(status == CROCHET_EALREADY);
      }
      release_deferred();
    } else {
      cancel();
      MODEL_EXPECT(cancelled == CROCHET_CANCEL_REQUESTED);
      wait();
      note_outcome();
      release_result();
    }
  }
  void end() {
    expect_nothing_left();
    arg.expect_settled_up();
    hook_arg.expect_settled_up();
    MODEL_EXPECT(hook_runs == (status == CROCHET_OK ? 1 : 0));
    MODEL_EXPECT(outcome == (status == CROCHET_OK ? Outcome::kBroken : Outcome::kCancelled));
  }
};

// Two deferreds, two setters: one hook is left, the other's argument dropped.
MODEL_SCENARIO(two_hooks_installed_against_cancel, 4) : CallWorld {
  Thing args[2] = {Thing{"first hook's argument"}, Thing{"second hook's argument"}};
  two_hooks_installed_against_cancel() {
    make(1, 0, Call::From::kHand);
    MODEL_EXPECT(call->retain_deferred(generation));
  }
  void thread(int t) {
    if (t == 0) return serve();
    if (t <= 2) {
      hook_on_cancel(args[t - 1]);
      release_deferred();
    } else {
      cancel();
      wait();
      note_outcome();
      release_result();
    }
  }
  void end() {
    expect_nothing_left();
    arg.expect_settled_up();
    for (const Thing& thing : args) thing.expect_settled_up();
    MODEL_EXPECT(hook_runs <= 1);
  }
};

// A loop that stops, as Loop does it: close, ask, call hooks, look for more during the grace, end.
struct StoppingLoop : CallWorld {
  Atomic<bool> look{false};
  StoppingLoop() { name(look, "look for hooks"); }
  void look_for_hooks(std::uint32_t loop_id) override {
    MODEL_EXPECT(loop_id == kLoop);
    look.store(true, release);
  }
  void run_hooks() {
    if (!pin(*call, kLoop)) return;
    const Word w = call->word.load(relaxed);
    if ((w & word::kAsked) != 0 && (w & word::kHooked) != 0) call->run_hook();
    call->release_reference();
  }
  void stop() {
    for (Call* left = box.close(); left != nullptr;) {
      Call* next = left->next;
      if (is_message(left->word.load(acquire))) left->release_reference();
      else left->refuse();
      left = next;
    }
    if (pin(*call, kLoop)) {
      if (word::phase(call->word.load(relaxed)) == Phase::kQueued) call->end_as(Outcome::kNotRun, Outcome::kStopped);
      else call->ask_to_stop();
      call->release_reference();
    }
    run_hooks();
    if (block_with_timeout([this] { return look.peek() || frees() != 0; }) && look.exchange(false, acq_rel)) run_hooks();
    if (pin(*call, kLoop)) {
      if (call->ask_to_stop()) call->run_hook();
      call->release_reference();
    }
    stop_one();
  }
};

MODEL_SCENARIO(hook_installed_against_stop, 3) : StoppingLoop {
  Thing hook_arg{"hook's argument"};
  int status = CROCHET_OK;
  hook_installed_against_stop() { make(1, 0, Call::From::kHand); }
  void hook() override { call->reject(generation, CROCHET_ECANCELED, nullptr, 0, nullptr, nullptr); }
  void thread(int t) {
    if (t == 0) return stop();
    if (t == 1) {
      status = hook_on_cancel(hook_arg);
      // Accepted: the stop must call it, for nobody else ends the call.
      wait();
      release_deferred();
    } else {
      MODEL_EXPECT(wait() == CROCHET_ESTOPPED);
      note_outcome();
      release_result();
    }
  }
  void end() {
    expect_consistency();
    hook_arg.expect_settled_up();
    MODEL_EXPECT(hook_runs == (status == CROCHET_OK ? 1 : 0));
  }
};

MODEL_SCENARIO(cancel_against_stop_of_a_call_with_a_hook, 3) : StoppingLoop {
  Thing hook_arg{"hook's argument"};
  cancel_against_stop_of_a_call_with_a_hook() {
    make(1, 0, Call::From::kHand);
    hook_on_cancel(hook_arg);
  }
  void hook() override { call->reject(generation, CROCHET_ECANCELED, nullptr, 0, nullptr, nullptr); }
  void thread(int t) {
    if (t == 0) return stop();
    if (t == 1) {
      wait();
      release_deferred();
    } else {
      cancel();
      const int code = wait();
      note_outcome();
      MODEL_EXPECT(code == CROCHET_ECANCELED || code == CROCHET_ESTOPPED);
      release_result();
    }
  }
  void end() {
    expect_consistency();
    hook_arg.expect_settled_up();
    MODEL_EXPECT(hook_runs == 1);
  }
};

// A call that runs at the stop is not asked to end. Its hook is called when somebody cancels during the grace, although
// the queue refuses the message.
MODEL_SCENARIO(cancel_refused_during_the_grace, 3) : StoppingLoop {
  Thing hook_arg{"hook's argument"};
  cancel_refused_during_the_grace() {
    make(1, word::kAtStop);
    call = box.close();
  }
  void function() override {
    hook_on_cancel(hook_arg);
    hand_over_a_deferred();
  }
  void hook() override { call->reject(generation, CROCHET_ECANCELED, nullptr, 0, nullptr, nullptr); }
  void thread(int t) {
    if (t == 0) {
      process(call);
      run_hooks();
      while (frees() == 0) {
        block_until([this] { return look.peek() || frees() != 0; });
        if (look.exchange(false, acq_rel)) run_hooks();
      }
    } else if (t == 1) {
      if (!await_deferred()) return;
      wait();
      release_deferred();
    } else {
      cancel();
      MODEL_EXPECT(wait() == CROCHET_ECANCELED);
      note_outcome();
      release_result();
    }
  }
  void end() {
    expect_consistency();
    hook_arg.expect_settled_up();
  }
};

MODEL_SCENARIO(cancel_against_join_of_a_queued_call, 3) : CallWorld {
  Plain<int> context{1};
  cancel_against_join_of_a_queued_call() { make(2); }
  void function() override { MODEL_EXPECT(context == 1); }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      cancel();
    } else {
      MODEL_EXPECT(join() == CROCHET_OK);
      arg.expect_dropped();
      context = 0;
      note_outcome();
    }
    release_result();
  }
  void end() { expect_consistency(); }
};

// The queue hands the call over while it is cancelled and the loop stops.
MODEL_SCENARIO(cancel_against_stop_of_a_queued_call, 3) : StoppingLoop {
  Thing value{"value"};
  cancel_against_stop_of_a_queued_call() { make(2); }
  void function() override { resolve(value); }
  void thread(int t) {
    if (t == 0) {
      if (Call* popped = box.take()) process(popped);
    } else if (t == 1) {
      cancel();
      release_result();
    } else {
      if (Call* popped = box.close()) popped->refuse();
      stop_one();
      wait_and_use();
      release_result();
    }
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
    MODEL_EXPECT((runs == 0) == (outcome != Outcome::kValue) || outcome == Outcome::kCancelled ||
                 outcome == Outcome::kStopped);
  }
};

// A push that is refused, while a sweep already sees the call.
MODEL_SCENARIO(refused_call_against_a_sweep, 3) : CallWorld {
  refused_call_against_a_sweep() { call = allocate_call(); }
  void thread(int t) {
    if (t == 0) {
      generation = call->make(kLoop, 0, arg.give(), &Thing::drop, 1, 0);
      if (box.push(call)) {
        wait();
        note_outcome();
      } else {
        call->refuse();
        MODEL_EXPECT(arg.dropped() || !word::finished(call->word.load(acquire)));
      }
      release_result();
    } else if (t == 1) {
      if (Call* left = box.close()) left->refuse();
      stop_one();
    } else {
      stop_one();
    }
  }
  void end() {
    expect_consistency();
    if (outcome_known) MODEL_EXPECT(outcome == Outcome::kNotRun);
  }
};

// ---- Everything at once ----

struct EverythingMixed : CallWorld {
  Thing inside{"value from inside"};
  Thing outside{"value from outside"};
  Thing hook_arg{"hook's argument"};
  Plain<int> context{1};  // freed by the caller when the join has returned
  EverythingMixed() { make(1); }
  void use_context() { MODEL_EXPECT(context == 1); }
  void hook() override {
    use_context();
    call->reject(generation, CROCHET_ECANCELED, nullptr, 0, nullptr, nullptr);
  }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      if (!await_deferred()) return;
      resolve(outside);
      arg.use();
      use_context();
      release_deferred();
    } else if (t == 2) {
      cancel();
      MODEL_EXPECT(join() == CROCHET_OK);
      arg.expect_dropped();
      context = 0;
      note_outcome();
      release_result();
    } else {
      stop_one();
    }
  }
  void end() {
    expect_consistency();
    for (const Thing* thing : {&inside, &outside, &hook_arg}) thing->expect_settled_up();
  }
};

MODEL_SCENARIO(everything_mixed_settled_outside, 4) : EverythingMixed {
  void function() override {
    use_context();
    MODEL_EXPECT(call->retain_deferred(generation));
    hook_on_cancel(hook_arg);
    handed.exchange(1, acq_rel);
  }
};

MODEL_SCENARIO(everything_mixed_settled_inside_and_outside, 4) : EverythingMixed {
  void function() override {
    use_context();
    MODEL_EXPECT(call->retain_deferred(generation));
    hook_on_cancel(hook_arg);
    handed.exchange(1, acq_rel);
    resolve(inside);
  }
};

MODEL_SCENARIO(everything_mixed_without_a_hook, 4) : EverythingMixed {
  void function() override {
    use_context();
    hand_over_a_deferred();
    resolve(inside);
  }
};

}  // namespace
}  // namespace crochet::model
