// SPDX-License-Identifier: MIT
// How an input begins, goes on and ends; and what must hold after each operation.
#include "fuzz/api/session.hpp"

#include <cstring>

#include "fuzz/support/failing_allocation.hpp"
#include "fuzz/support/nothing_left.hpp"
#include "fuzz/support/story.hpp"
#include "fuzz/support/virtual_clock.hpp"

namespace fuzz {
namespace {

constexpr std::size_t kMostCalls = 120;
constexpr int kMostOperations = 300;

}  // namespace

Session::Session(Bytes bytes, Loops& loops) : bytes_(bytes), loops_(loops) {}

void Session::expect(const char* what, int code, std::initializer_list<int> expected) {
  if (faulted_ && code == CROCHET_ENOMEM) {
    tell("    %s: no memory", what);
    return;
  }
  for (const int it : expected) {
    if (code == it) return;
  }
  found("%s: %s, and expected was %s", what, crochet_status_name(code), crochet_status_name(*expected.begin()));
}

// One that we hold a handle to.
Call* Session::pick_result() {
  std::vector<Call*> there;
  for (Call& call : calls_) {
    if (call.handles > 0) there.push_back(&call);
  }
  return there.empty() ? nullptr : there[bytes_.pick(there.size())];
}

Call* Session::pick_certain() {
  std::vector<Call*> there;
  for (Call& call : calls_) {
    if (call.handles > 0 && !call.settles_itself()) there.push_back(&call);
  }
  return there.empty() ? nullptr : there[bytes_.pick(there.size())];
}

Call* Session::pick_deferred() {
  std::vector<Call*> there;
  for (Call& call : calls_) {
    if (call.deferreds > 0 && call.state != State::kWaits) there.push_back(&call);
  }
  return there.empty() ? nullptr : there[bytes_.pick(there.size())];
}

void Session::play() {
  begin();
  for (int i = 0; i < kMostOperations && !bytes_.at_end(); ++i) operation();
  end();
}

void Session::begin() {
  reset_virtual_clock();
  const std::uint8_t first = bytes_.next();
  kind_ = (first & 1) == 0 ? SteppedLoop::Kind::kAdopted : SteppedLoop::Kind::kOwn;
  tell("loops: %s", kind_ == SteppedLoop::Kind::kAdopted ? "adopted, on a virtual clock" : "own");
  expect("stash_limits", crochet_stash_limits(stash_capacity_, CROCHET_FOREVER), {CROCHET_OK});
  expect("log_set_level", crochet_log_set_level(CROCHET_LOG_WARNING), {CROCHET_OK});
  was_set_up_ = true;  // by an earlier input, or by the target's beginning
  if ((first & 2) == 0) start_loop(0);
  if ((first & 4) == 0) start_loop(1);
}

void Session::start_loop(int loop) {
  Side& side = sides_[static_cast<std::size_t>(loop)];
  SteppedLoop& it = *loops_[static_cast<std::size_t>(loop)];
  if (it.runs() || on_loop()) return;
  if (it.own_handle() != nullptr) it.release();
  const std::uint8_t how = bytes_.next();
  crochet_options* options = nullptr;
  expect("options_new", crochet_options_new(&options), {CROCHET_OK});
  const std::uint64_t limit = (how & 1) != 0 && kind_ == SteppedLoop::Kind::kAdopted ? 1 + (how >> 1 & 3) : 0;
  expect("set_queue_limit", crochet_options_set_queue_limit(options, limit, 0), {CROCHET_OK});
  expect("set_thread_name", crochet_options_set_thread_name(options, "fuzz \"\\\xff"), {CROCHET_OK});
  tell("start loop %d, limit %d", loop, static_cast<int>(limit));
  expect("start", it.start(kind_, loop == 0, options), {CROCHET_OK});
  crochet_options_free(options);
  side = Side{};
  side.accepting = true;
  side.limit = limit;
  if (kind_ == SteppedLoop::Kind::kOwn) step(loop);
}

void Session::operation() {
  const std::uint8_t first = bytes_.next();
  const std::uint8_t where = bytes_.next();
  fault_ = (where & 0xc0) == 0xc0 ? where >> 2 & 7 : -1;
  faulted_ = false;
  const int loop = where & 1;
  const bool there = (where & 0x22) == 0x22 && loops_[static_cast<std::size_t>(loop)]->runs();
  if (!there) {
    const OnVirtualClock virtually(kind_ == SteppedLoop::Kind::kAdopted);
    perform(first);
  } else {
    tell("  on the thread of loop %d:", loop);
    place_ = loop;
    loops_[static_cast<std::size_t>(loop)]->on_thread([&] { perform(first); });
    place_ = -1;
  }
  fault_ = -1;
  faulted_ = false;
  check();
}

void Session::perform(unsigned which) {
  if (fault_ >= 0) tell("  allocation %d fails:", fault_);
  const bool full = calls_.size() >= kMostCalls;
  Call* call = nullptr;
  switch (which % 40) {
    case 0:
    case 1:
    case 2:
      if (!on_loop()) step(static_cast<int>(bytes_.pick(2)));
      return;
    case 3:
    case 4:
    case 5:
      if (!full) make_plain();
      return;
    case 6:
      if (!full) make_and_wait();
      return;
    case 7:
    case 8:
    case 9:
    case 10:
      if (!full) make_prepared();
      return;
    case 11:
      if (!full) make_many();
      return;
    case 12:
    case 13:
      if (!full) make_by_hand();
      return;
    case 14:
      if (!full) make_sleep();
      return;
    case 15:
      if (!full) make_every();
      return;
    case 16:
    case 17:
    case 18:
      if (!full) cork();
      return;
    case 19:
    case 20:
      if ((call = pick_result()) != nullptr) wait(*call);
      return;
    case 21:
      if ((call = pick_result()) != nullptr) join(*call);
      return;
    case 22:
      if ((call = pick_result()) != nullptr) take(*call);
      return;
    case 23:
      if ((call = pick_result()) != nullptr) error(*call);
      return;
    case 24:
    case 25:
      if ((call = pick_result()) != nullptr) cancel(*call);
      return;
    case 26:
      if ((call = pick_result()) != nullptr) interrupt(*call);
      return;
    case 27:
      if ((call = pick_result()) != nullptr) count_references(*call);
      return;
    case 28:
    case 29:
      if ((call = pick_deferred()) != nullptr) settle_deferred(*call);
      return;
    case 30:
      if ((call = pick_deferred()) != nullptr) set_hook(*call);
      return;
    case 31:
      if ((call = pick_result()) != nullptr) stash(*call);
      return;
    case 32: return retrieve();
    case 33:
    case 34: return completion_queue();
    case 35: return wait_for_several();
    case 36:
      if ((call = pick_result()) != nullptr) look(*call);
      return use_stale();
    case 37: {
      constexpr std::int64_t kTimes[] = {1000, CROCHET_MILLISECOND, 3 * CROCHET_MILLISECOND, 60 * CROCHET_MILLISECOND,
                                         10 * CROCHET_MILLISECOND};
      const std::int64_t time = kTimes[bytes_.pick(std::size(kTimes))];
      tell("%lld ns pass", static_cast<long long>(time));
      return advance_virtual_clock(time);
    }
    case 38: return bytes_.one_in(2) ? log_line() : look_around();
    default: break;
  }
  if (on_loop()) return;
  switch (bytes_.next() % 16) {
    case 1:
    case 2: return stop_loop(0, false);
    case 3:
    case 4: return stop_loop(1, false);
    case 5: return stop_loop(0, true);
    case 6: return fork_child();
    case 7:
    case 8:
    case 9: return start_loop(0);
    default: return start_loop(1);
  }
}

void Session::step(int loop, Call* settles) {
  SteppedLoop& it = *loops_[static_cast<std::size_t>(loop)];
  if (!it.runs()) return;
  tell("step loop %d", loop);
  std::vector<Call*> must_start;
  std::vector<Call*> hooks;
  const std::int64_t now = virtual_now_ns();
  for (Call& call : calls_) {
    if (call.loop != loop || !call.accepted) continue;
    if (call.hook_due && call.state == State::kRuns) hooks.push_back(&call);
    if (call.queued == 0 || call.state != State::kWaits || call.start == Start::kAtStop || call.settles_itself())
      continue;
    if (call.delay_ns == 0) {
      must_start.push_back(&call);
    } else if (call.saw_it_ns != 0 && call.delay_ns != CROCHET_FOREVER &&
               call.saw_it_ns + call.delay_ns + 2 * CROCHET_MILLISECOND < now) {
      must_start.push_back(&call);
    }
  }
  if (settles != nullptr) {
    ++stamp_;
    all_at_once_ = true;
    settle(*settles, CROCHET_ECANCELED, CROCHET_ECANCELED);
  }
  it.step();
  all_at_once_ = false;
  ++stamp_;
  for (const Call* call : must_start) {
    if (call->state == State::kWaits) found("call %d was left behind by a step", call->number);
  }
  for (const Call* call : hooks) {
    if (call->state == State::kRuns && !call->hook_called) found("the hook of call %d was not called", call->number);
  }
  for (Call& call : calls_) {
    if (call.loop != loop) continue;
    if (call.queued != 0 && call.state == State::kWaits && call.saw_it_ns == 0) call.saw_it_ns = virtual_now_ns();
    call.in_its_queue = false;
  }
}

void Session::stop_loop(int loop, bool whole_process) {
  const int other = 1 - loop;
  const int others = whole_process && loops_[static_cast<std::size_t>(other)]->runs() ? 1 : 0;
  if (!loops_[static_cast<std::size_t>(loop)]->runs()) return;
  constexpr std::int64_t kGraces[] = {0, 0, CROCHET_MILLISECOND, 30 * CROCHET_MILLISECOND};
  const std::int64_t grace_ns = kGraces[bytes_.pick(kind_ == SteppedLoop::Kind::kAdopted ? 4 : 3)];
  tell("%s loop %d, grace %lld ns", whole_process ? "shut down by" : "stop", loop, static_cast<long long>(grace_ns));
  ++stamp_;
  all_at_once_ = true;
  const auto asked = [this](int which) {
    Side& side = sides_[static_cast<std::size_t>(which)];
    side.accepting = false;
    side.stopping = true;
  };
  asked(loop);
  if (others != 0) asked(other);
  if (whole_process) {
    loops_[static_cast<std::size_t>(loop)]->on_thread(
        [this, grace_ns] { expect("shutdown on a loop's thread", crochet_shutdown(grace_ns), {CROCHET_EINPROGRESS}); });
    was_set_up_ = true;
  }
  const int code = loops_[static_cast<std::size_t>(loop)]->stop(grace_ns);
  expect("stop", code, {CROCHET_OK});
  loop_has_ended(loop);
  if (others != 0) {
    expect("stop", loops_[static_cast<std::size_t>(other)]->stop(grace_ns), {CROCHET_OK});
    loop_has_ended(other);
  }
  if (whole_process) {
    const OnVirtualClock really(false);
    expect("shutdown", crochet_shutdown(0), {CROCHET_OK});
    for (Stashed& it : stashed_) {
      if (it.call >= 0) --calls_[static_cast<std::size_t>(it.call)].hidden;
      it.call = -1;
    }
  }
  all_at_once_ = false;
  ++stamp_;
}

void Session::loop_has_ended(int loop) {
  Side& side = sides_[static_cast<std::size_t>(loop)];
  for (Call& call : calls_) {
    if (call.loop != loop || !call.accepted || call.loop_has_ended) continue;
    call.loop_has_ended = true;
    call.in_its_queue = false;
    if (call.settles_itself()) {
      if (call.handles > 0 && status_of(call) == CROCHET_EPENDING) found("call %d outlives its loop", call.number);
      if (call.start != Start::kSleep) continue;
      ++(call.code == CROCHET_OK          ? side.counted.run
         : call.code == CROCHET_ECANCELED ? side.counted.cancelled
                                          : side.counted.not_run);
      continue;
    }
    if (call.state == State::kSettled) continue;
    if (call.state == State::kWaits) {
      if (call.start == Start::kAtStop) found("at-stop call %d did not start", call.number);
      if (call.argument->drops == 0 && call.queued != 0) found("call %d outlives its loop", call.number);
      continue;
    }
    if (call.hook != nullptr && !call.hook_called) found("the hook of call %d was not called by the stop", call.number);
    int code = CROCHET_ESTOPPED;
    if (call.handles > 0) {
      code = crochet_result_status(call.result);
      if (code != CROCHET_ESTOPPED && !(code == CROCHET_ECANCELED && call.cancel_asked)) {
        found("call %d has the status %s after the stop", call.number, crochet_status_name(code));
      }
    }
    call.stop_asked = true;
    settle(call, code, code);
  }
  side.stopping = false;
  for (Cork& cork : corks_) {
    if (cork.loop == loop) cork.is_stale = true;
  }
  check_counters(loop);
}

void Session::check_counters(int loop) {
  const Side& side = sides_[static_cast<std::size_t>(loop)];
  const SteppedLoop& it = *loops_[static_cast<std::size_t>(loop)];
  const auto read = [&it](const char* name) {
    std::uint64_t count = 0;
    if (crochet_loop_counter(it.own_handle(), name, &count) != CROCHET_OK) found("no counter %s", name);
    return static_cast<long>(count);
  };
  for (const Cork& cork : corks_) {  // what it has gathered is counted by the flush at the latest
    if (cork.loop == loop && !cork.gathered.empty()) return;
  }
  const long run = read("calls_run") - it.steppers();
  const long not_run = read("calls_not_run");
  const long cancelled = read("calls_cancelled");
  const long expired = read("calls_expired");
  const Counted& counted = side.counted;
  if (!counted.is_exact) {
    if (run + not_run + cancelled + expired < counted.accepted) found("the counters lose calls");
    return;
  }
  if (run != counted.run || not_run != counted.not_run || cancelled != counted.cancelled ||
      expired != counted.expired || run + not_run + cancelled + expired != counted.accepted) {
    found("of %ld calls run %ld (%ld), not run %ld (%ld), cancelled %ld (%ld), expired %ld (%ld)", counted.accepted,
          run, counted.run, not_run, counted.not_run, cancelled, counted.cancelled, expired, counted.expired);
  }
  long held = 0;
  for (const Call& call : calls_) held += call.loop == loop && call.loop_has_ended && call.deferreds > 0 ? 1 : 0;
  if (loop == 0 && read("calls_held") > held) found("calls_held is %ld, not %ld", read("calls_held"), held);
}

void Session::check_call(const Call& call) {
  if (!call.accepted || call.in_making) return;
  if (!call.settles_itself() && call.argument->drops != (call.finished ? 1 : 0)) {
    found("the argument of call %d was dropped %d times", call.number, call.argument->drops);
  }
  const bool is_there = call.handles > 0;
  const bool is_gone = call.handles == 0 && call.hidden == 0 && !call.was_hidden && call.finished && call.ran;
  for (const Token* token : {call.value, call.payload}) {
    if (token == nullptr) continue;
    if (is_there && !(token == call.value && call.taken) && token->drops != 0) {
      found("%s %d was dropped while its result is held", token->what, token->number);
    }
    if (is_gone && token->drops != 1) found("%s %d was dropped %d times", token->what, token->number, token->drops);
  }
  if (call.hook != nullptr && call.finished && call.hook->drops != 1) {
    found("the hook's argument of call %d was dropped %d times", call.number, call.hook->drops);
  }
}

void Session::check() {
  for (const Call& call : calls_) check_call(call);
}

// Gives everything back, in an order that the input says, and looks whether anything is left.
void Session::end() {
  tell("the end");
  fault_ = -1;
  const bool stop_first = bytes_.one_in(2);
  const auto stop = [this] {
    for (int loop : {0, 1}) stop_loop(loop, loop == 0);
  };
  {
    const OnVirtualClock virtually(kind_ == SteppedLoop::Kind::kAdopted);
    if (stop_first) stop();
    while (!corks_.empty()) {
      Cork& cork = corks_.back();
      Side& side = sides_[static_cast<std::size_t>(cork.loop)];
      const bool accepts = side.accepting && !cork.is_stale;
      for (const int number : cork.gathered) {
        Call& call = calls_[static_cast<std::size_t>(number)];
        if (call.state != State::kWaits) continue;
        if (accepts && (side.limit == 0 || queued_on(cork.loop) < static_cast<long>(side.limit))) {
          call.queued = next_stamp();
          call.in_its_queue = true;
          continue;
        }
        call.finished = true;
        settle(call, CROCHET_ESTOPPED, CROCHET_ENOTRUN);
        if (!cork.is_stale) ++side.counted.not_run;
      }
      crochet_cork_free(cork.handle);
      corks_.pop_back();
    }
    while (!queues_.empty()) close_queue(queues_.back(), true);
    if (!stop_first) stop();
    for (Call& call : calls_) {
      while (call.deferreds > 0) release_deferred(call);
    }
  }
  {
    const OnVirtualClock really(false);
    expect("the last shutdown", crochet_shutdown(0), {CROCHET_OK});
  }
  for (Stashed& it : stashed_) {
    if (it.call >= 0) --calls_[static_cast<std::size_t>(it.call)].hidden;
    it.call = -1;
  }
  for (Call& call : calls_) {
    while (call.handles > 0) {
      --call.handles;
      crochet_result_release(call.result);
    }
  }
  check();
  for (const Token& token : tokens_) {
    if (token.drops != 1)
      found("%s %d of call %d was dropped %d times", token.what, token.number, token.call, token.drops);
  }
  for (const auto& loop : loops_) {
    if (loop->own_handle() != nullptr) loop->release();
  }
  check_nothing_left();
}

}  // namespace fuzz
