// SPDX-License-Identifier: MIT
// Completion queues: what is watched is handed out once when it has settled, or taken back; nobody sleeps while something is
// there, and the descriptor is high then; closing and ending race with all of it.
#include "loop/completion_queue.hpp"
#include "call/handle.hpp"
#include "model/scenarios/calls_and_loops.hpp"
#include "model/scenarios/model_descriptor.hpp"

namespace crochet {
namespace {

using model::TestCall;

struct Completing : model::CallsWorld {
  TestCall a{"a"};
  TestCall b{"b"};
  crochet_completion_queue* queue = nullptr;
  int handed_out = 0;

  Completing() : CallsWorld(model::CallLoop::Wakes::kAtOnce, 6) {
    queue = make_completion_queue();
    MODEL_EXPECT(queue != nullptr);
  }
  CompletionQueue& it() const { return *completion_queue_of(queue); }
  int watch(TestCall& call) { return it().watch(queue, *call.call, call.generation, 1); }
  int unwatch(TestCall& call) { return it().unwatch(*call.call); }
  void take(const Completion& completion) {
    MODEL_EXPECT(word::settled(completion.call->word.load(acquire)));
    ++handed_out;
    completion.call->release_reference();
  }
  // Waits for one. False: it is over.
  bool next(std::int64_t timeout_ns = kForever) {
    Completion completion{};
    const int status = it().next(timeout_ns, false, &completion);
    if (status == CROCHET_OK) take(completion);
    return status == CROCHET_OK;
  }
  // What is there now.
  bool drain_one() {
    Completion completion{};
    bool is_over = false;
    const std::size_t count = it().drain(1, &completion, &is_over);
    if (count == 1) take(completion);
    return count == 1;
  }
  void retain_queue() {
    const Target anchor = handle::open(queue, handle::kDeferredBit);
    MODEL_EXPECT(anchor.call->retain(anchor.generation));
  }
  void release_queue() { release_completion_queue(queue); }
  void settle(TestCall& call) {
    call.resolve();
    call.release_deferred();
  }
};

// One settles while the other waits.
MODEL_SCENARIO(completions_wait_for_one, 2) : Completing {
  completions_wait_for_one() {
    make_running(a, one, 1);
    MODEL_EXPECT(watch(a) == CROCHET_OK);
  }
  void thread(int t) {
    if (t == 0) return settle(a);
    MODEL_EXPECT(next());
    a.release();
    release_queue();
  }
  void end() {
    MODEL_EXPECT(handed_out == 1);
    expect_gone({&a});
  }
};

// Is it watched first, or settled first?
MODEL_SCENARIO(completions_watched_while_it_settles, 2) : Completing {
  completions_watched_while_it_settles() { make_running(a, one, 1); }
  void thread(int t) {
    if (t == 0) return settle(a);
    MODEL_EXPECT(watch(a) == CROCHET_OK);
    a.release();
    MODEL_EXPECT(next());
    release_queue();
  }
  void end() {
    MODEL_EXPECT(handed_out == 1);
    expect_gone({&a});
  }
};

// Two settle, two wait.
MODEL_SCENARIO(completions_two_settle_two_wait, 4) : Completing {
  completions_two_settle_two_wait() {
    make_running(a, one, 1);
    make_running(b, one, 1);
    MODEL_EXPECT(watch(a) == CROCHET_OK);
    MODEL_EXPECT(watch(b) == CROCHET_OK);
    retain_queue();
    a.release();
    b.release();
  }
  void thread(int t) {
    if (t == 0) return settle(a);
    if (t == 1) return settle(b);
    MODEL_EXPECT(next());
    release_queue();
  }
  void end() {
    MODEL_EXPECT(handed_out == 2);
    expect_gone({&a, &b});
  }
};

// Who polls sleeps until the descriptor is readable, and takes one at a time.
struct Polling : Completing {
  void open() {
    int descriptor = -1;
    MODEL_EXPECT(it().open_descriptor(&descriptor) == CROCHET_OK);
  }
  void poll_for(int wanted) {
    while (handed_out < wanted) {
      model::block_until([] { return model::is_raised(); });
      drain_one();
    }
    MODEL_EXPECT(!drain_one());
  }
};

MODEL_SCENARIO(completions_are_polled_for, 3) : Polling {
  completions_are_polled_for() {
    make_running(a, one, 1);
    make_running(b, one, 1);
    MODEL_EXPECT(watch(a) == CROCHET_OK);
    MODEL_EXPECT(watch(b) == CROCHET_OK);
    open();
  }
  void thread(int t) {
    if (t == 0) return settle(a);
    if (t == 1) return settle(b);
    poll_for(2);
    a.release();
    b.release();
  }
  void end() {
    drain_one();  // lowers what a late raise left
    MODEL_EXPECT(handed_out == 2 && !model::is_raised());
    release_queue();
    expect_gone({&a, &b});
  }
};

// The descriptor is asked for while one settles.
MODEL_SCENARIO(completions_descriptor_asked_for_meanwhile, 2) : Polling {
  completions_descriptor_asked_for_meanwhile() {
    make_running(a, one, 1);
    MODEL_EXPECT(watch(a) == CROCHET_OK);
  }
  void thread(int t) {
    if (t == 0) return settle(a);
    open();
    poll_for(1);
    a.release();
  }
  void end() {
    release_queue();
    expect_gone({&a});
  }
};

MODEL_SCENARIO(completions_taken_back_or_handed_out, 3) : Completing {
  int unwatched = CROCHET_OK;
  completions_taken_back_or_handed_out() {
    make_running(a, one, 1);
    MODEL_EXPECT(watch(a) == CROCHET_OK);
  }
  void thread(int t) {
    if (t == 0) {
      settle(a);
    } else if (t == 1) {
      unwatched = unwatch(a);
      a.release();
    } else {
      next(0);
    }
  }
  void end() {
    if (unwatched != CROCHET_OK && handed_out == 0) MODEL_EXPECT(drain_one());
    MODEL_EXPECT((unwatched == CROCHET_OK) == (handed_out == 0));
    release_queue();
    expect_gone({&a});
  }
};

// Closed while one settles, and one waits: what settled is handed out, then it is over.
MODEL_SCENARIO(completions_closed_meanwhile, 3) : Completing {
  completions_closed_meanwhile() {
    make_running(a, one, 1);
    MODEL_EXPECT(watch(a) == CROCHET_OK);
    a.release();
    retain_queue();
  }
  void thread(int t) {
    if (t == 0) return settle(a);
    if (t == 1) {
      it().close();
    } else {
      while (next()) {
      }
      MODEL_EXPECT(unwatch(a) == CROCHET_ENOENT);  // nor is it on its way
    }
    release_queue();
  }
  void end() {
    MODEL_EXPECT(handed_out <= 1);
    expect_gone({&a});
  }
};

// The last reference goes while one settles.
MODEL_SCENARIO(completions_queue_ends_meanwhile, 2) : Completing {
  completions_queue_ends_meanwhile() {
    make_running(a, one, 1);
    MODEL_EXPECT(watch(a) == CROCHET_OK);
    a.release();
  }
  void thread(int t) {
    if (t == 0) settle(a);
    else release_queue();
  }
  void end() { expect_gone({&a}); }
};

}  // namespace
}  // namespace crochet
