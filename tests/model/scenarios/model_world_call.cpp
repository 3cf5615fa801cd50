// SPDX-License-Identifier: MIT
#include "model/scenarios/model_world_call.hpp"

#include "call/list.hpp"

namespace crochet::model {
namespace {

CallWorld& the_world() { return static_cast<CallWorld&>(World::present()); }

}  // namespace

// ---- The queue ----

bool PostBox::push(Call* call) {
  Call* head = head_.load(relaxed);
  do {
    if (head == closed()) return false;
    call->next = head;
  } while (!head_.compare_exchange_strong(head, call, acq_rel, relaxed));
  return true;
}

Call* PostBox::take() {
  Call* head = head_.load(relaxed);
  do {
    if (head == nullptr || head == closed()) return nullptr;
  } while (!head_.compare_exchange_strong(head, nullptr, acq_rel, relaxed));
  return reversed(head);
}

Call* PostBox::close() { return head_.exchange(closed(), acq_rel); }

bool PostBox::has_any() const {
  const Call* head = head_.peek();
  return head != nullptr && head != closed();
}

// ---- The call and its loop ----

void CallWorld::make(Word handles, Word flags, Call::From from) {
  name(handed, "handed over");
  call = allocate_call();
  generation = call->make(kLoop, Call::plain_field(&enter), arg.give(), &Thing::drop, handles, flags, from);
  if (from == Call::From::kQueue) box.push(call);
}

void CallWorld::serve() {
  while (frees() == 0 || box.has_any()) {
    block_until([this] { return frees() != 0 || box.has_any(); });
    for (Call* list = box.take(); list != nullptr;) {
      Call* next = list->next;
      process(list);
      list = next;
    }
  }
}

void CallWorld::process(Call* popped) {
  if (is_message(popped->word.load(acquire))) {
    popped->deliver_cancel_message();
  } else if (popped->start()) {
    popped->run();
  } else {
    handed.exchange(2, acq_rel);
    popped->release_reference();
  }
}

bool CallWorld::post(std::uint32_t loop_id, Call* posted) {
  MODEL_EXPECT(loop_id == kLoop);
  return box.push(posted);
}

void CallWorld::enter(crochet_deferred* deferred, void* argument) {
  CallWorld& self = the_world();
  MODEL_EXPECT(target_of(deferred).call == self.call && target_of(deferred).generation == self.generation);
  MODEL_EXPECT(argument == &self.arg);
  ++self.runs;
  self.arg.use();
  self.function();
  self.arg.use();
}

void CallWorld::enter_hook(crochet_deferred* deferred, void* argument) {
  CallWorld& self = the_world();
  MODEL_EXPECT(target_of(deferred).call == self.call);
  ++self.hook_runs;
  self.arg.use();
  Thing::at(argument).use();
  self.hook();
  Thing::at(argument).use();
}

void CallWorld::hand_over_a_deferred() {
  MODEL_EXPECT(call->retain_deferred(generation));
  handed.exchange(1, acq_rel);
}

bool CallWorld::await_deferred() {
  block_until([this] { return handed.peek() != 0; });
  return handed.fetch_add(0, acq_rel) == 1;  // read-modify-writes all of them: never out of date
}

// ---- As the C interface does it ----

int CallWorld::resolve(Thing& value) {
  void* const given = value.give();
  const int status = call->settle(generation, given, &Thing::drop);
  if (status != CROCHET_OK) Thing::drop(given);
  return status;
}

int CallWorld::reject(int code, const char* message, Thing& payload) {
  return call->reject(generation, code, message, 1, payload.give(), &Thing::drop);
}

int CallWorld::hook_on_cancel(Thing& hook_arg) {
  void* const given = hook_arg.give();
  const int status = set_hook(*call, generation, &enter_hook, given, &Thing::drop);
  if (status == CROCHET_OK) ++hooks_accepted;
  else Thing::drop(given);
  return status;
}

int CallWorld::wait(std::int64_t timeout_ns) {
  return wait_for_call(*call, generation, Until::kSettled, timeout_ns, false);
}

int CallWorld::join(std::int64_t timeout_ns) {
  return wait_for_call(*call, generation, Until::kFinished, timeout_ns, false);
}

int CallWorld::cancel() {
  int result = CROCHET_CANCEL_NONE;
  MODEL_EXPECT(call->cancel(generation, &result) == CROCHET_OK);
  if (result == CROCHET_CANCEL_NOT_RUN) arg.expect_dropped();
  cancelled = result;
  return result;
}

bool CallWorld::take() {
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  if (call->take(generation, &value, &drop) != CROCHET_OK) return false;
  MODEL_EXPECT(drop == &Thing::drop);
  Thing::at(value).use();
  Thing::at(value).keep();
  ++takes;
  return true;
}

void CallWorld::stop_one() {
  if (!pin(*call, kLoop)) return;
  call->end_as(Outcome::kNotRun, Outcome::kStopped);
  call->release_reference();
}

int CallWorld::wait_and_use() {
  const int code = wait();
  if (code == CROCHET_OK) Thing::at(call->value).use();  // at once: it is the wait that must make it visible
  note_outcome();
  return code;
}

void CallWorld::note_outcome() {
  const Word w = call->word.load(acquire);
  MODEL_EXPECT(word::settled(w));
  MODEL_EXPECT(!outcome_known || outcome == word::outcome(w));
  outcome = word::outcome(w);
  outcome_known = true;
}

void CallWorld::expect_consistency() const {
  expect_nothing_left();
  MODEL_EXPECT(frees() == 1);
  arg.expect_settled_up();
  MODEL_EXPECT(runs <= 1 && hook_runs <= 1 && takes <= 1);
  MODEL_EXPECT(hook_runs <= hooks_accepted);
  if (cancelled == CROCHET_CANCEL_NOT_RUN) MODEL_EXPECT(runs == 0 && (!outcome_known || outcome == Outcome::kCancelled));
  if (cancelled == CROCHET_CANCEL_REQUESTED && hooks_accepted == 0) {
    MODEL_EXPECT(!outcome_known || outcome == Outcome::kCancelled);
  }
  if (outcome_known && outcome == Outcome::kNotRun) MODEL_EXPECT(runs == 0);
  if (outcome_known && outcome == Outcome::kStopped) MODEL_EXPECT(cancelled != CROCHET_CANCEL_REQUESTED || hooks_accepted != 0);
}

}  // namespace crochet::model
