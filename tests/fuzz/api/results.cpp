// SPDX-License-Identifier: MIT
// What is done with results and deferreds.
#include <cstring>
#include <string>

#include "fuzz/api/session.hpp"
#include "fuzz/support/failing_allocation.hpp"
#include "fuzz/support/story.hpp"
#include "fuzz/support/virtual_clock.hpp"

namespace fuzz {
namespace {}  // namespace

// What a wait would return, or CROCHET_EPENDING. Of a call that settles itself the library is asked, and believed if it
// may be so.
int Session::status_of(Call& call) {
  if (!call.settles_itself() || call.state == State::kSettled) {
    return call.state == State::kSettled ? call.code : CROCHET_EPENDING;
  }
  const int code = crochet_result_status(call.result);
  if (code == CROCHET_EPENDING) return code;
  const bool is_sleep = call.start == Start::kSleep;
  const bool stopped = sides_[static_cast<std::size_t>(call.loop)].stopping || call.loop_has_ended;
  switch (code) {
    case CROCHET_OK:
      if (!is_sleep) found("crochet_every() came to a value");
      if (virtual_now_ns() < call.not_before_ns && kind_ == SteppedLoop::Kind::kAdopted) found("a sleep ended early");
      if (call.not_before_ns == INT64_MAX) found("an endless sleep ended");
      break;
    case CROCHET_ECANCELED:
      if (!call.cancel_asked) found("call %d was cancelled by nobody", call.number);
      break;
    case CROCHET_ESTOPPED:
      if (!stopped) found("call %d was stopped by nobody", call.number);
      break;
    case CROCHET_EFAILED:
      if (is_sleep || (call.script.ending != Ending::kRejects && call.script.ending != Ending::kThrows &&
                       call.script.ending != Ending::kLeaves)) {
        found("call %d failed for nothing", call.number);
      }
      break;
    default: found("call %d has the status %s", call.number, crochet_status_name(code));
  }
  call.state = State::kSettled;
  call.code = code;
  call.error_code = crochet_error_code(crochet_result_error(call.result));
  return code;
}

void Session::look(Call& call) {
  tell("status and value of call %d", call.number);
  const int expected = status_of(call);
  expect("status", crochet_result_status(call.result), {expected});
  void* const value = crochet_result_value(call.result);
  Token* const there = expected == CROCHET_OK && !call.taken ? call.value : nullptr;
  if (value != there) found("the value of call %d is %p, not %p", call.number, value, static_cast<void*>(there));
}

void Session::wait(Call& call) {
  const int status = status_of(call);
  constexpr std::int64_t kTimes[] = {0, 1, CROCHET_MILLISECOND, -2, CROCHET_FOREVER};
  const bool ends = status != CROCHET_EPENDING || call.interrupt_pending || on_loop();
  const std::int64_t timeout_ns = kTimes[bytes_.pick(ends ? 5 : 4)];
  const bool interruptible = bytes_.one_in(4);
  tell("wait%s for call %d, %lld ns", interruptible ? "_interruptible" : "", call.number,
       static_cast<long long>(timeout_ns));
  int expected = status;
  if (timeout_ns == -2) expected = CROCHET_EINVAL;
  else if (on_loop()) expected = CROCHET_EDEADLK;
  else if (status == CROCHET_EPENDING) expected = call.interrupt_pending ? CROCHET_EINTR : CROCHET_ETIMEDOUT;
  const int code = interruptible ? crochet_result_wait_interruptible(call.result, timeout_ns)
                                 : crochet_result_wait(call.result, timeout_ns);
  if (interruptible && expected == CROCHET_ETIMEDOUT) return expect("wait", code, {expected, CROCHET_EINTR});
  expect("wait", code, {expected});
  if (code == CROCHET_EINTR) call.interrupt_pending = false;
}

void Session::join(Call& call) {
  if (call.settles_itself()) return look(call);
  const bool abandoned = call.loop_has_ended && !call.finished;
  const bool ends = call.finished || abandoned || call.interrupt_pending || on_loop();
  constexpr std::int64_t kTimes[] = {0, 1, CROCHET_MILLISECOND, -2, CROCHET_FOREVER};
  const std::int64_t timeout_ns = kTimes[bytes_.pick(ends ? 5 : 4)];
  tell("join call %d, %lld ns", call.number, static_cast<long long>(timeout_ns));
  int expected = CROCHET_ETIMEDOUT;
  if (timeout_ns == -2) expected = CROCHET_EINVAL;
  else if (on_loop()) expected = CROCHET_EDEADLK;
  else if (call.finished) expected = CROCHET_OK;
  else if (abandoned) expected = CROCHET_ESTOPPED;
  else if (call.interrupt_pending) expected = CROCHET_EINTR;
  const int code = crochet_result_join(call.result, timeout_ns);
  expect("join", code, {expected});
  if (code == CROCHET_EINTR) call.interrupt_pending = false;
}

void Session::take(Call& call) {
  tell("take of call %d", call.number);
  const int status = status_of(call);
  const int expected = status == CROCHET_OK && call.taken ? CROCHET_ETAKEN : status;
  void* value = &call;
  crochet_drop_fn* drop_value = &drop;
  const int code = crochet_result_take(call.result, &value, &drop_value);
  expect("take", code, {expected});
  if (code != CROCHET_OK) {
    if (value != nullptr || drop_value != nullptr) found("take failed and left something");
    return;
  }
  call.taken = true;
  if (value != call.value) found("take gave another value");
  if (drop_value != nullptr) drop_value(value);
}

void Session::error(Call& call) {
  tell("error of call %d", call.number);
  const int status = status_of(call);
  const crochet_error* const error = crochet_result_error(call.result);
  const bool there = status != CROCHET_EPENDING && status != CROCHET_OK;
  if ((error != nullptr) != there) found("there is %s error", error == nullptr ? "no" : "an");
  if (!there) return;
  expect("error_code", crochet_error_code(error), {call.error_code});
  const char* const message = crochet_error_message(error);
  if (call.error_code == -4242 && !call.settles_itself() && std::strcmp(message, "no %s {}") != 0) {
    found("the message is \"%s\"", message);
  }
  const bool has_label = *crochet_error_label(error) != '\0';
  if (has_label != call.has_label) found("the label is \"%s\"", crochet_error_label(error));
  if (crochet_error_payload(error, 7) != call.payload) found("another payload");
  if (crochet_error_payload(error, 8) != nullptr) found("a payload of another type");
}

// Its loop has to find out that there is no hook any more.
void Session::cancel_without_hook(Call& call) {
  if (on_loop() || !loops_[static_cast<std::size_t>(call.loop)]->runs()) return;
  int outcome = -1;
  expect("cancel", crochet_result_cancel(call.result, &outcome), {CROCHET_OK});
  if (outcome != CROCHET_CANCEL_REQUESTED) found("cancel says %d", outcome);
  call.cancel_asked = true;
  call.was_hidden = true;
  step(call.loop, &call);
  expect("status after a cancel without a hook", crochet_result_status(call.result), {CROCHET_ECANCELED});
}

void Session::cancel(Call& call) {
  tell("cancel call %d", call.number);
  if (call.hook_cleared && call.hook == nullptr && call.state == State::kRuns && !call.stop_asked &&
      !call.cancel_asked) {
    return cancel_without_hook(call);
  }
  Side& side = sides_[static_cast<std::size_t>(call.loop)];
  int outcome = -1;
  if (call.settles_itself()) {
    const int before = status_of(call);
    call.cancel_asked = true;
    expect("cancel", crochet_result_cancel(call.result, &outcome), {CROCHET_OK});
    const bool was_settled = before != CROCHET_EPENDING;
    if ((outcome == CROCHET_CANCEL_TOO_LATE) != was_settled || outcome < 1 || outcome > 3) {
      found("cancel says %d", outcome);
    }
    // What a sleep that was cancelled is counted as is known; of the rounds of crochet_every() it is not.
    (void)status_of(call);
    return;
  }
  int expected = CROCHET_CANCEL_TOO_LATE;
  bool is_second = false;
  if (call.state == State::kWaits) {
    expected = CROCHET_CANCEL_NOT_RUN;
    ++side.counted.cancelled;
    call.cancel_asked = true;
    call.finished = true;
    settle(call, CROCHET_ECANCELED, CROCHET_ECANCELED);
  } else if (call.state == State::kRuns) {
    expected = CROCHET_CANCEL_REQUESTED;
    if (call.hook != nullptr) {
      // A hook that was called and did not settle: whether the next cancel does is not said.
      is_second = call.cancel_asked || call.stop_asked;
      if (!call.cancel_asked && !call.stop_asked) {
        call.cancel_asked = true;
        call.hook_due = true;
        call.was_hidden = true;  // the message to its loop holds a reference
      }
    } else {
      if (!call.stop_asked) call.cancel_asked = true;
      const int code = reason(call, CROCHET_ECANCELED);
      settle(call, code, code);
    }
  }
  expect("cancel", crochet_result_cancel(call.result, &outcome), {CROCHET_OK});
  if (outcome != expected) found("cancel says %d, not %d", outcome, expected);
  if (expected == CROCHET_CANCEL_NOT_RUN && call.argument->drops != 1) {
    found("the argument of a cancelled call was dropped %d times", call.argument->drops);
  }
  if (is_second && call.state == State::kRuns && crochet_result_status(call.result) != CROCHET_EPENDING) {
    const int code = reason(call, CROCHET_ECANCELED);
    if (!call.hook_called) found("a second cancel settled call %d before its hook was called", call.number);
    expect("status after a second cancel", crochet_result_status(call.result), {code});
    settle(call, code, code);
  }
}

void Session::interrupt(Call& call) {
  tell("interrupt call %d", call.number);
  if (call.settles_itself()) return;
  expect("interrupt", crochet_result_interrupt(call.result), {CROCHET_OK});
  if (!call.finished) call.interrupt_pending = true;
}

void Session::count_references(Call& call) {
  if (call.handles < 8 && bytes_.one_in(2)) {
    tell("retain the result of call %d", call.number);
    if (crochet_result_retain(call.result) != call.result) found("a result could not be retained");
    ++call.handles;
    return;
  }
  tell("release the result of call %d", call.number);
  release_result(call);
}

void Session::release_result(Call& call) {
  if (call.settles_itself() && call.handles == 1) {
    // Nobody could ask any more how it came out.
    if (status_of(call) == CROCHET_EPENDING) return;
  }
  crochet_result* const result = call.result;
  --call.handles;
  crochet_result_release(result);
  if (call.handles > 0 || call.was_hidden || !call.finished || !call.ran || call.start == Start::kEvery) return;
  stale_.push_back({reinterpret_cast<std::uintptr_t>(result), false, slots_used_});
}

void Session::settle_deferred(Call& call) {
  const unsigned how = bytes_.pick(7);
  if (how == 0) {
    tell("release the deferred of call %d", call.number);
    return release_deferred(call);
  }
  if (how == 1) {
    if (call.deferreds >= 8) return;
    tell("retain the deferred of call %d", call.number);
    if (crochet_deferred_retain(call.deferred) != call.deferred) found("a deferred could not be retained");
    ++call.deferreds;
    return;
  }
  if (how == 2) {
    tell("ask about the deferred of call %d", call.number);
    const bool asked =
        call.cancel_asked || call.stop_asked ||
        (call.state == State::kSettled && (call.code == CROCHET_ECANCELED || call.code == CROCHET_ESTOPPED));
    if (!call.loop_has_ended && crochet_deferred_is_cancelled(call.deferred) != (asked ? 1 : 0)) {
      found("is_cancelled is not %d", asked);
    }
    crochet_loop* const loop = crochet_deferred_loop(call.deferred);
    crochet_loop* const expected =
        call.loop_has_ended ? nullptr : loops_[static_cast<std::size_t>(call.loop)]->own_handle();
    if (loop != expected) found("another loop than %p: %p", static_cast<void*>(expected), static_cast<void*>(loop));
    return;
  }
  tell("settle the deferred of call %d, way %u", call.number, how);
  if (how == 3 && fault_ >= 0) {
    // Settling never fails for want of memory; the payload may be lost.
    Token* token = new_token("payload", call.number);
    const bool settled = call.state == State::kSettled;
    int code;
    {
      const FailingAllocation failing(fault_);
      code = crochet_reject_with(call.deferred, -77, "a text", 7, token, &drop);
      if (failing.has_failed()) tell("    an allocation failed");
      if (!settled) {
        if (token->drops == 0) call.payload = token;
        settle(call, CROCHET_EFAILED, -77);
        if (token->drops != 0 && !failing.has_failed()) found("a payload was dropped for nothing");
      }
    }
    return expect("reject_with", code, {settled ? CROCHET_EALREADY : CROCHET_OK});
  }
  constexpr Ending kEndings[] = {Ending::kRejectsWith, Ending::kResolves, Ending::kRejects,
                                 Ending::kRejectsAsCancelled};
  settle_by_script(call, call.deferred, kEndings[how - 3]);
}

void Session::release_deferred(Call& call) {
  crochet_deferred* const deferred = call.deferred;
  const bool was_last = --call.deferreds == 0;
  if (was_last) finish(call);
  crochet_deferred_release(deferred);
  if (was_last && call.argument->drops != 1) found("the last deferred went, and the argument was not dropped");
  if (was_last) stale_.push_back({reinterpret_cast<std::uintptr_t>(deferred), true, slots_used_});
}

void Session::set_hook(Call& call) {
  const auto kind = static_cast<HookKind>(bytes_.pick(static_cast<std::size_t>(HookKind::kCount)));
  tell("on_cancel of call %d: %d", call.number, static_cast<int>(kind));
  const bool too_late = call.state == State::kSettled || call.cancel_asked || call.stop_asked;
  Token* const former = call.hook;
  Token* const token = kind == HookKind::kNone ? nullptr : new_token("hook", call.number);
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_deferred_on_cancel(call.deferred, token == nullptr ? nullptr : &on_cancel, token,
                                      token == nullptr ? nullptr : &drop);
    faulted_ = failing.has_failed();
  }
  expect("on_cancel", code, {too_late ? CROCHET_EALREADY : CROCHET_OK});
  if (code != CROCHET_OK) {
    if (token != nullptr && token->drops != 1) found("the argument of a hook that was not set was not dropped");
    return;
  }
  if (former != nullptr && former->drops != 1) found("the argument of the former hook was not dropped");
  if (former != nullptr && token == nullptr) call.hook_cleared = true;
  call.hook = token;
  call.hook_kind = kind;
}

