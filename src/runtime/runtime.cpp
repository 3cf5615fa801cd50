// SPDX-License-Identifier: MIT
#include "runtime/runtime.hpp"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>

#include "base/park.hpp"
#include "base/process.hpp"
#include "base/status.hpp"
#include "call/side_reading.hpp"
#include "log/bridge.hpp"
#include "log/log.hpp"
#include "loop/loop_table.hpp"

namespace crochet {
namespace {

// How long exit() waits for all loops together, and then for the log if it had no time of that.
constexpr std::int64_t kExitTime = 1'000'000'000;
constexpr std::int64_t kExitTimeOfLog = 100'000'000;
// How long a shutdown lets the log write what is left, and how long a sink may then take for what it is at.
constexpr std::int64_t kLogTime = 1'000'000'000;
constexpr std::int64_t kSinkTime = 1'000'000'000;
// How long the watchdog may take to end, which takes no time unless the dynamic linker keeps it.
constexpr std::int64_t kWatchdogTime = 1'000'000'000;

std::uint64_t ask_to_end(LogBridge& log) { return log.ask_to_end(Deadline::after(kLogTime)); }
int wait_for_end(LogBridge& log, std::uint64_t asked) {
  return log.wait_until_ended(asked, Deadline::after(kLogTime + kSinkTime));
}

// The active loop made last before `serial`; null: none.
Loop* newest_before(std::uint64_t serial) {
  Loop* newest = nullptr;
  loop_table::for_each([&](Loop& loop) {
    if (!loop.is_active() || loop.serial() >= serial) return;
    if (newest == nullptr || loop.serial() > newest->serial()) newest = &loop;
  });
  return newest;
}

// visit(Loop&) for each active loop that is not given up, held meanwhile. Loops made in the course of it are left out.
template <class Visit>
void for_each_newest_first(Visit&& visit) {
  std::uint64_t serial = UINT64_MAX;
  while (Loop* loop = newest_before(serial)) {
    const Loop::Hold hold(*loop);
    if (loop->serial() >= serial) continue;  // another loop by now
    serial = loop->serial();
    if (loop->is_active() && !loop->is_given_up()) visit(*loop);
  }
}

bool has_active_loop() {
  bool has_any = false;
  for_each_newest_first([&has_any](Loop&) { has_any = true; });
  return has_any;
}

// Which of two codes of stopped loops says more: stuck wins over busy.
int worse(int a, int b) {
  if (b == CROCHET_EFORKED) return b;
  if (a == CROCHET_ETIMEDOUT || b == CROCHET_ETIMEDOUT) return CROCHET_ETIMEDOUT;
  return a != CROCHET_OK ? a : b;
}

}  // namespace

constinit Atomic<Runtime*> Runtime::instance_{nullptr};
constinit Runtime::Default Runtime::default_;
constinit Atomic<bool> Runtime::was_shut_down_{false};

class Runtime::Token {
 public:
  explicit Token(Runtime& runtime) : runtime_(runtime) {
    while (!try_to_take()) {
      if (!runtime_.sleep_while_set(runtime_.token_)) return;
    }
  }
  Token(Runtime& runtime, std::try_to_lock_t) : runtime_(runtime) { try_to_take(); }
  ~Token() {
    if (taken_) Runtime::clear(runtime_.token_);
  }
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  // False: somebody else has it; or, without trying only, a signal handler forked in the wait, and this is the child.
  bool taken() const { return taken_; }

 private:
  bool try_to_take() { return taken_ = Runtime::set(runtime_.token_); }

  Runtime& runtime_;
  bool taken_ = false;
};

// ---- Waiting for another thread. No lock is held while it does what it does ----

bool Runtime::set(Atomic<Word>& word) {
  Word clear = 0;
  return word.compare_exchange_strong(clear, kSet, acq_rel, relaxed);  // acquire: with the release in clear()
}

void Runtime::clear(Atomic<Word>& word) {
  word.store(0, release);
  unpark_all(word);
}

bool Runtime::sleep_while_set(const Atomic<Word>& word) {
  park(word, word::low_half(kSet), Deadline::never(), false);
  return get() == this;  // in the child there is another, or none
}

// ---- The one instance ----

Runtime* Runtime::get() { return instance_.load(acquire); }

Runtime* Runtime::get_or_make() {
  if (Runtime* runtime = get()) return runtime;
  // Once in the life of the process and its forked children, who inherit both; before there is anything to fork.
  static constinit pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, [] {
    pthread_atfork(nullptr, nullptr, &Runtime::in_child);
    std::atexit(&Runtime::at_exit);
  });
  auto* made = new (std::nothrow) Runtime;
  if (made == nullptr) return nullptr;
  Runtime* expected = nullptr;
  // release: publishes the runtime; acquire on failure: the winner's.
  if (!instance_.compare_exchange_strong(expected, made, acq_rel, acquire)) {
    delete made;
    return expected;
  }
  return made;
}

