// SPDX-License-Identifier: MIT
// Calls are made, in every way that there is.
#include "fuzz/api/session.hpp"
#include "fuzz/support/failing_allocation.hpp"
#include "fuzz/support/story.hpp"
#include "fuzz/support/virtual_clock.hpp"

namespace fuzz {
namespace {

constexpr std::int64_t kMillisecond = CROCHET_MILLISECOND;
constexpr std::int64_t kDelays[] = {0, CROCHET_FOREVER, 1, kMillisecond, 5 * kMillisecond, 40 * kMillisecond};

}  // namespace

Call& Session::new_call(int loop, Start start) {
  Call& call = calls_.emplace_back();
  call.number = static_cast<int>(calls_.size()) - 1;
  call.loop = loop;
  call.start = start;
  call.argument = new_token("argument", call.number);
  call.argument->is_argument = true;
  ++slots_used_;
  return call;
}

Token* Session::new_token(const char* what, int call) {
  return &tokens_.emplace_back(Token{this, static_cast<int>(tokens_.size()), what, call});
}

Script Session::read_script() {
  Script script;
  script.ending = static_cast<Ending>(bytes_.pick(static_cast<std::size_t>(Ending::kCount)));
  const std::uint8_t more = bytes_.next();
  if ((more & 1) != 0) script.hook = static_cast<HookKind>(more >> 1 & 3);
  script.cancels_itself = (more & 0x18) == 0x18;
  script.runs_another = (more & 0x60) == 0x60;
  script.waits = (more & 0x90) == 0x90;
  script.settles_twice = (more & 0xa0) == 0xa0;
  static const char* const kEndings[] = {"resolves", "rejects", "rejects_with", "rejects as cancelled",
                                         "keeps",    "leaves",  "throws"};
  tell("    which %s; hook %d%s%s%s%s", kEndings[static_cast<int>(script.ending)], static_cast<int>(script.hook),
       script.cancels_itself ? ", cancels itself" : "", script.runs_another ? ", runs another" : "",
       script.waits ? ", waits" : "", script.settles_twice ? ", settles twice" : "");
  return script;
}

crochet_loop* Session::name_of(int loop) {
  const SteppedLoop& it = *loops_[static_cast<std::size_t>(loop)];
  // The default loop by NULL or by its handle, one as good as the other.
  if (loop == 0) return bytes_.one_in(4) && it.own_handle() != nullptr ? it.own_handle() : nullptr;
  return it.own_handle();
}

// Of loops that have ended there is still a handle; without one, NULL would be the default loop.
int Session::pick_loop() {
  const int loop = static_cast<int>(bytes_.pick(2));
  return loops_[static_cast<std::size_t>(loop)]->own_handle() == nullptr ? 0 : loop;
}

int Session::expected_of_loop(int loop) const {
  const Side& side = sides_[static_cast<std::size_t>(loop)];
  if (side.accepting) return CROCHET_OK;
  if (loop == 1) return CROCHET_ESTOPPED;
  return was_set_up_ ? CROCHET_ESTOPPED : CROCHET_ENOTSETUP;
}

long Session::queued_on(int loop) const {
  long count = 0;
  for (const Call& call : calls_) {
    if (call.loop == loop && call.in_its_queue) ++count;
  }
  return count;
}

void Session::queue(Call& call) {
  if (call.start == Start::kAtStop || call.after < 0) call.queued = next_stamp();
}

void Session::made(Call& call, int code, std::initializer_list<int> expected, crochet_result* result, bool wanted) {
  expect("making a call", code, expected);
  call.in_making = false;
  if ((result != nullptr) != (wanted && code == CROCHET_OK)) found("out_result does not fit the code");
  if (code != CROCHET_OK) {
    call.accepted = false;
    call.state = State::kSettled;
    call.finished = true;
    if (call.argument->drops != 1) found("the argument of a refused call was dropped %d times", call.argument->drops);
    return;
  }
  if (call.argument->drops != 0 && !call.settles_itself())
    found("the argument of an accepted call was dropped at once");
  Counted& counted = sides_[static_cast<std::size_t>(call.loop)].counted;
  if (call.start != Start::kByHand) ++counted.accepted;
  call.result = result;
  call.handles = result != nullptr ? 1 : 0;
  if (call.start == Start::kByHand) return;
  const Call* after = call.after < 0 ? nullptr : &calls_[static_cast<std::size_t>(call.after)];
  if (after == nullptr || after->state == State::kSettled) {
    call.queued = next_stamp();
    if (after != nullptr && call.delay_ns > 0) call.not_before_ns = virtual_now_ns() + call.delay_ns;
  }
  // What waits for its place in the queue only: it counts for a limit.
  call.in_its_queue = after == nullptr && call.start != Start::kAtStop && call.delay_ns == 0 && !call.settles_itself();
}

void Session::make_plain() {
  const int loop = pick_loop();
  const bool wants = !bytes_.one_in(4);
  tell("run on loop %d%s", loop, wants ? "" : ", forgotten");
  crochet_loop* const name = name_of(loop);
  Call& call = new_call(loop, Start::kQueue);
  tell("    call %d", call.number);
  call.script = read_script();
  const int of_loop = expected_of_loop(loop);
  const Side& side = sides_[static_cast<std::size_t>(loop)];
  const bool full = of_loop == CROCHET_OK && side.limit != 0 && queued_on(loop) >= static_cast<long>(side.limit);
  crochet_result* result = nullptr;
  call.in_making = true;
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_run(name, &function, call.argument, &drop, wants ? &result : nullptr);
    faulted_ = failing.has_failed();
  }
  made(call, code, {full ? CROCHET_EAGAIN : of_loop}, result, wants);
}

