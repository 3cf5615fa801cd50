// SPDX-License-Identifier: MIT
// Abuse by signals and child processes: rows C6, C7 and C8.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "abuse/own_process.hpp"
#include "api/support/asleep.hpp"
#include "api/support/closure.hpp"
#include "api/support/commands.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

using Clock = std::chrono::steady_clock;

#define SKIP_WHERE_SIGNALS_ARE_PUT_OFF() \
  SKIP_UNDER_THREAD_SANITIZER("puts off a signal at a thread that sleeps in a futex system call")

// A handler of the host's, for a scope.
class Handler {
 public:
  Handler(int signal, void (*handler)(int), int flags) : signal_(signal) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    EXPECT_EQ(sigaction(signal_, &action, &before_), 0);
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() { EXPECT_EQ(sigaction(signal_, &before_, nullptr), 0); }

 private:
  int signal_;
  struct sigaction before_ {};
};

// Signals that this thread, and threads that it starts, have blocked or open for a scope.
class SignalMask {
 public:
  SignalMask(int how, std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) sigaddset(&set, signal);
    EXPECT_EQ(pthread_sigmask(how, &set, &before_), 0);
  }
  SignalMask(const SignalMask&) = delete;
  SignalMask& operator=(const SignalMask&) = delete;
  ~SignalMask() { EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &before_, nullptr), 0); }

 private:
  sigset_t before_;
};

bool is_pending(int signal) {
  sigset_t pending;
  EXPECT_EQ(sigpending(&pending), 0);
  return sigismember(&pending, signal) == 1;
}

pid_t thread_of(crochet_loop* loop) {
  pid_t thread = 0;
  EXPECT_EQ(on_loop(loop, [&thread] { thread = gettid(); }), CROCHET_OK);
  return thread;
}

// What the host's handlers have seen, in this process.
std::atomic<int> handled{0};
std::atomic<int> handled_on_a_loop{0};
std::atomic<pid_t> loops_thread{0};

void count_signal(int) {
  if (gettid() == loops_thread.load()) ++handled_on_a_loop;
  ++handled;
}

// ---- C6: signals at a waiter

constexpr int kSignals = 100'000;

// Each is sent when the one before was handled, for signals of one kind that are pending together become one. Every
// other one is sent to the whole process, where the waiter is the only thread of the host's that takes it.
void wait_through_signals(int flags) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  loops_thread = thread_of(nullptr);
  const Handler handler(SIGUSR1, count_signal, flags);
  const SignalMask blocked(SIG_BLOCK, {SIGUSR1});
  Pending call;
  Gate waits;
  std::atomic<bool> back{false};
  std::thread waiter([&] {
    const SignalMask open(SIG_UNBLOCK, {SIGUSR1});
    waits.open();
    EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK);
    back = true;
  });
  waits.wait();
  for (int i = 0; i < kSignals && !back; ++i) {
    EXPECT_EQ(i % 2 == 0 ? pthread_kill(waiter.native_handle(), SIGUSR1) : kill(getpid(), SIGUSR1), 0);
    while (handled == i && !back) sched_yield();
  }
  EXPECT_FALSE(back);
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  waiter.join();
  EXPECT_EQ(handled, kSignals);
  EXPECT_EQ(handled_on_a_loop, 0);
}

TEST(AbuseC6, AHundredThousandSignalsDoNotEndAWait) {
  SKIP_WHERE_SIGNALS_ARE_PUT_OFF();
  in_own_process([] { wait_through_signals(0); });
}

TEST(AbuseC6, AHundredThousandSignalsDoNotEndAWaitWithRestartEither) {
  SKIP_WHERE_SIGNALS_ARE_PUT_OFF();
  in_own_process([] { wait_through_signals(SA_RESTART); });
}

// Signals without a pause until the wait is back, which is when its time is over and not before.
void time_out_under_signals(int flags) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  const Handler handler(SIGUSR1, count_signal, flags);
  Pending call;
  std::atomic<bool> back{false};
  std::thread waiter([&] {
    constexpr std::chrono::nanoseconds kTime(100 * kMillisecond);
    const auto begin = Clock::now();
    EXPECT_EQ(crochet_result_wait(call.result.get(), kTime.count()), CROCHET_ETIMEDOUT);
    EXPECT_GE(Clock::now() - begin, kTime);
    back = true;
  });
  while (!back) EXPECT_EQ(pthread_kill(waiter.native_handle(), SIGUSR1), 0);
  waiter.join();
  EXPECT_GT(handled, 0);
}