// ---- Setup ----

int Runtime::setup(const crochet_options& options) {
  if (has_default()) return CROCHET_OK;
  if (process_is_forked() && is_on_our_thread()) return CROCHET_EFORKED;
  if (current_loop() != nullptr) return CROCHET_EDEADLK;
  const Token token(*this);
  if (!token.taken()) return CROCHET_EFORKED;
  if (process_is_forked()) leave_everything_to_parent();
  if (has_default()) return CROCHET_OK;
  Loop* loop = nullptr;
  const int status = make_loop(nullptr, options, &loop);
  if (status == CROCHET_OK) make_default(*loop);
  return status;
}

int Runtime::no_setup(uv_loop_t* uv, const crochet_options& options) {
  if (current_loop() != nullptr) return CROCHET_EALREADY;
  const Token token(*this);
  if (!token.taken()) return CROCHET_EFORKED;
  if (has_default()) return CROCHET_EALREADY;
  Loop* loop = nullptr;
  const int status = make_loop(uv, options, &loop);
  if (status == CROCHET_OK) make_default(*loop);
  return status;
}

int Runtime::new_loop(const crochet_options& options, Loop** out_loop) {
  const Token token(*this);
  if (!token.taken()) return CROCHET_EFORKED;
  return make_loop(nullptr, options, out_loop);
}

int Runtime::adopt_loop(uv_loop_t* uv, const crochet_options& options, Loop** out_loop) {
  if (current_loop() != nullptr) return CROCHET_EALREADY;
  const Token token(*this);
  if (!token.taken()) return CROCHET_EFORKED;
  return make_loop(uv, options, out_loop);
}

int Runtime::make_loop(uv_loop_t* uv, const crochet_options& options, Loop** out_loop) {
  if (process_state.load(relaxed) == ProcessState::kExiting) return CROCHET_ESTOPPED;
  reuse_ended_loops();
  LogBridge* bridge = LogBridge::get_or_make();
  int status = bridge == nullptr ? CROCHET_ENOMEM : bridge->start();
  if (status != CROCHET_OK) return status;
  status = make_loop_with_log(uv, options, out_loop);
  if (status == CROCHET_OK) {
    const int watched = watchdog_.start();
    if (watched != CROCHET_OK)
      log(LogLevel::kError, "the watchdog's thread can't be started: %s", status_name(watched));
  }
  if (status == CROCHET_OK || has_active_loop()) return status;
  // A failure leaves nothing behind.
  (void)wait_for_end(*bridge, ask_to_end(*bridge));
  return status;
}

int Runtime::make_loop_with_log(uv_loop_t* uv, const crochet_options& options, Loop** out_loop) {
  int status = check_libuv();
  if (status != CROCHET_OK) return status;
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  if (loop == nullptr) return CROCHET_ENOMEM;
  const Loop::Birth birth{id, next_serial_++, [] {
                            Runtime* runtime = get();
                            return runtime == nullptr ? Deadline::never() : runtime->stash_.expire();
                          }};
  loop->first_reference();  // before: the host's first function may ask for the handle
  status = uv == nullptr ? loop->start(birth, options) : loop->adopt(birth, uv, options);
  if (status != 0) {
    bool was_last = false;
    loop->release_handle(loop->generation(), &was_last);
    loop->recycle();
    return status;
  }
  *out_loop = loop;
  return CROCHET_OK;
}

int Runtime::end_without_loops() {
  LogBridge* bridge = LogBridge::get();
  if (bridge == nullptr) return CROCHET_OK;
  log_may_end_.store(true, release);
  std::uint64_t asked = 0;
  while (log_may_end_.load(acquire)) {
    // With the token no loop is made meanwhile. Who has it, for this, looks again; else a loop is being made.
    const Token token(*this, std::try_to_lock);
    if (!token.taken()) break;
    log_may_end_.store(false, relaxed);
    if (has_active_loop()) continue;
    watchdog_.end(Deadline::after(kWatchdogTime));  // first: it may have something to say
    asked = ask_to_end(*bridge);
  }
  // Without the token: a sink may set up, which takes the asking back.
  return wait_for_end(*bridge, asked);
}

