// SPDX-License-Identifier: MIT
// A loop: the control block of a libuv loop and the thread that runs it, our own or (adopted) the host's.
//
// Control blocks live in the loop table, are never unmapped, and serve other loops later (Q4): the id tells them apart.
//
//   state      who runs what                                       left by
//   kUnused    nobody; the table may give it out                       start, adopt
//   kRunning   the loop's thread drains the queue                  request_stop, the first
//   kStopping  the queue is closed; the phases of loop_stop.cpp    the loop's thread when it is through: kEnded
//   kEnded     nothing of ours is open on the libuv loop           the table, when nobody refers to it: kUnused
#pragma once

#include <pthread.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "base/hop.hpp"
#include "base/process.hpp"
#include "base/spin.hpp"
#include "call/call_memory.hpp"
#include "crochet.h"
#include "loop/call_queue.hpp"
#include "loop/counters.hpp"
#include "loop/drain_budget.hpp"
#include "loop/due_calls.hpp"
#include "loop/grace_end.hpp"
#include "loop/options.hpp"
#include "loop/queue_limit.hpp"
#include "loop/samples.hpp"
#include "loop/signs_of_life.hpp"
#include "loop/wake_up.hpp"

namespace crochet {

class Loop;

// The loop whose thread this is; null: none. Set by the loop itself.
extern constinit thread_local Loop* t_current_loop;
inline Loop* current_loop() { return t_current_loop; }
inline void set_current_loop(Loop* loop) {
  t_current_loop = loop;
  t_may_wait_in = loop == nullptr ? ProcessState::kLive : ProcessState::kNever;
}

class alignas(64) Loop {
 public:
  enum class State : Word { kUnused, kRunning, kStopping, kEnded };

  // What a loop's timer for its owner does: runs on the loop's thread, returns when to come again (never: forever).
  using Alarm = Deadline();

  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // ---- Birth: by the runtime, of an unused block. 0, or a code of libuv's or ours; then it is unused again, or has
  // ended.
  struct Birth {
    std::uint32_t id;
    std::uint64_t serial;
    Alarm* alarm;
  };
  int start(const Birth& birth, const crochet_options& options);
  int adopt(const Birth& birth, uv_loop_t* uv, const crochet_options& options);
  void recycle();  // if it is ended and joined, and nobody refers to it

  // ---- Any thread.
  // False: the loop accepts nothing any more, the call is the caller's as before.
  bool post(Call* call) { return post_to_awake(call) || post_chain(call, call); }
  // The first of these steps: false is no answer yet.
  bool post_to_awake(Call* call) { return queue_.push_to_awake(call); }
  // The same for a chain that the caller has linked, from the newest call down to the oldest: one operation on the
  // queue, one wake-up at most. True: none of its calls may be touched any more. False: the oldest one's link means
  // nothing.
  bool post_chain(Call* newest, Call* oldest) {
    switch (queue_.push(newest, oldest)) {
      case CallQueue::Push::kRefused: return false;
      case CallQueue::Push::kQueuedOwesWakeUp: wake_up(); break;
      case CallQueue::Push::kQueued: break;
    }
    return true;
  }
  bool push_at_stop(Call* call);
  // Does the loop of that id, which may be another one by now, accept calls? See CallQueue::accepts().
  bool accepts(std::uint32_t id) { return queue_.accepts() && this->id() == id; }
  bool looks_closed() const { return queue_.looks_closed(); }
  // For the loop of that id, if the block is still its.
  void count(std::uint32_t id, Counter which, int by) {
    const Hold hold(*this);
    if (this->id() == id) counters_.add(which, by);
  }
  std::uint64_t counted(Counter which) const { return counters_.get(which); }
  // The same, also of those that are not counted but looked up: some walk over all calls.
  std::uint64_t read(Counter which) const;
  const Histogram& timed(Timed what) const { return samples_.of(what); }
  void look_for_hooks_again() { look_for_hooks_.store(true, release); }
  // Asks the alarm to be called soon, on the loop's thread. False: no memory, or the loop accepts nothing.
  bool request_alarm();

