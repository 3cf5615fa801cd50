// SPDX-License-Identifier: MIT
// Abuse of shutdown: rows B4, B5, B6 and D9.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "abuse/keeping.hpp"
#include "abuse/own_process.hpp"
#include "api/support/asleep.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr int kThreads = 8;

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

void count(void* counter) { ++*static_cast<std::atomic<int>*>(counter); }

// ---- B4: asked for more than once

void expect_stopped() {
  EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
  EXPECT_EQ(on_loop(nullptr, [] { ADD_FAILURE() << "it was called"; }), CROCHET_ESTOPPED);
}

TEST(AbuseB4, TheSecondShutdownFindsNothingToDo) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    expect_stopped();
  });
}

TEST(AbuseB4, EightThreadsShareOneShutdownAndAllWaitForItsEnd) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Keeping keeping;
    std::array<std::atomic<pid_t>, kThreads> threads{};
    std::atomic<int> back{0};
    std::thread watcher([&] {
      keeping.asked.wait();
      for (const std::atomic<pid_t>& thread : threads) {
        while (thread == 0) sched_yield();
        until_asleep(thread);
      }
      EXPECT_EQ(back, 0);
      keeping.let_go();
    });
    at_once(kThreads, [&](int i) {
      threads[static_cast<std::size_t>(i)] = gettid();
      EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
      ++back;
      EXPECT_EQ(crochet_result_status(keeping.call.result.get()), CROCHET_EBROKEN);
      expect_stopped();
    });
    watcher.join();
  });
}

TEST(AbuseB4, EightThreadsThatStopALoopGetTheSameCode) {
  in_own_process(
      [] {
        OwnedLoop loop;
        ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
        static uv_timer_t left_open;
        ASSERT_EQ(on_loop(loop.get(), [] { EXPECT_EQ(uv_timer_init(crochet_current_uv(), &left_open), 0); }),
                  CROCHET_OK);
        at_once(kThreads, [&](int) { EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_EBUSY); });
        EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_EBUSY);
      },
      Leaves::kStuckThread);  // none, but the descriptors of the libuv loop that is left as it is
}

TEST(AbuseB4, OnALoopsThreadItIsAskedForAndNotWaitedFor) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedLoop other;
    ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
    EXPECT_EQ(on_loop(other.get(),
                      [] {
                        EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_EINPROGRESS);
                        EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_EINPROGRESS);
                        EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
                      }),
              CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);  // waits for what was asked for
    expect_stopped();
    EXPECT_EQ(crochet_run(other.get(), resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
  });
}

TEST(AbuseB4, ALoopsThreadMayAskWhileEightThreadsWait) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Gate start;
    ASSERT_EQ(run(
                  nullptr,
                  [&start](crochet_deferred*) {
                    start.wait();
                    EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_EINPROGRESS);
                  },
                  nullptr),
              CROCHET_OK);
    at_once(kThreads, [&start](int) {
      start.open();
      EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
      expect_stopped();
    });
  });
}

TEST(AbuseB4, ADropFunctionOfAShutdownIsToldThatItIsUnderWay) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    static std::atomic<int> told{0};
    OwnedResult result;
    std::uint64_t uid = 0;
    ASSERT_EQ(crochet_wait_for(
                  nullptr,
                  [](crochet_deferred* deferred, void*) {
                    crochet_resolve(deferred, &told, [](void*) { told = crochet_shutdown(kSecond); });
                  },
                  nullptr, nullptr, kForever, result.out()),
              CROCHET_OK);
    ASSERT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    result.reset();
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(told, CROCHET_EINPROGRESS);
    expect_stopped();
  });
}

