// SPDX-License-Identifier: MIT
// The caller's side: wait, status, value, take, error, join, interrupt, references.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/asleep.hpp"
#include "api/support/at_once.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

class Wait : public WithDefaultLoop {};
class WaitInterruptible : public WithDefaultLoop {};
class Status : public WithDefaultLoop {};
class Value : public WithDefaultLoop {};
class Take : public WithDefaultLoop {};
class ErrorOf : public WithDefaultLoop {};
class Join : public WithDefaultLoop {};
class Interrupt : public WithDefaultLoop {};
class ResultReference : public WithDefaultLoop {};

constexpr std::array kBadTimes = {std::int64_t{-2}, std::numeric_limits<std::int64_t>::min()};

// ---- crochet_result_wait()

TEST_F(Wait, ReturnsHowTheCallEndedAndAlwaysTheSame) {
  PROVOKES(crochet_result_wait, CROCHET_OK);
  PROVOKES(crochet_result_wait, CROCHET_EFAILED);
  PROVOKES(crochet_result_wait, CROCHET_ECANCELED);
  PROVOKES(crochet_result_wait, CROCHET_ESTOPPED);
  PROVOKES(crochet_result_wait, CROCHET_EBROKEN);
  for (const int code : kFinalCodes) {
    OwnedResult result = ended(code);
    for (const std::int64_t timeout : {std::int64_t{0}, kMillisecond, kForever}) {
      EXPECT_EQ(crochet_result_wait(result.get(), timeout), code);
    }
  }
}

TEST_F(Wait, TimesOutAndChangesNothing) {
  PROVOKES(crochet_result_wait, CROCHET_ETIMEDOUT);
  Pending call;
  for (const std::int64_t timeout : {std::int64_t{0}, std::int64_t{1}, kMillisecond}) {
    EXPECT_EQ(crochet_result_wait(call.result.get(), timeout), CROCHET_ETIMEDOUT);
  }
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(call.result.get(), 0), CROCHET_OK);
}

TEST_F(Wait, IsWokenByTheSettling) {
  Pending call;
  std::atomic<pid_t> waiting{0};
  std::thread waiter([&] {
    waiting = gettid();
    EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK);
  });
  while (waiting == 0) sched_yield();
  until_asleep(waiting);
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  waiter.join();
}

