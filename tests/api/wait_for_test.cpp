// SPDX-License-Identifier: MIT
// Making a call and waiting for it in one: crochet_wait_for().
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

class WaitFor : public WithDefaultLoop {};

void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }

TEST_F(WaitFor, ReturnsWhenAValueIsThere) {
  PROVOKES(crochet_wait_for, CROCHET_OK);
  int number = 0;
  OwnedResult result;
  EXPECT_EQ(crochet_wait_for(
                nullptr, [](crochet_deferred* deferred, void* arg) { crochet_resolve(deferred, arg, nullptr); },
                &number, nullptr, kForever, result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_value(result.get()), &number);
}

TEST_F(WaitFor, WithoutAResultDropsTheValue) {
  DropCounter value;
  EXPECT_EQ(wait_for(
                nullptr,
                [&value](crochet_deferred* deferred) { crochet_resolve(deferred, value.pointer(), DropCounter::drop); },
                kForever, nullptr),
            CROCHET_OK);
  value.wait();  // by whoever gives back the last reference: the loop's thread, perhaps
  EXPECT_EQ(value.count(), 1);
}

TEST_F(WaitFor, ReportsAFailure) {
  PROVOKES(crochet_wait_for, CROCHET_EFAILED);
  OwnedResult result;
  EXPECT_EQ(
      wait_for(
          nullptr, [](crochet_deferred* deferred) { crochet_reject(deferred, -7, "why"); }, kForever, result.out()),
      CROCHET_EFAILED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), -7);
  EXPECT_STREQ(crochet_error_message(crochet_result_error(result.get())), "why");
}

TEST_F(WaitFor, ReportsACancel) {
  PROVOKES(crochet_wait_for, CROCHET_ECANCELED);
  crochet_result* result = nullptr;  // set before the function can start
  EXPECT_EQ(
      wait_for(
          nullptr, [&result](crochet_deferred*) { EXPECT_EQ(crochet_result_cancel(result, nullptr), CROCHET_OK); },
          kForever, &result),
      CROCHET_ECANCELED);
  crochet_result_release(result);
}

TEST_F(WaitFor, ReportsABrokenPromise) {
  PROVOKES(crochet_wait_for, CROCHET_EBROKEN);
  OwnedResult result;
  EXPECT_EQ(crochet_wait_for(nullptr, leave_unsettled, nullptr, nullptr, kForever, result.out()), CROCHET_EBROKEN);
  EXPECT_NE(crochet_result_error(result.get()), nullptr);
}

TEST_F(WaitFor, ReportsAStop) {
  PROVOKES(crochet_wait_for, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  OwnedDeferred kept;
  OwnedResult result;
  EXPECT_EQ(wait_for(
                loop.get(),
                [&](crochet_deferred* deferred) {
                  kept.reset(crochet_deferred_retain(deferred));
                  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
                },
                kForever, result.out()),
            CROCHET_ESTOPPED);
  EXPECT_NE(result.get(), nullptr);
  kept.reset();
}

TEST_F(WaitFor, OnAStoppedLoopIsRefusedAndDropsTheArgument) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  DropCounter drops;
  crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_wait_for(loop.get(), never, drops.pointer(), DropCounter::drop, kForever, &result),
            CROCHET_ESTOPPED);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(WaitFor, OnTimeOutCancelsACallThatIsStillQueued) {
  PROVOKES(crochet_wait_for, CROCHET_ETIMEDOUT);
  BlockedLoop block;
  DropCounter drops;
  OwnedResult result;
  EXPECT_EQ(crochet_wait_for(nullptr, never, drops.pointer(), DropCounter::drop, kMillisecond, result.out()),
            CROCHET_ETIMEDOUT);
  EXPECT_EQ(drops.count(), 1);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ECANCELED);
}

