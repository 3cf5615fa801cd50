// SPDX-License-Identifier: MIT
// What scenarios about one call share: the call, its loop, what the C interface does around each transition, and what
// must hold at the end.
#pragma once

#include "base/park.hpp"
#include "base/process.hpp"
#include "call/handle.hpp"
#include "call/hook.hpp"
#include "call/hot_path.hpp"
#include "call/sweep.hpp"
#include "call/waiting.hpp"
#include "model/control.hpp"
#include "model/names.hpp"
#include "model/scenario.hpp"
#include "model/scenarios/model_world.hpp"

namespace crochet::model {

// A loop's queue, as simple as it can be.
class PostBox {
 public:
  PostBox() { name(head_, "queue"); }
  bool push(Call* call);
  Call* take();    // oldest first; null: nothing, or closed
  Call* close();   // what was in it
  bool has_any() const;

 private:
  static Call* closed() { return reinterpret_cast<Call*>(std::uintptr_t{2}); }

  Atomic<Call*> head_{nullptr};
};

class CallWorld : public World {
 public:
  static constexpr std::uint32_t kLoop = 7;

  // What a scenario says about its call.
  virtual void function() {}  // on the loop's thread; the argument is used before and after it
  virtual void hook() {}

  // ---- Making it. In the constructor: everybody knows of it.

  void make(Word handles, Word flags = 0, Call::From from = Call::From::kQueue);

  // ---- The loop's thread.

  void serve();                       // until the call was freed
  void process(Call* popped);         // as Loop::process
  bool post(std::uint32_t loop_id, Call* posted) override;

  // ---- A deferred for another thread.

  void hand_over_a_deferred();        // inside the function
  bool await_deferred();              // false: the function was not run
  void release_deferred() { MODEL_EXPECT(call->release_deferred(generation)); }

  // ---- As the C interface does it.

  int resolve(Thing& value);
  int reject(int code, const char* message, Thing& payload);
  int hook_on_cancel(Thing& hook_arg);
  int clear_hook() { return set_hook(*call, generation, nullptr, nullptr, nullptr); }
  int wait(std::int64_t timeout_ns = kForever);
  int join(std::int64_t timeout_ns = kForever);
  int cancel();
  bool take();
  void release_result() { MODEL_EXPECT(call->release_handle(generation)); }
  void stop_one();                    // a sweep that comes to this call

  // Nobody takes the value: uses it, if there is one, and remembers the outcome.
  int wait_and_use();
  // What the settled word says; all must say the same.
  void note_outcome();

  // For end(): nothing leaks, every thing was dropped once, and the outcomes fit together.
  void expect_consistency() const;

  Call* call = nullptr;
  Word generation = 0;
  Thing arg{"argument"};
  PostBox box;
  Atomic<int> handed{0};  // a deferred: 1 yes, 2 there is none

  // What happened.
  int runs = 0;
  int hook_runs = 0;
  int hooks_accepted = 0;
  int cancelled = CROCHET_CANCEL_NONE;  // how the last cancel came out
  int takes = 0;
  bool outcome_known = false;
  Outcome outcome{};

 private:
  static void enter(crochet_deferred* deferred, void* argument);
  static void enter_hook(crochet_deferred* deferred, void* argument);
};

}  // namespace crochet::model
