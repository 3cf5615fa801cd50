// SPDX-License-Identifier: MIT
// What scenarios about several calls and the loops they are made for share: calls whose functions and drops are counted, and
// loops that run and stop as src/loop has it, over the real queue and the real transitions.
#pragma once

#include "base/park.hpp"
#include "call/hot_path.hpp"
#include "call/sweep.hpp"
#include "call/waiting.hpp"
#include "call/watchers.hpp"
#include "model/control.hpp"
#include "model/names.hpp"
#include "model/scenario.hpp"
#include "model/scenarios/model_world.hpp"
#include "model/scenarios/queue_loop.hpp"

namespace crochet::model {

// A call and its argument. It may be made again when it was freed.
struct TestCall : Thing {
  explicit TestCall(const char* name) : Thing(name) {}

  int wait() { return wait_for_call(*call, generation, Until::kSettled, kForever, false); }
  int join() { return wait_for_call(*call, generation, Until::kFinished, kForever, false); }
  int cancel();  // the outcome; NOT_RUN says that the argument is gone
  bool resolve() { return call->settle(generation, nullptr, nullptr) == CROCHET_OK; }
  void release() { MODEL_EXPECT(call->release_handle(generation)); }
  void release_deferred() { MODEL_EXPECT(call->release_deferred(generation)); }
  bool settled() const { return word::settled(call->word.load(acquire)); }

  Call* call = nullptr;
  Word generation = 0;
  int runs = 0;
  int order = 0;  // the first that ran has 1
};

class CallsWorld;

// Loop, without libuv. Either it sleeps in the descriptor, over the real queue's marks, or it looks into the queue at any
// moment, which is as good for what is not about its sleep and much cheaper.
class CallLoop {
 public:
  enum class Wakes { kByDescriptor, kAtOnce };

  CallLoop(std::uint32_t id, Wakes wakes);

  const std::uint32_t id;

  // ---- Any thread.
  bool post(Call* call);
  bool push_at_stop(Call* call) {
    bool many_pushes = false;
    return at_stop_.push(call, &many_pushes);
  }
  bool accepts() { return queue_.accepts(); }
  void request_stop();         // Loop::request_stop
  void settle_from_outside();  // Loop::settle_from_outside

  // ---- Its thread.
  template <class Done>
  void serve(Done done) {  // until that, or until it has stopped
    while (!stopped_ && !done()) {
      drain();
      let_time_pass();
      if (stopped_ || done()) break;
      sleep(condition_of(done));
    }
    if (wakes_ == Wakes::kByDescriptor) queue_.mark_awake();
  }
  void serve_until_stopped() {
    serve([] { return false; });
  }
  void drain();
  void prune_at_stop() { at_stop_.prune(); }
  void let_time_pass();        // what was popped and is kConditional starts now, or has expired
  void let_calls_expire() { calls_expire_ = true; }  // before it is used
  bool time_has_come() const { return time_has_come_; }

  bool stopped() const { return stopped_; }
  void end();  // after all: the descriptor's memory

 private:
  void settle_all();
  void wake_up();
  void sleep(Condition done);
  void process(Call* call);
  void stop();  // loop_stop.cpp, from begin_stop() to close_handles()

  CallQueue queue_;
  AtStopStack at_stop_;
  Plain<Call*> waiting_{nullptr};  // DueCalls
  bool calls_expire_ = false;
  bool time_has_come_ = false;  // in let_time_pass()
  BareEventFd wake_up_;
  const Wakes wakes_;
  int to_be_taken_ = 0;  // what a loop that wakes at once has to look for
  bool closed_ = false;
  int wakes_by_itself_ = 1;  // a timer of the host's
  bool stopped_ = false;
  bool handle_ended_ = false;
};

class CallsWorld : public World {
 public:
  explicit CallsWorld(CallLoop::Wakes wakes = CallLoop::Wakes::kAtOnce, std::size_t slots = 4)
      : World(slots), one(1, wakes), two(2, wakes) {}

  // On the loop's thread. By default the call is settled with no value, unless it is cancelled meanwhile.
  virtual void function(TestCall& call) { call.resolve(); }

  // crochet_run without the push.
  void make(TestCall& call, CallLoop& loop, Word handles, Word flags = 0, Call::From from = Call::From::kQueue);
  // crochet_run. False: refused, and nothing is left of it.
  bool run(TestCall& call, CallLoop& loop);
  // crochet_call_set_after and crochet_call_run; the caller has a handle of `watched`. False: refused.
  bool run_after(TestCall& watched, TestCall& call, CallLoop& loop);
  // The second half of it, for a call that was made.
  void add(TestCall& watched, TestCall& call);
  // A running call: its function has returned and left a deferred with somebody.
  void make_running(TestCall& call, CallLoop& loop, Word handles);

  bool post(std::uint32_t loop_id, Call* call) override { return (loop_id == 1 ? one : two).post(call); }

  void end();  // everything was freed, every argument dropped
  void expect_gone(std::initializer_list<const TestCall*> calls);

  CallLoop one;
  CallLoop two;

 private:
  static void enter(crochet_deferred* deferred, void* argument);

  int ran_ = 0;
};

}  // namespace crochet::model