TEST_F(WaitFor, OnTimeOutCancelsACallThatRuns) {
  bool hook_set = false;
  for (std::int64_t timeout = kMillisecond; !hook_set && timeout < kKillTimer; timeout *= 4) {
    Gate hook_called;
    OwnedDeferred kept;
    OwnedResult result;
    EXPECT_EQ(wait_for(
                  nullptr,
                  [&](crochet_deferred* deferred) {
                    // Refused when the time was over before it got here: then once more, with more time.
                    hook_set = crochet_deferred_on_cancel(
                                   deferred,
                                   [](crochet_deferred* cancelled, void* gate) {
                                     EXPECT_EQ(crochet_reject(cancelled, CROCHET_ECANCELED, nullptr), CROCHET_OK);
                                     static_cast<Gate*>(gate)->open();
                                   },
                                   &hook_called, nullptr) == CROCHET_OK;
                    if (hook_set) kept.reset(crochet_deferred_retain(deferred));
                  },
                  timeout, result.out()),
              CROCHET_ETIMEDOUT);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // behind it
    if (hook_set) hook_called.wait();
    EXPECT_EQ(crochet_result_wait(result.get(), 0), CROCHET_ECANCELED);
  }
  EXPECT_TRUE(hook_set);
}

TEST_F(WaitFor, WithNoTimeAtAllLooksAndCancels) {
  BlockedLoop block;
  OwnedResult result;
  EXPECT_EQ(crochet_wait_for(nullptr, never, nullptr, nullptr, 0, result.out()), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ECANCELED);
}

TEST_F(WaitFor, EndsByAnInterruptAndTheCallGoesOn) {
  PROVOKES(crochet_wait_for, CROCHET_EINTR);
  crochet_result* result = nullptr;
  OwnedDeferred kept;
  EXPECT_EQ(wait_for(
                nullptr,
                [&](crochet_deferred* deferred) {
                  kept.reset(crochet_deferred_retain(deferred));
                  EXPECT_EQ(crochet_result_interrupt(result), CROCHET_OK);
                },
                kForever, &result),
            CROCHET_EINTR);
  EXPECT_EQ(crochet_result_status(result), CROCHET_EPENDING);
  EXPECT_EQ(crochet_deferred_is_cancelled(kept.get()), 0);
  EXPECT_EQ(crochet_resolve(kept.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result, kForever), CROCHET_OK);
  crochet_result_release(result);
}

TEST_F(WaitFor, OnALoopsThreadIsRefusedBeforeAnythingIsQueued) {
  PROVOKES(crochet_wait_for, CROCHET_EDEADLK);
  OwnedLoop other;
  ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
  DropCounter drops;
  EXPECT_EQ(on_loop(nullptr,
                    [&] {
                      for (crochet_loop* loop : {static_cast<crochet_loop*>(nullptr), other.get()}) {
                        crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
                        EXPECT_EQ(crochet_wait_for(loop, never, drops.pointer(), DropCounter::drop, 0, &result),
                                  CROCHET_EDEADLK);
                        EXPECT_EQ(result, nullptr);
                      }
                    }),
            CROCHET_OK);
  EXPECT_EQ(drops.count(), 2);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(on_loop(other.get(), [] {}), CROCHET_OK);
}

TEST_F(WaitFor, RefusesNoFunctionAStaleLoopAndBadTimes) {
  PROVOKES(crochet_wait_for, CROCHET_EINVAL);
  DropCounter drops;
  crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_wait_for(nullptr, nullptr, drops.pointer(), DropCounter::drop, kForever, &result), CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 1);
  result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_wait_for(stale_loop(), never, drops.pointer(), DropCounter::drop, kForever, &result),
            CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 2);
  for (const std::int64_t timeout : {std::int64_t{-2}, std::numeric_limits<std::int64_t>::min()}) {
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_wait_for(nullptr, never, drops.pointer(), DropCounter::drop, timeout, &result), CROCHET_EINVAL);
    EXPECT_EQ(result, nullptr);
  }
  EXPECT_EQ(drops.count(), 4);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}

TEST_F(WaitFor, WithHugeTimesWaits) {
  EXPECT_EQ(
      crochet_wait_for(nullptr, resolve_null, nullptr, nullptr, std::numeric_limits<std::int64_t>::max(), nullptr),
      CROCHET_OK);
}

}  // namespace
}  // namespace contract
