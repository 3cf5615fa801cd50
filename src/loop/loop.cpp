// SPDX-License-Identifier: MIT
#include "loop/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/cpus.hpp"
#include "base/park.hpp"
#include "base/process.hpp"
#include "base/signals.hpp"
#include "call/hot_path.hpp"
#include "call/sight.hpp"
#include "log/log.hpp"
#include "loop/poll_look.hpp"

namespace crochet {
namespace {

// Where it can't be measured.
constexpr std::int64_t kUsualHop = 50'000;
// What is measured beyond that is a machine that is busy.
constexpr std::int64_t kShortestHop = 1'000;
constexpr std::int64_t kLongestHop = 200'000;

// uv_loop_init and uv_run abort when descriptors run out half-way, or what the system lets epoll watch (libuv 1.44, see
// docs/libuv-limits.md): are there enough? It needs one for epoll, an eventfd, and two pipes for signals; and we need
// one.
int check_descriptors() {
  constexpr int kNeeded = 8;
  int taken[kNeeded];
  taken[0] = epoll_create1(EPOLL_CLOEXEC);
  if (taken[0] < 0) return uv_translate_sys_error(errno);
  int status = 0;
  int count = 1;
  while (count < kNeeded && status == 0) {
    taken[count] = eventfd(0, EFD_CLOEXEC);
    epoll_event nothing{};
    const bool had = taken[count] >= 0;
    if (!had || epoll_ctl(taken[0], EPOLL_CTL_ADD, taken[count], &nothing) != 0) status = uv_translate_sys_error(errno);
    if (had) ++count;
  }
  while (count > 0) ::close(taken[--count]);
  return status;
}

int own_code(int status) { return status == UV_ENOMEM ? CROCHET_ENOMEM : status; }

}  // namespace

constinit thread_local Loop* t_current_loop = nullptr;

// ---- Birth ----

int Loop::begin(const Birth& birth, uv_loop_t* uv, const crochet_options& options) {
  uv_ = uv;
  serial_.store(birth.serial, relaxed);
  alarm_ = birth.alarm;
  end_code_.store(0, relaxed);
  join_claimed_.store(false, relaxed);
  joined_.store(false, relaxed);
  late_.store(false, relaxed);
  look_for_hooks_.store(false, relaxed);
  warned_.store(false, relaxed);
  given_up_.store(false, relaxed);
  descriptors_lost_.store(false, relaxed);
  counters_.clear();
  samples_.clear();
  wake_up_in_use_ = false;
  limit_.set(birth.id, options.queue_limit, options.queue_wait_ns);
  special_.store(limit_.is_set() ? kLimited : 0, relaxed);
  stop_ = Stop::kNotBegun;
  spins_ = false;
  running_.store(nullptr, relaxed);
  set_spins(options);
  unfinished_ = {};
  stop_tick_ms_ = 0;
  grace_ends_.reset();
  keep_alive_ = !adopted_ || options.keep_alive;
  std::memcpy(name_, options.thread_name, sizeof name_);
  thread_id_.store(0, relaxed);
  epoll_.store(uv_backend_fd(uv), relaxed);
  id_.store(birth.id, relaxed);
  return make_handles();
}

void Loop::set_spins(const crochet_options& options) {
  const bool asked = options.loop_spin_ns != 0 || options.wait_spin_ns != 0;
  const bool may_spin = asked && usable_cpus() >= 2;
  const auto limit = [may_spin](std::int64_t ns) {
    return !may_spin ? 0 : ns == CROCHET_SPIN_MEASURED ? kUsualHop : ns;
  };
  loop_spin_.set_limit(adopted_ ? 0 : limit(options.loop_spin_ns));
  wait_spin_.set_limit(limit(options.wait_spin_ns));
  const bool by_hop = options.loop_spin_ns == CROCHET_SPIN_MEASURED || options.wait_spin_ns == CROCHET_SPIN_MEASURED;
  measures_hop_ = may_spin && by_hop && !adopted_;
  hop_.reset();
}

void Loop::measure_hop(const crochet_options& options) {
  const std::int64_t hop = std::clamp(hop_.measure(), kShortestHop, kLongestHop);
  if (options.loop_spin_ns == CROCHET_SPIN_MEASURED) loop_spin_.set_limit(hop);
  if (options.wait_spin_ns == CROCHET_SPIN_MEASURED) wait_spin_.set_limit(hop);
}

int Loop::make_handles() {
  // Only this can fail, and it comes first.
  const int status = wake_up_.open(uv_, !adopted_, this, [](void* loop) { static_cast<Loop*>(loop)->drain(); });
  if (status != 0) return status;
  uv_prepare_init(uv_, &handles_.before_poll);
  uv_check_init(uv_, &handles_.after_poll);
  uv_idle_init(uv_, &handles_.busy);
  uv_timer_init(uv_, &handles_.stop);
  uv_timer_init(uv_, &handles_.alarm);
  uv_timer_init(uv_, &handles_.due);
  handles_.before_poll.data = handles_.after_poll.data = this;
  handles_.busy.data = handles_.stop.data = handles_.alarm.data = handles_.due.data = this;
  uv_prepare_start(&handles_.before_poll, [](uv_prepare_t* h) { static_cast<Loop*>(h->data)->before_poll(); });
  uv_check_start(&handles_.after_poll, [](uv_check_t* h) { static_cast<Loop*>(h->data)->after_poll(); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles_.before_poll));
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles_.after_poll));
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles_.alarm));
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles_.due));
  if (!keep_alive_) wake_up_.unref();
  return 0;
}