bool Runtime::has_default() const {
  const std::uint32_t id = default_id();
  return id != 0 && !loop_table::block(id)->looks_closed();
}

void Runtime::make_default(Loop& loop) {
  drop_default();
  default_.block.store(&loop, relaxed);
  // release: who reads the id finds the loop running.
  (loop.has_limit() ? default_.limited_id : default_.id).store(loop.id(), release);
  if (stash_.expires()) loop.request_alarm();
}

void Runtime::drop_default() {
  if (default_id() == 0) return;
  // First, and never taken back: who finds no default loop from here on is told that it was stopped.
  was_shut_down_.store(true, release);
  std::uint32_t id = default_.id.exchange(0, acq_rel);
  if (id == 0) id = default_.limited_id.exchange(0, acq_rel);
  if (id == 0) return;
  Loop* loop = loop_table::block(id);
  bool was_last = false;
  loop->release_handle(loop->generation(), &was_last);
}

void Runtime::reuse_ended_loops() {
  loop_table::for_each([](Loop& loop) {
    if (loop.state() != Loop::State::kEnded || loop.is_parents()) return;
    loop.join_thread();
    loop.recycle();
  });
}

// ---- Stopping ----

bool Runtime::is_on_our_thread() { return current_loop() != nullptr || LogBridge::is_its_thread(); }

int Runtime::stop_loop(Loop& loop, std::int64_t grace_ns) {
  loop.request_stop(grace_ns);
  if (is_on_our_thread()) return CROCHET_EINPROGRESS;
  const int code = loop.wait_until_ended();
  if (code == CROCHET_OK || code == CROCHET_EBUSY) loop.join_thread();
  if (code == CROCHET_EFORKED) return code;
  return worse(code, end_without_loops());
}

int Runtime::shutdown(std::int64_t grace_ns) {
  if (is_on_our_thread()) {
    request_stop_of_all(grace_ns);
    clear_stash();
    return CROCHET_EINPROGRESS;
  }
  int code = CROCHET_OK;
  if (!begin_shutdown(&code)) return code;
  // Neither lock nor token is held: drop functions run in here, and may set up anew.
  drop_default();
  code = stop_all(grace_ns);
  if (code == CROCHET_EFORKED) return code;  // a signal handler forked: the rest is the parent's
  clear_stash();
  {
    // Whoever has the token may be waiting for a function of the host's, and will do this the next time.
    const Token token(*this, std::try_to_lock);
    if (token.taken()) reuse_ended_loops();
  }
  code = worse(code, end_without_loops());
  end_shutdown(code);
  return code;
}

bool Runtime::begin_shutdown(int* out_code) {
  if (set(shutting_down_)) {
    shutting_down_thread_.store(pthread_self(), relaxed);
    return true;
  }
  *out_code = CROCHET_EINPROGRESS;  // called by a drop function of its own: it must not wait for itself
  if (shutting_down_thread_.load(relaxed) == pthread_self()) return false;
  *out_code = CROCHET_EFORKED;
  while (shutting_down_.load(acquire) == kSet) {
    if (!sleep_while_set(shutting_down_)) return false;
  }
  *out_code = shutdown_code_.load(relaxed);
  return false;
}

void Runtime::end_shutdown(int code) {
  shutting_down_thread_.store(pthread_t{}, relaxed);
  shutdown_code_.store(code, relaxed);
  clear(shutting_down_);
}

int Runtime::stop_all(std::int64_t grace_ns) {
  const Deadline deadline = Deadline::after(grace_ns);
  int code = CROCHET_OK;
  for_each_newest_first([&](Loop& loop) {
    if (code == CROCHET_EFORKED) return;
    was_shut_down_.store(true, release);
    const std::int64_t left = grace_ns == 0 ? 0 : std::max<std::int64_t>(0, deadline.ns() - monotonic_ns());
    loop.request_stop(left);
    const int one = loop.wait_until_ended();
    if (one == CROCHET_OK || one == CROCHET_EBUSY) loop.join_thread();
    code = worse(code, one);
  });
  return code;
}

void Runtime::request_stop_of_all(std::int64_t grace_ns) {
  for_each_newest_first([&](Loop& loop) {
    was_shut_down_.store(true, release);
    loop.request_stop(grace_ns);
  });
}