TEST(AbuseC6, SignalsNeitherShortenNorProlongAWait) {
  SKIP_WHERE_SIGNALS_ARE_PUT_OFF();
  in_own_process([] { time_out_under_signals(0); });
}

TEST(AbuseC6, SignalsNeitherShortenNorProlongAWaitWithRestartEither) {
  SKIP_WHERE_SIGNALS_ARE_PUT_OFF();
  in_own_process([] { time_out_under_signals(SA_RESTART); });
}

TEST(AbuseC6, ASignalThatNoThreadOfTheHostTakesIsNotTakenByALoopsEither) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);  // the thread that sets up has them all open
    OwnedLoop other;
    ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGIO, SIGRTMIN, SIGRTMAX}) {
      const Handler handler(signal, count_signal, 0);
      handled = 0;
      {
        const SignalMask blocked(SIG_BLOCK, {signal});
        EXPECT_EQ(kill(getpid(), signal), 0);
        // Their threads come out of the kernel and go back: a signal that is theirs would be handled by now.
        EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
        EXPECT_EQ(on_loop(other.get(), [] {}), CROCHET_OK);
        EXPECT_TRUE(is_pending(signal)) << strsignal(signal);
        EXPECT_EQ(handled, 0) << strsignal(signal);
      }
      EXPECT_EQ(handled, 1) << strsignal(signal);
    }
  });
}

// The exception: libuv learns of the end of child processes by it.
TEST(AbuseC6, SigchldIsTakenByALoopsThreadWhereTheOneThatSetUpHasItOpen) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    loops_thread = thread_of(nullptr);
    const Handler handler(SIGCHLD, count_signal, 0);
    const SignalMask blocked(SIG_BLOCK, {SIGCHLD});
    EXPECT_EQ(kill(getpid(), SIGCHLD), 0);
    while (handled == 0) sched_yield();
    EXPECT_EQ(handled_on_a_loop, 1);
  });
}

// ---- C7: Ctrl-C

// What the host's handler interrupts.
std::atomic<crochet_result*> waited_for{nullptr};

void interrupt(int) {
  crochet_result_interrupt(waited_for);
  ++handled;
}

// The result of a wait that was interrupted is as good as before.
void expect_usable(Pending& call) {
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EPENDING);
  EXPECT_EQ(crochet_result_wait(call.result.get(), 0), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_resolve(call.deferred.get(), &call, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_value(call.result.get()), &call);
}

// Ctrl-C as the terminal does it, to the whole process, when this thread sleeps.
class CtrlC {
 public:
  CtrlC()
      : thread_([waiter = gettid()] {
          // To its end: a thread that opens it again may take what was sent to the process.
          sigset_t ctrl_c;
          sigemptyset(&ctrl_c);
          sigaddset(&ctrl_c, SIGINT);
          pthread_sigmask(SIG_BLOCK, &ctrl_c, nullptr);
          until_asleep(waiter);
          sent = Clock::now();
          EXPECT_EQ(kill(getpid(), SIGINT), 0);
        }) {}
  CtrlC(const CtrlC&) = delete;
  CtrlC& operator=(const CtrlC&) = delete;
  ~CtrlC() {
    const auto back = Clock::now();
    thread_.join();
    std::printf("back %ld us after the signal was sent\n",
                static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(back - sent).count()));
  }

 private:
  static inline Clock::time_point sent;
  std::thread thread_;
};

void interrupted_by_handler(int flags) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Pending call;
  waited_for = call.result.get();
  const Handler handler(SIGINT, interrupt, flags);
  {
    const CtrlC ctrl_c;
    EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EINTR);
    EXPECT_EQ(handled, 1);
  }
  expect_usable(call);
}

TEST(AbuseC7, AHandlerThatInterruptsTheResultEndsAWaitWithoutLimit) {
  SKIP_WHERE_SIGNALS_ARE_PUT_OFF();
  in_own_process([] { interrupted_by_handler(0); });
}