void Loop::open() {
  stop_deadline_.store(kNotAsked, relaxed);
  at_stop_.reopen();
  queue_.reopen();
  // Last: a stop of all loops asks those that are active, and must not close a queue that is yet to be opened. release:
  // with state().
  state_.store(static_cast<Word>(State::kRunning), release);
}

int Loop::start(const Birth& birth, const crochet_options& options) {
  adopted_ = false;
  int status = check_descriptors();
  if (status == 0) status = wake_up_.make_descriptor();
  if (status == 0) status = uv_loop_init(&own_uv_);
  if (status != 0) {
    wake_up_.drop_descriptor();
    return own_code(status);
  }
  status = begin(birth, &own_uv_, options);
  if (status != 0) {
    uv_loop_close(&own_uv_);
    return own_code(status);
  }
  open();
  thread_hooks_ = options.thread_hooks;
  start_code_.store(kStarting, relaxed);
  status = start_thread(options.stack_size);
  if (status == 0) {
    status = wait_until_started();
    if (status == 0 && measures_hop_) measure_hop(options);
    return status;
  }
  thread_hooks_ = {};
  end_without_thread();
  return own_code(status);
}

// Others may have seen it running meanwhile: it ends like any loop.
void Loop::end_without_thread() {
  request_stop(0);
  settle_from_outside();
  close_handles();
  uv_run(&own_uv_, UV_RUN_DEFAULT);
  uv_loop_close(&own_uv_);
  joined_.store(true, release);  // there is nothing to join
  ended(CROCHET_OK, {});
}

int Loop::start_thread(std::size_t stack_size) {
  pthread_attr_t attributes;
  int status = pthread_attr_init(&attributes);
  if (status != 0) return -status;
  if (stack_size != 0) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    status = pthread_attr_setstacksize(&attributes, std::max(stack_size, stack_size + page - 1) / page * page);
  }
  if (status == 0) {
    // Signals are for the host's threads; blocked before the thread starts, so that it never runs a handler of theirs.
    const SignalsBlocked blocked(SignalsBlocked::kAllButChilds);
    status = pthread_create(&thread_, &attributes, &Loop::thread_main, this);
  }
  pthread_attr_destroy(&attributes);
  return -status;
}

