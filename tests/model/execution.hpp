// SPDX-License-Identifier: MIT
// One execution of a scenario: its threads, whose turn it is, and how it failed.
//
// All threads are fibers of one real thread, so nothing here is ever contended. A thread gives the others a chance only
// at a scheduling point, which is in front of every operation on an atomic, and when it blocks. What a scenario does
// between two points, with ghost variables for instance, is therefore one indivisible step.
//
// Going over to another thread although the running one could go on is a preemption; a bounded execution allows only so
// many. Most bugs need very few, and the number of executions grows steeply with the bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "model/choices.hpp"
#include "model/clock.hpp"
#include "model/fiber.hpp"
#include "model/scenario.hpp"
#include "model/trace.hpp"
#include "model/where.hpp"

namespace crochet::model {

inline constexpr int kUnbounded = std::numeric_limits<int>::max();

// A question about the state of the scenario, asked while a thread is blocked. Must have no effect.
struct Condition {
  bool (*ask)(void* subject) = nullptr;
  void* subject = nullptr;

  bool holds() const { return ask(subject); }
};

template <class Predicate>
Condition condition_of(Predicate& predicate) {
  return {[](void* subject) { return static_cast<bool>((*static_cast<Predicate*>(subject))()); }, &predicate};
}

// A signal handler that a thread is to run at its next scheduling point.
struct Handler {
  void (*run)(void* subject) = nullptr;
  void* subject = nullptr;
};

// What the outside world may do although C++ code does not ask for it. None by default; a scenario's constructor
// grants.
struct Allowances {
  int spurious_wakeups = 0;   // how many parks may return for no reason
  int weak_cas_failures = 0;  // how many compare_exchange_weak may fail for no reason
};

enum class Limit { kTimed, kUntimed };

class Execution {
 public:
  // Runs it once, in `memory` that is large enough. `trace` may be null. False when it failed: see failure().
  bool run(const Scenario& scenario, void* memory, Choices& choices, int bound, int max_steps, Trace* trace);
  const std::string& failure() const;
  int preemptions() const noexcept { return preemptions_; }

  // All that follows is for code inside an execution.

  // Counts executions from 1; kNone outside.
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t number() const noexcept { return number_; }
  int thread() const noexcept { return current_; }
  VectorClock& clock() noexcept { return threads_[current_].clock; }
  // What relaxed loads have seen: an acquire fence adds it to the clock.
  VectorClock& to_acquire() noexcept { return threads_[current_].to_acquire; }
  // The clock at the last release fence: relaxed stores publish it.
  VectorClock& fenced() noexcept { return threads_[current_].fenced; }
  // Main waits for all threads before it goes on, and knows by then what they know now.
  bool may_still_read(int thread) const noexcept {
    return thread == current_ || (thread != kMain && threads_[thread].state != State::kFinished);
  }
  const VectorClock& clock_of(int thread) const noexcept { return threads_[thread].clock; }

  // What the running thread did so far becomes visible to whoever joins the clock as it is now.
  void publish() noexcept { clock().advance(current_); }

  // A scheduling point: others may run before the operation that follows.
  void point() {
    if (current_ == kMain) return;
    if (++steps_ > max_steps_)
      fail("step limit: %d steps and no end (a livelock, or a spin that never yields)", max_steps_);
    if (preemptions_ < bound_) offer_preemption();
    if (threads_[current_].handler.run != nullptr) run_handler();
  }

  // A decision other than who runs next. 0 is the ordinary answer.
  int choose(int options) {
    const int picked = choices_->pick(options);
    if (choices_->diverged()) fail_diverged();
    return picked;
  }

  // Others run until the condition holds. Timed: or until the clock is said to have run out, at any moment.
  // True when the condition held. `on` is for the report of a deadlock and must outlive the call.
  bool block(Condition condition, Limit limit, const char* on, Where where);

  // All others that can run do so before this thread goes on: for spin loops.
  void yield(Where where);

  // Interrupts another thread: it runs the handler in front of its next operation, or wakes for it.
  void signal(int thread, Handler handler) noexcept { threads_[thread].handler = handler; }
  bool signalled(int thread) const noexcept { return threads_[thread].handler.run != nullptr; }
  void run_handler();

  // Ends the execution. Nothing is unwound, nobody is destroyed.
  [[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 2, 3)));

  bool tracing() const noexcept { return trace_ != nullptr; }
  void note(Where where, const char* format, ...) __attribute__((format(printf, 3, 4)));

  Allowances allowances;
  std::int64_t now_ns = 0;  // the virtual clock

 private:
  enum class State : std::uint8_t { kFinished, kReady, kBlocked };

  struct Thread {
    VectorClock clock;
    VectorClock to_acquire;
    VectorClock fenced;
    State state = State::kFinished;
    Limit limit = Limit::kUntimed;
    int turns = 0;      // how often it was resumed
    bool held = false;  // why it came out of block(): the condition held
    Condition until;
    const char* blocked_on = nullptr;
    Where blocked_at;
    Handler handler;
    Fiber fiber;
  };

  static void main_entry();
  static void thread_entry();

  void reset(const Scenario& scenario, void* memory);
  void run_main();
  void start_threads();
  void leave_to_searcher();
  bool enabled(int thread) const;
  int enabled_others(int* into) const;
  void offer_preemption();
  void hand_over();
  void resume(int thread);
  [[noreturn]] void end_failed();
  [[noreturn]] void fail_deadlock();
  [[noreturn]] void fail_diverged();

  std::uint32_t number_ = kNone;
  std::uint32_t last_number_ = 0;
  int current_ = kMain;
  int threads_count_ = 0;
  int preemptions_ = 0;
  int bound_ = 0;
  int steps_ = 0;
  int max_steps_ = 0;
  Choices* choices_ = nullptr;
  Trace* trace_ = nullptr;
  const Scenario* scenario_ = nullptr;
  void* memory_ = nullptr;
  bool failed_ = false;
  Thread threads_[kMain + 1];
  Fiber searcher_;
};

// The one that runs. Constant-initialised: atomics with static storage may ask for its number.
extern constinit Execution execution;

}  // namespace crochet::model
