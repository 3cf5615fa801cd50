// SPDX-License-Identifier: MIT
// Loops that let in so many calls and no more: crochet_options_set_queue_limit(), and CROCHET_EAGAIN.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/asleep.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/in_child.hpp"
#include "api/support/not_options.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

using OwnedCork = Owned<crochet_cork, crochet_cork_free>;

class QueueLimit : public ShutDownAfterwards {
 protected:
  static OwnedOptions options(std::uint64_t calls, std::int64_t wait_ns = 0) {
    OwnedOptions made;
    EXPECT_EQ(crochet_options_new(made.out()), CROCHET_OK);
    EXPECT_EQ(crochet_options_set_queue_limit(made.get(), calls, wait_ns), CROCHET_OK);
    return made;
  }
  static OwnedLoop loop(std::uint64_t calls, std::int64_t wait_ns = 0) {
    OwnedLoop made;
    EXPECT_EQ(crochet_loop_new(options(calls, wait_ns).get(), made.out()), CROCHET_OK);
    return made;
  }
  static int run(crochet_loop* loop, crochet_result** out_result = nullptr) {
    return crochet_run(loop, resolve_null, nullptr, nullptr, out_result);
  }
  // By then the loop has come to everything that was queued before: a sleep takes no room.
  static void let_the_loop_look(crochet_loop* loop) {
    OwnedResult moment;
    EXPECT_EQ(crochet_sleep(loop, 0, moment.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(moment.get(), kForever), CROCHET_OK);
  }
  static std::uint64_t counted(const char* name, crochet_loop* loop) {
    std::uint64_t count = 0;
    EXPECT_EQ(crochet_loop_counter(loop, name, &count), CROCHET_OK);
    return count;
  }
};

TEST_F(QueueLimit, RefusesWhatIsBeyondIt) {
  PROVOKES(crochet_options_set_queue_limit, CROCHET_OK);
  PROVOKES(crochet_run, CROCHET_EAGAIN);
  PROVOKES(crochet_wait_for, CROCHET_EAGAIN);
  PROVOKES(crochet_call_run, CROCHET_EAGAIN);
  PROVOKES(crochet_every, CROCHET_EAGAIN);
  const OwnedLoop limited = loop(3);
  DropCounter drops;
  {
    BlockedLoop block(limited.get());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(run(limited.get()), CROCHET_OK);
    crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_run(limited.get(), resolve_null, drops.pointer(), DropCounter::drop, &result), CROCHET_EAGAIN);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 1);
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_wait_for(limited.get(), resolve_null, drops.pointer(), DropCounter::drop, kForever, &result),
              CROCHET_EAGAIN);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 2);
    crochet_call* call = nullptr;
    ASSERT_EQ(crochet_call_new(limited.get(), sizeof(void*), &call), CROCHET_OK);
    *static_cast<DropCounter**>(crochet_call_storage(call)) = &drops;
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_call_run(
                  call, resolve_null, [](void* storage) { DropCounter::drop(*static_cast<DropCounter**>(storage)); },
                  &result),
              CROCHET_EAGAIN);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 3);
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_every(
                  limited.get(), 0, 1, [](crochet_deferred*, void*, std::uint64_t) {}, drops.pointer(),
                  DropCounter::drop, &result),
              CROCHET_EAGAIN);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 4);
    EXPECT_EQ(crochet_every(
                  limited.get(), 0, 1, [](crochet_deferred*, void*, std::uint64_t) {}, drops.pointer(),
                  DropCounter::drop, nullptr),
              CROCHET_EAGAIN);
    EXPECT_EQ(drops.count(), 5);
  }
  let_the_loop_look(limited.get());
  EXPECT_EQ(on_loop(limited.get(), [] {}), CROCHET_OK) << "there is room again";
  EXPECT_EQ(crochet_loop_stop(limited.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(counted("calls_run", limited.get()), 6u) << "a sleep among them";
  EXPECT_EQ(counted("calls_not_run", limited.get()), 0u) << "what was refused is in no count";
}

TEST_F(QueueLimit, OfTheDefaultLoopHolds) {
  ASSERT_EQ(crochet_setup(options(1).get()), CROCHET_OK);
  {
    BlockedLoop block;
    EXPECT_EQ(run(nullptr), CROCHET_OK);
    EXPECT_EQ(run(nullptr), CROCHET_EAGAIN);
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK) << "it is there";
  }
  let_the_loop_look(nullptr);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(run(nullptr), CROCHET_ESTOPPED);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);  // and has none any more
  BlockedLoop block;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run(nullptr), CROCHET_OK);
}