void Session::make_and_wait() {
  const int loop = pick_loop();
  constexpr std::int64_t kTimes[] = {0, 1, kMillisecond, -2, INT64_MIN};
  const std::int64_t timeout_ns = kTimes[bytes_.pick(5)];
  const bool wants = !bytes_.one_in(4);
  tell("wait_for on loop %d, %lld ns%s", loop, static_cast<long long>(timeout_ns), wants ? "" : ", forgotten");
  crochet_loop* const name = name_of(loop);
  Call& call = new_call(loop, Start::kQueue);
  tell("    call %d", call.number);
  call.script = read_script();
  int expected = expected_of_loop(loop);
  const Side& side = sides_[static_cast<std::size_t>(loop)];
  if (expected == CROCHET_OK && side.limit != 0 && queued_on(loop) >= static_cast<long>(side.limit))
    expected = CROCHET_EAGAIN;
  if (on_loop()) expected = CROCHET_EDEADLK;
  if (timeout_ns < 0) expected = CROCHET_EINVAL;
  crochet_result* result = nullptr;
  call.in_making = true;
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_wait_for(name, &function, call.argument, &drop, timeout_ns, wants ? &result : nullptr);
    faulted_ = failing.has_failed();
  }
  if (expected != CROCHET_OK || code == CROCHET_ENOMEM) return made(call, code, {expected}, result, wants);
  // No loop runs meanwhile: the time is over, and the call was cancelled before it could run.
  expect("wait_for", code, {CROCHET_ETIMEDOUT});
  if ((result != nullptr) != wants) found("out_result was not set although the call was accepted");
  call.in_making = false;
  Counted& counted = sides_[static_cast<std::size_t>(loop)].counted;
  ++counted.accepted;
  ++counted.cancelled;
  call.result = result;
  call.handles = wants ? 1 : 0;
  call.in_its_queue = true;  // until the loop has come to it
  call.cancel_asked = true;
  call.finished = true;
  call.queued = next_stamp();
  settle(call, CROCHET_ECANCELED, CROCHET_ECANCELED);
  if (call.argument->drops != 1)
    found("the argument of a call that was cancelled was dropped %d times", call.argument->drops);
}

