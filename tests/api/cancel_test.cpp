// SPDX-License-Identifier: MIT
// crochet_result_cancel(): each outcome, hooks, who decided first, and the order in which things are dropped.
#include <gtest/gtest.h>
#include <uv.h>

#include <atomic>
#include <thread>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

class Cancel : public WithDefaultLoop {
 protected:
  // The outcome of cancelling `result`.
  static int cancel(const OwnedResult& result) {
    int outcome = CROCHET_CANCEL_NONE;
    EXPECT_EQ(crochet_result_cancel(result.get(), &outcome), CROCHET_OK);
    EXPECT_NE(outcome, CROCHET_CANCEL_NONE);
    return outcome;
  }
};

// A hook that settles the call as a well-behaved producer does, and opens a gate.
void reject_as_cancelled(crochet_deferred* deferred, void* gate) {
  EXPECT_EQ(crochet_reject(deferred, UV_ECANCELED, "aborted"), CROCHET_OK);
  if (gate != nullptr) static_cast<Gate*>(gate)->open();
}

// A hook that leaves the settling to others.
void only_open(crochet_deferred*, void* gate) { static_cast<Gate*>(gate)->open(); }

TEST_F(Cancel, OfAQueuedCallMeansItNeverRuns) {
  PROVOKES(crochet_result_cancel, CROCHET_OK);
  DropCounter drops;
  OwnedResult result;
  {
    BlockedLoop block;
    ASSERT_EQ(crochet_run(
                  nullptr, [](crochet_deferred*, void*) { ADD_FAILURE() << "it ran"; }, drops.pointer(),
                  DropCounter::drop, result.out()),
              CROCHET_OK);
    EXPECT_EQ(cancel(result), CROCHET_CANCEL_NOT_RUN);
    EXPECT_EQ(drops.count(), 1);  // before cancel returned, and in it
    EXPECT_EQ(drops.thread(), std::this_thread::get_id());
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ECANCELED);
    EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_OK);
  }
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Cancel, OfACallThatWaitsWithoutAHookSettlesItAtOnce) {
  Pending call;
  EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ECANCELED);
  EXPECT_EQ(crochet_deferred_is_cancelled(call.deferred.get()), 1);
  DropCounter late;
  EXPECT_EQ(crochet_resolve(call.deferred.get(), late.pointer(), DropCounter::drop), CROCHET_EALREADY);
  EXPECT_EQ(late.count(), 1);
}

TEST_F(Cancel, OfACallWhoseFunctionRunsSettlesItWhileItRuns) {
  Gate entered, cancelled;
  int settled = CROCHET_OK;
  DropCounter drops;
  OwnedResult result;
  struct Context {
    Gate* entered;
    Gate* cancelled;
    int* settled;
    DropCounter* drops;
  } context{&entered, &cancelled, &settled, &drops};
  ASSERT_EQ(
      crochet_run(
          nullptr,
          [](crochet_deferred* deferred, void* arg) {
            const Context& here = *static_cast<Context*>(arg);
            here.entered->open();
            here.cancelled->wait();
            EXPECT_EQ(here.drops->count(), 0);  // the argument is ours while we run
            *here.settled = crochet_resolve(deferred, nullptr, nullptr);
          },
          &context, [](void* arg) { DropCounter::drop(static_cast<Context*>(arg)->drops->pointer()); }, result.out()),
      CROCHET_OK);
  entered.wait();
  EXPECT_EQ(cancel(result), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(crochet_result_wait(result.get(), 0), CROCHET_ECANCELED);
  cancelled.open();
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(settled, CROCHET_EALREADY);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Cancel, OfASettledCallIsTooLateAndChangesNothing) {
  for (const int code : kFinalCodes) {
    OwnedResult result = ended(code);
    EXPECT_EQ(cancel(result), CROCHET_CANCEL_TOO_LATE);
    EXPECT_EQ(crochet_result_status(result.get()), code);
  }
}

TEST_F(Cancel, NeedsNobodyToTellTheOutcomeTo) {
  Pending call;
  EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ECANCELED);
}

TEST_F(Cancel, RefusesBadHandlesAndSaysThatThereWasNone) {
  PROVOKES(crochet_result_cancel, CROCHET_EINVAL);
  int outcome = CROCHET_CANCEL_TOO_LATE;
  EXPECT_EQ(crochet_result_cancel(nullptr, &outcome), CROCHET_EINVAL);
  EXPECT_EQ(outcome, CROCHET_CANCEL_NONE);
  crochet_result* const stale = stale_result();
  outcome = CROCHET_CANCEL_TOO_LATE;
  EXPECT_EQ(crochet_result_cancel(stale, &outcome), CROCHET_EINVAL);
  EXPECT_EQ(outcome, CROCHET_CANCEL_NONE);
}