TEST(AbuseC7, AHandlerThatInterruptsTheResultEndsAWaitWithoutLimitWithRestartToo) {
  SKIP_WHERE_SIGNALS_ARE_PUT_OFF();
  in_own_process([] { interrupted_by_handler(SA_RESTART); });
}

// The handler knows nothing of the library. The wait looks up every 100 ms at the latest, and may do so before the
// signal.
void interruptible(int flags) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Pending call;
  const Handler handler(SIGINT, count_signal, flags);
  {
    const CtrlC ctrl_c;
    do {
      EXPECT_EQ(crochet_result_wait_interruptible(call.result.get(), kForever), CROCHET_EINTR);
    } while (handled == 0);
  }
  expect_usable(call);
}

TEST(AbuseC7, TheInterruptibleWaitEndsWhenAHandlerRan) {
  SKIP_WHERE_SIGNALS_ARE_PUT_OFF();
  in_own_process([] { interruptible(0); });
}

TEST(AbuseC7, TheInterruptibleWaitEndsWhenAHandlerRanWithRestartToo) {
  SKIP_WHERE_SIGNALS_ARE_PUT_OFF();
  in_own_process([] { interruptible(SA_RESTART); });
}

TEST(AbuseC7, AResultInterruptedAMomentBeforeEndsTheNextWaitOnce) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Pending call;
    waited_for = call.result.get();
    const Handler handler(SIGINT, interrupt, SA_RESTART);
    EXPECT_EQ(raise(SIGINT), 0);
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EINTR);
    expect_usable(call);
  });
}

TEST(AbuseC7, TheInterruptibleWaitEndsAfterASignalAMomentBefore) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Pending call;
    const Handler handler(SIGINT, count_signal, SA_RESTART);
    EXPECT_EQ(raise(SIGINT), 0);
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(crochet_result_wait_interruptible(call.result.get(), kForever), CROCHET_EINTR);
    expect_usable(call);
  });
}

// ---- C8: a child process on the loop. libuv learns of its end from SIGCHLD, for which it has a handler of its own
// while there are such processes.

// Lives until its input is closed, and ends with a status of its own.
class ChildProcess {
 public:
  void start() {
    ASSERT_EQ(pipe2(input_.data(), O_CLOEXEC), 0);
    ASSERT_EQ(on_loop(nullptr, [this] { spawn(); }), CROCHET_OK);
    close(input_[0]);
  }
  pid_t pid() const { return process_.pid; }
  void end() { close(input_[1]); }

  bool is_noticed() { return noticed_.is_open(); }
  void expect_noticed() {
    noticed_.wait();
    EXPECT_EQ(status_, 7);
    EXPECT_EQ(signal_, 0);
    closed_.wait();  // libuv has the handle until then
  }

 private:
  void spawn() {
    std::array<std::string, 3> words = {"/bin/sh", "-c", "read line; exit 7"};
    std::array<char*, 4> arguments = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    uv_stdio_container_t input{};
    input.flags = UV_INHERIT_FD;
    input.data.fd = input_[0];
    uv_process_options_t options{};
    options.file = arguments[0];
    options.args = arguments.data();
    options.stdio_count = 1;
    options.stdio = &input;
    options.exit_cb = [](uv_process_t* process, std::int64_t status, int signal) {
      auto* const self = static_cast<ChildProcess*>(process->data);
      self->status_ = status;
      self->signal_ = signal;
      self->noticed_.open();
      uv_close(reinterpret_cast<uv_handle_t*>(process),
               [](uv_handle_t* handle) { static_cast<ChildProcess*>(handle->data)->closed_.open(); });
    };
    process_.data = this;
    EXPECT_EQ(uv_spawn(crochet_current_uv(), &process_, &options), 0);
  }

  std::array<int, 2> input_{};
  uv_process_t process_{};
  std::int64_t status_ = -1;
  int signal_ = -1;
  Gate noticed_;
  Gate closed_;
};

// This thread's mask, and what the process does with each signal.
struct SignalState {
  std::array<int, 65> blocked{};
  std::array<void (*)(int), 65> handlers{};
  std::array<int, 65> flags{};

