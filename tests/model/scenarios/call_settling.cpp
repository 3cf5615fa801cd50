// SPDX-License-Identifier: MIT
// Settling: inside the function, outside, both, not at all; who waits sees the outcome, and everybody the same one.
#include <cerrno>

#include "call/error_record.hpp"
#include "model/scenarios/model_world_call.hpp"

namespace crochet::model {
namespace {

MODEL_SCENARIO(settle_inside_wait_take_cancel_take, 3) : CallWorld {
  Thing value{"value"};
  settle_inside_wait_take_cancel_take() { make(2); }
  void function() override { resolve(value); }
  void thread(int t) {
    if (t == 0) return serve();
    const bool settled = t == 1 || cancel() == CROCHET_CANCEL_TOO_LATE;
    if (settled) {
      const int code = wait();
      note_outcome();
      if (code == CROCHET_OK) take();
    }
    release_result();
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
    const bool has_value = outcome == Outcome::kValue;
    MODEL_EXPECT(takes == (has_value ? 1 : 0));
    MODEL_EXPECT(has_value == (cancelled == CROCHET_CANCEL_TOO_LATE));
    MODEL_EXPECT(logged() == 0);
  }
};

// Nobody else: what the plain case publishes, and to whom.
MODEL_SCENARIO(settle_inside_wait, 2) : CallWorld {
  Thing value{"value"};
  settle_inside_wait() { make(1); }
  void function() override { MODEL_EXPECT(resolve(value) == CROCHET_OK); }
  void thread(int t) {
    if (t == 0) return serve();
    MODEL_EXPECT(wait_and_use() == CROCHET_OK);
    release_result();
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
  }
};

// The caller makes and queues the call itself; the loop knows of it by the queue only.
MODEL_SCENARIO(run_then_wait, 2) : CallWorld {
  Thing value{"value"};
  void function() override { MODEL_EXPECT(resolve(value) == CROCHET_OK); }
  void thread(int t) {
    if (t == 0) return serve();
    make(1);
    MODEL_EXPECT(wait_and_use() == CROCHET_OK);
    release_result();
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
  }
};

struct SettledOutside : CallWorld {
  Thing inside{"value from inside"};
  Thing outside{"value from outside"};
  int status_inside = CROCHET_EALREADY;
  int status_outside = CROCHET_EALREADY;

  SettledOutside() { make(2); }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      if (!await_deferred()) return;
      status_outside = resolve(outside);
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
    inside.expect_settled_up();
    outside.expect_settled_up();
    const int settled = (status_inside == CROCHET_OK ? 1 : 0) + (status_outside == CROCHET_OK ? 1 : 0);
    MODEL_EXPECT(settled == (outcome == Outcome::kValue ? 1 : 0));
    MODEL_EXPECT((settled == 1) == (cancelled == CROCHET_CANCEL_TOO_LATE));
  }
};

MODEL_SCENARIO(settle_outside_wait_cancel, 4) : SettledOutside {
  void function() override { hand_over_a_deferred(); }
};

MODEL_SCENARIO(settle_outside_and_inside_wait_cancel, 4) : SettledOutside {
  void function() override {
    hand_over_a_deferred();
    status_inside = resolve(inside);
  }
};

// Made without a function, as crochet_deferred_new() does: no loop is needed.
struct InHand : CallWorld {
  explicit InHand(Word handles, int deferreds, Word flags = 0) {
    make(handles, flags, Call::From::kHand);
    for (int i = 1; i < deferreds; ++i) MODEL_EXPECT(call->retain_deferred(generation));
  }
};

MODEL_SCENARIO(two_settlers_one_waiter, 3) : InHand {
  Thing values[2] = {Thing{"first value"}, Thing{"second value"}};
  int settled = 0;
  two_settlers_one_waiter() : InHand(1, 2) {}
  void thread(int t) {
    if (t == 2) {
      MODEL_EXPECT(wait_and_use() == CROCHET_OK);
      return release_result();
    }
    if (resolve(values[t]) == CROCHET_OK) ++settled;
    arg.use();
    release_deferred();
  }
  void end() {
    expect_consistency();
    for (const Thing& value : values) value.expect_settled_up();
    MODEL_EXPECT(settled == 1);
  }
};

MODEL_SCENARIO(two_settlers_outside_one_inside_one_waiter, 4) : CallWorld {
  Thing values[3] = {Thing{"value from inside"}, Thing{"first value"}, Thing{"second value"}};
  int settled = 0;
  two_settlers_outside_one_inside_one_waiter() { make(1); }
  void function() override {
    MODEL_EXPECT(call->retain_deferred(generation));
    hand_over_a_deferred();
    settle(0);
  }
  void settle(int i) {
    if (resolve(values[i]) == CROCHET_OK) ++settled;
  }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 3) {
      MODEL_EXPECT(wait_and_use() == CROCHET_OK);
      return release_result();
    }
    MODEL_EXPECT(await_deferred());
    settle(t);
    arg.use();
    release_deferred();
  }
  void end() {
    expect_consistency();
    for (const Thing& value : values) value.expect_settled_up();
    MODEL_EXPECT(settled == 1);
  }
};

