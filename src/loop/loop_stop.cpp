// SPDX-License-Identifier: MIT
// How a loop stops. Whoever asks closes the queue; the rest happens on the loop's thread, in phases:
//
//   kNotBegun  -> the queue is seen closed: what never started is settled as not run, running calls are asked to end,
//                 at-stop calls run (last made first), then the on-cancel hooks
//   kGrace     -> until every call is finished, or the time is over: then our own operations end what they have begun,
//                 the hooks of at-stop calls run, and the rest is settled as stopped
//   kClosing   -> owed wake-ups are awaited, our handles are closed
//   kClosed    -> our own libuv loop is closed, unless handles of the host's are open; joiners of calls that are still
//                 held are told; kEnded
//
// If the thread is stuck in a callback, who waits for the end settles the calls from outside instead.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/park.hpp"
#include "base/process.hpp"
#include "call/hot_path.hpp"
#include "call/sweep.hpp"
#include "log/log.hpp"
#include "loop/loop.hpp"

namespace crochet {
namespace {

// A running callback gets at least that long, whatever the grace.
constexpr std::int64_t kCallbackTime = 1'000'000'000;
// And that long once that is over: when the process stood still meanwhile (in a debugger, on a suspended machine), the
// clock went on, and nobody had any of that second. And once more while its thread shows that it is not stuck.
constexpr std::int64_t kMoment = 100'000'000;
// How long the loop's thread waits for a preempted pusher to make the wake-up it owes.
constexpr std::int64_t kOwedWakeUpTime = 1'000'000'000;
constexpr unsigned kLongestTick = 10;  // ms between two looks during the grace
// How long a thread may take to go away once its loop has ended, and how often that is looked at.
constexpr std::int64_t kThreadEndTime = 1'000'000'000;
constexpr std::int64_t kShortestNap = 20'000;
constexpr std::int64_t kLongestNap = 5'000'000;

}  // namespace

// ---- Any thread ----

void Loop::request_stop(std::int64_t grace_ns) {
  std::int64_t not_asked = kNotAsked;
  // acq_rel: with the load in wait_until_ended(), and with the loop's, behind the queue's closing.
  const bool is_first =
      stop_deadline_.compare_exchange_strong(not_asked, Deadline::after(grace_ns).ns(), acq_rel, relaxed);
  // By everybody: who waits for the end next must not find it running.
  Word running = static_cast<Word>(State::kRunning);
  state_.compare_exchange_strong(running, static_cast<Word>(State::kStopping), acq_rel, relaxed);
  if (!is_first) return;
  // An adopted loop that nothing keeps alive would not even look: its uv_run has to go round for the release.
  if (current_loop() == this && !keep_alive_) wake_up_.ref();
  const auto closed = queue_.close();
  limit_.close();
  if (closed.owes_wake_up) wake_up();
  for (Call* call = closed.list; call != nullptr;) {
    Call* next = call->next;
    refuse(call);
    call = next;
  }
}

void Loop::end_grace_early() {
  const std::int64_t now = monotonic_ns();
  std::int64_t deadline = stop_deadline_.load(relaxed);
  // acq_rel: as in request_stop(). The loop's thread looks at it again within a tick.
  while (deadline > now && !stop_deadline_.compare_exchange_weak(deadline, now, acq_rel, relaxed)) {
  }
}

int Loop::wait_until_ended() {
  // The deadline is 0 when there was no grace: counted from now, then.
  const std::int64_t from = std::max(stop_deadline_.load(acquire), monotonic_ns());
  const Deadline overdue = Deadline::at(from > INT64_MAX - kCallbackTime ? INT64_MAX - 1 : from + kCallbackTime);
  int code = sleep_until_ended(overdue);
  if (code == CROCHET_ETIMEDOUT) {
    code = signs_of_life_.sleep_while_shown([this] { return sleep_until_ended(Deadline::after(kMoment)); });
  }
  return code == CROCHET_ETIMEDOUT ? wait_until_ended(Deadline::after(0)) : code;
}

int Loop::wait_until_ended(Deadline overdue) {
  const int code = sleep_until_ended(overdue);
  if (code != CROCHET_ETIMEDOUT || descriptors_lost_.load(acquire)) return code;
  given_up_.store(true, relaxed);
  log(LogLevel::kError, "loop \"%s\" does not stop: %s; its thread is left behind", name_,
      adopted_ ? "nobody runs it" : "a callback is stuck");
  settle_from_outside();
  return code;
}

int Loop::sleep_until_ended(Deadline deadline) {
  for (;;) {
    const Word state = state_.load(acquire);
    if (static_cast<State>(state) != State::kStopping) return end_code_.load(relaxed);
    if (descriptors_lost_.load(acquire) || deadline.passed()) return CROCHET_ETIMEDOUT;
    park(state_, word::low_half(state), deadline, false);
    if (process_is_forked()) return CROCHET_EFORKED;  // by a signal handler that ran meanwhile
  }
}

void Loop::settle_from_outside() {
  for (Call* call = at_stop_.close(); call != nullptr;) {
    Call* next = call->next;
    refuse(call);
    call = next;
  }
  for_each_unsettled(id(), [this](Call& call) { end_as_stopped(call); });
  abandon_held([] {});
}

void Loop::end_as_stopped(Call& call) {
  Phase from{};
  const bool counts = !is_own(call);
  if (call.end_as(Outcome::kNotRun, Outcome::kStopped, &from) && from == Phase::kQueued && counts) {
    counters_.add(Counter::kNotRun);
  }
}

template <class Step>
void Loop::abandon_held(Step&& step) {
  CallWalk walk;
  while (Call* call = walk.next()) {
    step();
    if (call->abandon(id())) counters_.add(Counter::kHeld);
  }
}

void Loop::join_thread() { join_thread(Deadline::after(late_.load(relaxed) ? 0 : kThreadEndTime)); }

void Loop::join_thread(Deadline overdue) {
  // It is on its last instructions, unless a thread-local destructor of the host's is stuck. Polled, since the thread
  // sanitizers know no join that gives up by the monotonic clock. The claim is for one look: only one may find it gone.
  for (std::int64_t nap = kShortestNap; !joined_.load(acquire); nap = std::min(2 * nap, kLongestNap)) {
    if (!join_claimed_.exchange(true, acq_rel)) {
      if (pthread_tryjoin_np(thread_, nullptr) != EBUSY) return joined_.store(true, release);
      join_claimed_.store(false, release);
    }
    if (overdue.passed()) return late_.store(true, relaxed);
    park(state_, word::low_half(static_cast<Word>(State::kEnded)), Deadline::after(nap), false);
  }
}

// ---- The loop's thread ----

template <class Visit>
void Loop::visit_unsettled(Visit&& visit) {
  for_each_unsettled(id(), visit, [this] { signs_of_life_.piece_done(); });
}

void Loop::begin_stop() {
  stop_ = Stop::kGrace;
  uv_idle_stop(&handles_.busy);
  uv_timer_stop(&handles_.alarm);
  uv_timer_stop(&handles_.due);
  settle_unstarted();
  run_at_stop_calls();
  run_hooks();
  continue_stop();
}

void Loop::refuse_linked() {
  for (Call** list : {&ready_, &reversing_, &incoming_}) {
    while (Call* call = *list) {
      *list = call->next;
      refuse(call);
      signs_of_life_.piece_done();
    }
  }
  while (!due_.empty()) {
    refuse(due_.take());
    signs_of_life_.piece_done();
  }
}

void Loop::settle_unstarted() {
  refuse_linked();
  visit_unsettled([this](Call& call) {
    const Word w = call.word.load(relaxed);
    if ((w & word::kAtStop) != 0) return;
    if (word::phase(w) == Phase::kQueued) end_as_stopped(call);
    else call.ask_to_stop();
  });
}

void Loop::run_at_stop_calls() {
  for (Call* call = at_stop_.close(); call != nullptr;) {
    Call* next = call->next;  // before it starts
    run_or_bury(call);
    call = next;
  }
}

void Loop::run_hooks() {
  visit_unsettled([this](Call& call) {
    const Word w = call.word.load(relaxed);
    if ((w & word::kAsked) == 0 || (w & word::kHooked) == 0) return;
    running_.store(&call, release);
    call.run_hook();
    running_.store(nullptr, relaxed);
  });
}

void Loop::continue_stop() {
  if (look_for_hooks_.exchange(false, acq_rel)) run_hooks();
  // No call is made for this loop any more, so that what is behind the place we have come to stays finished.
  for (CallWalk walk = unfinished_; Call* call = walk.next(); unfinished_ = walk) {
    signs_of_life_.piece_done();
    if (!is_unfinished(*call, id())) continue;
    if (Deadline::at(stop_deadline_.load(relaxed)).passed()) return end_grace();
    stop_tick_ms_ = std::min(stop_tick_ms_ + 1, kLongestTick);
    return go_on_in(stop_tick_ms_);
  }
  close_handles();
}

void Loop::go_on_in(unsigned ms) {
  uv_timer_start(
      &handles_.stop, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->stop_goes_on(); }, ms, 0);
}

