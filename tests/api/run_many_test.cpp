// SPDX-License-Identifier: MIT
// Many prepared calls made at once: crochet_call_run_many().
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/at_once.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {
namespace {

// What lies in each call's storage: it tells which it is, and counts its drops.
struct Item {
  std::vector<int>* started;  // by the loop's thread
  int number;
  DropCounter* drops;

  static void run(crochet_deferred* deferred, void* storage) {
    Item& here = *static_cast<Item*>(storage);
    here.started->push_back(here.number);
    crochet_resolve(deferred, &here.number, nullptr);
  }
  static void drop(void* storage) { DropCounter::drop(static_cast<Item*>(storage)->drops->pointer()); }
};

crochet_call* prepare(const Item& item, crochet_loop* loop = nullptr) {
  crochet_call* call = nullptr;
  EXPECT_EQ(crochet_call_new(loop, sizeof item, &call), CROCHET_OK);
  *static_cast<Item*>(crochet_call_storage(call)) = item;
  return call;
}

std::uint64_t counted(crochet_loop* loop, const char* name) {
  std::uint64_t count = 0;
  EXPECT_EQ(crochet_loop_counter(loop, name, &count), CROCHET_OK);
  return count;
}

// Results that nobody has set yet.
std::vector<crochet_result*> unset(std::size_t count) {
  static int somewhere = 0;
  return std::vector<crochet_result*>(count, reinterpret_cast<crochet_result*>(&somewhere));
}

class RunMany : public WithDefaultLoop {
 protected:
  crochet_call* add(crochet_loop* loop = nullptr) {
    DropCounter& drops = drops_.emplace_back();
    calls_.push_back(prepare({&started_, static_cast<int>(calls_.size()), &drops}, loop));
    return calls_.back();
  }
  void add(int count, crochet_loop* loop = nullptr) {
    for (int i = 0; i < count; ++i) add(loop);
  }
  int run(crochet_call_fn* fn = Item::run) {
    results_ = unset(calls_.size());
    return crochet_call_run_many(calls_.data(), calls_.size(), fn, Item::drop, results_.data());
  }
  // Joins all that were accepted, gives the handles back, and expects that each was dropped once.
  void end() {
    for (crochet_result* result : results_) {
      if (result == nullptr) continue;
      EXPECT_EQ(crochet_result_join(result, kKillTimer), CROCHET_OK);
      crochet_result_error(result);
      crochet_result_release(result);
    }
    results_.clear();
    for (DropCounter& drops : drops_) EXPECT_EQ(drops.count(), 1);
  }
  bool is_accepted(std::size_t place) const { return results_[place] != nullptr; }

  OwnedLoop running_loop() {
    OwnedLoop loop;
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    return loop;
  }

  std::vector<int> started_;
  std::vector<crochet_call*> calls_;
  std::vector<crochet_result*> results_;
  std::deque<DropCounter> drops_;
};

TEST_F(RunMany, RunsEachOnceInTheArraysOrderAndGivesEachItsResult) {
  PROVOKES(crochet_call_run_many, CROCHET_OK);
  add(1000);
  ASSERT_EQ(run(), CROCHET_OK);
  for (std::size_t i = 0; i < results_.size(); ++i) {
    ASSERT_EQ(crochet_result_wait(results_[i], kForever), CROCHET_OK);
    EXPECT_EQ(*static_cast<int*>(crochet_result_value(results_[i])), static_cast<int>(i));
  }
  end();
  ASSERT_EQ(started_.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(started_.begin(), started_.end()));
}

TEST_F(RunMany, RunsOneAsCallRunWould) {
  add();
  ASSERT_EQ(run(), CROCHET_OK);
  end();
  EXPECT_EQ(started_, std::vector<int>{0});
}

TEST_F(RunMany, OfNoneDoesNothing) {
  crochet_result* result = reinterpret_cast<crochet_result*>(&result);
  EXPECT_EQ(crochet_call_run_many(nullptr, 0, Item::run, Item::drop, &result), CROCHET_OK);
  EXPECT_EQ(crochet_call_run_many(nullptr, 0, nullptr, nullptr, nullptr), CROCHET_OK);
  EXPECT_NE(result, nullptr);
}

TEST_F(RunMany, WithoutResultsIsFireAndForget) {
  add(100);
  ASSERT_EQ(crochet_call_run_many(calls_.data(), calls_.size(), Item::run, Item::drop, nullptr), CROCHET_OK);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  end();
  EXPECT_EQ(started_.size(), 100u);
}

TEST_F(RunMany, WithoutADropLeavesTheStorageAlone) {
  add(3);
  ASSERT_EQ(crochet_call_run_many(calls_.data(), calls_.size(), Item::run, nullptr, nullptr), CROCHET_OK);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  for (DropCounter& drops : drops_) EXPECT_EQ(drops.count(), 0);
}

TEST_F(RunMany, TakesItsTurnAmongTheThreadsOtherCalls) {
  const auto append = [this](int number) {
    ASSERT_EQ(contract::run(
                  nullptr, [this, number](crochet_deferred*) { started_.push_back(number); }, nullptr),
              CROCHET_OK);
  };
  add(3);
  {
    const BlockedLoop block;
    append(-1);
    ASSERT_EQ(run(), CROCHET_OK);
    append(-2);
  }
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(started_, (std::vector<int>{-1, 0, 1, 2, -2}));
  end();
}

TEST_F(RunMany, SetsEveryResultBeforeAnyFunctionCanStart) {
  constexpr std::size_t kMany = 10;
  struct Look {
    std::vector<crochet_result*>* results;
    static void run(crochet_deferred* deferred, void* storage) {
      for (crochet_result* result : *static_cast<Look*>(storage)->results) {
        EXPECT_NE(result, nullptr);
        EXPECT_NE(crochet_result_status(result), CROCHET_EINVAL);
      }
      crochet_resolve(deferred, nullptr, nullptr);
    }
  };
  OwnedLoop other = running_loop();
  for (int round = 0; round < 100; ++round) {
    std::vector<crochet_result*> results(kMany);
    std::vector<crochet_call*> calls(kMany);
    for (std::size_t i = 0; i < kMany; ++i) {
      ASSERT_EQ(crochet_call_new(i < kMany / 2 ? nullptr : other.get(), sizeof(Look), &calls[i]), CROCHET_OK);
      static_cast<Look*>(crochet_call_storage(calls[i]))->results = &results;
    }
    ASSERT_EQ(crochet_call_run_many(calls.data(), kMany, Look::run, nullptr, results.data()), CROCHET_OK);
    for (crochet_result* result : results) EXPECT_EQ(crochet_result_join(result, kKillTimer), CROCHET_OK);
    for (crochet_result* result : results) crochet_result_release(result);
  }
}

// One operation: what other threads queue meanwhile comes before all of them or behind.
TEST_F(RunMany, QueuesThemTogether) {
  constexpr int kThreads = 3, kRounds = 200, kMany = 20;
  std::vector<int> order;
  at_once(kThreads, [&order](int thread) {
    DropCounter drops;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<crochet_call*> calls;
      for (int i = 0; i < kMany; ++i)
        calls.push_back(prepare({&order, (thread * kRounds + round) * kMany + i, &drops}));
      EXPECT_EQ(crochet_call_run_many(calls.data(), calls.size(), Item::run, nullptr, nullptr), CROCHET_OK);
    }
  });
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  ASSERT_EQ(order.size(), std::size_t{kThreads * kRounds * kMany});
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i % kMany == 0) EXPECT_EQ(order[i] % kMany, 0);
    else ASSERT_EQ(order[i], order[i - 1] + 1);
  }
}

