// SPDX-License-Identifier: MIT
// Sweeps: a stop that walks over all slots settles what it must, once, and touches nothing else, whatever happens to the
// slots meanwhile.
#include "model/scenarios/calls_and_loops.hpp"

namespace crochet {
namespace {

using model::CallLoop;
using model::TestCall;

struct Sweeping : model::CallsWorld {
  TestCall a{"a"};
  TestCall b{"b"};

  void run_popped(TestCall& call) {
    if (call.call->start()) call.call->run();
    else call.call->release_reference();
  }
};

// The loop runs the call, a caller waits and lets go, and two threads sweep.
MODEL_SCENARIO(sweep_against_settle_and_release, 3) : Sweeping {
  sweep_against_settle_and_release() { make(a, one, 1); }
  void thread(int t) {
    if (t == 0) {
      run_popped(a);
    } else if (t == 1) {
      const int code = a.wait();
      MODEL_EXPECT(code == CROCHET_OK || code == CROCHET_ESTOPPED);
      a.release();
    } else {
      one.settle_from_outside();
    }
  }
  void end() { expect_gone({&a}); }
};

// Nobody settles it: its function ends unsettled, which breaks it and gives the last reference but the sweep's up.
MODEL_SCENARIO(sweep_against_a_forgotten_call_that_breaks, 2) : Sweeping {
  sweep_against_a_forgotten_call_that_breaks() { make(a, one, 0, word::kForgotten); }
  void function(TestCall& /*call*/) override {}
  void thread(int t) {
    if (t == 0) run_popped(a);
    else one.settle_from_outside();
  }
  void end() { expect_gone({&a}); }
};

// The slot of a call of loop 1 is freed and serves a call of loop 2, while loop 1 is swept. That one must not notice.
MODEL_SCENARIO(sweep_over_a_recycled_slot, 3) : Sweeping {
  sweep_over_a_recycled_slot() { make(a, one, 1); }
  void thread(int t) {
    if (t == 0) {
      run_popped(a);
    } else if (t == 1) {
      const int code = a.wait();
      MODEL_EXPECT(code == CROCHET_OK || code == CROCHET_ESTOPPED);
      a.release();
      model::block_until([this] { return frees() == 1; });
      make(b, two, 1);
      MODEL_EXPECT(b.call == a.call);
      run_popped(b);
      MODEL_EXPECT(b.wait() == CROCHET_OK);
      b.release();
    } else {
      one.settle_from_outside();
    }
  }
  void end() { expect_gone({&a, &b}); }
};

// Thirty-two lives later the word is the same again, and the pin succeeds: the loop's id tells.
MODEL_SCENARIO(sweep_over_a_slot_recycled_many_times, 3) : Sweeping {
  sweep_over_a_slot_recycled_many_times() { make(a, one, 0, word::kForgotten); }
  void thread(int t) {
    if (t == 0) {
      run_popped(a);
    } else if (t == 1) {
      model::block_until([this] { return frees() == 1; });
      Call* call = allocate_call();
      call->word.store(word::unused(a.generation), release);
      free_call(call);
      make(b, two, 0, word::kForgotten);
      MODEL_EXPECT(b.generation == a.generation);
      run_popped(b);
      MODEL_EXPECT(b.runs == 1);
    } else {
      one.settle_from_outside();
    }
  }
  void end() { expect_gone({&a, &b}); }
};

// The same with nobody but the sweep and the loop referring to the first call: the pin may be the last reference.
MODEL_SCENARIO(sweep_pin_is_the_last_reference, 3) : Sweeping {
  sweep_pin_is_the_last_reference() { make(a, one, 0, word::kForgotten); }
  void thread(int t) {
    if (t == 0) {
      run_popped(a);
    } else if (t == 1) {
      model::block_until([this] { return frees() == 1; });
      make(b, two, 1);
      run_popped(b);
      MODEL_EXPECT(b.wait() == CROCHET_OK);
      b.release();
    } else {
      one.settle_from_outside();
    }
  }
  void end() { expect_gone({&a, &b}); }
};

// Several slots of two loops, swept for both at the same time; a call of each is settled meanwhile by who holds it.
MODEL_SCENARIO(sweep_two_loops_over_four_slots, 4) : Sweeping {
  TestCall c{"c"};
  TestCall d{"d"};
  sweep_two_loops_over_four_slots() {
    make_running(a, one, 1);
    make_running(b, two, 1);
    make(c, one, 1);
    make(d, two, 1);
  }
  void thread(int t) {
    if (t < 2) {
      TestCall& mine = t == 0 ? a : b;
      mine.resolve();
      mine.release_deferred();
      mine.release();
    } else {
      TestCall& queued = t == 2 ? c : d;
      (t == 2 ? one : two).settle_from_outside();
      MODEL_EXPECT(queued.wait() == CROCHET_ESTOPPED);
      MODEL_EXPECT(queued.join() == CROCHET_OK);
      MODEL_EXPECT(queued.dropped());
      queued.call->release_reference();  // the group's: it is linked nowhere
      queued.release();
    }
  }
  void end() { expect_gone({&a, &b, &c, &d}); }
};

// A producer is refused by a closed queue while the closer and another sweep.
MODEL_SCENARIO(sweep_against_a_refused_push, 3) : Sweeping {
  void thread(int t) {
    if (t == 0) {
      if (run(a, one)) {
        MODEL_EXPECT(a.wait() == CROCHET_ESTOPPED);
        a.release();
      }
    } else {
      if (t == 1) one.request_stop();
      one.settle_from_outside();
    }
  }
  void end() {
    MODEL_EXPECT(a.runs == 0);
    expect_gone({&a});
  }
};

// A deferred made by hand is in no queue: accepts() decides whether the stop knows of it. Here the loop's thread stops.
struct MadeByHand : Sweeping {
  void make_by_hand() {
    make_running(a, one, 1);
    if (one.accepts()) {
      MODEL_EXPECT(a.wait() == CROCHET_ESTOPPED);  // nobody will ever settle it but the stop
      a.release_deferred();
      a.release();
    } else {
      a.call->end_as(Outcome::kNotRun, Outcome::kStopped);
      a.release_deferred();
      a.call->release_reference();
    }
  }
};

MODEL_SCENARIO(sweep_finds_a_deferred_made_by_hand, 2) : MadeByHand {
  void thread(int t) {
    if (t == 0) return make_by_hand();
    one.request_stop();
    one.settle_from_outside();
  }
  void end() { expect_gone({&a}); }
};

MODEL_SCENARIO(sweep_by_the_loop_finds_a_deferred_made_by_hand, 3) : MadeByHand {
  void thread(int t) {
    if (t == 0) return make_by_hand();
    if (t == 1) return one.request_stop();
    one.serve_until_stopped();
  }
  void end() { expect_gone({&a}); }
};

}  // namespace
}  // namespace crochet
