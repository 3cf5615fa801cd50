// SPDX-License-Identifier: MIT
// Calls that do not start when they are popped, but when their time has come: each runs once then, or it expires, is
// cancelled, or does not run because its loop stops or is given up.
#include "model/scenarios/calls_and_loops.hpp"

namespace crochet {
namespace {

using model::CallLoop;
using model::TestCall;

struct Delayed : model::CallsWorld {
  TestCall a{"a"};

  // crochet_call_set_delay_ns and crochet_call_run. False: refused, and nothing is left of it.
  bool make_delayed(TestCall& call) {
    make(call, one, 1, word::kConditional);
    if (one.post(call.call)) return true;
    call.call->refuse();
    call.release();
    return false;
  }
  void function(TestCall& call) override {
    MODEL_EXPECT(one.time_has_come());
    call.resolve();
  }
  void expect_gone_after_the_stop(std::initializer_list<const TestCall*> calls) {
    one.request_stop();
    expect_gone(calls);
  }
};

MODEL_SCENARIO(delayed_runs_when_its_time_has_come, 2) : Delayed {
  void thread(int t) {
    if (t == 1) return one.serve([this] { return a.runs == 1; });
    MODEL_EXPECT(make_delayed(a));
    MODEL_EXPECT(a.wait() == CROCHET_OK);
    a.release();
  }
  void end() { expect_gone({&a}); }
};

MODEL_SCENARIO(delayed_cancel_races_the_start, 2) : Delayed {
  int outcome = 0;
  delayed_cancel_races_the_start() { make_delayed(a); }
  void thread(int t) {
    if (t == 0) {
      one.drain();
      one.let_time_pass();
      return;
    }
    outcome = a.cancel();
    a.release();
  }
  void end() {
    MODEL_EXPECT((outcome == CROCHET_CANCEL_NOT_RUN) == (a.runs == 0));
    expect_gone_after_the_stop({&a});
  }
};

// The cancel settles it while it fails, or finds it failed.
MODEL_SCENARIO(delayed_cancel_races_the_expiry, 2) : Delayed {
  int outcome = 0;
  int code = 0;
  delayed_cancel_races_the_expiry() {
    one.let_calls_expire();
    make_delayed(a);
  }
  void thread(int t) {
    if (t == 0) {
      one.drain();
      one.let_time_pass();
      return;
    }
    outcome = a.cancel();
    code = a.join() == CROCHET_OK ? a.wait() : 0;
    a.release();
  }
  void end() {
    MODEL_EXPECT(a.runs == 0);
    MODEL_EXPECT(code == (outcome == CROCHET_CANCEL_TOO_LATE ? CROCHET_EFAILED : CROCHET_ECANCELED));
    expect_gone_after_the_stop({&a});
  }
};

// Wherever the stop finds it: in the queue, waiting for its time, started.
MODEL_SCENARIO(delayed_stop_and_cancel, 3) : Delayed {
  int outcome = 0;
  delayed_stop_and_cancel() { make_delayed(a); }
  void thread(int t) {
    if (t == 0) return one.request_stop();
    if (t == 1) return one.serve_until_stopped();
    outcome = a.cancel();
    a.release();
  }
  void end() {
    if (outcome == CROCHET_CANCEL_NOT_RUN) MODEL_EXPECT(a.runs == 0);
    expect_gone({&a});
  }
};

// The loop's thread is slow: whoever waits for its end gives it up, and settles the call while it is about to start.
MODEL_SCENARIO(delayed_settled_from_outside, 3) : Delayed {
  int code = 0;
  delayed_settled_from_outside() { make_delayed(a); }
  void thread(int t) {
    if (t == 0) {
      one.request_stop();
      one.settle_from_outside();
    } else if (t == 1) {
      one.serve_until_stopped();
    } else {
      code = a.wait();
      a.release();
    }
  }
  void end() {
    MODEL_EXPECT(code == CROCHET_ESTOPPED || (code == CROCHET_OK && a.runs == 1));
    expect_gone({&a});
  }
};

MODEL_SCENARIO(delayed_made_while_stopping, 3) : Delayed {
  bool refused = false;
  int code = 0;
  void thread(int t) {
    if (t == 0) return one.request_stop();
    if (t == 1) return one.serve_until_stopped();
    refused = !make_delayed(a);
    if (refused) return;
    code = a.wait();
    a.release();
  }
  void end() {
    if (!refused) MODEL_EXPECT(code == (a.runs == 1 ? CROCHET_OK : CROCHET_ESTOPPED));
    expect_gone({&a});
  }
};

}  // namespace
}  // namespace crochet