TEST_F(RunMany, OnALoopsThreadQueuesAndRunsNothingInPlace) {
  add(5);
  ASSERT_EQ(on_loop(nullptr,
                    [this] {
                      ASSERT_EQ(run(), CROCHET_OK);
                      EXPECT_TRUE(started_.empty());
                    }),
            CROCHET_OK);
  end();
  EXPECT_EQ(started_.size(), 5u);
}

TEST_F(RunMany, SendsEachToTheLoopThatItWasPreparedFor) {
  OwnedLoop other = running_loop();
  struct Where {
    crochet_loop* wanted;
    static void run(crochet_deferred* deferred, void* storage) {
      EXPECT_EQ(crochet_current_loop(), static_cast<Where*>(storage)->wanted);
      crochet_resolve(deferred, nullptr, nullptr);
    }
  };
  crochet_loop* default_loop = nullptr;
  ASSERT_EQ(on_loop(nullptr, [&] { default_loop = crochet_current_loop(); }), CROCHET_OK);
  for (const char* way : {"adaada", "ad", "dddaaadda"}) {
    std::vector<crochet_call*> calls;
    for (const char* at = way; *at != '\0'; ++at) {
      crochet_loop* const loop = *at == 'd' ? nullptr : other.get();
      ASSERT_EQ(crochet_call_new(loop, sizeof(Where), &calls.emplace_back()), CROCHET_OK);
      static_cast<Where*>(crochet_call_storage(calls.back()))->wanted = loop == nullptr ? default_loop : loop;
    }
    std::vector<crochet_result*> results(calls.size());
    ASSERT_EQ(crochet_call_run_many(calls.data(), calls.size(), Where::run, nullptr, results.data()), CROCHET_OK);
    for (crochet_result* result : results) {
      EXPECT_EQ(crochet_result_wait(result, kForever), CROCHET_OK);
      crochet_result_release(result);
    }
  }
}

