// SPDX-License-Identifier: MIT
// Abuse of the end of the process: rows B7, B8 and B9. Each process must end by itself, long before its kill timer,
// with its own status; how long it took is recorded with the test, never asserted.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "abuse/keeping.hpp"
#include "abuse/program.hpp"
#include "api/support/closure.hpp"
#include "api/support/gate.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr int kStatus = 42;

int timed(const std::function<int()>& process) {
  const auto begin = std::chrono::steady_clock::now();
  const int status = process();
  const auto took = std::chrono::steady_clock::now() - begin;
  testing::Test::RecordProperty("milliseconds",
                                std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  return status;
}

// For status_of_child(): leaves by exit() when every expectation held.
void exit_with_own_status(int failed) { std::exit(failed == 0 ? kStatus : kHasFailed); }

// Registers `body` so that it runs after the library's own exit handler: before the first use of the library.
void run_after_the_library(void (*body)()) {
  static void (*to_do)();
  to_do = body;
  EXPECT_EQ(std::atexit([] {
              const int before = failed_expectations();
              to_do();
              std::fflush(nullptr);
              if (failed_expectations() != before) _exit(kHasFailed);
            }),
            0);
}

// ---- B7: exit() while threads wait and callbacks run

// A hundred threads, each in a wait without limit. They outlive every frame: the process ends around them.
struct Waiters {
  static constexpr int kThreads = 100;
  static Waiters* all;

  std::vector<Pending> calls = std::vector<Pending>(kThreads);
  std::atomic<int> waiting{0};
  std::atomic<int> stopped{0};
  Gate all_wait;
  Gate all_stopped;

  static void start() {
    all = new Waiters;
    for (Pending& call : all->calls) {
      std::thread([&call] {
        if (++all->waiting == kThreads) all->all_wait.open();
        if (crochet_result_wait(call.result.get(), kForever) != CROCHET_ESTOPPED) return;
        if (++all->stopped == kThreads) all->all_stopped.open();
      }).detach();
    }
    all->all_wait.wait();
  }
  // Kills the process if one of them does not come back, or with another code.
  static void expect_stopped() { all->all_stopped.wait(); }
};
Waiters* Waiters::all = nullptr;

// Makes a call that never returns; returns itself when that call runs.
void stick(crochet_loop* loop) {
  auto* const stuck = new Gate;
  EXPECT_EQ(crochet_run(
                loop,
                [](crochet_deferred*, void* gate) {
                  static_cast<Gate*>(gate)->open();
                  for (;;) pause();
                },
                stuck, nullptr, nullptr),
            CROCHET_OK);
  stuck->wait();
}

TEST(AbuseB7, ExitWakesAHundredWaitingThreadsAndKeepsItsStatus) {
  EXPECT_EQ(timed([] {
              return status_of_child(
                  [] {
                    run_after_the_library(Waiters::expect_stopped);
                    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                    Waiters::start();
                  },
                  exit_with_own_status);
            }),
            kStatus);
}

TEST(AbuseB7, ExitOnTheLoopsThreadWakesAHundredWaitingThreadsAndKeepsItsStatus) {
  EXPECT_EQ(timed([] {
              return status_of_child([] {
                run_after_the_library(Waiters::expect_stopped);
                ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                OwnedLoop other;
                ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
                Waiters::start();
                on_loop(nullptr, [] { std::exit(kStatus); });
                for (;;) pause();
              });
            }),
            kStatus);
}

TEST(AbuseB7, ExitWithAStuckCallbackWakesAHundredWaitingThreadsAndKeepsItsStatus) {
  LogCapture log;
  EXPECT_EQ(timed([] {
              return status_of_child(
                  [] {
                    run_after_the_library(Waiters::expect_stopped);
                    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                    Waiters::start();
                    stick(nullptr);
                  },
                  exit_with_own_status);
            }),
            kStatus);
  EXPECT_EQ(LogCapture::occurrences(log.stop(), "a callback is stuck"), 1);
}

TEST(AbuseB7, ExitOnALoopsThreadWhileAnotherLoopIsStuckKeepsItsStatus) {
  LogCapture log;
  EXPECT_EQ(timed([] {
              return status_of_child([] {
                run_after_the_library(Waiters::expect_stopped);
                ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                OwnedLoop other;
                ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
                Waiters::start();
                stick(other.get());
                on_loop(nullptr, [] { std::exit(kStatus); });
                for (;;) pause();
              });
            }),
            kStatus);
  EXPECT_EQ(LogCapture::occurrences(log.stop(), "a callback is stuck"), 1);
}

// One time for all of them, not one for each.
TEST(AbuseB7, ExitWithTenStuckLoopsKeepsItsStatus) {
  LogCapture log;
  EXPECT_EQ(timed([] {
              return status_of_child(
                  [] {
                    static std::array<OwnedLoop, 10> loops;
                    for (OwnedLoop& loop : loops) {
                      ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
                      stick(loop.get());
                    }
                  },
                  exit_with_own_status);
            }),
            kStatus);
  EXPECT_EQ(LogCapture::occurrences(log.stop(), "a callback is stuck"), 10);
}

// Another thread gives the producers a minute; exit() does not.
TEST(AbuseB7, ExitDuringAShutdownWithALongGraceKeepsItsStatus) {
  static Keeping* keeping;
  LogCapture log;
  EXPECT_EQ(timed([] {
              return status_of_child(
                  [] {
                    run_after_the_library([] {
                      EXPECT_EQ(crochet_result_wait(keeping->call.result.get(), kForever), CROCHET_ESTOPPED);
                      delete keeping;
                    });
                    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                    keeping = new Keeping;
                    std::thread([] { crochet_shutdown(kKillTimer); }).detach();
                    keeping->asked.wait();
                  },
                  exit_with_own_status);
            }),
            kStatus);
  EXPECT_EQ(LogCapture::occurrences(log.stop(), "stuck"), 0) << "the grace was ended";
}

// The newest loop is stuck: the older ones end as they should meanwhile, though they are waited for later.
TEST(AbuseB7, ExitWithAStuckCallbackLetsOtherLoopsEndWell) {
  static Gate last_ran;
  LogCapture log;
  EXPECT_EQ(timed([] {
              return status_of_child(
                  [] {
                    run_after_the_library([] { last_ran.wait(); });
                    const auto last = [](void*) {
                      last_ran.open();
                      return CROCHET_OK;
                    };
                    OwnedOptions options;
                    static OwnedLoop older, newest;
                    ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
                    ASSERT_EQ(crochet_options_set_thread_hooks(options.get(), nullptr, last, nullptr, nullptr),
                              CROCHET_OK);
                    ASSERT_EQ(crochet_loop_new(options.get(), older.out()), CROCHET_OK);
                    ASSERT_EQ(crochet_loop_new(nullptr, newest.out()), CROCHET_OK);
                    stick(newest.get());
                    static Pending held(older.get());  // keeps the older one in its grace
                    std::thread([] { crochet_loop_stop(older.get(), kKillTimer); }).detach();
                    while (crochet_run(older.get(), resolve_null, nullptr, nullptr, nullptr) != CROCHET_ESTOPPED) {
                      sched_yield();
                    }
                  },
                  exit_with_own_status);
            }),
            kStatus);
  EXPECT_EQ(LogCapture::occurrences(log.stop(), "a callback is stuck"), 1);
}

TEST(AbuseB7, ReturnFromMainWithACallbackStuckForEverKeepsTheStatus) {
  LogCapture log;
  EXPECT_EQ(timed([] { return status_of_program({EXIT_HOST, "stuck"}); }), 46);
  EXPECT_EQ(LogCapture::occurrences(log.stop(), "a callback is stuck"), 1);
}

// ---- B8: the ways out that run no handlers

// Whatever of ours could still run at the end of the process writes its letter into a pipe.
std::array<int, 2> told;

template <char letter>
void tell(void*) {
  const char text = letter;
  EXPECT_EQ(write(told[1], &text, 1), 1);
}

void prepare_to_tell() {
  static Pending* hooked;  // as a static object it would be destroyed before the loop stops
  run_after_the_library([] { delete hooked; });
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);

  OwnedCall at_stop;
  ASSERT_EQ(crochet_call_new(nullptr, 1, at_stop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_at_stop(at_stop.get()), CROCHET_OK);
  ASSERT_EQ(crochet_call_run(
                at_stop.release(), [](crochet_deferred*, void* arg) { tell<'a'>(arg); }, tell<'d'>, nullptr),
            CROCHET_OK);

  hooked = new Pending;
  ASSERT_EQ(crochet_deferred_on_cancel(
                hooked->deferred.get(), [](crochet_deferred*, void* arg) { tell<'h'>(arg); }, nullptr, nullptr),
            CROCHET_OK);

  OwnedResult stashed;
  std::uint64_t uid = 0;
  ASSERT_EQ(crochet_wait_for(
                nullptr, [](crochet_deferred* deferred, void*) { crochet_resolve(deferred, deferred, tell<'s'>); },
                nullptr, nullptr, kForever, stashed.out()),
            CROCHET_OK);
  ASSERT_EQ(crochet_result_stash(stashed.get(), 1, &uid), CROCHET_OK);
}

// The letters that came from a process that left by `leave`.
std::string told_by(void (*leave)(int)) {
  EXPECT_EQ(pipe(told.data()), 0);
  EXPECT_EQ(timed([leave] { return status_of_child(prepare_to_tell, leave); }), kStatus);
  close(told[1]);
  std::array<char, 100> letters;
  const ssize_t count = read(told[0], letters.data(), letters.size());
  close(told[0]);
  return std::string(letters.data(), static_cast<std::size_t>(count));
}

TEST(AbuseB8, QuickExitRunsNothingOfOurs) {
  LogCapture log;
  EXPECT_EQ(told_by([](int failed) { std::quick_exit(failed == 0 ? kStatus : kHasFailed); }), "");
  EXPECT_EQ(log.stop(), "");
}

TEST(AbuseB8, UnderscoreExitRunsNothingOfOurs) {
  LogCapture log;
  EXPECT_EQ(told_by([](int failed) { _exit(failed == 0 ? kStatus : kHasFailed); }), "");
  EXPECT_EQ(log.stop(), "");
}

// What the two above would have seen.
TEST(AbuseB8, ExitRunsAtStopCallsHooksAndDrops) {
  LogCapture log;
  EXPECT_EQ(told_by(exit_with_own_status), "adhs");
  EXPECT_EQ(LogCapture::occurrences(log.stop(), "never retrieved"), 1);
}

// ---- B9: calls after the library's own exit handler

TEST(AbuseB9, AnExitHandlerThatRunsAfterOursIsToldThatEverythingStopped) {
  static Pending* pending;
  EXPECT_EQ(status_of_child(
                [] {
                  run_after_the_library([] {
                    EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
                    EXPECT_EQ(on_loop(nullptr, [] { ADD_FAILURE() << "it was called"; }), CROCHET_ESTOPPED);
                    EXPECT_EQ(crochet_setup(nullptr), CROCHET_ESTOPPED);
                    EXPECT_EQ(crochet_result_wait(pending->result.get(), kForever), CROCHET_ESTOPPED);
                    EXPECT_EQ(crochet_result_cancel(pending->result.get(), nullptr), CROCHET_OK);
                    EXPECT_EQ(crochet_resolve(pending->deferred.get(), nullptr, nullptr), CROCHET_EALREADY);
                    delete pending;
                    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
                  });
                  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                  pending = new Pending;
                },
                exit_with_own_status),
            kStatus);
}

TEST(AbuseB9, AnExitHandlerThatRunsBeforeOursStillFindsTheLoop) {
  EXPECT_EQ(status_of_child(
                [] {
                  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                  ASSERT_EQ(std::atexit([] {
                              if (on_loop(nullptr, [] {}) != CROCHET_OK) _exit(kHasFailed);
                            }),
                            0);
                },
                exit_with_own_status),
            kStatus);
}

TEST(AbuseB9, AStaticDestructorThatRunsAfterOurHandlerIsToldThatEverythingStopped) {
  EXPECT_EQ(timed([] { return status_of_program({EXIT_HOST}); }), 46);
}

TEST(AbuseB9, AStaticDestructorMayBeTheFirstToSetUp) {
  EXPECT_EQ(timed([] { return status_of_program({EXIT_HOST, "late"}); }), 46);
}

}  // namespace
}  // namespace contract