  std::uint32_t id() const { return id_.load(relaxed); }
  State state() const { return static_cast<State>(state_.load(acquire)); }
  bool is_adopted() const { return adopted_; }
  Spin& wait_spin() { return wait_spin_; }  // of who waits for its calls
  // How often an adopted loop has been run so far; a wait that timed out without progress says so, once per loop.
  std::uint32_t rounds() const { return rounds_.load(relaxed); }
  void warn_that_nobody_runs_it();
  uv_loop_t* uv() const { return uv_; }
  std::uint64_t serial() const { return serial_.load(relaxed); }  // later made, larger
  bool is_given_up() const { return given_up_.load(relaxed); }    // it did not end in time, and that was reported
  const char* name() const { return name_; }
  // What its thread runs at this moment, out of its queue or at its stop; null: nothing of that. A slot that may be
  // anybody's by now: see sight.hpp.
  // acquire: with the loop's store; the slot is there.
  Call* running() const { return running_.load(acquire); }
  bool looks_asleep() const { return queue_.looks_asleep(); }
  // Surely enough to say that nothing blocks it. Asks the system, if it looks asleep: some microseconds.
  bool is_asleep() const;
  std::uint64_t turns() const { return counters_.get(Counter::kTurns); }
  bool is_active() const { return state() == State::kRunning || state() == State::kStopping; }

  // Starts the stop, once; later ones change nothing. Never blocks. Drops arguments of calls that never started.
  void request_stop(std::int64_t grace_ns);
  // Requested: waits until it has ended; when that is overdue (the grace and a second, and no sign of life), settles
  // from outside what is left, leaves the thread behind. Not on a loop's thread. CROCHET_OK, CROCHET_EBUSY or
  // CROCHET_ETIMEDOUT.
  int wait_until_ended();
  int wait_until_ended(Deadline overdue);
  // The same for a caller that must not wait: everybody who waits for a call of this loop is woken.
  void settle_from_outside();
  // On the loop's thread: what is to be done when the grace of its stop is over.
  GraceEnds& grace_ends() { return grace_ends_; }
  // A stop was asked for before: makes its grace end now.
  void end_grace_early();
  // Ended: joins the thread, unless that was done. Gives up when the thread takes longer than a second, or than the
  // deadline, to go away: then thread-local destructors of the host's are stuck. Tried again later, it only looks.
  void join_thread();
  void join_thread(Deadline overdue);
  // In a forked child. The first touches atomics only, the second is by setup there.
  void close_in_child() {
    queue_.close();
    at_stop_.close();
    if (current_loop() == this) stop_ = Stop::kForked;  // its thread runs nothing more, and ends
  }
  void leave_to_parent() {
    special_.fetch_or(kParents, relaxed);
    leaked_.store(true, relaxed);
    state_.store(static_cast<Word>(State::kEnded), release);
  }
  bool is_parents() const { return (special_.load(relaxed) & kParents) != 0; }
  // Calls of it are not made in the common way: it is a parent's, or has a limit.
  bool is_special() const { return special_.load(relaxed) != 0; }
  bool has_limit() const { return (special_.load(relaxed) & kLimited) != 0; }
  // Of a loop that has a limit, before a call is queued there, which will be kConditional: may block. CROCHET_OK, and
  // the call counts until the loop has popped it; or CROCHET_EAGAIN, CROCHET_ESTOPPED, CROCHET_EFORKED.
  int enter_queue(std::uint32_t id) {
    const int status = limit_.enter(id, current_loop() == nullptr);
    if (status != CROCHET_OK || this->id() == id) return status;
    limit_.leave();  // another loop's by now
    return CROCHET_ESTOPPED;
  }
  void leave_queue() { limit_.leave(); }  // it was not queued after all

  // ---- References of handles. A handle carries the block's generation.
  std::uint32_t generation() const { return static_cast<std::uint32_t>(references_.load(acquire) >> kGenerationShift); }
  void first_reference() { references_.fetch_add(1, acq_rel); }
  bool alive(std::uint32_t generation) const {
    const std::uint64_t now = references_.load(acquire);
    return now >> kGenerationShift == generation && static_cast<std::uint32_t>(now) != 0;
  }
  bool retain_handle(std::uint32_t generation);
  // `*was_last`: nobody refers to the loop any more.
  bool release_handle(std::uint32_t generation, bool* was_last);

  // Keeps the block from being reused, without being a handle: for those who found the loop in the table. Look at the
  // loop after holding it.
  class Hold {
   public:
    explicit Hold(Loop& loop) : loop_(loop) { loop_.references_.fetch_add(kOneHold, acq_rel); }
    ~Hold() { loop_.references_.fetch_sub(kOneHold, acq_rel); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Loop& loop_;
  };