TEST_F(Wait, OfManyThreadsIsWokenForAll) {
  Pending call;
  std::atomic<int> waiting{0};
  std::thread settler([&] {
    while (waiting < 16) sched_yield();
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
  at_once(16, [&](int) {
    ++waiting;
    EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK);
  });
  settler.join();
}

TEST_F(Wait, SeesAllThatWasDoneBeforeTheSettling) {
  int plain = 0;  // a race detector would object if the wait did not order it
  OwnedResult result;
  ASSERT_EQ(run(
                nullptr,
                [&plain](crochet_deferred* deferred) {
                  plain = 42;
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(plain, 42);
}

TEST_F(Wait, OnALoopsThreadIsAlwaysRefused) {
  PROVOKES(crochet_result_wait, CROCHET_EDEADLK);
  OwnedResult ready = ended(CROCHET_OK);
  Pending pending;
  crochet_result* const stale = stale_result();
  EXPECT_EQ(on_loop(nullptr,
                    [&] {
                      for (const std::int64_t timeout : {std::int64_t{0}, kMillisecond, kForever}) {
                        EXPECT_EQ(crochet_result_wait(ready.get(), timeout), CROCHET_EDEADLK);
                        EXPECT_EQ(crochet_result_wait(pending.result.get(), timeout), CROCHET_EDEADLK);
                      }
                      EXPECT_EQ(crochet_result_wait(stale, 0), CROCHET_EINVAL) << "what is none";
                    }),
            CROCHET_OK);
}

TEST_F(Wait, RefusesBadHandlesAndBadTimes) {
  PROVOKES(crochet_result_wait, CROCHET_EINVAL);
  Pending pending;
  OwnedResult ready = ended(CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(nullptr, 0), CROCHET_EINVAL);
  for (const std::int64_t timeout : kBadTimes) {
    EXPECT_EQ(crochet_result_wait(pending.result.get(), timeout), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_wait(ready.get(), timeout), CROCHET_EINVAL);
  }
  EXPECT_EQ(crochet_result_wait(stale_result(), 0), CROCHET_EINVAL);
}

// ---- crochet_result_interrupt(), in waits and joins

TEST_F(Interrupt, EndsTheNextWaitOnce) {
  PROVOKES(crochet_result_interrupt, CROCHET_OK);
  PROVOKES(crochet_result_wait, CROCHET_EINTR);
  Pending call;
  EXPECT_EQ(crochet_result_interrupt(call.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EINTR);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kMillisecond), CROCHET_ETIMEDOUT);
}

TEST_F(Interrupt, EndsTheNextJoinOnce) {
  PROVOKES(crochet_result_join, CROCHET_EINTR);
  Pending call;
  EXPECT_EQ(crochet_result_interrupt(call.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(call.result.get(), kForever), CROCHET_EINTR);
  EXPECT_EQ(crochet_result_join(call.result.get(), kMillisecond), CROCHET_ETIMEDOUT);
}

TEST_F(Interrupt, BeforeAWaitIsOneHoweverOftenItWasAsked) {
  Pending call;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(crochet_result_interrupt(call.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EINTR);
  EXPECT_EQ(crochet_result_wait(call.result.get(), 0), CROCHET_ETIMEDOUT);
}

TEST_F(Interrupt, EndsAWaitInProgress) {
  Pending call;
  std::atomic<pid_t> waiting{0};
  std::thread waiter([&] {
    waiting = gettid();
    EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EINTR);
  });
  while (waiting == 0) sched_yield();
  until_asleep(waiting);
  EXPECT_EQ(crochet_result_interrupt(call.result.get()), CROCHET_OK);
  waiter.join();
}

TEST_F(Interrupt, EndsAllWaitsInProgress) {
  constexpr int kWaiters = 4;
  Pending call;
  std::array<std::atomic<pid_t>, kWaiters> waiting{};
  std::atomic<int> back{0};
  std::thread interrupter([&] {
    for (const std::atomic<pid_t>& thread : waiting) {
      while (thread == 0) sched_yield();
      until_asleep(thread);
    }
    // Once is enough for all who sleep; again for one that had not got to its wait yet.
    do {
      EXPECT_EQ(crochet_result_interrupt(call.result.get()), CROCHET_OK);
      for (const std::atomic<pid_t>& thread : waiting) {
        if (back < kWaiters) until_asleep(thread);
      }
    } while (back < kWaiters);
  });
  at_once(kWaiters, [&](int i) {
    waiting[static_cast<std::size_t>(i)] = gettid();
    EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EINTR);
    ++back;
  });
  interrupter.join();
}

TEST_F(Interrupt, DoesNotAffectASettledResult) {
  OwnedResult result = ended(CROCHET_OK);
  EXPECT_EQ(crochet_result_interrupt(result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
}

TEST_F(Interrupt, LosesAgainstTheSettlingThatFollows) {
  Pending call;
  EXPECT_EQ(crochet_result_interrupt(call.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK);
}

TEST_F(Interrupt, ConcernsTheWaitOnlyAndTheCallGoesOn) {
  Pending call;
  EXPECT_EQ(crochet_result_interrupt(call.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EINTR);
  EXPECT_EQ(crochet_deferred_is_cancelled(call.deferred.get()), 0);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EPENDING);
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK);
}

TEST_F(Interrupt, RefusesBadHandles) {
  PROVOKES(crochet_result_interrupt, CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_interrupt(nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_interrupt(stale_result()), CROCHET_EINVAL);
}

crochet_result* interrupted_by_handler;
int code_in_handler;
int errno_in_handler;

TEST_F(Interrupt, MayBeAskedForInASignalHandlerAndKeepsErrno) {
  SKIP_UNDER_THREAD_SANITIZER("puts signals off while a thread sleeps");
  Pending call;
  interrupted_by_handler = call.result.get();
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) {
    errno = EXDEV;
    code_in_handler = crochet_result_interrupt(interrupted_by_handler);
    errno_in_handler = errno;
  };
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  std::atomic<pid_t> waiting{0};
  std::thread waiter([&] {
    waiting = gettid();
    EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EINTR);
    EXPECT_EQ(code_in_handler, CROCHET_OK);
    EXPECT_EQ(errno_in_handler, EXDEV);
  });
  while (waiting == 0) sched_yield();
  until_asleep(waiting);
  EXPECT_EQ(pthread_kill(waiter.native_handle(), SIGUSR1), 0);
  waiter.join();
  EXPECT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

// ---- crochet_result_wait_interruptible(), and signals

std::atomic<int> signals_handled{0};

class CountedSignals {
 public:
  explicit CountedSignals(int flags) {
    signals_handled = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { ++signals_handled; };
    action.sa_flags = flags;
    EXPECT_EQ(sigaction(SIGUSR2, &action, &before_), 0);
  }
  ~CountedSignals() { EXPECT_EQ(sigaction(SIGUSR2, &before_, nullptr), 0); }
  CountedSignals(const CountedSignals&) = delete;
  CountedSignals& operator=(const CountedSignals&) = delete;

  // Sends one to a thread and waits until it was handled.
  static void send(std::thread& thread) {
    const int before = signals_handled;
    EXPECT_EQ(pthread_kill(thread.native_handle(), SIGUSR2), 0);
    while (signals_handled == before) sched_yield();
  }

 private:
  struct sigaction before_ = {};
};

TEST_F(Wait, IsNotEndedByStraySignals) {
  SKIP_UNDER_THREAD_SANITIZER("puts signals off while a thread sleeps");
  for (const int flags : {0, SA_RESTART}) {
    const CountedSignals signals(flags);
    Pending call;
    std::atomic<pid_t> waiting{0};
    std::thread waiter([&] {
      waiting = gettid();
      EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK);
    });
    while (waiting == 0) sched_yield();
    for (int i = 0; i < 200; ++i) {
      until_asleep(waiting);
      CountedSignals::send(waiter);
    }
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    waiter.join();
  }
}

TEST_F(Join, IsNotEndedByStraySignals) {
  SKIP_UNDER_THREAD_SANITIZER("puts signals off while a thread sleeps");
  const CountedSignals signals(0);
  Pending call;
  std::atomic<pid_t> waiting{0};
  std::thread waiter([&] {
    waiting = gettid();
    EXPECT_EQ(crochet_result_join(call.result.get(), kForever), CROCHET_OK);
  });
  while (waiting == 0) sched_yield();
  for (int i = 0; i < 200; ++i) {
    until_asleep(waiting);
    CountedSignals::send(waiter);
  }
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  call.deferred.reset();
  waiter.join();
}

TEST_F(WaitInterruptible, EndsAfterASignalHandlerRanWhateverItsFlags) {
  SKIP_UNDER_THREAD_SANITIZER("puts signals off while a thread sleeps");
  PROVOKES(crochet_result_wait_interruptible, CROCHET_EINTR);
  for (const int flags : {0, SA_RESTART}) {
    const CountedSignals signals(flags);
    Pending call;
    std::atomic<pid_t> waiting{0};
    std::thread waiter([&] {
      waiting = gettid();
      // Spurious returns are allowed: what must come about is one after the handler ran.
      int code;
      do {
        code = crochet_result_wait_interruptible(call.result.get(), kForever);
        EXPECT_EQ(code, CROCHET_EINTR);
      } while (code == CROCHET_EINTR && signals_handled == 0);
    });
    while (waiting == 0) sched_yield();
    until_asleep(waiting);
    CountedSignals::send(waiter);
    waiter.join();
    EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EPENDING);  // still usable
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait_interruptible(call.result.get(), kForever), CROCHET_OK);
  }
}

TEST_F(WaitInterruptible, LooksUpWithoutASignalToo) {
  Pending call;
  EXPECT_EQ(crochet_result_wait_interruptible(call.result.get(), kForever), CROCHET_EINTR);
}

TEST_F(WaitInterruptible, ReturnsHowTheCallEnded) {
  PROVOKES(crochet_result_wait_interruptible, CROCHET_OK);
  PROVOKES(crochet_result_wait_interruptible, CROCHET_EFAILED);
  PROVOKES(crochet_result_wait_interruptible, CROCHET_ECANCELED);
  PROVOKES(crochet_result_wait_interruptible, CROCHET_ESTOPPED);
  PROVOKES(crochet_result_wait_interruptible, CROCHET_EBROKEN);
  for (const int code : kFinalCodes) {
    OwnedResult result = ended(code);
    EXPECT_EQ(crochet_result_wait_interruptible(result.get(), 0), code);
    EXPECT_EQ(crochet_result_wait_interruptible(result.get(), kForever), code);
  }
}

TEST_F(WaitInterruptible, TimesOutAndIsInterruptedAsTheOtherWait) {
  PROVOKES(crochet_result_wait_interruptible, CROCHET_ETIMEDOUT);
  Pending call;
  EXPECT_EQ(crochet_result_wait_interruptible(call.result.get(), 0), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_result_interrupt(call.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait_interruptible(call.result.get(), kForever), CROCHET_EINTR);
}

TEST_F(WaitInterruptible, IsRefusedAsTheOtherWait) {
  PROVOKES(crochet_result_wait_interruptible, CROCHET_EDEADLK);
  PROVOKES(crochet_result_wait_interruptible, CROCHET_EINVAL);
  OwnedResult ready = ended(CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [&] { EXPECT_EQ(crochet_result_wait_interruptible(ready.get(), 0), CROCHET_EDEADLK); }),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait_interruptible(nullptr, 0), CROCHET_EINVAL);
  for (const std::int64_t timeout : kBadTimes) {
    EXPECT_EQ(crochet_result_wait_interruptible(ready.get(), timeout), CROCHET_EINVAL);
  }
  EXPECT_EQ(crochet_result_wait_interruptible(stale_result(), 0), CROCHET_EINVAL);
}

// ---- crochet_result_status()

TEST_F(Status, TellsHowTheCallEnded) {
  PROVOKES(crochet_result_status, CROCHET_OK);
  PROVOKES(crochet_result_status, CROCHET_EFAILED);
  PROVOKES(crochet_result_status, CROCHET_ECANCELED);
  PROVOKES(crochet_result_status, CROCHET_ESTOPPED);
  PROVOKES(crochet_result_status, CROCHET_EBROKEN);
  for (const int code : kFinalCodes) {
    OwnedResult result = ended(code);
    EXPECT_EQ(crochet_result_status(result.get()), code);
    int on_a_loop = 1;
    EXPECT_EQ(on_loop(nullptr, [&] { on_a_loop = crochet_result_status(result.get()); }), CROCHET_OK);
    EXPECT_EQ(on_a_loop, code);
  }
}

TEST_F(Status, IsPendingWhileQueuedAndWhileRunning) {
  PROVOKES(crochet_result_status, CROCHET_EPENDING);
  Pending running;
  EXPECT_EQ(crochet_result_status(running.result.get()), CROCHET_EPENDING);
  BlockedLoop block;
  OwnedResult queued;
  ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, queued.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(queued.get()), CROCHET_EPENDING);
}

TEST_F(Status, RefusesBadHandles) {
  PROVOKES(crochet_result_status, CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_status(nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_status(stale_result()), CROCHET_EINVAL);
}

// ---- crochet_result_value()

TEST_F(Value, IsLentWhileNobodyTakesIt) {
  Pending call;
  DropCounter value;
  EXPECT_EQ(crochet_result_value(call.result.get()), nullptr);
  ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
  EXPECT_EQ(crochet_result_value(call.result.get()), value.pointer());
  EXPECT_EQ(crochet_result_value(call.result.get()), value.pointer());
  void* taken = nullptr;
  ASSERT_EQ(crochet_result_take(call.result.get(), &taken, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_value(call.result.get()), nullptr);
  EXPECT_EQ(value.count(), 0);
}

TEST_F(Value, OfAFailureAndOfBadHandlesIsNull) {
  for (const int code : kFailures) {
    OwnedResult result = ended(code);
    EXPECT_EQ(crochet_result_value(result.get()), nullptr);
  }
  EXPECT_EQ(crochet_result_value(nullptr), nullptr);
  EXPECT_EQ(crochet_result_value(stale_result()), nullptr);
}

TEST_F(Value, IsDroppedWithTheLastHandleWhenNobodyTookIt) {
  Pending call;
  DropCounter value;
  ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
  call.deferred.reset();
  OwnedResult second(crochet_result_retain(call.result.get()));
  call.result.reset();
  EXPECT_EQ(value.count(), 0);
  second.reset();
  EXPECT_EQ(value.count(), 1);
}

// ---- crochet_result_take()

TEST_F(Take, GivesTheValueAndHowToEndItOnce) {
  PROVOKES(crochet_result_take, CROCHET_OK);
  PROVOKES(crochet_result_take, CROCHET_ETAKEN);
  DropCounter value;
  {
    Pending call;
    ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
    void* taken = nullptr;
    crochet_drop_fn* drop = nullptr;
    EXPECT_EQ(crochet_result_take(call.result.get(), &taken, &drop), CROCHET_OK);
    EXPECT_EQ(taken, value.pointer());
    EXPECT_EQ(drop, &DropCounter::drop);
    EXPECT_EQ(crochet_result_take(call.result.get(), &taken, &drop), CROCHET_ETAKEN);
    EXPECT_EQ(taken, nullptr);
    EXPECT_EQ(drop, nullptr);
    EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_OK);
  }
  EXPECT_EQ(value.count(), 0);
}

TEST_F(Take, OfANullValueIsATakingToo) {
  OwnedResult result = ended(CROCHET_OK);
  void* taken = &result;
  crochet_drop_fn* drop = DropCounter::drop;
  EXPECT_EQ(crochet_result_take(result.get(), &taken, &drop), CROCHET_OK);
  EXPECT_EQ(taken, nullptr);
  EXPECT_EQ(drop, nullptr);
  EXPECT_EQ(crochet_result_take(result.get(), &taken, nullptr), CROCHET_ETAKEN);
}

TEST_F(Take, FindsNothingToTake) {
  PROVOKES(crochet_result_take, CROCHET_EPENDING);
  PROVOKES(crochet_result_take, CROCHET_EFAILED);
  PROVOKES(crochet_result_take, CROCHET_ECANCELED);
  PROVOKES(crochet_result_take, CROCHET_ESTOPPED);
  PROVOKES(crochet_result_take, CROCHET_EBROKEN);
  PROVOKES(crochet_result_take, CROCHET_EINVAL);
  const auto take = [](crochet_result* result) {
    void* taken = &result;
    crochet_drop_fn* drop = DropCounter::drop;
    const int code = crochet_result_take(result, &taken, &drop);
    EXPECT_EQ(taken, nullptr);
    EXPECT_EQ(drop, nullptr);
    return code;
  };
  Pending pending;
  EXPECT_EQ(take(pending.result.get()), CROCHET_EPENDING);
  for (const int code : kFailures) {
    OwnedResult failed = ended(code);
    EXPECT_EQ(take(failed.get()), code);
    EXPECT_EQ(take(failed.get()), code);
  }
  EXPECT_EQ(take(nullptr), CROCHET_EINVAL);
  EXPECT_EQ(take(stale_result()), CROCHET_EINVAL);
}

TEST_F(Take, WithNowhereToGoIsRefusedAndTheValueStays) {
  DropCounter value;  // outlives the call, which drops it
  Pending call;
  ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
  crochet_drop_fn* drop = DropCounter::drop;
  EXPECT_EQ(crochet_result_take(call.result.get(), nullptr, &drop), CROCHET_EINVAL);
  EXPECT_EQ(drop, nullptr);
  EXPECT_EQ(crochet_result_value(call.result.get()), value.pointer());
}

// ---- crochet_result_error()

TEST_F(ErrorOf, AResultIsThereForEveryFinalCodeButOk) {
  for (const int code : kFailures) {
    OwnedResult result = ended(code);
    EXPECT_NE(crochet_result_error(result.get()), nullptr) << code;
    EXPECT_EQ(crochet_result_error(result.get()), crochet_result_error(result.get()));
  }
  OwnedResult fine = ended(CROCHET_OK);
  EXPECT_EQ(crochet_result_error(fine.get()), nullptr);
  Pending pending;
  EXPECT_EQ(crochet_result_error(pending.result.get()), nullptr);
  EXPECT_EQ(crochet_result_error(nullptr), nullptr);
  EXPECT_EQ(crochet_result_error(stale_result()), nullptr);
}

// ---- crochet_result_join()

TEST_F(Join, ReturnsWhenTheCallIsFinishedWhateverItsOutcome) {
  PROVOKES(crochet_result_join, CROCHET_OK);
  for (const int code : kFinalCodes) {
    OwnedResult result = ended(code);
    EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_OK) << code;
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK) << code;
  }
}