TEST_F(QueueLimit, KeepsTheOrder) {
  const OwnedLoop limited = loop(1000);
  std::vector<int> order;
  {
    BlockedLoop block(limited.get());
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(contract::run(
                    limited.get(), [&order, i](crochet_deferred*) { order.push_back(i); }, nullptr),
                CROCHET_OK);
    }
  }
  ASSERT_EQ(on_loop(limited.get(), [] {}), CROCHET_OK);
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

// ---- Waiting for room

TEST_F(QueueLimit, WaitsUntilThereIsRoom) {
  const OwnedLoop limited = loop(1, kForever);
  BlockedLoop block(limited.get());
  ASSERT_EQ(run(limited.get()), CROCHET_OK);
  std::atomic<pid_t> thread{0};
  std::thread waiter([&] {
    thread = gettid();
    OwnedResult result;
    EXPECT_EQ(run(limited.get(), result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  });
  while (thread == 0) std::this_thread::yield();
  until_asleep(thread);
  EXPECT_EQ(counted("calls_run", limited.get()), 1u);
  block.unblock();
  waiter.join();
}

TEST_F(QueueLimit, WaitsNoLongerThanItWasTold) {
  const OwnedLoop limited = loop(1, 5 * kMillisecond);
  BlockedLoop block(limited.get());
  ASSERT_EQ(run(limited.get()), CROCHET_OK);
  EXPECT_EQ(run(limited.get()), CROCHET_EAGAIN);
}

TEST_F(QueueLimit, WhoWaitsForRoomIsWokenByTheStop) {
  const OwnedLoop limited = loop(1, kForever);
  BlockedLoop block(limited.get());
  ASSERT_EQ(run(limited.get()), CROCHET_OK);
  DropCounter drops;
  std::atomic<pid_t> thread{0};
  std::thread waiter([&] {
    thread = gettid();
    EXPECT_EQ(crochet_run(limited.get(), resolve_null, drops.pointer(), DropCounter::drop, nullptr), CROCHET_ESTOPPED);
    EXPECT_EQ(drops.count(), 1);
  });
  while (thread == 0) std::this_thread::yield();
  until_asleep(thread);
  std::thread stopper([&] { EXPECT_EQ(crochet_loop_stop(limited.get(), kSecond), CROCHET_OK); });
  waiter.join();  // although the loop is still blocked
  block.let_go();
  stopper.join();
}

TEST_F(QueueLimit, OnALoopsThreadNothingWaits) {
  const OwnedLoop limited = loop(2, kForever);
  OwnedLoop other;
  ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
  EXPECT_EQ(on_loop(limited.get(),
                    [&] {
                      EXPECT_EQ(run(limited.get()), CROCHET_OK);
                      EXPECT_EQ(run(limited.get()), CROCHET_OK);
                      EXPECT_EQ(run(limited.get()), CROCHET_EAGAIN);
                    }),
            CROCHET_OK);
  BlockedLoop block(limited.get());
  EXPECT_EQ(on_loop(other.get(),
                    [&] {
                      while (run(limited.get()) == CROCHET_OK) {
                      }
                      EXPECT_EQ(run(limited.get()), CROCHET_EAGAIN);
                    }),
            CROCHET_OK);
}

TEST_F(QueueLimit, ManyWaitersAllGetIn) {
  for (const std::uint64_t calls : {std::uint64_t{1}, std::uint64_t{3}}) {
    const OwnedLoop limited = loop(calls, kForever);
    constexpr int kThreads = 4;
    constexpr int kEach = kSanitized ? 200 : 2000;
    std::atomic<int> ran{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < kThreads; ++t) {
      callers.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          EXPECT_EQ(crochet_run(
                        limited.get(), [](crochet_deferred*, void* count) { ++*static_cast<std::atomic<int>*>(count); },
                        &ran, nullptr, nullptr),
                    CROCHET_OK);
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(on_loop(limited.get(), [] {}), CROCHET_OK);
    EXPECT_EQ(ran, kThreads * kEach);
  }
}

// ---- What counts

TEST_F(QueueLimit, ACancelledCallCountsUntilTheLoopHasComeToIt) {
  const OwnedLoop limited = loop(1);
  {
    BlockedLoop block(limited.get());
    OwnedResult result;
    ASSERT_EQ(run(limited.get(), result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
    EXPECT_EQ(run(limited.get()), CROCHET_EAGAIN);
  }
  let_the_loop_look(limited.get());
  EXPECT_EQ(on_loop(limited.get(), [] {}), CROCHET_OK);
}

TEST_F(QueueLimit, ACallWithADeadlineCounts) {
  const OwnedLoop limited = loop(1);
  for (const std::int64_t timeout : {std::int64_t{0}, 1000 * kSecond}) {
    BlockedLoop block(limited.get());
    crochet_call* call = nullptr;
    ASSERT_EQ(crochet_call_new(limited.get(), 0, &call), CROCHET_OK);
    ASSERT_EQ(crochet_call_set_deadline_ns(call, timeout), CROCHET_OK);
    OwnedResult result;
    ASSERT_EQ(crochet_call_run(call, resolve_null, nullptr, result.out()), CROCHET_OK);
    EXPECT_EQ(run(limited.get()), CROCHET_EAGAIN);
    block.unblock();
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    crochet_result_error(result.get());
  }
}

TEST_F(QueueLimit, WhatWaitsForSomethingElseDoesNotCount) {
  const OwnedLoop limited = loop(1);
  Pending before(limited.get());
  BlockedLoop block(limited.get());
  std::vector<OwnedResult> results;
  for (int i = 0; i < 10; ++i) {
    results.emplace_back();
    ASSERT_EQ(crochet_sleep(limited.get(), 0, results.back().out()), CROCHET_OK);
    for (const int kind : {0, 1, 2}) {
      crochet_call* call = nullptr;
      ASSERT_EQ(crochet_call_new(limited.get(), 0, &call), CROCHET_OK);
      if (kind == 0) {
        ASSERT_EQ(crochet_call_set_delay_ns(call, 1), CROCHET_OK);
      } else if (kind == 1) {
        ASSERT_EQ(crochet_call_set_after(call, before.result.get()), CROCHET_OK);
        ASSERT_EQ(crochet_call_set_deadline_ns(call, kKillTimer), CROCHET_OK);
      } else {
        ASSERT_EQ(crochet_call_set_at_stop(call), CROCHET_OK);
      }
      OwnedResult result;
      ASSERT_EQ(crochet_call_run(call, resolve_null, nullptr, result.out()), CROCHET_OK);
      if (kind != 2) results.push_back(std::move(result));
    }
  }
  crochet_resolve(before.deferred.get(), nullptr, nullptr);
  OwnedResult counts;
  EXPECT_EQ(run(limited.get(), counts.out()), CROCHET_OK);
  EXPECT_EQ(run(limited.get()), CROCHET_EAGAIN);
  block.unblock();
  results.push_back(std::move(counts));
  for (const OwnedResult& result : results) EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  {
    BlockedLoop again(limited.get());
    EXPECT_EQ(run(limited.get()), CROCHET_OK);
    EXPECT_EQ(run(limited.get()), CROCHET_EAGAIN) << "they did not make room for what never took any";
  }
  EXPECT_EQ(crochet_loop_stop(limited.get(), kSecond), CROCHET_OK);
}

TEST_F(QueueLimit, WhatRecursGoesOnWhileTheQueueIsFull) {
  const OwnedLoop limited = loop(1, 0);
  std::atomic<int> rounds{0};
  OwnedResult result;
  ASSERT_EQ(crochet_every(
                limited.get(), 0, 0,
                [](crochet_deferred* deferred, void* arg, std::uint64_t) {
                  while (run(crochet_current_loop()) == CROCHET_OK) {
                  }
                  if (++*static_cast<std::atomic<int>*>(arg) == 10) crochet_reject(deferred, -1, "ten");
                  else crochet_resolve(deferred, nullptr, nullptr);
                },
                &rounds, nullptr, result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), -1);
  EXPECT_EQ(rounds, 10);
}

TEST_F(QueueLimit, OfManyCallsAtOnceLetsInTheFirst) {
  PROVOKES(crochet_call_run_many, CROCHET_EAGAIN);
  const OwnedLoop limited = loop(2);
  BlockedLoop block(limited.get());
  crochet_call* calls[4];
  crochet_result* results[4];
  for (crochet_call*& call : calls) ASSERT_EQ(crochet_call_new(limited.get(), 0, &call), CROCHET_OK);
  EXPECT_EQ(crochet_call_run_many(calls, 4, resolve_null, nullptr, results), CROCHET_EAGAIN);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(results[i] != nullptr, i < 2);
  block.unblock();
  for (crochet_result* result : results) {
    if (result == nullptr) continue;
    EXPECT_EQ(crochet_result_wait(result, kForever), CROCHET_OK);
    crochet_result_release(result);
  }
}

TEST_F(QueueLimit, OfACorkIsLookedAtWhenItIsFlushed) {
  PROVOKES(crochet_cork_flush, CROCHET_EAGAIN);
  const OwnedLoop limited = loop(2);
  std::vector<int> order;
  struct Numbered {
    std::vector<int>* order;
    int number;
    DropCounter* drops;
    static void run(crochet_deferred*, void* arg) {
      auto* self = static_cast<Numbered*>(arg);
      self->order->push_back(self->number);
    }
    static void drop(void* arg) { DropCounter::drop(static_cast<Numbered*>(arg)->drops->pointer()); }
  };
  DropCounter drops;
  Numbered calls[7];
  for (int i = 0; i < 7; ++i) calls[i] = {&order, i, &drops};
  OwnedCork cork;
  ASSERT_EQ(crochet_cork_new(limited.get(), cork.out()), CROCHET_OK);
  for (Numbered& call : calls) {
    ASSERT_EQ(crochet_cork_run(cork.get(), Numbered::run, &call, Numbered::drop), CROCHET_OK);
  }
  for (int i = 0; i < 2; ++i) {
    BlockedLoop block(limited.get());
    EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_EAGAIN);
    EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_EAGAIN);
    block.unblock();
    let_the_loop_look(limited.get());
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  {
    BlockedLoop block(limited.get());
    cork.reset();
    EXPECT_EQ(drops.count(), 5) << "the last one found no room";
  }
  let_the_loop_look(limited.get());
  EXPECT_EQ(crochet_loop_stop(limited.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(drops.count(), 7);
  EXPECT_EQ(counted("calls_not_run", limited.get()), 1u);
}

TEST_F(QueueLimit, RefusesBadOptions) {
  PROVOKES(crochet_options_set_queue_limit, CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_queue_limit(nullptr, 1, 0), CROCHET_EINVAL);
  OwnedOptions made = options(UINT64_MAX, kForever);
  EXPECT_EQ(crochet_options_set_queue_limit(made.get(), 1, -2), CROCHET_EINVAL);
  OwnedLoop unlimited;
  ASSERT_EQ(crochet_loop_new(made.get(), unlimited.out()), CROCHET_OK);
  EXPECT_EQ(on_loop(unlimited.get(), [] {}), CROCHET_OK);
}

TEST_F(QueueLimit, OfALoopFromBeforeAForkIsNotWaitedFor) {
  SKIP_UNDER_THREAD_SANITIZER("can't start threads in a child that was forked beside others");
  const OwnedLoop limited = loop(1, kForever);
  BlockedLoop block(limited.get());
  ASSERT_EQ(run(limited.get()), CROCHET_OK);
  in_child([&] {
    EXPECT_EQ(run(limited.get()), CROCHET_EFORKED);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(run(limited.get()), CROCHET_EFORKED);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  });
}

}  // namespace
}  // namespace contract