// No wait in between: what take() itself must see.
MODEL_SCENARIO(take_without_a_wait, 2) : InHand {
  Thing value{"value"};
  take_without_a_wait() : InHand(1, 1) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(resolve(value) == CROCHET_OK);
      return release_deferred();
    }
    take();
    release_result();
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
  }
};

MODEL_SCENARIO(settle_against_stop, 3) : InHand {
  Thing value{"value"};
  Plain<int> last_words{0};  // of who stops: seen by who waits
  int status = CROCHET_OK;
  settle_against_stop() : InHand(1, 1) {}
  void thread(int t) {
    if (t == 0) {
      status = resolve(value);
      release_deferred();
    } else if (t == 1) {
      last_words = 1;
      stop_one();
    } else {
      const int code = wait_and_use();
      MODEL_EXPECT(code == CROCHET_OK || (code == CROCHET_ESTOPPED && last_words == 1));
      release_result();
    }
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
    MODEL_EXPECT((status == CROCHET_OK) == (outcome == Outcome::kValue));
    MODEL_EXPECT(outcome != Outcome::kBroken);
  }
};

// ---- Nobody settles ----

MODEL_SCENARIO(broken_timed_wait_stop, 3) : InHand {
  broken_timed_wait_stop() : InHand(1, 1) {}
  void thread(int t) {
    if (t == 0) return release_deferred();
    if (t == 1) return stop_one();
    int code = wait(1000);
    if (code == CROCHET_ETIMEDOUT) code = wait();
    note_outcome();
    MODEL_EXPECT(code == CROCHET_EBROKEN || code == CROCHET_ESTOPPED);
    MODEL_EXPECT(call->observe(generation));
    release_result();
  }
  void end() {
    expect_consistency();
    MODEL_EXPECT(logged() == 0);
    MODEL_EXPECT(outcome != Outcome::kNotRun);
  }
};

MODEL_SCENARIO(broken_from_the_queue_timed_wait_stop, 4) : CallWorld {
  broken_from_the_queue_timed_wait_stop() { make(1); }
  void function() override { hand_over_a_deferred(); }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      if (await_deferred()) release_deferred();
    } else if (t == 2) {
      int code = wait(1000);
      if (code == CROCHET_ETIMEDOUT) code = wait();
      note_outcome();
      MODEL_EXPECT(code == CROCHET_EBROKEN || code == CROCHET_ESTOPPED);
      MODEL_EXPECT((outcome == Outcome::kBroken) == (code == CROCHET_EBROKEN));
      release_result();
    } else {
      stop_one();
    }
  }
  void end() {
    expect_consistency();
    MODEL_EXPECT(logged() == (outcome == Outcome::kBroken ? 1 : 0));
  }
};

// The settler and the last deferred are different ones: who finishes must take an outcome that is being written.
MODEL_SCENARIO(one_settles_the_other_only_releases, 3) : InHand {
  Thing value{"value"};
  one_settles_the_other_only_releases() : InHand(1, 2) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(resolve(value) == CROCHET_OK);
      release_deferred();
    } else if (t == 1) {
      arg.use();
      release_deferred();
    } else {
      MODEL_EXPECT(join() == CROCHET_OK);
      arg.expect_dropped();
      note_outcome();
      release_result();
    }
  }
  void end() {
    expect_consistency();
    value.expect_settled_up();
    MODEL_EXPECT(outcome == Outcome::kValue);
  }
};

// ---- Failures ----

// A cancel that settles, and a rejection with a record. The reason that was asked for first decides.
MODEL_SCENARIO(reject_with_a_record_against_cancel, 3) : InHand {
  Thing payload{"payload"};
  Plain<int> last_words{0};  // of who cancels: seen by who waits
  int status = CROCHET_OK;
  reject_with_a_record_against_cancel() : InHand(2, 1) {}
  void thread(int t) {
    if (t == 0) {
      status = reject(-5, "a text", payload);
      release_deferred();
    } else if (t == 1) {
      last_words = 1;
      cancel();
      release_result();
    } else {
      const int code = wait();
      note_outcome();
      if (code == CROCHET_EFAILED) {
        MODEL_EXPECT(call->observe(generation));
        MODEL_EXPECT(call->error_code() == -5);
        MODEL_EXPECT(call->error_message()[0] == 'a');
        Thing::at(call->error_payload(1)).use();
        MODEL_EXPECT(call->error_payload(2) == nullptr);
      } else {
        MODEL_EXPECT(code == CROCHET_ECANCELED && payload.dropped() == (status != CROCHET_OK));
        MODEL_EXPECT(last_words == 1);
      }
      release_result();
    }
  }
  void end() {
    expect_consistency();
    payload.expect_settled_up();
    MODEL_EXPECT((status == CROCHET_OK) == (outcome == Outcome::kFailed));
    MODEL_EXPECT((outcome == Outcome::kFailed) == (cancelled == CROCHET_CANCEL_TOO_LATE));
    MODEL_EXPECT(logged() == 0);
  }
};