TEST_F(Join, WaitsForTheLastDeferredAndTheDropOfTheArgument) {
  PROVOKES(crochet_result_join, CROCHET_ETIMEDOUT);
  DropCounter drops;
  Pending call(nullptr, drops.pointer(), DropCounter::drop);
  ASSERT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(call.result.get(), 0), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_result_join(call.result.get(), kMillisecond), CROCHET_ETIMEDOUT);
  std::atomic<pid_t> joining{0};
  std::thread joiner([&] {
    joining = gettid();
    EXPECT_EQ(crochet_result_join(call.result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(drops.count(), 1);
  });
  while (joining == 0) sched_yield();
  until_asleep(joining);
  call.deferred.reset();
  joiner.join();
}

TEST_F(Join, SaysThatNothingMayBeFreedWhenTheLoopEndedAndSomebodyHoldsADeferred) {
  PROVOKES(crochet_result_join, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending call(loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(call.result.get(), 0), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_result_join(call.result.get(), kForever), CROCHET_ESTOPPED);
  call.deferred.reset();
  EXPECT_EQ(crochet_result_join(call.result.get(), kForever), CROCHET_OK);
}

TEST_F(Join, InProgressEndsWhenTheLoopEnds) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending call(loop.get());
  std::atomic<pid_t> joining{0};
  std::thread joiner([&] {
    joining = gettid();
    EXPECT_EQ(crochet_result_join(call.result.get(), kForever), CROCHET_ESTOPPED);
  });
  while (joining == 0) sched_yield();
  until_asleep(joining);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  joiner.join();
}

TEST_F(Join, OnALoopsThreadIsAlwaysRefused) {
  PROVOKES(crochet_result_join, CROCHET_EDEADLK);
  OwnedResult finished = ended(CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [&] { EXPECT_EQ(crochet_result_join(finished.get(), 0), CROCHET_EDEADLK); }), CROCHET_OK);
}

