// SPDX-License-Identifier: MIT
#include "model/scenarios/calls_and_loops.hpp"

namespace crochet::model {

int TestCall::cancel() {
  int outcome = CROCHET_CANCEL_NONE;
  MODEL_EXPECT(call->cancel(generation, &outcome) == CROCHET_OK);
  if (outcome == CROCHET_CANCEL_NOT_RUN) MODEL_EXPECT(dropped());
  return outcome;
}

// ---- The loop ----

CallLoop::CallLoop(std::uint32_t loop_id, Wakes wakes) : id(loop_id), wakes_(wakes) {
  name(queue_, loop_id == 1 ? "queue 1" : "queue 2");
  name(at_stop_, "at-stop stack");
  born(&wake_up_, sizeof wake_up_, "the wake-up's handle");
  at_stop_.reopen();
  queue_.reopen();
}

// Loop::post
bool CallLoop::post(Call* call) {
  if (queue_.push_to_awake(call)) {
    ++to_be_taken_;
    return true;
  }
  const CallQueue::Push pushed = queue_.push(call);
  if (pushed == CallQueue::Push::kRefused) return false;
  ++to_be_taken_;
  if (pushed == CallQueue::Push::kQueuedOwesWakeUp) wake_up();
  return true;
}

void CallLoop::wake_up() {
  wake_up_.send();
  queue_.wake_up_was_sent();
}

void CallLoop::request_stop() {
  const auto closed = queue_.close();
  closed_ = true;
  if (closed.owes_wake_up) wake_up();
  for (Call* call = closed.list; call != nullptr;) {
    Call* next = call->next;
    if (is_message(call->word.load(acquire))) call->release_reference();
    else call->refuse();
    call = next;
  }
}

void CallLoop::settle_all() {
  for_each_unsettled(id, [](Call& call) { call.end_as(Outcome::kNotRun, Outcome::kStopped); });
}

void CallLoop::settle_from_outside() {
  settle_all();
  for (Call* call = at_stop_.close(); call != nullptr;) {
    Call* next = call->next;
    call->refuse();
    call = next;
  }
}

void CallLoop::sleep(Condition done) {
  if (wakes_ == Wakes::kAtOnce) {
    return block_until([this, done] { return to_be_taken_ != 0 || closed_ || done.holds(); });
  }
  if (!queue_.mark_asleep()) return;
  const auto woken = [this, done] { return wake_up_.fd.readable() || done.holds(); };
  if (wakes_by_itself_ == 0) block_until(woken);
  else if (!block_with_timeout(woken)) --wakes_by_itself_;
  if (wake_up_.fd.readable()) wake_up_.read([this] { drain(); });
  queue_.mark_awake();
}

void CallLoop::drain() {
  while (!stopped_) {
    bool is_closed = false;
    Call* list = queue_.take(&is_closed);
    if (is_closed) return stop();
    if (list == nullptr) return;
    Call* ready = nullptr;
    while (list != nullptr) {
      Call* next = list->next;
      list->next = ready;
      ready = list;
      list = next;
      --to_be_taken_;
    }
    while (ready != nullptr) {
      Call* call = ready;
      ready = call->next;
      process(call);
    }
  }
}

void CallLoop::process(Call* call) {
  if (is_message(call->word.load(acquire))) {
    call->deliver_cancel_message();
  } else if (call->loop.load(relaxed) != id) {
    call->refuse();
  } else if (call->start()) {
    call->run();
  } else if (word::phase(call->word.load(acquire)) == Phase::kQueued) {
    call->next = waiting_;
    waiting_ = call;
  } else {
    call->release_reference();
  }
}

// Loop::run_due
void CallLoop::let_time_pass() {
  if (stopped_) return;
  time_has_come_ = true;
  while (Call* call = waiting_) {
    waiting_ = call->next;
    if (!call->start_conditional()) call->release_reference();
    else if (calls_expire_) call->expire();
    else call->run();
  }
  time_has_come_ = false;
}

void CallLoop::stop() {
  stopped_ = true;
  while (Call* call = waiting_) {
    waiting_ = call->next;
    call->refuse();
  }
  for_each_unsettled(id, [](Call& call) {
    const Word w = call.word.load(relaxed);
    if ((w & word::kAtStop) != 0) return;
    if (word::phase(w) == Phase::kQueued) call.end_as(Outcome::kNotRun, Outcome::kStopped);
    else call.ask_to_stop();
  });
  for (Call* call = at_stop_.close(); call != nullptr;) {
    Call* next = call->next;
    if (call->start()) call->run();
    else call->release_reference();
    call = next;
  }
  settle_all();  // the grace is over
  MODEL_EXPECT(queue_.wait_for_owed_wake_ups(Deadline::never()));
  died(&wake_up_);
  handle_ended_ = true;
}

void CallLoop::end() {
  if (!handle_ended_) died(&wake_up_);
}

// ---- The world ----

void CallsWorld::make(TestCall& call, CallLoop& loop, Word handles, Word flags, Call::From from) {
  call.call = allocate_call();
  call.generation =
      call.call->make(loop.id, Call::plain_field(&enter), call.give(), &Thing::drop, handles, flags, from);
}

bool CallsWorld::run(TestCall& call, CallLoop& loop) {
  make(call, loop, 1);
  if (loop.post(call.call)) return true;
  call.call->refuse();
  call.release();
  return false;
}

bool CallsWorld::run_after(TestCall& watched, TestCall& call, CallLoop& loop) {
  MODEL_EXPECT(watched.call->need_side() != nullptr);
  MODEL_EXPECT(watched.call->retain(watched.generation));
  make(call, loop, 1);
  if (loop.accepts()) {
    add_watcher(*watched.call, *call.call);
    return true;
  }
  watched.call->release_reference();
  call.call->refuse();
  call.release();
  return false;
}

void CallsWorld::add(TestCall& watched, TestCall& call) {
  MODEL_EXPECT(watched.call->retain(watched.generation));
  add_watcher(*watched.call, *call.call);
}

void CallsWorld::make_running(TestCall& call, CallLoop& loop, Word handles) {
  make(call, loop, handles, 0, Call::From::kHand);
}

void CallsWorld::enter(crochet_deferred* /*deferred*/, void* argument) {
  auto& self = static_cast<CallsWorld&>(World::present());
  auto& call = static_cast<TestCall&>(Thing::at(argument));
  call.use();
  MODEL_EXPECT(++call.runs == 1);
  call.order = ++self.ran_;
  self.function(call);
  call.use();
}

void CallsWorld::end() {
  one.drain();  // husks
  two.drain();
  expect_nothing_left();
  for (std::size_t i = 0; const Call* call = slot(i); ++i) MODEL_EXPECT(word::references(call->word.load(acquire)) == 0);
  one.end();
  two.end();
}

void CallsWorld::expect_gone(std::initializer_list<const TestCall*> calls) {
  end();
  for (const TestCall* call : calls) call->expect_settled_up();
}

}  // namespace crochet::model