void Loop::stop_goes_on() {
  run_callbacks([](Loop& loop, void*) { loop.continue_stop(); });
}

void Loop::end_grace() {
  unsigned ms = 0;
  if (grace_ends_.go_on(&ms)) return go_on_in(ms);
  visit_unsettled([](Call& call) {
    if (call.ask_to_stop()) call.run_hook();
  });
  visit_unsettled([this](Call& call) { end_as_stopped(call); });
  close_handles();
}

void Loop::close_handles() {
  stop_ = Stop::kClosing;
  const bool all_sent = queue_.wait_for_owed_wake_ups(Deadline::after(kOwedWakeUpTime));
  if (!all_sent) {
    log(LogLevel::kCritical, "loop \"%s\": a thread that was to wake it does not go on; its memory is left behind",
        name_);
    wake_up_in_use_ = true;
    leaked_.store(true, relaxed);
  }
  const auto close = [this](auto* handle) {
    ++closing_handles_;
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* h) { static_cast<Loop*>(h->data)->handle_closed(); });
  };
  if (all_sent) {
    ++closing_handles_;
    wake_up_.close([](void* loop) { static_cast<Loop*>(loop)->handle_closed(); });
  } else {
    wake_up_.unref();
  }
  close(&handles_.before_poll);
  close(&handles_.after_poll);
  close(&handles_.busy);
  close(&handles_.stop);
  close(&handles_.alarm);
  close(&handles_.due);
}

