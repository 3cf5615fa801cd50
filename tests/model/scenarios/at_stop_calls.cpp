// SPDX-License-Identifier: MIT
// At-stop calls: each runs once, last made first, when the loop stops; or it is cancelled, or refused, or its loop is given
// up, and then it does not run.
#include "model/scenarios/calls_and_loops.hpp"

namespace crochet {
namespace {

using model::CallLoop;
using model::TestCall;

struct AtStop : model::CallsWorld {
  TestCall a{"a"};
  TestCall b{"b"};
  bool refused = false;

  // crochet_call_set_at_stop and crochet_call_run. False: refused, nothing is left of it.
  bool make_at_stop(TestCall& call) {
    make(call, one, 1, word::kAtStop);
    if (one.push_at_stop(call.call)) return true;
    call.call->refuse();
    call.release();
    return false;
  }
};

MODEL_SCENARIO(at_stop_runs_last_made_first, 2) : AtStop {
  at_stop_runs_last_made_first() {
    make_at_stop(a);
    make_at_stop(b);
  }
  void thread(int t) {
    if (t == 0) return one.request_stop();
    one.serve_until_stopped();
    a.release();
    b.release();
  }
  void end() {
    MODEL_EXPECT(b.order == 1 && a.order == 2);
    expect_gone({&a, &b});
  }
};

MODEL_SCENARIO(at_stop_cancel_races_the_stop, 3) : AtStop {
  int outcome = 0;
  at_stop_cancel_races_the_stop() { make_at_stop(a); }
  void thread(int t) {
    if (t == 0) return one.request_stop();
    if (t == 1) return one.serve_until_stopped();
    outcome = a.cancel();
    a.release();
  }
  void end() {
    MODEL_EXPECT((outcome == CROCHET_CANCEL_NOT_RUN) == (a.runs == 0));
    expect_gone({&a});
  }
};

// The loop's thread is slow: whoever waits for its end gives it up, and settles from outside what it can.
MODEL_SCENARIO(at_stop_settled_from_outside, 3) : AtStop {
  int code = 0;
  at_stop_settled_from_outside() { make_at_stop(a); }
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
    MODEL_EXPECT(code == (a.runs == 1 ? CROCHET_OK : CROCHET_ESTOPPED) || (a.runs == 1 && code == CROCHET_ESTOPPED));
    expect_gone({&a});
  }
};

// It runs, or it was refused: never neither, never both.
MODEL_SCENARIO(at_stop_made_while_stopping, 3) : AtStop {
  void thread(int t) {
    if (t == 0) return one.request_stop();
    if (t == 1) return one.serve_until_stopped();
    refused = !make_at_stop(a);
    if (refused) return;
    MODEL_EXPECT(a.wait() == CROCHET_OK);
    a.release();
  }
  void end() {
    MODEL_EXPECT(a.runs == (refused ? 0 : 1));
    expect_gone({&a});
  }
};

// The loop prunes husks while one more is made and another is cancelled; the rest keep their order.
MODEL_SCENARIO(at_stop_prune_push_and_cancel, 3) : AtStop {
  TestCall c{"c"};
  int outcome = 0;
  at_stop_prune_push_and_cancel() {
    make_at_stop(a);
    make_at_stop(b);
  }
  void thread(int t) {
    if (t == 0) {
      one.prune_at_stop();
    } else if (t == 1) {
      MODEL_EXPECT(make_at_stop(c));
    } else {
      outcome = b.cancel();
      b.release();
    }
  }
  void end() {
    MODEL_EXPECT(outcome == CROCHET_CANCEL_NOT_RUN);
    one.request_stop();
    one.drain();
    MODEL_EXPECT(c.order == 1 && a.order == 2);
    a.release();
    c.release();
    expect_gone({&a, &b, &c});
  }
};

// Given up from outside while its thread is in the middle of pruning.
MODEL_SCENARIO(at_stop_prune_and_settle_from_outside, 3) : AtStop {
  at_stop_prune_and_settle_from_outside() {
    make_at_stop(a);
    make_at_stop(b);
    b.cancel();
    b.release();
  }
  void thread(int t) {
    if (t == 0) {
      one.prune_at_stop();
    } else if (t == 1) {
      one.request_stop();
      one.settle_from_outside();
    } else {
      MODEL_EXPECT(a.wait() == CROCHET_ESTOPPED);
      a.release();
    }
  }
  void end() {
    MODEL_EXPECT(a.runs == 0);
    expect_nothing_left();  // although the loop's thread never came to its stop
    expect_gone({&a, &b});
  }
};

}  // namespace
}  // namespace crochet