// One handle of a call that is gone. The slot was not used often enough for its generation to come round.
void Session::use_stale() {
  if (stale_.empty()) return;
  const std::size_t index = bytes_.pick(stale_.size());
  const Stale stale = stale_[index];
  if (slots_used_ - stale.slots_used > 24) return;
  const unsigned how = bytes_.pick(6);
  tell("use a stale %s, way %u", stale.is_deferred ? "deferred" : "result", how);
  if (stale.is_deferred) {
    auto* const deferred = reinterpret_cast<crochet_deferred*>(stale.handle);
    if (how < 2) {
      Token* token = new_token("value", -1);
      expect("resolve of a stale deferred", crochet_resolve(deferred, token, &drop),
             {CROCHET_EINVAL, CROCHET_EALREADY});
      if (token->drops != 1) found("the value for a stale deferred was not dropped");
    } else if (how == 2) {
      expect("reject of a stale deferred", crochet_reject(deferred, -1, "x"), {CROCHET_EINVAL, CROCHET_EALREADY});
    } else if (how == 3) {
      if (crochet_deferred_retain(deferred) != nullptr) found("a stale deferred was retained");
    } else {
      crochet_deferred_release(deferred);
    }
    return;
  }
  auto* const result = reinterpret_cast<crochet_result*>(stale.handle);
  switch (how) {
    case 0: expect("wait", crochet_result_wait(result, CROCHET_FOREVER), {CROCHET_EINVAL}); break;
    case 1: expect("status", crochet_result_status(result), {CROCHET_EINVAL}); break;
    case 2: expect("cancel", crochet_result_cancel(result, nullptr), {CROCHET_EINVAL}); break;
    case 3:
      if (crochet_result_retain(result) != nullptr) found("a stale result was retained");
      break;
    case 4: crochet_result_release(result); break;
    default:
      expect("interrupt", crochet_result_interrupt(result), {CROCHET_EINVAL});
      if (crochet_result_error(result) != nullptr) found("a stale result has an error");
      break;
  }
}