void Session::make_prepared() {
  const int loop = pick_loop();
  tell("call_new on loop %d", loop);
  crochet_loop* const name = name_of(loop);
  crochet_call* prepared = nullptr;
  constexpr std::size_t kSizes[] = {sizeof(Token*), 64, 200, 5000};
  const std::size_t size = kSizes[bytes_.pick(4)];
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_call_new(name, size, &prepared);
    faulted_ = failing.has_failed();
  }
  expect("call_new", code, {expected_of_loop(loop)});
  if ((code == CROCHET_OK) != (prepared != nullptr)) found("out_call does not fit the code");
  ++slots_used_;
  if (code != CROCHET_OK) return;
  faulted_ = false;
  auto* const storage = static_cast<Token**>(crochet_call_storage(prepared));
  const auto* const storage_bytes = reinterpret_cast<const unsigned char*>(storage);
  for (std::size_t i = 0; i < size; ++i) {
    if (storage_bytes[i] != 0) found("storage is not zeroed");
  }
  const std::uint8_t how = bytes_.next();
  bool at_stop = false;
  bool has_time = false;
  int after = -1;
  std::int64_t delay_ns = 0;
  std::int64_t deadline_ns = CROCHET_FOREVER;
  const bool labelled = (how & 1) != 0;
  if (labelled) expect("set_label", crochet_call_set_label(prepared, "what is called \x01\"\\"), {CROCHET_OK});
  if ((how & 2) != 0) {
    if (Call* watched = pick_certain()) {
      tell("    after call %d", watched->number);
      expect("set_after", crochet_call_set_after(prepared, watched->result), {CROCHET_OK});
      expect("set_after again", crochet_call_set_after(prepared, watched->result), {CROCHET_EALREADY});
      after = watched->number;
      ++watched->hidden;
      watched->was_hidden = true;
    }
  }
  if ((how & 4) != 0) {
    delay_ns = kDelays[bytes_.pick(kind_ == SteppedLoop::Kind::kAdopted ? std::size(kDelays) : 2)];
    tell("    delay %lld ns", static_cast<long long>(delay_ns));
    expect("set_delay_ns", crochet_call_set_delay_ns(prepared, delay_ns), {CROCHET_OK});
    has_time = true;
  }
  if ((how & 8) != 0) {
    constexpr std::int64_t kDeadlines[] = {0, CROCHET_FOREVER, kMillisecond, 20 * kMillisecond};
    deadline_ns = kDeadlines[bytes_.pick(kind_ == SteppedLoop::Kind::kAdopted ? 4 : 2)];
    tell("    deadline %lld ns", static_cast<long long>(deadline_ns));
    expect("set_deadline_ns", crochet_call_set_deadline_ns(prepared, deadline_ns), {CROCHET_OK});
    has_time = true;
  }
  if ((how & 48) == 48) {
    const bool may = after < 0 && !has_time;
    tell("    at stop");
    expect("set_at_stop", crochet_call_set_at_stop(prepared), {may ? CROCHET_OK : CROCHET_EINVAL});
    at_stop = may;
    if (may && bytes_.one_in(2)) {
      expect("set_delay_ns of an at-stop call", crochet_call_set_delay_ns(prepared, 1), {CROCHET_EINVAL});
    }
  }
  if ((how & 192) == 192) {
    tell("    discarded");
    crochet_call_discard(prepared);
    if (after >= 0) --calls_[static_cast<std::size_t>(after)].hidden;
    return;
  }
  const Start start = at_stop         ? Start::kAtStop
                      : after >= 0    ? Start::kAfter
                      : delay_ns != 0 ? Start::kTime
                                      : Start::kQueue;
  Call& call = new_call(loop, start);
  tell("    call %d", call.number);
  call.script = read_script();
  call.after = after;
  call.delay_ns = delay_ns;
  call.has_label = labelled;
  *storage = call.argument;
  const bool no_function = bytes_.one_in(16);
  const bool wants = !bytes_.one_in(4);
  const Side& side = sides_[static_cast<std::size_t>(loop)];
  int expected = expected_of_loop(loop);
  if (expected == CROCHET_OK && start == Start::kQueue && side.limit != 0 &&
      queued_on(loop) >= static_cast<long>(side.limit)) {
    expected = CROCHET_EAGAIN;
  }
  if (no_function) expected = CROCHET_EINVAL;
  const std::int64_t before = virtual_now_ns();
  crochet_result* result = nullptr;
  call.in_making = true;
  code = crochet_call_run(prepared, no_function ? nullptr : &function_in_storage, &drop_storage,
                          wants ? &result : nullptr);
  const std::int64_t past = virtual_now_ns();
  const bool for_ever = delay_ns == CROCHET_FOREVER;
  if (after < 0) call.not_before_ns = for_ever ? INT64_MAX : before + delay_ns;
  if (for_ever) call.not_before_ns = INT64_MAX;
  if (deadline_ns != CROCHET_FOREVER) {
    call.expires_from_ns = before + deadline_ns;
    call.expires_by_ns = past + deadline_ns;
  }
  made(call, code, {expected}, result, wants);
  if (code != CROCHET_OK && after >= 0) --calls_[static_cast<std::size_t>(after)].hidden;
}