// With a hook there, a cancel only asks: a rejection as cancelled then means just that, without its record.
MODEL_SCENARIO(reject_as_cancelled_against_cancel_with_a_hook, 3) : InHand {
  Thing payload{"payload"};
  Thing hook_arg{"hook's argument"};
  reject_as_cancelled_against_cancel_with_a_hook() : InHand(1, 1) {
    MODEL_EXPECT(hook_on_cancel(hook_arg) == CROCHET_OK);
  }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      const bool asked = call->asked_to_end(generation);
      MODEL_EXPECT(reject(-ECANCELED, "late", payload) == CROCHET_OK);
      if (asked) MODEL_EXPECT(payload.dropped());
      release_deferred();
    } else {
      cancel();
      const int code = wait();
      note_outcome();
      if (cancelled == CROCHET_CANCEL_REQUESTED) {
        MODEL_EXPECT(code == CROCHET_ECANCELED);
      } else {
        MODEL_EXPECT(code == CROCHET_EFAILED && call->observe(generation) && call->error_code() == -ECANCELED);
      }
      release_result();
    }
  }
  void end() {
    expect_consistency();
    payload.expect_settled_up();
    hook_arg.expect_settled_up();
    MODEL_EXPECT(logged() == 0);
  }
};

// A stop asks, then the cancel: the stop came first.
MODEL_SCENARIO(stop_and_cancel_ask_a_call_with_a_hook, 3) : InHand {
  Thing payload{"payload"};
  Thing hook_arg{"hook's argument"};
  stop_and_cancel_ask_a_call_with_a_hook() : InHand(1, 1) {
    MODEL_EXPECT(hook_on_cancel(hook_arg) == CROCHET_OK);
  }
  void hook() override { MODEL_EXPECT(call->asked_to_end(generation)); }
  void thread(int t) {
    if (t == 0) {
      if (pin(*call, kLoop)) {
        if (call->ask_to_stop()) call->run_hook();
        call->release_reference();
      }
      serve();
    } else if (t == 1) {
      cancel();
      release_result();
    } else {
      const Word before = call->word.load(acquire) & word::kAsked;
      MODEL_EXPECT(before != word::kAsked);
      MODEL_EXPECT(reject(CROCHET_ECANCELED, nullptr, payload) == CROCHET_OK);
      note_outcome();
      if (before != 0) MODEL_EXPECT(outcome == word::reason(before));
      release_deferred();
    }
  }
  void end() {
    expect_consistency();
    payload.expect_settled_up();
    hook_arg.expect_settled_up();
  }
};

// Whoever looks at a failure keeps it out of the log, whoever releases last.
MODEL_SCENARIO(a_failure_that_one_of_two_looked_at, 3) : InHand {
  a_failure_that_one_of_two_looked_at() : InHand(2, 1) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(call->reject(generation, -5, nullptr, 0, nullptr, nullptr) == CROCHET_OK);
      release_deferred();
    } else if (t == 1) {
      MODEL_EXPECT(wait() == CROCHET_EFAILED);
      MODEL_EXPECT(call->observe(generation) && call->error_code() == -5);
      release_result();
    } else {
      call->observe(generation);
      release_result();
    }
  }
  void end() {
    expect_consistency();
    MODEL_EXPECT(logged() == 0);
  }
};

// No wait in between: what observe() itself must see.
MODEL_SCENARIO(observe_without_a_wait, 2) : InHand {
  Thing payload{"payload"};
  observe_without_a_wait() : InHand(1, 1) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(reject(-5, "a text", payload) == CROCHET_OK);
      return release_deferred();
    }
    if (call->observe(generation)) Thing::at(static_cast<ErrorRecord*>(static_cast<void*>(call->value))->payload).use();
    release_result();
  }
  void end() {
    expect_consistency();
    payload.expect_settled_up();
  }
};

MODEL_SCENARIO(a_failure_that_nobody_looked_at, 2) : InHand {
  Thing payload{"payload"};
  a_failure_that_nobody_looked_at() : InHand(1, 1) {}
  void thread(int t) {
    if (t == 0) {
      MODEL_EXPECT(reject(-5, "lost", payload) == CROCHET_OK);
      release_deferred();
    } else {
      release_result();
    }
  }
  void end() {
    expect_consistency();
    payload.expect_settled_up();
    MODEL_EXPECT(logged() == 1);
  }
};

// What a function throws is a rejection, unless the call is settled already.
MODEL_SCENARIO(function_throws_against_cancel, 3) : CallWorld {
  function_throws_against_cancel() { make(2); }
  void function() override { throw 5; }
  void thread(int t) {
    if (t == 0) return serve();
    if (t == 1) {
      cancel();
    } else {
      const int code = wait();
      note_outcome();
      MODEL_EXPECT(code == CROCHET_ECANCELED || call->observe(generation));
    }
    release_result();
  }
  void end() {
    expect_consistency();
    MODEL_EXPECT((outcome == Outcome::kFailed) == (cancelled == CROCHET_CANCEL_TOO_LATE));
    MODEL_EXPECT(logged() == (cancelled == CROCHET_CANCEL_REQUESTED && runs == 1 ? 1 : 0));
  }
};

}  // namespace
}  // namespace crochet::model