// The clock goes on while a process is stopped, by a debugger or with its machine: nobody was stuck meanwhile.
TEST(AbuseB4, AProcessThatWasStoppedInTheMiddleOfAShutdownGoesOnWithIt) {
  int callback_may_end[2];
  ASSERT_EQ(pipe(callback_may_end), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(kChildSeconds);
    static int read_end;
    read_end = callback_may_end[0];
    static Gate callback_runs;
    const auto wait_for_byte = [](crochet_deferred*, void*) {
      callback_runs.open();
      char byte = 0;
      EXPECT_EQ(read(read_end, &byte, 1), 1);
    };
    const bool runs = crochet_setup(nullptr) == CROCHET_OK &&
                      crochet_run(nullptr, wait_for_byte, nullptr, nullptr, nullptr) == CROCHET_OK;
    if (runs) callback_runs.wait();
    _exit(runs && crochet_shutdown(0) == CROCHET_OK ? 0 : kHasFailed);
  }
  until_asleep(child);  // in its shutdown, most likely
  ASSERT_EQ(kill(child, SIGSTOP), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));  // longer than a callback may take
  EXPECT_EQ(write(callback_may_end[1], "x", 1), 1);
  ASSERT_EQ(kill(child, SIGCONT), 0);
  EXPECT_EQ(exit_status(child), 0);
  close(callback_may_end[0]);
  close(callback_may_end[1]);
}

// ---- B5: a storm of calls

struct StormCall {
  std::atomic<int> run{0};
  std::atomic<int> drops{0};
  OwnedResult result;

  static void call(crochet_deferred* deferred, void* arg) {
    ++static_cast<StormCall*>(arg)->run;
    crochet_resolve(deferred, nullptr, nullptr);
  }
  static void drop(void* arg) { ++static_cast<StormCall*>(arg)->drops; }
};

struct StormAccount {
  long accepted = 0;
  long refused = 0;
  long run = 0;
  long not_run = 0;

  // A call that was accepted, and has ended by now.
  void add(const StormCall& call) {
    ++accepted;
    EXPECT_EQ(crochet_result_join(call.result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(call.drops, 1);
    if (crochet_result_status(call.result.get()) == CROCHET_OK) {
      ++run;
      EXPECT_EQ(call.run, 1);
    } else {
      ++not_run;
      EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ESTOPPED);
      EXPECT_EQ(crochet_error_code(crochet_result_error(call.result.get())), CROCHET_ENOTRUN);
      EXPECT_EQ(call.run, 0);
    }
  }
  void add(const StormAccount& other) {
    accepted += other.accepted;
    refused += other.refused;
    run += other.run;
    not_run += other.not_run;
  }
};

constexpr int kAfter = 20;

// Makes calls until that many were refused; waits for every sixteenth of them, without limit.
StormAccount make_calls_until_stopped(std::atomic<int>& warm) {
  constexpr int kBefore = 500;  // before the shutdown
  StormAccount account;
  std::vector<std::unique_ptr<StormCall>> calls;
  while (account.refused < kAfter) {
    auto call = std::make_unique<StormCall>();
    const bool waits = calls.size() % 16 == 0;
    const int code =
        waits ? crochet_wait_for(nullptr, StormCall::call, call.get(), StormCall::drop, kForever, call->result.out())
              : crochet_run(nullptr, StormCall::call, call.get(), StormCall::drop, call->result.out());
    if (call->result) {
      EXPECT_TRUE(code == CROCHET_OK || (waits && code == CROCHET_ESTOPPED)) << crochet_status_name(code);
      calls.push_back(std::move(call));
      if (calls.size() == kBefore) ++warm;
    } else {
      EXPECT_EQ(code, CROCHET_ESTOPPED);
      EXPECT_EQ(call->drops, 1);
      EXPECT_EQ(call->run, 0);
      ++account.refused;
    }
  }
  for (const std::unique_ptr<StormCall>& call : calls) account.add(*call);
  return account;
}

TEST(AbuseB5, ShutdownInAStormOfCallsFromEightThreadsRunsEachOrReportsItAsNotRun) {
  in_own_process([] {
    constexpr int kRounds = kSanitized ? 5 : 20;
    StormAccount sum;
    double slowest = 0;
    for (int round = 0; round < kRounds; ++round) {
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      std::array<StormAccount, kThreads> accounts;
      std::atomic<int> warm{0};
      std::atomic<int> back{0};
      at_once(kThreads + 1, [&](int i) {
        if (i < kThreads) {
          accounts[static_cast<std::size_t>(i)] = make_calls_until_stopped(warm);
          ++back;
          return;
        }
        while (warm < kThreads) sched_yield();
        const auto begin = Clock::now();
        EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
        while (back < kThreads) sched_yield();
        slowest = std::max(slowest, milliseconds_since(begin));
      });
      for (const StormAccount& account : accounts) sum.add(account);
    }
    EXPECT_EQ(sum.accepted, sum.run + sum.not_run);
    EXPECT_EQ(sum.refused, kRounds * kThreads * kAfter);
    std::printf("%ld accepted = %ld run + %ld not run; all threads back after at most %.1f ms\n", sum.accepted, sum.run,
                sum.not_run, slowest);
  });
}

// ---- B6: the last word

// A call that one thread resolves, another cancels, and a third stops.
struct Contested {
  std::atomic<int> argument_drops{0};
  std::atomic<int> value_drops{0};
  std::atomic<int> hook_calls{0};
  std::atomic<int> hook_drops{0};
  int resolved = CROCHET_EPENDING;
  int cancelled = CROCHET_CANCEL_NONE;
  Pending call{nullptr, &argument_drops, count};

