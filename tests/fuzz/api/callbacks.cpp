// SPDX-License-Identifier: MIT
// What the library calls: may it, now, here, once? And what the functions of the calls do.
#include <stdexcept>

#include "fuzz/api/session.hpp"
#include "fuzz/support/failing_allocation.hpp"
#include "fuzz/support/story.hpp"
#include "fuzz/support/virtual_clock.hpp"

namespace fuzz {

void Session::function(crochet_deferred* deferred, void* token) {
  const UncountedAllocations uncounted;
  auto* it = static_cast<Token*>(token);
  it->session->started(it->session->calls_[static_cast<std::size_t>(it->call)], deferred);
}

void Session::function_in_storage(crochet_deferred* deferred, void* storage) {
  function(deferred, *static_cast<Token**>(storage));
}

void Session::drop(void* token) {
  const UncountedAllocations uncounted;
  auto* it = static_cast<Token*>(token);
  tell("      dropped: %s %d of call %d", it->what, it->number, it->call);
  if (++it->drops > 1) found("%s %d was dropped twice", it->what, it->number);
  it->session->dropped(*it);
}

void Session::drop_storage(void* storage) { drop(*static_cast<Token**>(storage)); }

void Session::dropped(Token& token) {
  if (!token.is_argument) return;
  Call& call = calls_[static_cast<std::size_t>(token.call)];
  if (call.in_making || call.finished || !call.accepted) return;
  Side& side = sides_[static_cast<std::size_t>(call.loop)];
  if (call.settles_itself()) return;  // looked at when it is settled
  if (call.state != State::kWaits) found("the argument of call %d was dropped while a deferred is held", call.number);
  call.finished = true;
  if (side.stopping) {
    ++side.counted.not_run;
    settle(call, CROCHET_ESTOPPED, CROCHET_ENOTRUN);
    return;
  }
  if (call.expires_from_ns == INT64_MAX) found("call %d was dropped instead of run", call.number);
  if (virtual_now_ns() < call.expires_from_ns && kind_ == SteppedLoop::Kind::kAdopted) {
    found("call %d expired early", call.number);
  }
  ++side.counted.expired;
  settle(call, CROCHET_EFAILED, CROCHET_EEXPIRED);
}

void Session::started(Call& call, crochet_deferred* deferred) {
  tell("      call %d starts", call.number);
  Side& side = sides_[static_cast<std::size_t>(call.loop)];
  if (call.state != State::kWaits) found("call %d started a second time, or too late", call.number);
  if (crochet_current_loop() != loops_[static_cast<std::size_t>(call.loop)]->own_handle()) {
    found("call %d runs on the wrong thread", call.number);
  }
  if (call.start == Start::kAtStop) {
    if (!side.stopping) found("at-stop call %d started before the stop", call.number);
    for (const Call& other : calls_) {
      if (other.start == Start::kAtStop && other.loop == call.loop && other.state == State::kWaits && other.accepted &&
          other.queued > call.queued) {
        found("at-stop call %d started before %d, which was made later", call.number, other.number);
      }
    }
  } else {
    if (side.stopping || !side.accepting) found("call %d started although its loop stops", call.number);
    if (call.queued == 0 && !call.in_making) found("call %d started before what it waits for", call.number);
  }
  if (kind_ == SteppedLoop::Kind::kAdopted) {
    if (virtual_now_ns() < call.not_before_ns) found("call %d started before its time", call.number);
    if (virtual_now_ns() > call.expires_by_ns) found("call %d started after its deadline", call.number);
  }
  if (call.delay_ns == 0 && call.start != Start::kAtStop) {
    for (const Call& other : calls_) {
      if (other.loop == call.loop && !other.settles_itself() && other.state == State::kWaits && other.accepted &&
          other.delay_ns == 0 && other.start != Start::kAtStop && !other.in_making && other.queued != 0 &&
          other.queued < call.queued) {
        found("call %d overtook call %d", call.number, other.number);
      }
    }
  }
  call.state = State::kRuns;
  call.ran = true;
  call.deferred = deferred;
  call.deferreds = 1;
  ++side.counted.run;
  const int place = place_;
  place_ = call.loop;
  struct Leave {
    Session& session;
    Call& call;
    int place;
    ~Leave() {
      session.place_ = place;
      if (--call.deferreds == 0) session.finish(call);
    }
  } leave{*this, call, place};
  play_script(call, deferred);
}

void Session::play_script(Call& call, crochet_deferred* deferred) {
  const Script script = call.script;
  if (script.hook != HookKind::kNone) {
    Token* token = new_token("hook", call.number);
    const bool too_late = call.state == State::kSettled || call.cancel_asked || call.stop_asked;
    if (!too_late) {
      call.hook = token;
      call.hook_kind = script.hook;
    }
    const int code = crochet_deferred_on_cancel(deferred, &on_cancel, token, &drop);
    expect("on_cancel in the function", code, {too_late ? CROCHET_EALREADY : CROCHET_OK});
  }
  if (script.cancels_itself && call.handles > 0) cancel(call);
  if (script.waits && call.handles > 0) {
    expect("wait in the function", crochet_result_wait(call.result, CROCHET_FOREVER), {CROCHET_EDEADLK});
    expect("join in the function", crochet_result_join(call.result, 0), {CROCHET_EDEADLK});
  }
  if (script.runs_another && calls_.size() < 200) {
    Call& another = new_call(call.loop, Start::kQueue);
    tell("        makes call %d", another.number);
    const int expected = expected_of_loop(call.loop);
    another.in_making = true;
    crochet_result* result = nullptr;
    const int code = crochet_run(loops_[static_cast<std::size_t>(call.loop)]->own_handle(), &function, another.argument,
                                 &drop, &result);
    // How many are left in the queue of a loop that is at it, nobody knows.
    made(another, code, {expected, side_of(call).limit != 0 && expected == CROCHET_OK ? CROCHET_EAGAIN : expected},
         result, true);
  }
  settle_by_script(call, deferred, script.ending);
  if (script.settles_twice && call.state == State::kSettled) {
    Token* token = new_token("late value", call.number);
    expect("a second settling", crochet_resolve(deferred, token, &drop), {CROCHET_EALREADY});
    if (token->drops != 1) found("a value that came too late was not dropped");
  }
  if (script.ending == Ending::kThrows) {
    if (call.state != State::kSettled) settle(call, CROCHET_EFAILED, CROCHET_EFAILED);
    throw std::runtime_error("thrown by a call");
  }
}

void Session::settle_by_script(Call& call, crochet_deferred* deferred, Ending ending) {
  const bool settled = call.state == State::kSettled;
  const int expected = settled ? CROCHET_EALREADY : CROCHET_OK;
  switch (ending) {
    case Ending::kResolves: {
      Token* token = new_token("value", call.number);
      if (!settled) {
        call.value = token;
        settle(call, CROCHET_OK, 0);
      }
      expect("resolve", crochet_resolve(deferred, token, &drop), {expected});
      if (settled && token->drops != 1) found("a value that came too late was not dropped");
      break;
    }
    case Ending::kRejects:
      if (!settled) settle(call, CROCHET_EFAILED, -4242);
      expect("reject", crochet_reject(deferred, -4242, "no %s {}"), {expected});
      break;
    case Ending::kRejectsWith: {
      Token* token = new_token("payload", call.number);
      if (!settled) {
        call.payload = token;
        settle(call, CROCHET_EFAILED, CROCHET_EFAILED);
      }
      expect("reject_with", crochet_reject_with(deferred, 1, nullptr, 7, token, &drop), {expected});
      if (settled && token->drops != 1) found("a payload that came too late was not dropped");
      break;
    }
    case Ending::kRejectsAsCancelled:
      if (!settled) {
        const int code = reason(call, CROCHET_EFAILED);
        settle(call, code, code == CROCHET_EFAILED ? CROCHET_ECANCELED : code);
      }
      expect("reject as cancelled", crochet_reject(deferred, CROCHET_ECANCELED, nullptr), {expected});
      break;
    case Ending::kKeeps:
      if (crochet_deferred_retain(deferred) != deferred) found("a deferred could not be retained");
      ++call.deferreds;
      break;
    default: break;
  }
}

void Session::round(crochet_deferred* deferred, void* token, std::uint64_t) {
  const UncountedAllocations uncounted;
  auto* it = static_cast<Token*>(token);
  Session& session = *it->session;
  Call& call = session.calls_[static_cast<std::size_t>(it->call)];
  tell("      a round of call %d", call.number);
  if (it->drops != 0) found("a round of call %d after its argument was dropped", call.number);
  if (!session.sides_[static_cast<std::size_t>(call.loop)].accepting) found("a round after the stop");
  if (crochet_current_loop() != session.loops_[static_cast<std::size_t>(call.loop)]->own_handle()) {
    found("a round on the wrong thread");
  }
  if (call.handles > 0 && session.status_of(call) != CROCHET_EPENDING) found("a round after the end");
  // The grid, whatever was left out: never early.
  if (virtual_now_ns() < call.not_before_ns + call.rounds * call.delay_ns) found("a round came early");
  ++call.rounds;
  session.slots_used_ += 3;
  switch (call.script.ending) {
    case Ending::kRejects: crochet_reject(deferred, -4242, "the last round"); break;
    case Ending::kLeaves: break;
    case Ending::kThrows: throw std::runtime_error("thrown by a round");
    default: crochet_resolve(deferred, nullptr, nullptr); break;
  }
}

void Session::on_cancel(crochet_deferred* deferred, void* token) {
  const UncountedAllocations uncounted;
  auto* it = static_cast<Token*>(token);
  Session& session = *it->session;
  Call& call = session.calls_[static_cast<std::size_t>(it->call)];
  tell("      hook of call %d", call.number);
  if (call.hook != it) found("a hook was called that is not the call's any more");
  if (call.hook_called) found("the hook of call %d was called twice", call.number);
  if (call.state != State::kRuns) found("the hook of call %d was called although it is settled", call.number);
  Side& side = session.sides_[static_cast<std::size_t>(call.loop)];
  if (!call.cancel_asked && !side.stopping) found("the hook of call %d was called, and nobody asked", call.number);
  if (crochet_current_loop() != session.loops_[static_cast<std::size_t>(call.loop)]->own_handle()) {
    found("a hook on the wrong thread");
  }
  if (!call.cancel_asked) call.stop_asked = true;
  call.hook_called = true;
  call.hook_due = false;
  if (crochet_deferred_is_cancelled(deferred) != 1) found("a hook's call is not cancelled");
  const int place = session.place_;
  session.place_ = call.loop;
  if (call.hook_kind == HookKind::kSettles) session.settle_by_script(call, deferred, Ending::kRejectsAsCancelled);
  if (call.hook_kind == HookKind::kResolves) session.settle_by_script(call, deferred, Ending::kResolves);
  session.place_ = place;
}

// ---- The model's own

int Session::reason(const Call& call, int otherwise) const {
  return call.cancel_asked ? CROCHET_ECANCELED : call.stop_asked ? CROCHET_ESTOPPED : otherwise;
}

void Session::settle(Call& call, int code, int error_code) {
  call.state = State::kSettled;
  call.code = code;
  call.error_code = error_code;
  call.hook_due = false;
  if (!all_at_once_) ++stamp_;
  for (CompletionQueue& queue : queues_) {
    for (Watch& watch : queue.watches) {
      if (watch.call == call.number && watch.settled == 0) watch.settled = stamp_;
    }
  }
  for (Call& waiting : calls_) {
    if (waiting.after != call.number || waiting.state != State::kWaits || !waiting.accepted || waiting.queued != 0)
      continue;
    if (waiting.in_making) continue;
    waiting.not_before_ns = waiting.delay_ns == CROCHET_FOREVER ? INT64_MAX : virtual_now_ns() + waiting.delay_ns;
    waiting.queued = next_stamp();
  }
}

void Session::finish(Call& call) {
  call.finished = true;
  if (call.state != State::kSettled) settle(call, CROCHET_EBROKEN, CROCHET_EBROKEN);
}

}  // namespace fuzz