void Session::make_many() {
  const unsigned count = bytes_.pick(5);
  tell("run_many, %u", count);
  std::vector<crochet_call*> prepared;
  std::vector<Call*> made_calls;
  std::vector<int> expected;
  const bool no_function = bytes_.one_in(16);
  const bool wants = !bytes_.one_in(4);
  for (unsigned i = 0; i < count; ++i) {
    const int loop = pick_loop();
    crochet_call* call = nullptr;
    const int code = crochet_call_new(name_of(loop), sizeof(Token*), &call);
    expect("call_new", code, {expected_of_loop(loop)});
    ++slots_used_;
    if (code != CROCHET_OK) continue;
    if (bytes_.one_in(8)) {  // in the array, and no call
      prepared.push_back(nullptr);
      made_calls.push_back(nullptr);
      expected.push_back(CROCHET_EINVAL);
      crochet_call_discard(call);
      continue;
    }
    Call& it = new_call(loop, Start::kQueue);
    tell("    call %d on loop %d", it.number, loop);
    it.script = read_script();
    *static_cast<Token**>(crochet_call_storage(call)) = it.argument;
    it.in_making = true;
    prepared.push_back(call);
    made_calls.push_back(&it);
    expected.push_back(no_function ? CROCHET_EINVAL : CROCHET_OK);
  }
  std::vector<crochet_result*> results(prepared.size() + 1, reinterpret_cast<crochet_result*>(8));
  const int code = crochet_call_run_many(prepared.data(), prepared.size(), no_function ? nullptr : &function_in_storage,
                                         &drop_storage, wants ? results.data() : nullptr);
  int first = CROCHET_OK;
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    Call* call = made_calls[i];
    const Side* side = call == nullptr ? nullptr : &sides_[static_cast<std::size_t>(call->loop)];
    if (expected[i] == CROCHET_OK && side->limit != 0 && queued_on(call->loop) >= static_cast<long>(side->limit)) {
      expected[i] = CROCHET_EAGAIN;
    }
    if (first == CROCHET_OK) first = expected[i];
    if (call != nullptr) made(*call, expected[i], {expected[i]}, wants ? results[i] : nullptr, wants);
    else if (wants && results[i] != nullptr) found("a result of no call");
  }
  expect("run_many", code, {first});
}

void Session::make_by_hand() {
  const int loop = pick_loop();
  const bool wants = !bytes_.one_in(8);
  tell("deferred_new on loop %d%s", loop, wants ? "" : ", forgotten");
  crochet_loop* const name = name_of(loop);
  Call& call = new_call(loop, Start::kByHand);
  tell("    call %d", call.number);
  crochet_deferred* deferred = nullptr;
  crochet_result* result = nullptr;
  call.in_making = true;
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_deferred_new(name, call.argument, &drop, &deferred, wants ? &result : nullptr);
    faulted_ = failing.has_failed();
  }
  made(call, code, {expected_of_loop(loop)}, result, wants);
  if ((code == CROCHET_OK) != (deferred != nullptr)) found("out_deferred does not fit the code");
  if (code != CROCHET_OK) return;
  call.state = State::kRuns;
  call.ran = true;
  call.deferred = deferred;
  call.deferreds = 1;
}

void Session::make_sleep() {
  const int loop = pick_loop();
  constexpr std::int64_t kTimes[] = {0, CROCHET_FOREVER, -2, 1, kMillisecond, 30 * kMillisecond};
  const std::int64_t duration_ns = kTimes[bytes_.pick(kind_ == SteppedLoop::Kind::kAdopted ? std::size(kTimes) : 3)];
  tell("sleep on loop %d, %lld ns", loop, static_cast<long long>(duration_ns));
  crochet_loop* const name = name_of(loop);
  Call& call = new_call(loop, Start::kSleep);
  tell("    call %d", call.number);
  call.argument->drops = 1;  // it has none
  const int expected = duration_ns < -1 ? CROCHET_EINVAL : expected_of_loop(loop);
  call.not_before_ns = duration_ns == CROCHET_FOREVER ? INT64_MAX : virtual_now_ns() + duration_ns;
  crochet_result* result = nullptr;
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_sleep(name, duration_ns, &result);
    faulted_ = failing.has_failed();
  }
  made(call, code, {expected}, result, true);
  if (code == CROCHET_OK) sides_[static_cast<std::size_t>(loop)].counted.has_sleeps = true;
}