  void hook() {
    EXPECT_EQ(crochet_deferred_on_cancel(
                  call.deferred.get(),
                  [](crochet_deferred* deferred, void* self) {
                    ++static_cast<Contested*>(self)->hook_calls;
                    crochet_reject(deferred, UV_ECANCELED, nullptr);
                  },
                  this, [](void* self) { ++static_cast<Contested*>(self)->hook_drops; }),
              CROCHET_OK);
  }
  void resolve() {
    resolved = crochet_resolve(call.deferred.get(), &value_drops, count);
    call.deferred.reset();
  }
  void cancel() { EXPECT_EQ(crochet_result_cancel(call.result.get(), &cancelled), CROCHET_OK); }

  // Everything is over: returns how it ended.
  int expect_one_outcome(bool has_hook) {
    crochet_result* const result = call.result.get();
    EXPECT_EQ(crochet_result_join(result, kForever), CROCHET_OK);
    const int outcome = crochet_result_wait(result, kForever);
    EXPECT_EQ(crochet_result_status(result), outcome);
    EXPECT_EQ(resolved, outcome == CROCHET_OK ? CROCHET_OK : CROCHET_EALREADY);
    EXPECT_EQ(crochet_result_value(result), outcome == CROCHET_OK ? &value_drops : nullptr);
    EXPECT_EQ(crochet_result_error(result) == nullptr, outcome == CROCHET_OK);
    if (outcome == CROCHET_ECANCELED) {
      EXPECT_EQ(cancelled, CROCHET_CANCEL_REQUESTED);
    }
    call.result.reset();
    EXPECT_EQ(argument_drops, 1);
    EXPECT_EQ(value_drops, 1);
    EXPECT_LE(hook_calls, 1);
    EXPECT_EQ(hook_drops, has_hook ? 1 : 0);
    return outcome;
  }
};

// An at-stop call that holds the stop, just begun, until the others are there: from then on all run.
class StartOfStop {
 public:
  explicit StartOfStop(int others) : missing_(others) {
    OwnedCall call;
    EXPECT_EQ(crochet_call_new(nullptr, sizeof(StartOfStop*), call.out()), CROCHET_OK);
    *static_cast<StartOfStop**>(crochet_call_storage(call.get())) = this;
    EXPECT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
    EXPECT_EQ(crochet_call_run(
                  call.release(),
                  [](crochet_deferred*, void* storage) {
                    StartOfStop& here = **static_cast<StartOfStop**>(storage);
                    here.begun_ = true;
                    while (here.missing_ > 0) sched_yield();
                  },
                  nullptr, nullptr),
              CROCHET_OK);
  }

  // One of the others: returns when the stop has begun.
  void wait() {
    while (!begun_) sched_yield();
    --missing_;
  }