void Session::wait_for_several() {
  std::vector<crochet_result*> results;
  std::vector<Call*> chosen;
  const unsigned count = bytes_.pick(5);
  for (unsigned i = 0; i < count; ++i) {
    Call* call = pick_certain();
    if (call == nullptr || call->interrupt_pending) continue;
    results.push_back(call->result);
    chosen.push_back(call);
  }
  std::size_t first = chosen.size();
  bool all = true;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const bool settled = chosen[i]->state == State::kSettled;
    if (settled && first == chosen.size()) first = i;
    all = all && settled;
  }
  const bool any = bytes_.one_in(2);
  constexpr std::int64_t kTimes[] = {0, 1, -2, CROCHET_FOREVER};
  const bool ends = on_loop() || (any ? first < chosen.size() : all);
  const std::int64_t timeout_ns = kTimes[bytes_.pick(ends ? 4 : 3)];
  tell("wait for %s of %zu, %lld ns", any ? "any" : "all", chosen.size(), static_cast<long long>(timeout_ns));
  int expected = (any ? first < chosen.size() : all) ? CROCHET_OK : CROCHET_ETIMEDOUT;
  if (on_loop()) expected = CROCHET_EDEADLK;
  if (timeout_ns == -2) expected = CROCHET_EINVAL;
  if (!any) return expect("wait_all", crochet_wait_all(results.data(), results.size(), timeout_ns), {expected});
  std::size_t index = 99;
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_wait_any(results.data(), results.size(), timeout_ns, &index);
    faulted_ = failing.has_failed();
  }
  expect("wait_any", code, {expected});
  if (index != (code == CROCHET_OK ? first : chosen.size())) found("wait_any says %zu, not %zu", index, first);
}

}  // namespace fuzz
