// SPDX-License-Identifier: MIT
// After-calls: each is delivered once, in the order of the adds, when the watched call has settled, whoever settles it;
// or it is cancelled, or its loop stops, and then it is not run.
#include "model/scenarios/calls_and_loops.hpp"

namespace crochet {
namespace {

using model::CallLoop;
using model::TestCall;

// Loop `one` runs the watched call, loop `two` the calls after it.
struct Watching : model::CallsWorld {
  TestCall watched{"watched"};
  TestCall a{"a"};
  TestCall b{"b"};

  explicit Watching(CallLoop::Wakes wakes = CallLoop::Wakes::kAtOnce) : CallsWorld(wakes) {}

  // Watched by after-calls that are made, queued on its loop; its side record is there.
  void begin(Word handles) {
    make(watched, one, handles);
    MODEL_EXPECT(watched.call->need_side() != nullptr);
    MODEL_EXPECT(one.post(watched.call));
  }
  void begin_running(Word handles) {
    make_running(watched, one, handles);
    MODEL_EXPECT(watched.call->need_side() != nullptr);
  }
  void prune_at_each_add() { watched.call->side()->prune_at.store(1, relaxed); }
  void function(TestCall& call) override {
    if (&call != &watched) expect_delivered(call);
    call.resolve();
  }
  virtual void expect_delivered(TestCall& /*call*/) {
    if (watched.call == nullptr) return;
    // Settled before the list was closed (W1). Whoever looks must hold a handle, which these scenarios do.
    MODEL_EXPECT(watched.settled());
  }
  void serve_two(int frees_wanted) {
    two.serve([this, frees_wanted] { return frees() >= frees_wanted; });
  }
};

MODEL_SCENARIO(watchers_first_in_first_out, 3) : Watching {
  watchers_first_in_first_out() {
    begin(2);
    make(a, two, 1);
    make(b, two, 1);
  }
  void thread(int t) {
    if (t == 0) {
      one.drain();
    } else if (t == 1) {
      add(watched, a);
      add(watched, b);
      a.release();
      b.release();
      watched.release();
    } else {
      two.serve([this] { return b.runs == 1; });
      watched.release();
    }
  }
  void end() {
    MODEL_EXPECT(a.order < b.order);
    expect_gone({&watched, &a, &b});
  }
};

// What is watched has no side record yet: two adders race to install it, a cancel races the loop.
MODEL_SCENARIO(watchers_two_adders_and_a_cancel, 4) : Watching {
  watchers_two_adders_and_a_cancel() {
    make(watched, one, 4);
    MODEL_EXPECT(one.post(watched.call));
  }
  void thread(int t) {
    if (t == 0) {
      one.drain();
      two.serve([this] { return a.runs + b.runs == 2; });
      watched.release();
    } else if (t == 3) {
      watched.cancel();
      watched.release();
    } else {
      TestCall& mine = t == 1 ? a : b;
      MODEL_EXPECT(run_after(watched, mine, two));
      mine.release();
      watched.release();
    }
  }
  void end() { expect_gone({&watched, &a, &b}); }
};

MODEL_SCENARIO(watchers_cancel_of_a_waiting_after_call, 3) : Watching {
  int outcome = 0;
  watchers_cancel_of_a_waiting_after_call() {
    begin(2);
    make(a, two, 1);
  }
  void thread(int t) {
    if (t == 0) {
      one.drain();
    } else if (t == 1) {
      add(watched, a);
      outcome = a.cancel();
      a.release();
      watched.release();
    } else {
      two.serve([this] { return frees() >= 1 && a.dropped(); });
      watched.release();
    }
  }
  void end() {
    MODEL_EXPECT((outcome == CROCHET_CANCEL_NOT_RUN) == (a.runs == 0));
    expect_gone({&watched, &a});
  }
};

// The after-call's loop is closed and swept while the watched call settles elsewhere: the push is refused, or the closer has
// the call in its list, or the sweep finds it in the watch list. Somebody waits for it.
MODEL_SCENARIO(watchers_refused_push_and_sweep, 3) : Watching {
  watchers_refused_push_and_sweep() {
    begin(1);
    make(a, two, 1);
  }
  void thread(int t) {
    if (t == 0) {
      one.drain();
    } else if (t == 1) {
      add(watched, a);
      MODEL_EXPECT(a.wait() == CROCHET_ESTOPPED);
      a.release();
      watched.release();
    } else {
      two.request_stop();
      two.settle_from_outside();
    }
  }
  void end() {
    MODEL_EXPECT(a.runs == 0);
    expect_gone({&watched, &a});
  }
};

// The same when nobody has a handle: who is refused gives the last reference up, and the argument must be dropped by then.
MODEL_SCENARIO(watchers_refused_push_of_a_forgotten_call, 3) : Watching {
  watchers_refused_push_of_a_forgotten_call() {
    begin(1);
    make(a, two, 0, word::kForgotten);
  }
  void thread(int t) {
    if (t == 0) {
      one.drain();
    } else if (t == 1) {
      add(watched, a);
      watched.release();
    } else {
      two.request_stop();
      two.settle_from_outside();
    }
  }
  void end() {
    MODEL_EXPECT(a.runs == 0);
    expect_gone({&watched, &a});
  }
};

// Made while its loop is being closed and swept, and only then added: accepts() decides whether the sweep knows of it.
MODEL_SCENARIO(watchers_made_while_its_loop_stops, 3) : Watching {
  watchers_made_while_its_loop_stops() { begin(1); }
  void thread(int t) {
    if (t == 0) {
      one.drain();
    } else if (t == 1) {
      if (run_after(watched, a, two)) {
        MODEL_EXPECT(a.wait() == CROCHET_ESTOPPED);
        a.release();
      }
      watched.release();
    } else {
      two.request_stop();
      two.settle_from_outside();
    }
  }
  void end() { expect_gone({&watched, &a}); }
};

// A waits and is cancelled; whoever adds B prunes; meanwhile the watched call settles.
MODEL_SCENARIO(watchers_prune_and_settle, 4) : Watching {
  int outcome = 0;
  watchers_prune_and_settle() {
    begin(2);
    make(a, two, 1);
    make(b, two, 1);
    add(watched, a);
    prune_at_each_add();
  }
  void thread(int t) {
    if (t == 0) {
      one.drain();
    } else if (t == 1) {
      add(watched, b);
      b.release();
      watched.release();
    } else if (t == 2) {
      outcome = a.cancel();
      a.release();
    } else {
      two.serve([this] { return b.runs == 1 && a.dropped() && (a.runs == 1 || outcome == CROCHET_CANCEL_NOT_RUN); });
      watched.release();
    }
  }
  void end() {
    MODEL_EXPECT((outcome == CROCHET_CANCEL_NOT_RUN) == (a.runs == 0));
    MODEL_EXPECT(a.runs == 0 || a.order < b.order);
    expect_gone({&watched, &a, &b});
  }
};

// Two who add prune at the same time, with one who waits already; and the settler comes.
MODEL_SCENARIO(watchers_two_pruners_and_the_settler, 4) : Watching {
  TestCall c{"c"};
  watchers_two_pruners_and_the_settler() {
    begin(3);
    for (TestCall* call : {&a, &b, &c}) make(*call, two, 1);
    add(watched, a);
    prune_at_each_add();
  }
  void thread(int t) {
    if (t == 0) {
      one.drain();
    } else if (t == 3) {
      two.serve([this] { return a.runs + b.runs + c.runs == 3; });
      watched.release();
    } else {
      TestCall& mine = t == 1 ? b : c;
      add(watched, mine);
      mine.release();
      if (t == 1) a.release();
      watched.release();
    }
  }
  void end() {
    MODEL_EXPECT(a.order < b.order && a.order < c.order);
    expect_gone({&watched, &a, &b, &c});
  }
};

// Nobody settles the watched call: who gives its last deferred back breaks it, which delivers. The list's references are
// the only ones left by then.
MODEL_SCENARIO(watchers_broken_delivers, 3) : Watching {
  watchers_broken_delivers() {
    begin_running(1);
    make(a, two, 1);
  }
  void expect_delivered(TestCall& /*call*/) override {}
  void thread(int t) {
    if (t == 0) {
      watched.release_deferred();
    } else if (t == 1) {
      add(watched, a);
      a.release();
      watched.release();
    } else {
      two.serve([this] { return a.runs == 1; });
    }
  }
  void end() { expect_gone({&watched, &a}); }
};

// Whoever adds gives its only reference to the list, as crochet_call_run() does: it may be gone before the add has ended.
MODEL_SCENARIO(watchers_adder_has_no_handle, 3) : Watching {
  watchers_adder_has_no_handle() {
    begin_running(1);
    make(a, two, 1);
  }
  void expect_delivered(TestCall& /*call*/) override {}
  void thread(int t) {
    if (t == 0) {
      watched.resolve();
      watched.release_deferred();
    } else if (t == 1) {
      add_watcher(*watched.call, *a.call);
      a.release();
    } else {
      two.serve([this] { return a.runs == 1; });
    }
  }
  void end() { expect_gone({&watched, &a}); }
};

MODEL_SCENARIO(watchers_broken_delivers_two, 3) : Watching {
  watchers_broken_delivers_two() {
    begin_running(1);
    make(a, two, 1);
    make(b, two, 1);
  }
  void expect_delivered(TestCall& /*call*/) override {}
  void thread(int t) {
    if (t == 0) {
      watched.release_deferred();
    } else if (t == 1) {
      add(watched, a);
      add(watched, b);
      a.release();
      b.release();
      watched.release();
    } else {
      two.serve([this] { return a.runs + b.runs == 2; });
    }
  }
  void end() {
    MODEL_EXPECT(a.order == 1);
    expect_gone({&watched, &a, &b});
  }
};

// Settled from outside its loop, which is swept at the same time.
MODEL_SCENARIO(watchers_settled_outside_and_swept, 4) : Watching {
  watchers_settled_outside_and_swept() {
    begin_running(2);
    make(a, two, 1);
  }
  void thread(int t) {
    if (t == 0) {
      watched.call->settle(watched.generation, nullptr, nullptr);
      watched.release_deferred();
    } else if (t == 1) {
      add(watched, a);
      a.release();
      watched.release();
    } else if (t == 2) {
      two.serve([this] { return a.runs == 1; });
      watched.release();
    } else {
      one.settle_from_outside();
    }
  }
  void end() { expect_gone({&watched, &a}); }
};

// Three that wait, on two loops.
MODEL_SCENARIO(watchers_three_on_two_loops, 4) : Watching {
  TestCall c{"c"};
  watchers_three_on_two_loops() {
    begin(3);
    make(a, two, 1);
    make(b, one, 1);
    make(c, two, 1);
  }
  void thread(int t) {
    if (t == 0) {
      one.serve([this] { return b.runs == 1; });
    } else if (t == 1) {
      add(watched, a);
      add(watched, b);
      a.release();
      b.release();
      watched.release();
    } else if (t == 2) {
      add(watched, c);
      c.release();
      watched.release();
    } else {
      two.serve([this] { return a.runs + c.runs == 2; });
      watched.release();
    }
  }
  void end() { expect_gone({&watched, &a, &b, &c}); }
};

// A after B after C; C settles, B is run and settles, A is run. Or B is cancelled under it.
struct Chain : Watching {
  explicit Chain(Word handles_of_b) {
    begin(2);
    make(b, two, handles_of_b);
    make(a, two, 1);
    MODEL_EXPECT(b.call->need_side() != nullptr);
  }
  void expect_delivered(TestCall& call) override {
    if (&call == &a) MODEL_EXPECT(b.settled());
  }
};

MODEL_SCENARIO(watchers_chain, 3) : Chain {
  watchers_chain() : Chain(1) {}
  void thread(int t) {
    if (t == 0) {
      one.drain();
      watched.release();
    } else if (t == 1) {
      add(watched, b);
      add(b, a);
      a.release();
      watched.release();
    } else {
      two.serve([this] { return a.runs == 1; });
      b.release();
    }
  }
  void end() {
    MODEL_EXPECT(b.order < a.order);
    expect_gone({&watched, &a, &b});
  }
};

MODEL_SCENARIO(watchers_chain_cancelled_in_the_middle, 4) : Chain {
  int outcome = 0;
  watchers_chain_cancelled_in_the_middle() : Chain(2) {}
  void thread(int t) {
    if (t == 0) {
      one.drain();
      watched.release();
    } else if (t == 1) {
      add(watched, b);
      add(b, a);
      a.release();
      watched.release();
    } else if (t == 2) {
      two.serve([this] { return a.runs == 1 && b.dropped(); });
      b.release();
    } else {
      outcome = b.cancel();
      b.release();
    }
  }
  void end() {
    if (outcome == CROCHET_CANCEL_NOT_RUN) MODEL_EXPECT(b.runs == 0);
    MODEL_EXPECT(a.runs == 1);
    expect_gone({&watched, &a, &b});
  }
};

// The slot of the watched call is freed by its last watcher and begins its next life, with a side record and a watcher of
// its own, while the first life's adder is still on its way out.
MODEL_SCENARIO(watchers_slot_and_record_recycled, 3) : Watching {
  TestCall again{"again"};
  watchers_slot_and_record_recycled() {
    begin(1);
    make(a, two, 1);
  }
  void expect_delivered(TestCall& /*call*/) override {}
  void thread(int t) {
    if (t == 0) {
      one.drain();
      model::block_until([this] { return watched.dropped() && frees() >= 1; });
      make_running(again, one, 1);
      MODEL_EXPECT(run_after(again, b, two));
      again.release_deferred();
      b.release();
      again.release();
    } else if (t == 1) {
      add(watched, a);
      a.release();
      watched.release();
    } else {
      two.serve([this] { return a.runs + b.runs == 2; });
    }
  }
  void end() { expect_gone({&watched, &a, &b, &again}); }
};

// With the real queue's sleep and wake-up on both loops.
MODEL_SCENARIO(watchers_wake_a_sleeping_loop, 3) : Watching {
  watchers_wake_a_sleeping_loop() : Watching(CallLoop::Wakes::kByDescriptor) {
    begin(2);
    make(a, two, 1);
  }
  void thread(int t) {
    if (t == 0) {
      one.serve([this] { return watched.dropped(); });
    } else if (t == 1) {
      add(watched, a);
      a.release();
      watched.release();
    } else {
      two.serve([this] { return a.runs == 1; });
      watched.release();
    }
  }
  void end() { expect_gone({&watched, &a}); }
};

}  // namespace
}  // namespace crochet