 private:
  std::atomic<bool> begun_{false};
  std::atomic<int> missing_;
};

// In every other round the shutdown waits until so and so many are resolved; in those between, the others wait until
// the stop has begun, and come towards it from the far end.
void resolve_cancel_and_shut_down(bool cancels, bool has_hook) {
  constexpr int kRounds = kSanitized ? 20 : 100;
  constexpr std::size_t kCalls = 1000;
  int values = 0, cancelled = 0, stopped = 0;
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    const bool stop_begins = round % 2 == 0;
    const int others = cancels ? 2 : 1;
    StartOfStop stop(stop_begins ? others : 0);
    std::vector<std::unique_ptr<Contested>> calls;
    for (std::size_t i = 0; i < kCalls; ++i) {
      calls.push_back(std::make_unique<Contested>());
      if (has_hook) calls.back()->hook();
    }
    const std::size_t stop_at = static_cast<std::size_t>(round) * (kCalls / kRounds);
    std::atomic<std::size_t> resolved{0};
    const auto for_each_call = [&](const auto& what) {
      if (!stop_begins) {
        for (const std::unique_ptr<Contested>& call : calls) what(*call);
      } else {
        stop.wait();
        for (std::size_t i = kCalls; i-- > 0;) what(*calls[i]);
      }
    };
    at_once(1 + others, [&](int who) {
      if (who == 0) {
        while (!stop_begins && resolved < stop_at) sched_yield();
        EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
      } else if (who == 1) {
        for_each_call([&resolved](Contested& call) {
          call.resolve();
          ++resolved;
        });
      } else {
        for_each_call([](Contested& call) { call.cancel(); });
      }
    });
    for (const std::unique_ptr<Contested>& call : calls) {
      switch (const int outcome = call->expect_one_outcome(has_hook); outcome) {
        case CROCHET_OK: ++values; break;
        case CROCHET_ECANCELED: ++cancelled; break;
        case CROCHET_ESTOPPED: ++stopped; break;
        default: ADD_FAILURE() << crochet_status_name(outcome);
      }
    }
  }
  std::printf("%d values, %d cancelled, %d stopped\n", values, cancelled, stopped);
}

TEST(AbuseB6, ResolveRacingShutdownHasOneOutcome) {
  in_own_process([] { resolve_cancel_and_shut_down(false, false); });
}

TEST(AbuseB6, ResolveRacingShutdownWithHooksHasOneOutcome) {
  in_own_process([] { resolve_cancel_and_shut_down(false, true); });
}

TEST(AbuseB6, CancelRacingResolveAndShutdownHasOneOutcome) {
  in_own_process([] { resolve_cancel_and_shut_down(true, false); });
}

TEST(AbuseB6, CancelRacingResolveAndShutdownWithHooksHasOneOutcome) {
  in_own_process([] { resolve_cancel_and_shut_down(true, true); });
}

// ---- D9: a stop with a great deal outstanding

TEST(AbuseD9, AStopSettlesAHundredThousandDeferredsOnceAndWakesAThousandThreads) {
  in_own_process([] {
    constexpr std::size_t kDeferreds = kSanitized ? 10'000 : 100'000;
    constexpr std::size_t kWaiters = kSanitized ? 100 : 1000;  // a sanitizer's threads are heavier
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    std::atomic<int> drops{0};
    std::vector<Pending> calls;
    for (std::size_t i = 0; i < kDeferreds; ++i) calls.emplace_back(nullptr, &drops, count);
    std::vector<std::thread> waiters;
    std::atomic<std::size_t> waiting{0};
    for (std::size_t i = 0; i < kWaiters; ++i) {
      waiters.emplace_back([&call = calls[i * (kDeferreds / kWaiters)], &waiting] {
        ++waiting;
        EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_ESTOPPED);
      });
    }
    while (waiting < kWaiters) sched_yield();

    const auto begin = Clock::now();
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
    const double stopped = milliseconds_since(begin);
    for (std::thread& waiter : waiters) waiter.join();
    std::printf("%zu deferreds settled in %.1f ms, %zu waiters back after %.1f ms\n", kDeferreds, stopped, kWaiters,
                milliseconds_since(begin));

    EXPECT_EQ(drops, 0);  // their producers hold them still
    for (Pending& call : calls) {
      ASSERT_EQ(crochet_result_status(call.result.get()), CROCHET_ESTOPPED);
      ASSERT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_EALREADY);
      ASSERT_EQ(crochet_result_status(call.result.get()), CROCHET_ESTOPPED);
      call.deferred.reset();
    }
    EXPECT_EQ(static_cast<std::size_t>(drops), kDeferreds);
  });
}

}  // namespace
}  // namespace contract