void Session::make_every() {
  if (kind_ != SteppedLoop::Kind::kAdopted) return make_sleep();
  const int loop = pick_loop();
  constexpr std::int64_t kTimes[] = {0, kMillisecond, 10 * kMillisecond, -1};
  const std::int64_t first_ns = kTimes[bytes_.pick(4)];
  const std::int64_t period_ns = kTimes[bytes_.pick(4)];
  tell("every on loop %d, first %lld ns, period %lld ns", loop, static_cast<long long>(first_ns),
       static_cast<long long>(period_ns));
  crochet_loop* const name = name_of(loop);
  Call& call = new_call(loop, Start::kEvery);
  tell("    call %d", call.number);
  call.script = read_script();
  const Side& side = sides_[static_cast<std::size_t>(loop)];
  int expected = expected_of_loop(loop);
  if (expected == CROCHET_OK && side.limit != 0 && queued_on(loop) >= static_cast<long>(side.limit))
    expected = CROCHET_EAGAIN;
  if (first_ns < 0 || period_ns < 0) expected = CROCHET_EINVAL;
  call.not_before_ns = virtual_now_ns() + first_ns;
  call.delay_ns = period_ns;
  crochet_result* result = nullptr;
  call.in_making = true;
  int code;
  {
    const FailingAllocation failing(fault_);
    code = crochet_every(name, first_ns, period_ns, &round, call.argument, &drop, &result);
    faulted_ = failing.has_failed();
  }
  made(call, code, {expected}, result, true);
  if (code == CROCHET_OK) {
    call.in_its_queue = true;  // its beginning
    sides_[static_cast<std::size_t>(loop)].counted.is_exact = false;
  }
}

void Session::cork() {
  const unsigned what = bytes_.pick(4);
  if (what == 0 || corks_.empty()) {
    const int loop = pick_loop();
    tell("cork_new on loop %d", loop);
    Cork cork;
    cork.loop = loop;
    crochet_loop* const name = name_of(loop);
    int code;
    {
      const FailingAllocation failing(fault_);
      code = crochet_cork_new(name, &cork.handle);
      faulted_ = failing.has_failed();
    }
    expect("cork_new", code, {expected_of_loop(loop)});
    ++slots_used_;
    if (code == CROCHET_OK) corks_.push_back(cork);
    return;
  }
  const unsigned index = bytes_.pick(corks_.size());
  Cork& cork = corks_[index];
  Side& side = sides_[static_cast<std::size_t>(cork.loop)];
  const bool accepts = side.accepting && !cork.is_stale;
  if (what == 1) {
    Call& call = new_call(cork.loop, Start::kQueue);
    tell("cork_run %u: call %d", index, call.number);
    call.script = read_script();
    call.in_making = true;
    int code;
    {
      const FailingAllocation failing(fault_);
      code = crochet_cork_run(cork.handle, &function, call.argument, &drop);
      faulted_ = failing.has_failed();
    }
    made(call, code, {accepts ? CROCHET_OK : CROCHET_ESTOPPED}, nullptr, false);
    call.queued = 0;
    call.in_its_queue = false;
    if (code == CROCHET_OK) cork.gathered.push_back(call.number);
    return;
  }
  tell("%s %u", what == 2 ? "cork_flush" : "cork_free", index);
  std::vector<int> left;
  int expected = CROCHET_OK;
  for (const int number : cork.gathered) {
    Call& call = calls_[static_cast<std::size_t>(number)];
    if (call.state != State::kWaits) {  // the stop has settled it
      expected = CROCHET_ESTOPPED;
      continue;
    }
    if (!accepts) {  // the stop has left it to the cork
      expected = CROCHET_ESTOPPED;
      call.finished = true;
      settle(call, CROCHET_ESTOPPED, CROCHET_ENOTRUN);
      continue;
    }
    if (side.limit != 0 && queued_on(cork.loop) >= static_cast<long>(side.limit)) {
      left.push_back(number);
      expected = CROCHET_EAGAIN;
      if (what == 3) {
        call.finished = true;
        settle(call, CROCHET_ESTOPPED, CROCHET_ENOTRUN);
        ++side.counted.not_run;
      }
      continue;
    }
    call.queued = next_stamp();
    call.in_its_queue = true;
  }
  cork.gathered = left;
  if (what == 2) {
    expect("cork_flush", crochet_cork_flush(cork.handle), {expected});
    return;
  }
  crochet_cork_free(cork.handle);
  corks_.erase(corks_.begin() + index);
}

}  // namespace fuzz