  static constexpr std::uint32_t kGenerations = 32;
  static constexpr std::uint32_t kMostReferences = std::uint32_t{1} << 24;

 private:
  static constexpr int kGenerationShift = 56;
  static constexpr std::uint64_t kOneHold = std::uint64_t{1} << 32;

  struct Handles {  // the libuv handles of ours beside the wake-up; closed together
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t busy;    // active: work is left over, or the loop spins: it must not block
    uv_timer_t stop;   // the grace
    uv_timer_t alarm;  // for the owner
    uv_timer_t due;    // for the first of the calls that wait for their time
  };

  struct LeftOpen {  // the host's handles on our libuv loop at its end
    char kinds[256] = "";
    unsigned count = 0;
    void add(const uv_handle_t& handle);
  };

  static constexpr std::int64_t kNotAsked = -1;
  static constexpr Word kStarting = 1;  // no code

  int begin(const Birth& birth, uv_loop_t* uv, const crochet_options& options);
  void set_spins(const crochet_options& options);
  void measure_hop(const crochet_options& options);
  int make_handles();
  // The argument of calls by run_soon(): nobody made those, they are not counted. No handle, whose generation is less.
  void* own_argument() { return reinterpret_cast<std::byte*>(this) + kGenerations; }
  static Loop& of_own(void* argument) {
    return *reinterpret_cast<Loop*>(static_cast<std::byte*>(argument) - kGenerations);
  }
  bool is_own(const Call& call) { return call.arg == own_argument(); }
  void refuse(Call* call);  // a call or a message that is linked nowhere any more and will not be started
  void open();
  int start_thread(std::size_t stack_size);
  void end_without_thread();
  int wait_until_started();  // what the host's first function said
  void started(int code);
  int sleep_until_ended(Deadline deadline);  // CROCHET_ETIMEDOUT: it goes on
  void wake_up();
  void descriptors_lost();

  // ---- The loop's thread: loop.cpp.
  static void* thread_main(void* loop);
  void begin_thread();
  void run_until_ended();
  void call_alarm();
  bool run_soon(crochet_call_fn* fn);  // for the loop itself; any thread. False: no memory, or it accepts nothing
  bool stop_begun() const { return stop_ != Stop::kNotBegun; }

  // ---- The loop's thread: loop_drain.cpp.
  void before_poll();
  void after_poll();
  bool spin();                 // true: something came, or it goes on at the next turn. False: sleep
  bool is_kept_awake() const;  // libuv does not block
  void keep_awake(bool yes);
  void drain();
  bool drain(DrainBudget& budget);      // runs what is queued. False: not all, that was enough; the loop must not block
  bool run_ready(DrainBudget& budget);  // the same, and no more
  void run_until_due(DrainBudget& budget);
  Samples::Progress progress() const { return {counted(Counter::kRun), sleeps_}; }
  bool refill();                 // queue -> incoming_ -> ready_. False: nothing there, or closed
  void run_or_bury(Call* call);  // a call or a message that was popped
  void run_or_bury_inline(Call* call);
  void bury(Call* call);
  void bury_husk(Call* call, Word w);  // cancelled or stopped while it was queued

  // ---- The loop's thread: loop_delays.cpp.
  void take_conditional(Call* call);  // popped, and not to be started just for that
  void start_in_time(Call* call);
  void leave_queue_for(const Call& call);  // it was popped, and may count
  void set_due_timer(std::uint64_t at_least_ms = 0);
  void run_due();  // what the timer does
  void run_due(DrainBudget& budget);
  // In how many milliseconds a timer of libuv's must go off not to be early.
  static std::uint64_t ms_until(Deadline time);

  // ---- The loop's thread: loop_drain.cpp.
  // Sees to it when a callback in `body` ends the thread, or forks and returns in the child: it must return at once
  // then.
  void run_callbacks(void (*body)(Loop& loop, void* context), void* context = nullptr);

