// SPDX-License-Identifier: MIT
#include "log/bridge.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <exception>
#include <new>
#include <string>

#include "base/forced_unwind.hpp"
#include "base/park.hpp"
#include "base/process.hpp"
#include "base/signals.hpp"
#include "log/environment.hpp"
#include "log/log.hpp"

namespace crochet {
namespace {

// After the last message the thread looks again for a while before it sleeps: who logs steadily wakes nobody. The ring
// holds what comes meanwhile, up to ten messages in a microsecond.
constexpr std::int64_t kNap = 100'000;
constexpr int kIdleLooks = 20;

constinit thread_local std::uint64_t t_generation = 0;  // of the log's thread that this is; 0: it is none
constinit thread_local bool t_is_in_sink = false;       // a sink runs on this thread,
constinit thread_local bool t_is_about_log = false;     // with what a sink has said
constinit thread_local std::uint32_t t_thread_id = 0;

std::uint32_t thread_id() noexcept {
  if (t_thread_id == 0) t_thread_id = static_cast<std::uint32_t>(gettid());
  return t_thread_id;
}

std::int64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void fill(LogRecord& record, const LogMessage& message, std::uint32_t lost) noexcept {
  record.time_ns = now_ns();
  record.thread = thread_id();
  record.lost = lost;
  record.about_log = t_is_in_sink;
  record.set(message);
}

// While sinks get a record.
class InSink {
 public:
  explicit InSink(bool about_log) {
    t_is_in_sink = true;
    t_is_about_log = about_log;
  }
  ~InSink() { t_is_in_sink = t_is_about_log = false; }
  InSink(const InSink&) = delete;
  InSink& operator=(const InSink&) = delete;
};

}  // namespace

// ---- The one instance ----

constinit Atomic<LogBridge*> LogBridge::instance_{nullptr};

LogBridge* LogBridge::get() noexcept { return instance_.load(acquire); }

LogBridge* LogBridge::get_or_make() noexcept {
  if (LogBridge* bridge = get()) return bridge;
  auto* made = new (std::nothrow) LogBridge;
  if (made == nullptr) return nullptr;
  if (!made->add_first_sinks()) {
    delete made;
    return nullptr;
  }
  LogBridge* expected = nullptr;
  // release: publishes the bridge; acquire on failure: the winner's.
  if (instance_.compare_exchange_strong(expected, made, acq_rel, acquire)) {
    log_environment().for_each_mistake([](std::string_view word) {
      log(LogLevel::kWarning, "CROCHET_LOG: \"%.*s\" is no level and no sink: ignored", static_cast<int>(word.size()),
          word.data());
    });
    return made;
  }
  made->sinks_.remove(CROCHET_LOG_DEFAULT_SINK);
  delete made;
  return expected;
}

void LogBridge::forget_in_child() noexcept {
  instance_.store(nullptr, release);
  t_thread_id = 0;
}

bool LogBridge::add_first_sinks() noexcept {
  bool has_any = false;
  const auto add = [&](LogSink* sink) {
    if (sink == nullptr) return;
    sinks_.add_default(sink);
    has_any = true;
  };
  log_environment().for_each_sink([&](std::string_view kind, std::string_view argument) {
    char text[4096];  // PATH_MAX
    const std::size_t length = argument.copy(text, sizeof text - 1);
    text[length] = '\0';
    int status = length < argument.size() ? CROCHET_EINVAL : CROCHET_OK;
    if (kind == "stderr") add(new_stderr_sink());
    else if (kind == "syslog") add(new_syslog_sink(text, 0, OpenLog::kLater));
    else if (status == CROCHET_OK) add(new_file_sink(text, 0, 0, &status));
    if (status != CROCHET_OK) log(LogLevel::kError, "CROCHET_LOG: can't write to \"%s\"", text);
  });
  if (!has_any) add(new_stderr_sink());
  return has_any;
}

bool LogBridge::is_its_thread() noexcept { return t_generation != 0; }

// ---- Any thread ----

int LogBridge::offer(const LogMessage& message) noexcept {
  if (t_is_about_log) {  // it would never end
    count(LogCounter::kDropped);
    return CROCHET_ENOSPC;
  }
  return put(message) ? CROCHET_OK : drop(CROCHET_ENOSPC);
}

bool LogBridge::put(const LogMessage& message) noexcept {
  return ring_.offer([&message](LogRecord& record, std::uint32_t lost) { fill(record, message, lost); });
}

int LogBridge::drop(int status) noexcept {
  count(LogCounter::kDropped);
  ring_.count_lost();
  return status;
}

int LogBridge::offer_in_time(const LogMessage& message, Deadline deadline) noexcept {
  using Waited = decltype(ring_)::Waited;
  Waited waited = Waited::kDone;
  while (waited == Waited::kDone) {
    if (put(message)) return CROCHET_OK;
    waited = deadline.passed() ? Waited::kTimedOut : ring_.wait_for_room(deadline, [] { return !process_is_forked(); });
  }
  return waited == Waited::kGivenUp ? CROCHET_EFORKED : drop(CROCHET_ETIMEDOUT);
}

int LogBridge::flush(Deadline deadline) noexcept {
  using Waited = decltype(ring_)::Waited;
  const std::uint64_t abandoned = counted(LogCounter::kAbandoned);
  if (!ring_.is_all_written()) {
    const int status = start();
    if (status != CROCHET_OK) return status;
  }
  switch (ring_.wait_until_written(deadline, [] { return !process_is_forked(); })) {
    case Waited::kGivenUp: return CROCHET_EFORKED;
    case Waited::kTimedOut: return CROCHET_ETIMEDOUT;
    case Waited::kDone: break;
  }
  return counted(LogCounter::kAbandoned) == abandoned ? CROCHET_OK : CROCHET_ESTOPPED;
}

// ---- The thread ----

void* LogBridge::thread_main(void* generation) {
  pthread_setname_np(pthread_self(), "crochet-log");
  Writer writer{};
  writer.generation = t_generation = get()->generation_from(reinterpret_cast<std::uintptr_t>(generation));
  get()->run_thread(writer);
  return nullptr;
}

// Where a pointer has 32 bits it carried the lower half of the generation: the newest one that ends so.
LogBridge::Word LogBridge::generation_from(std::uintptr_t carried) noexcept {
  const Locked locked(mutex_);
  const Word newest = generation_.load(relaxed);
  return newest - static_cast<std::uintptr_t>(newest - carried);
}

CROCHET_CATCHES_FORCED_UNWIND void LogBridge::run_thread(Writer& writer) {
  try {
    while (step(writer)) {
    }
    writer.to.let_go();
  } catch (abi::__forced_unwind&) {  // by a sink, or by the drop function of one
    died(writer.generation);
    writer.to.let_go();
    throw;
  }
}

// False: this thread is done.
bool LogBridge::step(Writer& writer) {
  using Taken = decltype(ring_)::Taken;
  Taken taken = Taken::kNothing;
  std::uint32_t lost = 0;
  {
    const Locked locked(mutex_);
    if (!owns(writer.generation)) return false;
    const std::int64_t until = write_until_.load(relaxed);
    if (until != kNotEnding && Deadline::at(until).passed()) {
      abandon_rest();
    } else {
      taken = ring_.take([&writer](const LogRecord& record) { record.copy_to(&writer.record); });
      is_in_sink_ = taken == Taken::kRecord;
      if (taken == Taken::kNothing) lost = ring_.take_lost();
    }
  }
  if (taken == Taken::kNothing && lost == 0) {
    if (has_ended(writer)) return false;
    look_idle(writer);
    return true;
  }
  writer.idle_looks = 0;
  if (taken == Taken::kRecord) write_record(writer);
  else if (lost != 0) tell_gap(writer, lost);
  else wait_for_producer(writer);
  return !process_is_forked();  // by a sink, and this is the child
}

// The producer of the next record has not finished it. Nobody who waits for an earlier one shall wait for that.
void LogBridge::wait_for_producer(Writer& writer) {
  if (ring_.is_somebody_waiting()) {
    const Locked locked(mutex_);
    if (owns(writer.generation)) ring_.publish_written();
  }
  ring_.nap(kNap);
}

void LogBridge::write_record(Writer& writer) {
  sinks_.look(&writer.to);
  if (writer.record.lost != 0) tell_gap(writer, writer.record.lost);
  deliver(writer, writer.record);
  if (process_is_forked()) return;
  const Locked locked(mutex_);
  if (!owns(writer.generation)) return;  // it was counted as abandoned
  is_in_sink_ = false;
  count(LogCounter::kWritten);
  if (ring_.is_somebody_waiting()) ring_.publish_written();
}

void LogBridge::tell_gap(Writer& writer, std::uint32_t lost) {
  LogRecord gap;
  char text[80];
  const int length = std::snprintf(text, sizeof text, "the log was full: %u messages are missing here", lost);
  fill(gap, {LogLevel::kWarning, "crochet", {text, static_cast<std::size_t>(length)}, static_cast<std::size_t>(length)},
       0);
  gap.about_log = true;  // what sinks say about it may be what was too much
  if (threshold() == LogLevel::kOff) return;
  sinks_.look(&writer.to);
  deliver(writer, gap);
}

void LogBridge::deliver(Writer& writer, const LogRecord& record) {
  const InSink in_sink(record.about_log);
  for (std::size_t i = 0; i < writer.to.count; ++i) {
    if (record.level >= writer.to.sinks[i]->level) write_to(*writer.to.sinks[i], record);
    // Left behind in it, or forked in it: the others are somebody else's.
    if (!owns(writer.generation) || process_is_forked()) return;
  }
}

CROCHET_CATCHES_FORCED_UNWIND void LogBridge::write_to(LogSink& sink, const LogRecord& record) {
  // acquire, and release below: one thread after the other.
  if (sink.is_busy.exchange(true, acquire)) return count(LogCounter::kSinkFailures);
  const struct NotBusy {
    LogSink& sink;
    ~NotBusy() { sink.is_busy.store(false, release); }
  } not_busy{sink};
  try {
    sink.write(record);
  } catch (abi::__forced_unwind&) {
    count(LogCounter::kSinkFailures);
    throw;
  } catch (const std::exception& e) {
    sink_failed(sink, e.what());
  } catch (...) {
    sink_failed(sink, "an exception of an unknown type");
  }
}

void LogBridge::sink_failed(LogSink& sink, const char* what) noexcept {
  count(LogCounter::kSinkFailures);
  if (t_is_about_log || sink.has_failed) return;  // about the log nothing is said that would not end
  sink.has_failed = true;
  log(LogLevel::kError, "a log sink failed, and is not mentioned again: %s", what);
}

void LogBridge::look_idle(Writer& writer) {
  if (!sinks_.is_current(writer.to)) writer.to.let_go();
  {
    const Locked locked(mutex_);
    if (!owns(writer.generation)) return;
    ring_.publish_written();
  }
  if (writer.idle_looks < kIdleLooks) {
    ++writer.idle_looks;
    return ring_.nap(kNap);
  }
  ring_.sleep(Deadline::never(), [&] {
    const Locked locked(mutex_);
    return owns(writer.generation) && write_until_.load(acquire) == kNotEnding &&
           (writer.to.count == 0 || sinks_.is_current(writer.to));
  });
}

// ---- Its beginning and its end ----

int LogBridge::start() noexcept {
  const SignalsBlocked blocked(SignalsBlocked::kChildsToo);  // for the thread; and no handler runs under the mutex
  const Locked locked(mutex_);
  if (is_over()) {
    if (!is_running()) abandon_rest();
    return CROCHET_ESTOPPED;
  }
  if (is_running()) {
    if (!is_asked_to_end()) return CROCHET_OK;
    write_until_.store(kNotEnding, release);
    changes_.fetch_add(1, release);
    unpark_all(changes_);
    return CROCHET_OK;
  }
  leave_thread();
  write_until_.store(kNotEnding, release);
  const Word generation = generation_.load(relaxed) + 1;
  void* const carried = reinterpret_cast<void*>(static_cast<std::uintptr_t>(generation));
  const int status = pthread_create(&thread_, nullptr, &LogBridge::thread_main, carried);
  if (status != 0) return -status;
  generation_.store(generation, relaxed);
  has_thread_ = true;
  is_running_.store(true, release);
  return CROCHET_OK;
}

// There is nothing to take. Asked to end, and still nothing: it has.
bool LogBridge::has_ended(Writer& writer) {
  if (!is_asked_to_end()) return false;
  writer.to.let_go();  // while it is still waited for with a time-out
  const Locked locked(mutex_);
  if (!owns(writer.generation)) return true;
  if (!is_asked_to_end()) return false;
  is_running_.store(false, release);
  // A read-modify-write of the producers' word: who logs from here on sees that nobody runs, or has been seen.
  ring_.wake();
  if (!ring_.is_all_taken() && !Deadline::at(write_until_.load(relaxed)).passed()) {
    is_running_.store(true, release);
    return false;
  }
  ring_.publish_written();
  set_ended(writer.generation);
  return true;
}

void LogBridge::leave_thread() noexcept {
  if (has_thread_) pthread_detach(thread_);
  has_thread_ = false;
}

void LogBridge::set_ended(Word generation) noexcept {
  is_running_.store(false, release);
  ended_ = generation;
  changes_.fetch_add(1, release);
  unpark_all(changes_);
}

void LogBridge::abandon_rest() noexcept {
  count(LogCounter::kAbandoned, ring_.discard());
  ring_.publish_written();
}

// The thread is in a sink, and does not come back in time: it is the consumer no longer.
void LogBridge::take_over(Word generation) noexcept {
  generation_.store(generation + 1, relaxed);
  if (is_in_sink_) count(LogCounter::kAbandoned);
  is_in_sink_ = false;
  abandon_rest();
  leave_thread();
  set_ended(generation);
}

std::uint64_t LogBridge::ask_to_end(Deadline write_until) noexcept {
  if (is_its_thread()) return 0;
  if (!is_running() && !ring_.is_all_written()) (void)start();
  const Locked locked(mutex_);
  if (!is_running()) return 0;
  write_until_.store(write_until.ns(), release);
  ring_.wake();
  return generation_.load(relaxed);
}

int LogBridge::wait_until_ended(std::uint64_t asked, Deadline give_up) noexcept {
  if (asked == 0) return CROCHET_OK;
  for (;;) {
    const Word seen = changes_.load(acquire);
    {
      const Locked locked(mutex_);
      if (ended_ >= asked) break;
      if (!is_asked_to_end()) return CROCHET_OK;  // taken back
      if (give_up.passed()) {
        take_over(asked);
        return CROCHET_ETIMEDOUT;
      }
    }
    park(changes_, static_cast<std::uint32_t>(seen), give_up, false);
    if (process_is_forked()) return CROCHET_EFORKED;
  }
  join(asked, give_up);
  return CROCHET_OK;
}

// It is on its last instructions, unless a thread-local destructor of a sink's is stuck. Polled, as by
// Loop::join_thread().
void LogBridge::join(Word generation, Deadline give_up) noexcept {
  constexpr std::int64_t kLongestNap = 1'000'000;
  for (std::int64_t nap = 10'000;; nap = std::min(2 * nap, kLongestNap)) {
    {
      const Locked locked(mutex_);
      if (!has_thread_ || !owns(generation)) return;  // somebody else did
      if (give_up.passed()) return leave_thread();
      if (pthread_tryjoin_np(thread_, nullptr) != EBUSY) {
        has_thread_ = false;
        return;
      }
    }
    const Word seen = changes_.load(relaxed);
    park(changes_, static_cast<std::uint32_t>(seen), Deadline::after(nap), false);
    if (process_is_forked()) return;
  }
}

void LogBridge::end_for_ever(Deadline write_until, Deadline give_up) noexcept {
  if (is_its_thread()) {
    is_over_.store(true, relaxed);
    const Locked locked(mutex_);
    if (owns(t_generation)) take_over(t_generation);
    return;
  }
  const Word asked = ask_to_end(write_until);
  is_over_.store(true, relaxed);
  (void)wait_until_ended(asked, give_up);
}

// By pthread_exit or a cancellation, in a sink.
void LogBridge::died(Word generation) noexcept {
  bool ends = false;
  {
    const Locked locked(mutex_);
    if (!owns(generation) || ended_ >= generation) return;
    ends = is_asked_to_end();
    if (is_in_sink_) count(LogCounter::kWritten);
    is_in_sink_ = false;
    if (ends) abandon_rest();
    leave_thread();
    set_ended(generation);
  }
  if (ends) return;
  log(LogLevel::kError, "a log sink ended the log's thread; another is started");
  (void)start();
}

}  // namespace crochet