TEST_F(RunMany, CancelledWhileQueuedLeavesTheOthers) {
  {
    const BlockedLoop block;
    add(5);
    ASSERT_EQ(run(), CROCHET_OK);
    for (const std::size_t place : {0u, 2u, 4u}) {
      int outcome = CROCHET_CANCEL_NONE;
      EXPECT_EQ(crochet_result_cancel(results_[place], &outcome), CROCHET_OK);
      EXPECT_EQ(outcome, CROCHET_CANCEL_NOT_RUN);
    }
  }
  end();
  EXPECT_EQ(started_, (std::vector<int>{1, 3}));
}

// ---- Calls that do not go to the queue at once

TEST_F(RunMany, MakesAfterCallsInTheirTurn) {
  OwnedResult ready = ended(CROCHET_OK);
  Pending pending;
  {
    const BlockedLoop block;
    add(6);
    ASSERT_EQ(crochet_call_set_after(calls_[1], ready.get()), CROCHET_OK);
    ASSERT_EQ(crochet_call_set_after(calls_[3], pending.result.get()), CROCHET_OK);
    ASSERT_EQ(crochet_call_set_label(calls_[4], "has a record, and waits for nothing"), CROCHET_OK);
    ASSERT_EQ(run(), CROCHET_OK);
  }
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(started_, (std::vector<int>{0, 1, 2, 4, 5}));
  EXPECT_EQ(crochet_result_status(results_[3]), CROCHET_EPENDING);
  ASSERT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);
  end();
  EXPECT_EQ(started_, (std::vector<int>{0, 1, 2, 4, 5, 3}));
}

TEST_F(RunMany, MakesAtStopCallsThatStartLastMadeFirst) {
  OwnedLoop loop = running_loop();
  add(6, loop.get());
  for (const std::size_t place : {0u, 2u, 3u, 5u}) ASSERT_EQ(crochet_call_set_at_stop(calls_[place]), CROCHET_OK);
  ASSERT_EQ(run(), CROCHET_OK);
  ASSERT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
  EXPECT_EQ(started_, (std::vector<int>{1, 4}));
  ASSERT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(started_, (std::vector<int>{1, 4, 5, 3, 2, 0}));
  end();
}

// ---- Refusals

