// SPDX-License-Identifier: MIT
// Making calls: crochet_run().
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

class Run : public WithDefaultLoop {};

TEST_F(Run, CallsTheFunctionOnTheLoopsThread) {
  PROVOKES(crochet_run, CROCHET_OK);
  std::thread::id called_on, loops_thread;
  EXPECT_EQ(on_loop(nullptr, [&] { loops_thread = std::this_thread::get_id(); }), CROCHET_OK);
  OwnedResult result;
  ASSERT_EQ(run(
                nullptr,
                [&](crochet_deferred* deferred) {
                  called_on = std::this_thread::get_id();
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(called_on, loops_thread);
  EXPECT_NE(called_on, std::this_thread::get_id());
}

TEST_F(Run, PassesTheArgumentAndBringsTheValueBack) {
  int number = 41;
  OwnedResult result;
  ASSERT_EQ(crochet_run(
                nullptr,
                [](crochet_deferred* deferred, void* arg) {
                  ++*static_cast<int*>(arg);
                  crochet_resolve(deferred, arg, nullptr);
                },
                &number, nullptr, result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_value(result.get()), &number);
  EXPECT_EQ(number, 42);
}

TEST_F(Run, OnAFurtherLoopCallsItThere) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  crochet_loop* seen = nullptr;
  EXPECT_EQ(on_loop(loop.get(), [&seen] { seen = crochet_current_loop(); }), CROCHET_OK);
  EXPECT_EQ(seen, loop.get());
}

TEST_F(Run, OnTheLoopsOwnThreadIsQueuedAndNeverRunInPlace) {
  bool outer_returned = false;
  bool inner_ran_after = false;
  OwnedResult inner;
  ASSERT_EQ(on_loop(nullptr,
                    [&] {
                      EXPECT_EQ(run(
                                    nullptr,
                                    [&](crochet_deferred* deferred) {
                                      inner_ran_after = outer_returned;
                                      crochet_resolve(deferred, nullptr, nullptr);
                                    },
                                    inner.out()),
                                CROCHET_OK);
                      EXPECT_EQ(crochet_result_status(inner.get()), CROCHET_EPENDING);
                      outer_returned = true;
                    }),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(inner.get(), kForever), CROCHET_OK);
  EXPECT_TRUE(inner_ran_after);
}

TEST_F(Run, StartsTheCallsOfOneThreadInTheOrderMade) {
  constexpr int kCalls = 1000;
  std::vector<int> order;
  {
    BlockedLoop block;  // so that many are queued at once
    for (int i = 0; i < kCalls / 2; ++i) {
      ASSERT_EQ(run(
                    nullptr, [&order, i](crochet_deferred*) { order.push_back(i); }, nullptr),
                CROCHET_OK);
    }
  }
  for (int i = kCalls / 2; i < kCalls; ++i) {
    ASSERT_EQ(run(
                  nullptr, [&order, i](crochet_deferred*) { order.push_back(i); }, nullptr),
              CROCHET_OK);
  }
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kCalls));
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_F(Run, SetsTheResultBeforeTheFunctionCanStart) {
  for (int i = 0; i < 200; ++i) {
    crochet_result* result = nullptr;
    crochet_result* seen = nullptr;
    Gate done;
    ASSERT_EQ(run(
                  nullptr,
                  [&](crochet_deferred*) {
                    seen = result;
                    done.open();
                  },
                  &result),
              CROCHET_OK);
    done.wait();
    EXPECT_EQ(seen, result);
    EXPECT_NE(seen, nullptr);
    crochet_result_error(result);
    crochet_result_join(result, kKillTimer);
    crochet_result_release(result);
  }
}

TEST_F(Run, WithoutAResultIsFireAndForget) {
  DropCounter drops;
  ASSERT_EQ(crochet_run(nullptr, leave_unsettled, drops.pointer(), DropCounter::drop, nullptr), CROCHET_OK);
  drops.wait();
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Run, DropsTheArgumentWhenTheFunctionReturnedAndNobodyKeptTheDeferred) {
  DropCounter drops;
  OwnedResult result;
  ASSERT_EQ(crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Run, KeepsTheArgumentUntilTheLastDeferredHasGone) {
  struct Kept {
    DropCounter drops;
    OwnedDeferred deferred;
  } kept;
  OwnedResult result;
  ASSERT_EQ(crochet_run(
                nullptr,
                [](crochet_deferred* deferred, void* arg) {
                  Kept& kept_here = *static_cast<Kept*>(arg);
                  kept_here.deferred.reset(crochet_deferred_retain(deferred));
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                &kept, [](void* arg) { DropCounter::drop(static_cast<Kept*>(arg)->drops.pointer()); }, result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // behind it: the function has returned
  EXPECT_EQ(kept.drops.count(), 0);
  EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_ETIMEDOUT);
  kept.deferred.reset();
  EXPECT_EQ(kept.drops.count(), 1);
  EXPECT_EQ(kept.drops.thread(), std::this_thread::get_id());
  EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_OK);
}

TEST_F(Run, OutlivesTheHandleOfItsResult) {
  DropCounter drops;
  BlockedLoop block;
  bool ran = false;
  OwnedResult result;
  ASSERT_EQ(run(
                nullptr, [&ran](crochet_deferred*) { ran = true; }, result.out()),
            CROCHET_OK);
  ASSERT_EQ(crochet_run(nullptr, leave_unsettled, drops.pointer(), DropCounter::drop, nullptr), CROCHET_OK);
  crochet_result_error(result.get());
  result.reset();  // never cancels
  block.unblock();
  drops.wait();
  EXPECT_TRUE(ran);
}

TEST_F(Run, RefusesNoFunctionAndDropsTheArgument) {
  PROVOKES(crochet_run, CROCHET_EINVAL);
  DropCounter drops;
  crochet_result* result = reinterpret_cast<crochet_result*>(&drops);  // must be set to NULL
  EXPECT_EQ(crochet_run(nullptr, nullptr, drops.pointer(), DropCounter::drop, &result), CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Run, RefusesAStaleLoopAndDropsTheArgument) {
  DropCounter drops;
  crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_run(stale_loop(), resolve_null, drops.pointer(), DropCounter::drop, &result), CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Run, OnAStoppedLoopIsRefusedAndDropsTheArgument) {
  PROVOKES(crochet_run, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  DropCounter drops;
  crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_run(loop.get(), resolve_null, drops.pointer(), DropCounter::drop, &result), CROCHET_ESTOPPED);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Run, MakesARejectionOfAnException) {
  for (const bool a_standard_one : {true, false}) {
    OwnedResult result;
    ASSERT_EQ(run(
                  nullptr,
                  [a_standard_one](crochet_deferred*) {
                    if (a_standard_one) throw std::runtime_error("out of yarn");
                    throw 42;
                  },
                  result.out()),
              CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_EFAILED);
    EXPECT_NE(crochet_result_error(result.get()), nullptr);
    EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
  }
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // the loop lives
}

TEST_F(Run, KeepsTheSettlingThatCameBeforeAnException) {
  OwnedResult result;
  ASSERT_EQ(run(
                nullptr,
                [](crochet_deferred* deferred) {
                  crochet_resolve(deferred, nullptr, nullptr);
                  throw std::runtime_error("too late");
                },
                result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
}

TEST_F(Run, BreaksACallThatReturnsUnsettled) {
  OwnedResult result;
  ASSERT_EQ(crochet_run(nullptr, leave_unsettled, nullptr, nullptr, result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_EBROKEN);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_EBROKEN);
}

}  // namespace
}  // namespace contract