// ---- Watchdog ----

int Runtime::start_watchdog(std::int64_t threshold_ns) {
  if (process_state.load(relaxed) == ProcessState::kExiting) return CROCHET_ESTOPPED;
  Watchdog::threshold_ns.store(threshold_ns, relaxed);
  watchdog_.changed();
  const int status = watch_if_wanted();
  if (status != CROCHET_OK) Watchdog::threshold_ns.store(0, relaxed);
  return status;
}

// Loops may come and go, and others turn it on and off meanwhile: what is so in the end counts.
int Runtime::watch_if_wanted() {
  while (Watchdog::threshold_ns.load(relaxed) != 0 && has_active_loop()) {
    const int status = watchdog_.start();
    if (status != CROCHET_OK || has_active_loop()) return status;
    watchdog_.ask_to_end();  // the last loop was stopped before there was a thread to be ended
  }
  return CROCHET_OK;
}

int Runtime::stop_watchdog() {
  Watchdog::threshold_ns.store(0, relaxed);
  const bool may_wait = !is_on_our_thread();
  if (may_wait) watchdog_.end(Deadline::after(kWatchdogTime));
  else watchdog_.ask_to_end();
  watch_if_wanted();  // somebody has turned it on again
  return may_wait ? CROCHET_OK : CROCHET_EINPROGRESS;
}

// ---- Stash ----

int Runtime::stash(Call* call, Word generation, std::uint64_t type, std::uint64_t* out_uid) {
  bool expires_first = false;
  int status = stash_.put(call, generation, type, out_uid, &expires_first);
  if (status == CROCHET_ENOSPC) {  // what has expired takes no room, whether or not somebody came to drop it
    stash_.expire();
    status = stash_.put(call, generation, type, out_uid, &expires_first);
  }
  if (expires_first) {
    // Without a default loop, or memory for the message, what has expired is found out when it is asked for, and
    // dropped by the next one that expires or at shutdown.
    if (Loop* loop = default_id() == 0 ? nullptr : loop_table::block(default_id())) loop->request_alarm();
  }
  return status;
}

void Runtime::clear_stash() {
  const std::size_t count = stash_.clear();
  if (count != 0) log(LogLevel::kWarning, "%zu stashed results were never retrieved", count);
}

// ---- Exit and fork ----

void Runtime::at_exit() {
  Runtime* runtime = get();
  if (runtime == nullptr || process_is_forked()) return;
  process_state.store(ProcessState::kExiting, relaxed);
  // No lock: the exiting process's other threads go on, and one of them may hold it.
  runtime->request_stop_of_all(0);
  const Deadline overdue = Deadline::after(kExitTime);
  for_each_newest_first([](Loop& loop) { loop.end_grace_early(); });
  for_each_newest_first([&](Loop& loop) {
    if (&loop == current_loop()) {
      // exit() was called in a callback, or main() has run the loop: its waiters are woken all the same.
      loop.grace_ends().end_without_loop();
      loop.settle_from_outside();
    } else {
      loop.wait_until_ended(overdue);
    }
  });
  loop_table::for_each([&](Loop& loop) {
    if (loop.state() == Loop::State::kEnded && !loop.is_parents()) loop.join_thread(overdue);
  });
  runtime->clear_stash();
  runtime->watchdog_.end(Deadline::at(overdue.ns()));
  if (LogBridge* bridge = LogBridge::get()) {
    const std::int64_t write_until = std::max(overdue.ns(), Deadline::after(kExitTimeOfLog).ns());
    bridge->end_for_ever(Deadline::at(write_until), Deadline::at(write_until + kExitTimeOfLog));
  }
}

void Runtime::in_child() {
  // Atomics only: any mutex may be held by a thread that is not there any more.
  process_state.store(ProcessState::kForked, relaxed);
  instance_.store(nullptr, release);
  LogBridge::forget_in_child();
  default_.id.store(0, release);
  default_.limited_id.store(0, release);
  was_shut_down_.store(false, release);
  loop_table::for_each([](Loop& loop) { loop.close_in_child(); });
  forget_side_readings();
  end_sleep_in_child();
}

void Runtime::leave_everything_to_parent() {
  CallWalk walk;
  while (Call* call = walk.next()) call->leave_to_parent();
  loop_table::leave_to_parent();
  process_state.store(ProcessState::kLive, relaxed);
}

}  // namespace crochet