void Loop::handle_closed() {
  if (--closing_handles_ != 0) return;
  stop_ = Stop::kClosed;
  if (adopted_) ended(CROCHET_OK, {});
  else uv_stop(uv_);
}

int Loop::close_own_uv(LeftOpen* out_left_open) {
  // Handles that are being closed get their callbacks first.
  constexpr int kRounds = 3;
  int status = UV_EBUSY;
  for (int i = 0; i < kRounds && status == UV_EBUSY; ++i) {
    uv_run(uv_, UV_RUN_NOWAIT);
    status = wake_up_in_use_ ? UV_EBUSY : uv_loop_close(uv_);
  }
  if (status == 0) {
    uv_ = nullptr;
    return CROCHET_OK;
  }
  leaked_.store(true, relaxed);
  if (wake_up_in_use_) return CROCHET_OK;
  uv_walk(
      uv_, [](uv_handle_t* handle, void* left_open) { static_cast<LeftOpen*>(left_open)->add(*handle); },
      out_left_open);
  if (out_left_open->count == 0) std::strcpy(out_left_open->kinds, "requests");
  counters_.add(Counter::kOpenHandles, static_cast<int>(out_left_open->count));
  return CROCHET_EBUSY;
}

void Loop::LeftOpen::add(const uv_handle_t& handle) {
  if (uv_is_closing(&handle) != 0) return;
  const std::size_t length = std::strlen(kinds);
  std::snprintf(kinds + length, sizeof kinds - length, "%s%s", count == 0 ? "" : ", ",
                uv_handle_type_name(uv_handle_get_type(&handle)));
  ++count;
}

void Loop::run_last_hook() {
  const ThreadHooksRef hooks = std::exchange(thread_hooks_, {});  // first: it may end the thread
  hooks.run_last();
}

void Loop::log_summary(const LeftOpen& left_open) const {
  const bool all_closed = left_open.kinds[0] == '\0';
  const auto number = [this](Counter which) { return static_cast<unsigned long long>(counted(which)); };
  log(!all_closed                    ? LogLevel::kError
      : counted(Counter::kHeld) != 0 ? LogLevel::kWarning
                                     : LogLevel::kInfo,
      "loop \"%s\" has ended: of its calls %llu were run, %llu not run, %llu cancelled before they ran, "
      "%llu expired; %llu are held by who is to settle them%s%s",
      name_, number(Counter::kRun), number(Counter::kNotRun), number(Counter::kCancelled), number(Counter::kExpired),
      number(Counter::kHeld), all_closed ? "" : "; still open, and left as they are: ", left_open.kinds);
}

void Loop::ended(int code, const LeftOpen& left_open) {
  stop_cpu_clock();
  abandon_held([this] { signs_of_life_.piece_done(); });
  log_summary(left_open);
  set_current_loop(nullptr);
  end_code_.store(code, relaxed);
  // release: who sees kEnded sees the code, and everything that ran here.
  state_.exchange(static_cast<Word>(State::kEnded), acq_rel);
  unpark_all(state_);
}

void Loop::died() {
  if (process_is_forked()) return;
  leaked_.store(true, relaxed);
  running_.store(nullptr, relaxed);
  if (!descriptors_lost_.load(relaxed)) {
    log(LogLevel::kCritical, "loop \"%s\": its thread was ended by a callback; its calls fail", name_);
  }
  grace_ends_.end_without_loop();
  request_stop(0);
  settle_unstarted();
  settle_from_outside();
  if (!adopted_ && start_code_.load(relaxed) == kStarting) {
    thread_hooks_ = {};  // the first did not return
    started(CROCHET_EFAILED);
  }
  run_last_hook();
  ended(CROCHET_OK, {});
}

}  // namespace crochet