TEST_F(Join, RefusesBadHandlesAndBadTimes) {
  PROVOKES(crochet_result_join, CROCHET_EINVAL);
  Pending pending;
  EXPECT_EQ(crochet_result_join(nullptr, 0), CROCHET_EINVAL);
  for (const std::int64_t timeout : kBadTimes) {
    EXPECT_EQ(crochet_result_join(pending.result.get(), timeout), CROCHET_EINVAL);
  }
  EXPECT_EQ(crochet_result_join(stale_result(), 0), CROCHET_EINVAL);
}

// ---- crochet_result_retain(), crochet_result_release()

TEST_F(ResultReference, KeepsTheResult) {
  Pending call;
  OwnedResult second(crochet_result_retain(call.result.get()));
  EXPECT_EQ(second.get(), call.result.get());
  call.result.reset();
  ASSERT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  call.deferred.reset();
  EXPECT_EQ(crochet_result_status(second.get()), CROCHET_OK);
}

TEST_F(ResultReference, ReleasedNeverCancels) {
  Pending call;
  call.result.reset();
  EXPECT_EQ(crochet_deferred_is_cancelled(call.deferred.get()), 0);
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
}

TEST_F(ResultReference, IsRefusedForNullAndStaleHandles) {
  EXPECT_EQ(crochet_result_retain(nullptr), nullptr);
  crochet_result_release(nullptr);
  crochet_result* const stale = stale_result();
  EXPECT_EQ(crochet_result_retain(stale), nullptr);
  crochet_result_release(stale);
}

}  // namespace
}  // namespace contract
