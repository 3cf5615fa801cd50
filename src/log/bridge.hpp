// SPDX-License-Identifier: MIT
// The bridge from who logs to the sinks: the ring, the sinks, and the thread that carries from the one to the others.
//
// The thread is the ring's consumer under the mutex, and never in a sink while it holds it. So the end of the log need
// not wait for a sink that is stuck: it takes the consumer's part over by a new generation, and the thread, should it
// ever come back, finds itself of an old one and leaves.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "base/mutex.hpp"
#include "log/record.hpp"
#include "log/ring.hpp"
#include "log/sinks.hpp"

namespace crochet {

enum class LogCounter : std::size_t { kWritten, kDropped, kAbandoned, kSinkFailures };

inline constexpr const char* kLogCounterNames[] = {"messages_written", "messages_dropped", "messages_abandoned",
                                                   "sink_failures"};
inline constexpr std::size_t kLogCounters = sizeof kLogCounterNames / sizeof *kLogCounterNames;

class LogBridge {
 public:
  // The process's, made when it is first needed, with the sinks that CROCHET_LOG says. Null: no memory. Lock-free.
  static LogBridge* get_or_make() noexcept;
  static LogBridge* get() noexcept;        // null: not made yet, or this is a forked child
  static void forget_in_child() noexcept;  // atomics only

  static bool is_its_thread() noexcept;

  // ---- Any thread ----

  // CROCHET_OK; CROCHET_ENOSPC: no room, or said by a sink about what a sink said: dropped and counted.
  int offer(const LogMessage& message) noexcept;
  // CROCHET_ETIMEDOUT: dropped and counted. CROCHET_EFORKED: a signal handler forked meanwhile, and this is the child.
  int offer_in_time(const LogMessage& message, Deadline deadline) noexcept;

  // CROCHET_OK, CROCHET_ETIMEDOUT, CROCHET_EFORKED; CROCHET_ESTOPPED: something was abandoned meanwhile.
  int flush(Deadline deadline) noexcept;

  SinkList& sinks() { return sinks_; }
  void sinks_have_changed() { ring_.wake(); }  // so that what was removed is let go
  std::uint64_t counted(LogCounter which) const { return counters_[static_cast<std::size_t>(which)].load(relaxed); }

  // ---- The thread's life. Not on a loop's thread but for is_running() ----

  // CROCHET_OK: it runs. CROCHET_ESTOPPED: never again. Else the system's code.
  int start() noexcept;
  bool is_running() const { return is_running_.load(acquire); }

  bool is_over() const { return is_over_.load(relaxed); }

  // Asks the thread to write what is left until write_until, and to abandon the rest. Returns what to wait for; 0:
  // there is nothing to end, or this is the thread. A later start() takes it back.
  std::uint64_t ask_to_end(Deadline write_until) noexcept;
  // CROCHET_ETIMEDOUT: at give_up a sink was stuck; the thread is left behind.
  int wait_until_ended(std::uint64_t asked, Deadline give_up) noexcept;
  // Both at exit, also on the thread itself. It never starts again.
  void end_for_ever(Deadline write_until, Deadline give_up) noexcept;

 private:
  using Word = std::uint64_t;
  // The thread's own.
  struct Writer {
    Word generation;
    SinksOfAMoment to;
    LogRecord record;
    int idle_looks = 0;
  };

  LogBridge() = default;
  bool add_first_sinks() noexcept;               // false: no memory
  bool put(const LogMessage& message) noexcept;  // false: no room
  int drop(int status) noexcept;                 // returns it

  static void* thread_main(void* generation);
  Word generation_from(std::uintptr_t carried) noexcept;
  void run_thread(Writer& writer);
  bool step(Writer& writer);
  void write_record(Writer& writer);
  void wait_for_producer(Writer& writer);
  void tell_gap(Writer& writer, std::uint32_t lost);
  void deliver(Writer& writer, const LogRecord& record);
  void write_to(LogSink& sink, const LogRecord& record);
  void sink_failed(LogSink& sink, const char* what) noexcept;
  void look_idle(Writer& writer);
  bool has_ended(Writer& writer);
  void died(Word generation) noexcept;

  // For certain under mutex_; without it a no is final.
  bool owns(Word generation) const { return generation_.load(relaxed) == generation; }
  void abandon_rest() noexcept CROCHET_UNDER(mutex_);
  void set_ended(Word generation) noexcept CROCHET_UNDER(mutex_);
  void leave_thread() noexcept CROCHET_UNDER(mutex_);
  void take_over(Word generation) noexcept CROCHET_UNDER(mutex_);
  bool is_asked_to_end() const { return write_until_.load(acquire) != kNotEnding; }
  void join(Word generation, Deadline give_up) noexcept;
  void count(LogCounter which, std::uint64_t by = 1) noexcept {
    counters_[static_cast<std::size_t>(which)].fetch_add(by, relaxed);
  }

  static constinit Atomic<LogBridge*> instance_;

  LogRing<LogRecord, 1024> ring_;  // its consumer's part is guarded by mutex_
  SinkList sinks_;
  Atomic<std::uint64_t> counters_[kLogCounters] = {};  // relaxed: they publish nothing

  Mutex mutex_;
  Word ended_ CROCHET_GUARDED_BY(mutex_) = 0;           // the last generation that has ended
  bool is_in_sink_ CROCHET_GUARDED_BY(mutex_) = false;  // it has a record that is not counted yet
  bool has_thread_ CROCHET_GUARDED_BY(mutex_) = false;  // thread_ is to be joined or detached
  pthread_t thread_ CROCHET_GUARDED_BY(mutex_){};
  Atomic<Word> generation_{0};                    // of the thread that is the consumer; written under mutex_
  Atomic<bool> is_running_{false};                // written under mutex_
  Atomic<bool> is_over_{false};                   // the process exits; relaxed: it publishes nothing
  Atomic<std::int64_t> write_until_{kNotEnding};  // written under mutex_, by who ends it; ns
  Atomic<Word> changes_{0};                       // counts what who waits for an end must look at; parked on

  static constexpr std::int64_t kNotEnding = -1;
};

}  // namespace crochet