  // ---- The loop's thread: loop_stop.cpp.
  void begin_stop();  // once, when the queue is seen closed
  void settle_unstarted();
  void refuse_linked();
  void run_at_stop_calls();
  void run_hooks();
  void continue_stop();  // the grace: until all calls are finished, or it is over
  void go_on_in(unsigned ms);
  void stop_goes_on();  // continue_stop() with an eye on its callbacks
  void end_grace();
  void close_handles();
  void handle_closed();
  int close_own_uv(LeftOpen* out_left_open);  // CROCHET_OK or CROCHET_EBUSY
  void ended(int code, const LeftOpen& left_open);
  void end_as_stopped(Call& call);
  template <class Step>
  void abandon_held(Step&& step);
  template <class Visit>
  void visit_unsettled(Visit&& visit);  // of all calls those of this loop
  void stop_cpu_clock();
  void run_last_hook();
  void log_summary(const LeftOpen& left_open) const;
  void died();  // the thread ends without having stopped (pthread_exit in a callback)

  CallQueue queue_;
  AtStopStack at_stop_;
  QueueLimit limit_;

  Atomic<std::uint32_t> id_{0};
  Atomic<std::uint64_t> references_{0};                    // generation (from bit 56), holds (from bit 32), handles
  Atomic<Word> state_{static_cast<Word>(State::kUnused)};  // waiters for the end park on it
  Atomic<bool> look_for_hooks_{false};
  Atomic<std::int64_t> stop_deadline_{kNotAsked};  // set once: who sets it closes the queue
  Atomic<int> end_code_{0};                        // published by kEnded
  Atomic<std::uint64_t> serial_{0};
  Atomic<bool> given_up_{false};          // whoever waited for the end left the thread behind
  Atomic<bool> descriptors_lost_{false};  // the host closed them: nothing can wake the thread any more
  Atomic<bool> leaked_{false};            // a libuv loop or a handle was left behind: never reused
  Atomic<std::uint32_t> special_{0};      // fixed from start or adopt on, but for a fork
  static constexpr std::uint32_t kLimited = 1;
  static constexpr std::uint32_t kParents = 2;  // this is a forked child, the loop ran in the parent
  Atomic<std::uint32_t> rounds_{0};             // a hint, publishes nothing
  Atomic<bool> warned_{false};
  Atomic<Word> start_code_{kStarting};  // what the host's first function said; who starts the loop parks on it
  Atomic<bool> join_claimed_{false};    // somebody looks whether the thread is gone
  Atomic<bool> joined_{false};
  Atomic<bool> late_{false};    // its end has been waited for in vain
  Atomic<pid_t> thread_id_{0};  // of its thread; 0: it has not begun, or has ended. For who looks
  Atomic<int> epoll_{-1};       // libuv's descriptor, for who looks

  Spin loop_spin_;
  Spin wait_spin_;
  Hop hop_;  // between the thread and who starts it

  // Fixed from start or adopt to the end.
  bool adopted_ = false;
  bool measures_hop_ = false;
  bool keep_alive_ = true;
  uv_loop_t* uv_ = nullptr;  // null again when it is closed
  Alarm* alarm_ = nullptr;
  char name_[kThreadNameSize] = {};
  pthread_t thread_{};
  ThreadHooksRef thread_hooks_;  // let go of by the loop's thread

  // The loop's thread only.
  Call* incoming_ = nullptr;   // newest first, being reversed in slices
  Call* reversing_ = nullptr;  // what was reversed of it so far: oldest first
  Call* ready_ = nullptr;      // oldest first, to be run; while calls run, the rest is a local
  // Read by who watches. Written for each call, in place of ready_: so it costs nothing. release: publishes that the
  // slot is there, and nothing of what is in it.
  Atomic<Call*> running_{nullptr};
  DueCalls due_;  // made, and waiting for their time
  enum class Stop { kNotBegun, kGrace, kClosing, kClosed, kForked } stop_ = Stop::kNotBegun;
  std::uint64_t sleeps_ = 0;  // how often it may have slept
  bool spins_ = false;        // it looks for calls instead of sleeping, until then:
  Deadline spin_end_ = Deadline::never();
  CallWalk unfinished_;  // everything before it is finished
  unsigned stop_tick_ms_ = 0;
  SignsOfLife signs_of_life_;  // of its stop
  GraceEnds grace_ends_;
  unsigned closing_handles_ = 0;
  bool wake_up_in_use_ = false;  // a pusher never made the wake-up it owed: the handle can't be closed

  alignas(64) Counters counters_;  // written by canceling threads: not where others read
  Samples samples_;

  uv_loop_t own_uv_;
  WakeUp wake_up_;
  Handles handles_;
};

// Does the libuv found at run time fit? CROCHET_OK, or CROCHET_EVERSION and a log line.
int check_libuv();

}  // namespace crochet