TEST_F(RunMany, RefusesNoFunctionAndDropsEveryStorage) {
  PROVOKES(crochet_call_run_many, CROCHET_EINVAL);
  add(3);
  EXPECT_EQ(run(nullptr), CROCHET_EINVAL);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(is_accepted(i));
  end();
}

TEST_F(RunMany, RefusesNoArrayAndSetsTheResults) {
  std::vector<crochet_result*> results = unset(3);
  EXPECT_EQ(crochet_call_run_many(nullptr, 3, Item::run, Item::drop, results.data()), CROCHET_EINVAL);
  EXPECT_EQ(results, std::vector<crochet_result*>(3, nullptr));
  EXPECT_EQ(crochet_call_run_many(nullptr, 3, Item::run, Item::drop, nullptr), CROCHET_EINVAL);
}

TEST_F(RunMany, RefusesNoCallAStaleOneAndASecondTimeAndMakesTheOthers) {
  OwnedCall gone(prepare({}));
  crochet_call* const stale = gone.get();
  gone.reset();
  add(3);
  calls_ = {nullptr, calls_[0], stale, calls_[1], calls_[0], calls_[2], nullptr};
  EXPECT_EQ(run(), CROCHET_EINVAL);
  for (std::size_t i = 0; i < calls_.size(); ++i) EXPECT_EQ(is_accepted(i), i == 1 || i == 3 || i == 5) << i;
  end();
  EXPECT_EQ(started_, (std::vector<int>{0, 1, 2}));
}

TEST_F(RunMany, OfAStoppedLoopIsRefusedAndDropsEveryStorage) {
  PROVOKES(crochet_call_run_many, CROCHET_ESTOPPED);
  OwnedLoop loop = running_loop();
  add(5, loop.get());
  Pending pending;
  ASSERT_EQ(crochet_call_set_after(calls_[1], pending.result.get()), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_at_stop(calls_[3]), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(run(), CROCHET_ESTOPPED);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_FALSE(is_accepted(i));
  end();
  EXPECT_TRUE(started_.empty());
  EXPECT_EQ(counted(loop.get(), "calls_not_run"), 0u) << "it never accepted them";
}

TEST_F(RunMany, OfAStoppedLoopWithoutResultsDropsEveryStorage) {
  OwnedLoop loop = running_loop();
  add(5, loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_call_run_many(calls_.data(), calls_.size(), Item::run, Item::drop, nullptr), CROCHET_ESTOPPED);
  end();
}

TEST_F(RunMany, ReturnsTheCodeOfTheFirstThatWasRefused) {
  OwnedLoop stopped = running_loop();
  add(1, stopped.get());
  add(1);
  add(2, stopped.get());
  ASSERT_EQ(crochet_loop_stop(stopped.get(), 0), CROCHET_OK);
  const std::vector<crochet_call*> calls = calls_;

  calls_ = {calls[1], calls[0], nullptr};
  EXPECT_EQ(run(), CROCHET_ESTOPPED);  // refused when it is queued, later than the other
  EXPECT_TRUE(is_accepted(0) && !is_accepted(1) && !is_accepted(2));
  ASSERT_EQ(crochet_result_wait(results_[0], kForever), CROCHET_OK);
  crochet_result_release(results_[0]);

  calls_ = {nullptr, calls[2], calls[3]};
  EXPECT_EQ(run(), CROCHET_EINVAL);
  EXPECT_TRUE(!is_accepted(0) && !is_accepted(1) && !is_accepted(2));
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  end();
}

TEST_F(RunMany, DropsTheRestWhenADropFunctionEndsTheThread) {
  OwnedLoop loop = running_loop();
  add(4, loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  std::thread([this] {
    crochet_call_run_many(
        calls_.data(), calls_.size(), Item::run,
        [](void* storage) {
          Item::drop(storage);
          if (static_cast<Item*>(storage)->number == 2) pthread_exit(nullptr);
        },
        nullptr);
    ADD_FAILURE() << "it came back";
  }).join();
  end();
}

}  // namespace
}  // namespace contract