TEST_F(Cancel, MayBeAskedForOnTheLoopsThread) {
  Pending call;
  EXPECT_EQ(on_loop(nullptr, [&] { EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED); }), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ECANCELED);
}

// ---- Hooks

TEST_F(Cancel, CallsTheHookOnTheLoopsThreadAndNeverInside) {
  std::thread::id loops_thread;
  ASSERT_EQ(on_loop(nullptr, [&] { loops_thread = std::this_thread::get_id(); }), CROCHET_OK);
  struct Seen {
    Gate called;
    std::thread::id thread;
    int is_cancelled = 0;
  } seen;
  Pending call;
  ASSERT_EQ(crochet_deferred_on_cancel(
                call.deferred.get(),
                [](crochet_deferred* deferred, void* arg) {
                  Seen& here = *static_cast<Seen*>(arg);
                  here.thread = std::this_thread::get_id();
                  here.is_cancelled = crochet_deferred_is_cancelled(deferred);
                  crochet_reject(deferred, UV_ECANCELED, nullptr);
                  here.called.open();
                },
                &seen, nullptr),
            CROCHET_OK);
  BlockedLoop block;
  EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
  EXPECT_FALSE(seen.called.is_open());
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EPENDING);  // until the hook settles it
  block.unblock();
  EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_ECANCELED);
  seen.called.wait();
  EXPECT_EQ(seen.thread, loops_thread);
  EXPECT_EQ(seen.is_cancelled, 1);
}

TEST_F(Cancel, OnTheLoopsThreadDoesNotCallTheHookInsideEither) {
  Gate called;
  Pending call;
  ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), reject_as_cancelled, &called, nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr,
                    [&] {
                      EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
                      EXPECT_FALSE(called.is_open());
                    }),
            CROCHET_OK);
  called.wait();
}

TEST_F(Cancel, NeverCallsTheHookInsideTheFunction) {
  bool returned = false;
  bool called_after = false;
  crochet_result* result = nullptr;
  OwnedDeferred kept;
  struct Context {
    bool* returned;
    bool* called_after;
  } context{&returned, &called_after};
  ASSERT_EQ(run(
                nullptr,
                [&](crochet_deferred* deferred) {
                  kept.reset(crochet_deferred_retain(deferred));
                  ASSERT_EQ(crochet_deferred_on_cancel(
                                deferred,
                                [](crochet_deferred* cancelled, void* arg) {
                                  const Context& here = *static_cast<Context*>(arg);
                                  *here.called_after = *here.returned;
                                  crochet_reject(cancelled, UV_ECANCELED, nullptr);
                                },
                                &context, nullptr),
                            CROCHET_OK);
                  EXPECT_EQ(crochet_result_cancel(result, nullptr), CROCHET_OK);
                  returned = true;
                },
                &result),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result, kForever), CROCHET_ECANCELED);
  EXPECT_TRUE(called_after);
  crochet_result_release(result);
}

TEST_F(Cancel, CallsTheHookOnceHoweverOftenItIsAsked) {
  DropCounter hook;
  std::atomic<int> calls{0};
  struct Context {
    DropCounter* hook;
    std::atomic<int>* calls;
  } context{&hook, &calls};
  Pending call;
  ASSERT_EQ(crochet_deferred_on_cancel(
                call.deferred.get(), [](crochet_deferred*, void* arg) { ++*static_cast<Context*>(arg)->calls; },
                &context, [](void* arg) { DropCounter::drop(static_cast<Context*>(arg)->hook->pointer()); }),
            CROCHET_OK);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  }
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EPENDING);
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  call.deferred.reset();
  EXPECT_EQ(crochet_result_join(call.result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(hook.count(), 1);
}

TEST_F(Cancel, DoesNotBeginAHookOnceTheCallIsSettled) {
  Gate called;
  Pending call;
  ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), only_open, &called, nullptr), CROCHET_OK);
  {
    BlockedLoop block;
    EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  }
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_FALSE(called.is_open());
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_OK);
}