int Loop::wait_until_started() {
  Word code = start_code_.load(acquire);
  while (code == kStarting) {
    park(start_code_, word::low_half(code), Deadline::never(), false);
    if (process_is_forked()) return CROCHET_EFORKED;  // by a signal handler that ran meanwhile
    code = start_code_.load(acquire);
  }
  if (code == 0) return 0;
  wait_until_ended(Deadline::never());
  join_thread();
  return static_cast<int>(word::low_half(code));
}

int Loop::adopt(const Birth& birth, uv_loop_t* uv, const crochet_options& options) {
  adopted_ = true;
  const int status = begin(birth, uv, options);
  if (status != 0) return own_code(status);
  joined_.store(true, relaxed);  // its thread is the host's
  thread_id_.store(gettid(), relaxed);
  set_current_loop(this);
  open();
  queue_.mark_asleep();  // outside uv_run a push must be able to wake it
  log(LogLevel::kInfo, "loop \"%s\", which the host runs, is adopted", name_);
  return 0;
}

void Loop::recycle() {
  if (state() != State::kEnded || !joined_.load(acquire) || leaked_.load(relaxed)) return;
  const std::uint64_t next = (generation() + 1) % kGenerations;
  std::uint64_t nobody = std::uint64_t{generation()} << kGenerationShift;
  // acq_rel: what the last holder did happens before the block's next use.
  if (!references_.compare_exchange_strong(nobody, next << kGenerationShift, acq_rel, relaxed)) return;
  state_.store(static_cast<Word>(State::kUnused), release);
}

// ---- The thread ----

void* Loop::thread_main(void* loop) {
  auto* self = static_cast<Loop*>(loop);
  set_current_loop(self);
  self->thread_id_.store(gettid(), relaxed);
  pthread_setname_np(pthread_self(), self->name_);
  self->run_until_ended();
  return nullptr;
}

void Loop::begin_thread() {
  const int code = thread_hooks_.run_first();
  if (process_is_forked()) pthread_exit(nullptr);  // it forked, and returned in the child
  if (code != CROCHET_OK) {
    thread_hooks_ = {};
    request_stop(0);  // nobody has its handle yet
  } else {
    log(LogLevel::kInfo, "loop \"%s\" has started", name_);
  }
  started(code);
}

void Loop::started(int code) {
  start_code_.store(static_cast<std::uint32_t>(code), release);
  unpark_all(start_code_);
}

void Loop::run_until_ended() {
  // pthread_exit or a cancellation inside a callback unwinds through here.
  struct Guard {
    Loop* loop;
    ~Guard() {
      if (loop != nullptr) loop->died();
    }
  } guard{this};
  begin_thread();
  if (measures_hop_ && start_code_.load(relaxed) == CROCHET_OK) hop_.answer();
  while (stop_ != Stop::kClosed) uv_run(uv_, UV_RUN_DEFAULT);  // a host's uv_stop ends one round
  LeftOpen left_open;
  const int code = close_own_uv(&left_open);
  run_last_hook();
  guard.loop = nullptr;
  ended(code, left_open);
}

void Loop::refuse(Call* call) {
  const bool counts = !is_own(*call);
  if (is_message(call->word.load(acquire))) {
    call->release_reference();  // the stopping loop calls the hooks of all running calls anyway
  } else if (call->refuse() && counts) {
    counters_.add(Counter::kNotRun);
  }
}

// ---- The wake-up ----

void Loop::wake_up() {
  if (!descriptors_lost_.load(acquire)) {
    samples_.woken();
    if (wake_up_.is_ours()) wake_up_.send();
    else descriptors_lost();
  }
  queue_.wake_up_was_sent();
}

void Loop::descriptors_lost() {
  if (descriptors_lost_.exchange(true, acq_rel)) return;
  leaked_.store(true, relaxed);
  given_up_.store(true, relaxed);
  log(LogLevel::kCritical, "loop \"%s\": its descriptors were closed by somebody else; its calls fail", name_);
  request_stop(0);
  settle_from_outside();
  unpark_all(state_);
}