  static SignalState now() {
    SignalState state;
    sigset_t mask;
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &mask), 0);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
      struct sigaction action {};
      if (sigaction(signal, nullptr, &action) != 0) continue;  // the two that glibc keeps for itself
      const auto at = static_cast<std::size_t>(signal);
      state.blocked[at] = sigismember(&mask, signal);
      state.handlers[at] = action.sa_handler;
      constexpr int kRestorer = 0x04000000;  // SA_RESTORER, set by the C library once anybody has set the action
      state.flags[at] = action.sa_flags & ~kRestorer;
    }
    return state;
  }
  friend bool operator==(const SignalState&, const SignalState&) = default;
};

TEST(AbuseC8, TheEndOfAChildProcessIsNoticedByAnIdleLoop) {
  in_own_process([] {
    const Handler handler(SIGUSR1, count_signal, SA_RESTART);
    const SignalMask blocked(SIG_BLOCK, {SIGUSR2});
    const SignalState before = SignalState::now();
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ChildProcess child;
    child.start();
    until_asleep(thread_of(nullptr));
    child.end();
    child.expect_noticed();
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_TRUE(SignalState::now() == before);
  });
}

// A host that blocks it in each thread of its own, but not before setup: then the loop's thread takes it.
TEST(AbuseC8, TheEndOfAChildProcessIsNoticedWhenTheHostBlocksSigchldAfterSetup) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    const SignalMask blocked(SIG_BLOCK, {SIGCHLD});
    ChildProcess child;
    child.start();
    until_asleep(thread_of(nullptr));
    child.end();
    child.expect_noticed();
  });
}

// ... where crochet_command_run() is told by a descriptor instead. The signal stays where the host has it.
TEST(AbuseC8, InAHostThatBlocksSigchldEverywhereTheReadyMadeOperationNoticesTheEnd) {
  in_own_process([] {
    const SignalMask blocked(SIG_BLOCK, {SIGCHLD});
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    const Fifo fifo;
    const OwnedResult result = started(shell("read line < $1; exit 7", {fifo.path()}));
    until_asleep(thread_of(nullptr));
    fifo.write_line();
    EXPECT_EQ(crochet_process_exit_status(exit_of(result)), 7);
    EXPECT_TRUE(is_gone(static_cast<pid_t>(crochet_process_exit_pid(exit_of(result)))));
    EXPECT_TRUE(is_pending(SIGCHLD));
  });
}

// Nobody takes the status of the other's: not libuv of ours, nor we of libuv's.
TEST(AbuseC8, ChildProcessesOfLibuvAndReadyMadeOnesLeaveEachOtherAlone) {
  in_own_process([] {
    const SignalState before = SignalState::now();
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ChildProcess child;
    child.start();
    const OwnedResult first = started(shell("exit 3"));
    EXPECT_EQ(crochet_process_exit_status(exit_of(first)), 3);
    EXPECT_FALSE(child.is_noticed());
    const Fifo fifo;
    const OwnedResult second = started(shell("read line < $1; exit 4", {fifo.path()}));
    child.end();
    child.expect_noticed();
    fifo.write_line();
    EXPECT_EQ(crochet_process_exit_status(exit_of(second)), 4);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_TRUE(SignalState::now() == before);
  });
}

// The documented limit of plain uv_spawn(): the thread that sets up has SIGCHLD blocked, hence the loop's thread has,
// too; with all other threads alike the signal stays pending for the process. The child stays a zombie, and its exit
// callback is not called, however often the loop goes round: until any thread of the process opens SIGCHLD.
TEST(AbuseC8, InAHostThatBlocksSigchldEverywhereTheEndIsNotNoticedUntilAThreadOpensIt) {
  in_own_process([] {
    const SignalMask blocked(SIG_BLOCK, {SIGCHLD});
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ChildProcess child;
    child.start();
    child.end();
    siginfo_t info{};
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);  // it has ended
    EXPECT_TRUE(is_pending(SIGCHLD));
    for (int round = 0; round < 10; ++round) EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_FALSE(child.is_noticed());
    EXPECT_TRUE(is_pending(SIGCHLD));
    { const SignalMask open(SIG_UNBLOCK, {SIGCHLD}); }  // delivered here and now, to libuv's handler
    child.expect_noticed();
  });
}

}  // namespace
}  // namespace contract
