// SPDX-License-Identifier: MIT
// Queue and calls in one: made, pushed, drained, run, settled, waited for, over the real queue's sleep and wake-up; and the
// loop that stops in the middle of it, from inside or outside.
#include "model/scenarios/calls_and_loops.hpp"

namespace crochet {
namespace {

using model::CallLoop;
using model::TestCall;

struct Running : model::CallsWorld {
  TestCall a{"a"};
  TestCall b{"b"};

  Running() : CallsWorld(CallLoop::Wakes::kByDescriptor) {}
  // crochet_run, and crochet_result_wait. What comes out must fit whether the function ran.
  void run_and_wait(TestCall& call) {
    if (!run(call, one)) {
      MODEL_EXPECT(call.runs == 0 && call.dropped());
      return;
    }
    const int code = call.wait();
    MODEL_EXPECT(code == CROCHET_OK || code == CROCHET_ESTOPPED);
    if (code == CROCHET_OK) MODEL_EXPECT(call.runs == 1);
    MODEL_EXPECT(call.join() == CROCHET_OK);
    MODEL_EXPECT(call.dropped());
    call.release();
  }
};

MODEL_SCENARIO(queue_runs_a_call_and_wakes_its_waiter, 2) : Running {
  void thread(int t) {
    if (t == 0) return run_and_wait(a);
    one.serve([this] { return frees() == 1; });
  }
  void end() {
    MODEL_EXPECT(a.runs == 1);
    expect_gone({&a});
  }
};

MODEL_SCENARIO(queue_runs_calls_of_two_callers, 3) : Running {
  void thread(int t) {
    if (t < 2) return run_and_wait(t == 0 ? a : b);
    one.serve([this] { return frees() == 2; });
  }
  void end() {
    MODEL_EXPECT(a.runs == 1 && b.runs == 1);
    expect_gone({&a, &b});
  }
};

MODEL_SCENARIO(queue_stopped_from_outside_under_a_caller, 3) : Running {
  void thread(int t) {
    if (t == 0) return run_and_wait(a);
    if (t == 1) return one.request_stop();
    one.serve_until_stopped();
  }
  void end() { expect_gone({&a}); }
};

// The first call stops the loop; the second is made meanwhile.
MODEL_SCENARIO(queue_stopped_from_inside, 3) : Running {
  void function(TestCall& call) override {
    if (&call == &a) one.request_stop();
    call.resolve();
  }
  void thread(int t) {
    if (t < 2) return run_and_wait(t == 0 ? a : b);
    one.serve_until_stopped();
  }
  void end() { expect_gone({&a, &b}); }
};

MODEL_SCENARIO(queue_stopped_while_a_cancel_comes, 3) : Running {
  int outcome = 0;
  queue_stopped_while_a_cancel_comes() {
    make(a, one, 1);
    MODEL_EXPECT(one.post(a.call));
  }
  void thread(int t) {
    if (t == 0) {
      outcome = a.cancel();
      MODEL_EXPECT(a.join() == CROCHET_OK);
      MODEL_EXPECT(a.dropped());
      a.release();
    } else if (t == 1) {
      one.request_stop();
    } else {
      one.serve_until_stopped();
    }
  }
  void end() {
    if (outcome == CROCHET_CANCEL_NOT_RUN) MODEL_EXPECT(a.runs == 0);
    expect_gone({&a});
  }
};

}  // namespace
}  // namespace crochet