bool Loop::run_soon(crochet_call_fn* fn) {
  Call* call = allocate_call();
  if (call == nullptr) return false;
  call->make(id(), Call::plain_field(fn), own_argument(), nullptr, 0, word::kForgotten);
  if (post(call)) return true;
  call->refuse();
  return false;
}

bool Loop::push_at_stop(Call* call) {
  bool many_pushes = false;
  if (!at_stop_.push(call, &many_pushes)) return false;
  // The push was on the stack that reopen() made, whose loop has another id: nobody but this thread would settle it.
  if (id() != call->loop.load(relaxed)) {
    call->end_as(Outcome::kNotRun, Outcome::kStopped);
    call->retain_certain();  // the stack has the group's, the husk's; the caller gives another one back
    return false;
  }
  if (many_pushes) run_soon([](crochet_deferred*, void* own) { of_own(own).at_stop_.prune(); });
  return true;
}

void Loop::warn_that_nobody_runs_it() {
  if (warned_.exchange(true, relaxed)) return;
  log(LogLevel::kWarning, "a wait timed out, and nobody has run the adopted loop \"%s\" meanwhile", name_);
}

// In libuv's poll the queue is marked asleep, and so it is in the callbacks of what the poll found; an adopted loop's
// also outside uv_run(), and nobody knows where its thread is.
bool Loop::is_asleep() const {
  if (!looks_asleep()) return false;
  return adopted_ || is_in_poll(thread_id_.load(relaxed), epoll_.load(relaxed)) != InPoll::kNo;
}

// ---- What it has counted ----

namespace {

// Of a thread of this process, as the kernel makes such a clock's number. 0: there is no such thread (any more).
std::int64_t cpu_ns(pid_t thread) {
  constexpr unsigned kOfThread = 6;
  timespec used{};
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | kOfThread);
  if (thread == 0 || clock_gettime(clock, &used) != 0) return 0;
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

}  // namespace

std::uint64_t Loop::read(Counter which) const {
  const auto count = [this](auto&& matches) {
    std::uint64_t found = 0;
    for_each_outstanding(id(), [&](Call&, const Sight& sight) {
      if (matches(sight)) ++found;
      return true;
    });
    return found;
  };
  switch (which) {
    case Counter::kCpu:  // stored when it ended
      return counted(which) + static_cast<std::uint64_t>(cpu_ns(thread_id_.load(relaxed)));
    case Counter::kQueued: return count([](const Sight& sight) { return waits_for_its_turn(sight); });
    case Counter::kUnsettled: return count([](const Sight& sight) { return !word::settled(sight.word); });
    default: return counted(which);
  }
}

void Loop::stop_cpu_clock() { counters_.add(Counter::kCpu, cpu_ns(thread_id_.exchange(0, relaxed))); }

// ---- The owner's alarm ----

bool Loop::request_alarm() {
  return run_soon([](crochet_deferred*, void* own) { of_own(own).call_alarm(); });
}

void Loop::call_alarm() {
  if (stop_begun()) return;
  const Deadline next = alarm_();
  if (next.is_never()) {
    uv_timer_stop(&handles_.alarm);
    return;
  }
  uv_update_time(uv_);
  uv_timer_start(
      &handles_.alarm, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->call_alarm(); }, ms_until(next), 0);
}

// ---- References ----

bool Loop::retain_handle(std::uint32_t generation) {
  std::uint64_t now = references_.load(relaxed);
  do {
    const auto count = static_cast<std::uint32_t>(now);
    if (now >> kGenerationShift != generation || count == 0 || count >= kMostReferences) return false;
  } while (!references_.compare_exchange_weak(now, now + 1, acq_rel, relaxed));
  return true;
}

bool Loop::release_handle(std::uint32_t generation, bool* was_last) {
  std::uint64_t now = references_.load(relaxed);
  do {
    if (now >> kGenerationShift != generation || static_cast<std::uint32_t>(now) == 0) return false;
  } while (!references_.compare_exchange_weak(now, now - 1, acq_rel, relaxed));
  *was_last = static_cast<std::uint32_t>(now) == 1;
  return true;
}

}  // namespace crochet