TEST_F(Cancel, DropsTheHooksArgumentAfterItRan) {
  DropCounter hook;
  Pending call;
  ASSERT_EQ(crochet_deferred_on_cancel(
                call.deferred.get(),
                [](crochet_deferred* deferred, void* arg) {
                  EXPECT_EQ(static_cast<DropCounter*>(arg)->count(), 0);
                  crochet_reject(deferred, UV_ECANCELED, nullptr);
                  EXPECT_EQ(static_cast<DropCounter*>(arg)->count(), 0);
                },
                hook.pointer(), DropCounter::drop),
            CROCHET_OK);
  EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
  hook.wait();
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ECANCELED);
  call.deferred.reset();
  EXPECT_EQ(crochet_result_join(call.result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(hook.count(), 1);
}

TEST_F(Cancel, DropsAHookThatWasNeverCalledWhenTheCallIsFinished) {
  DropCounter hook, argument;
  Pending call(nullptr, argument.pointer(), DropCounter::drop);
  ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), only_open, hook.pointer(), DropCounter::drop), CROCHET_OK);
  ASSERT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(argument.count(), 0);
  call.deferred.reset();
  EXPECT_EQ(crochet_result_join(call.result.get(), 0), CROCHET_OK);
  EXPECT_EQ(hook.count(), 1);
  EXPECT_EQ(argument.count(), 1);
}

TEST_F(Cancel, KeepsTheArgumentUntilTheProducerLetsGo) {
  // The pattern: the hook settles, the close callback releases.
  DropCounter argument;
  Gate called;
  Pending call(nullptr, argument.pointer(), DropCounter::drop);
  ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), reject_as_cancelled, &called, nullptr), CROCHET_OK);
  EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_ECANCELED);
  called.wait();
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(argument.count(), 0);
  EXPECT_EQ(crochet_result_join(call.result.get(), 0), CROCHET_ETIMEDOUT);
  call.deferred.reset();
  EXPECT_EQ(argument.count(), 1);
}

// ---- The reason that was asked for first decides

TEST_F(Cancel, IsReportedForARejectionThatSaysSo) {
  for (const int code : {static_cast<int>(UV_ECANCELED), CROCHET_ECANCELED}) {
    Gate called;
    Pending call;
    ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), only_open, &called, nullptr), CROCHET_OK);
    EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
    called.wait();
    EXPECT_EQ(crochet_reject(call.deferred.get(), code, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ECANCELED);
    EXPECT_EQ(crochet_error_code(crochet_result_error(call.result.get())), CROCHET_ECANCELED);
  }
}

TEST_F(Cancel, IsNotReportedWhenNobodyAskedForIt) {
  Pending call;
  EXPECT_EQ(crochet_reject(call.deferred.get(), UV_ECANCELED, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EFAILED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(call.result.get())), UV_ECANCELED);
}

TEST_F(Cancel, GivesWayToAValueAndToAnotherFailure) {
  Gate called;
  Pending with_value, with_failure;
  ASSERT_EQ(crochet_deferred_on_cancel(with_value.deferred.get(), only_open, &called, nullptr), CROCHET_OK);
  ASSERT_EQ(crochet_deferred_on_cancel(with_failure.deferred.get(), only_open, &called, nullptr), CROCHET_OK);
  EXPECT_EQ(cancel(with_value.result), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(cancel(with_failure.result), CROCHET_CANCEL_REQUESTED);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_resolve(with_value.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_reject(with_failure.deferred.get(), UV_ECONNRESET, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(with_value.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(with_failure.result.get()), CROCHET_EFAILED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(with_failure.result.get())), UV_ECONNRESET);
}

TEST_F(Cancel, BeforeAStopStaysTheReason) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Gate called, stopping;
  Pending call(loop.get());
  ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), only_open, &called, nullptr), CROCHET_OK);
  EXPECT_EQ(cancel(call.result), CROCHET_CANCEL_REQUESTED);
  called.wait();
  OwnedCall at_stop;
  ASSERT_EQ(crochet_call_new(loop.get(), sizeof(Gate*), at_stop.out()), CROCHET_OK);
  *static_cast<Gate**>(crochet_call_storage(at_stop.get())) = &stopping;
  ASSERT_EQ(crochet_call_set_at_stop(at_stop.get()), CROCHET_OK);
  ASSERT_EQ(crochet_call_run(
                at_stop.release(), [](crochet_deferred*, void* gate) { (*static_cast<Gate**>(gate))->open(); }, nullptr,
                nullptr),
            CROCHET_OK);
  std::thread stopper([&] { EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK); });
  stopping.wait();
  EXPECT_EQ(crochet_reject(call.deferred.get(), UV_ECANCELED, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ECANCELED);
  call.deferred.reset();
  stopper.join();
}

}  // namespace
}  // namespace contract
