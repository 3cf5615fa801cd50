// SPDX-License-Identifier: MIT
#include "model/execution.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "model/heap.hpp"
#include "model/lifetimes.hpp"
#include "model/location.hpp"
#include "model/names.hpp"

namespace crochet::model {

constinit Execution execution;

namespace {

std::string& failure_text() {
  static std::string text;
  return text;
}

__attribute__((format(printf, 1, 0))) std::string formatted(const char* format, va_list arguments) {
  char text[1024];
  std::vsnprintf(text, sizeof(text), format, arguments);
  return text;
}

}  // namespace

bool Execution::run(const Scenario& scenario, void* memory, Choices& choices, int bound, int max_steps, Trace* trace) {
  choices_ = &choices;
  trace_ = trace;
  bound_ = bound;
  max_steps_ = max_steps;
  reset(scenario, memory);
  Fiber::change(searcher_, threads_[kMain].fiber);
  number_ = kNone;
  trace_ = nullptr;
  return !failed_;
}

const std::string& Execution::failure() const { return failure_text(); }

void Execution::reset(const Scenario& scenario, void* memory) {
  scenario_ = &scenario;
  memory_ = memory;
  threads_count_ = scenario.threads;
  number_ = ++last_number_;
  current_ = kMain;
  preemptions_ = steps_ = 0;
  failed_ = false;
  allowances = {};
  now_ns = 1;
  forget_names();
  locations.clear();
  lifetimes.clear();
  heap.clear();

  Thread& main = threads_[kMain];
  main.clock = main.to_acquire = main.fenced = {};
  main.clock.set(kMain, 1);  // 0 is the time before: what static objects were born with
  main.state = State::kReady;
  main.handler = {};
  main.fiber.prepare(&main_entry);
}

void Execution::main_entry() {
  execution.run_main();
  execution.leave_to_searcher();
}

void Execution::run_main() {
  name_block(memory_, scenario_->size(), scenario_->name);
  scenario_->construct(memory_);
  start_threads();
  hand_over();
  for (int t = 0; t < threads_count_; ++t) clock().join(threads_[t].clock);
  scenario_->end(memory_);
  scenario_->destroy(memory_);
  lifetimes.expect_none_alive();
}

void Execution::start_threads() {
  for (int t = 0; t < threads_count_; ++t) {
    Thread& thread = threads_[t];
    thread.clock = clock();
    thread.clock.set(t, 1);
    thread.to_acquire = thread.fenced = {};
    thread.state = State::kReady;
    thread.turns = 0;
    thread.handler = {};
    thread.fiber.prepare(&thread_entry);
  }
  publish();
}

void Execution::thread_entry() {
  execution.scenario_->thread(execution.memory_, execution.current_);
  execution.threads_[execution.current_].state = State::kFinished;
  execution.hand_over();
  std::abort();  // nobody resumes a finished thread
}

void Execution::leave_to_searcher() {
  Fiber& from = threads_[current_].fiber;
  for (Thread& thread : threads_) thread.state = State::kFinished;
  Fiber::change(from, searcher_);
}

bool Execution::enabled(int t) const {
  const Thread& thread = threads_[t];
  if (thread.state == State::kReady) return true;
  if (thread.state == State::kFinished) return false;
  return thread.limit == Limit::kTimed || thread.until.holds();
}

int Execution::enabled_others(int* into) const {
  int count = 0;
  for (int t = 0; t < threads_count_; ++t) {
    if (t != current_ && enabled(t)) into[count++] = t;
  }
  return count;
}

void Execution::offer_preemption() {
  int others[kMaxThreads];
  const int count = enabled_others(others);
  const int picked = count == 0 ? 0 : choices_->pick_preemption(count + 1);
  if (choices_->diverged()) fail_diverged();
  if (picked == 0) return;
  ++preemptions_;
  resume(others[picked - 1]);
}

// The running thread can't go on before others did; main's turn comes when all have finished.
void Execution::hand_over() {
  int candidates[kMaxThreads];
  int count = enabled_others(candidates);
  if (current_ != kMain && enabled(current_)) candidates[count++] = current_;
  if (count > 0) return resume(candidates[choose(count)]);
  for (int t = 0; t < threads_count_; ++t) {
    if (threads_[t].state != State::kFinished) fail_deadlock();
  }
  resume(kMain);
}

void Execution::resume(int t) {
  Thread& next = threads_[t];
  if (next.state == State::kBlocked) {
    next.held = next.until.holds();
    next.state = State::kReady;
  }
  if (t == current_) return;
  ++next.turns;
  Fiber& from = threads_[current_].fiber;
  current_ = t;
  Fiber::change(from, next.fiber);
}

bool Execution::block(Condition condition, Limit limit, const char* on, Where where) {
  if (current_ == kMain) {
    if (condition.holds()) return true;
    fail("main would block on %s with nobody left to wake it", on);
  }
  Thread& self = threads_[current_];
  self.state = State::kBlocked;
  self.until = condition;
  self.limit = limit;
  self.blocked_on = on;
  self.blocked_at = where;
  hand_over();
  return self.held;
}

// Whoever could have run gets a turn first; two threads that yield to each other can't shut out a third.
void Execution::yield(Where where) {
  struct {
    const Execution& all;
    int count = 0;
    int others[kMaxThreads] = {};
    int turns[kMaxThreads] = {};

    bool operator()() const {
      for (int i = 0; i < count; ++i) {
        if (all.threads_[others[i]].turns == turns[i] && all.enabled(others[i])) return false;
      }
      return true;
    }
  } all_had_a_turn{*this};
  all_had_a_turn.count = enabled_others(all_had_a_turn.others);
  for (int i = 0; i < all_had_a_turn.count; ++i) {
    all_had_a_turn.turns[i] = threads_[all_had_a_turn.others[i]].turns;
  }
  block(condition_of(all_had_a_turn), Limit::kUntimed, "another thread's turn", where);
}

void Execution::run_handler() {
  Handler& pending = threads_[current_].handler;
  const Handler handler = pending;
  pending = {};
  note({}, "signal handler runs");
  handler.run(handler.subject);
}

void Execution::fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  failure_text() = formatted(format, arguments);
  va_end(arguments);
  end_failed();
}

void Execution::end_failed() {
  failed_ = true;
  note({}, "FAILED: %s", failure_text().c_str());
  leave_to_searcher();
  std::abort();  // a failed execution is not resumed
}

void Execution::fail_deadlock() {
  std::string& text = failure_text();
  text = "deadlock:";
  for (int t = 0; t < threads_count_; ++t) {
    const Thread& thread = threads_[t];
    if (thread.state != State::kBlocked) continue;
    text += " T" + std::to_string(t) + " waits for " + thread.blocked_on;
    if (thread.blocked_at.file != nullptr) text += " (line " + std::to_string(thread.blocked_at.line) + ")";
    text += ";";
  }
  text.pop_back();
  end_failed();
}

void Execution::fail_diverged() { fail("the scenario is not deterministic, or the trail is not one of its own"); }

void Execution::note(Where where, const char* format, ...) {
  if (trace_ == nullptr) return;
  va_list arguments;
  va_start(arguments, format);
  trace_->add(current_, formatted(format, arguments), where);
  va_end(arguments);
}

}  // namespace crochet::model
