// SPDX-License-Identifier: MIT
// The producer's side: crochet_deferred_..., crochet_resolve(), crochet_reject(), crochet_reject_with().
#include <gtest/gtest.h>
#include <uv.h>

#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

class DeferredNew : public WithDefaultLoop {};
class Resolve : public WithDefaultLoop {};
class Reject : public WithDefaultLoop {};
class RejectWith : public WithDefaultLoop {};
class OnCancel : public WithDefaultLoop {};
class Deferred : public WithDefaultLoop {};

void no_hook(crochet_deferred*, void*) { ADD_FAILURE() << "the hook was called"; }

// ---- crochet_deferred_new()

TEST_F(DeferredNew, MakesACallThatRunsFromTheStart) {
  PROVOKES(crochet_deferred_new, CROCHET_OK);
  OwnedDeferred deferred;
  OwnedResult result;
  ASSERT_EQ(crochet_deferred_new(nullptr, nullptr, nullptr, deferred.out(), result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EPENDING);
  EXPECT_EQ(crochet_resolve(deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), 0), CROCHET_OK);
}

TEST_F(DeferredNew, DropsTheArgumentWhenTheLastDeferredHasGone) {
  DropCounter argument;
  Pending call(nullptr, argument.pointer(), DropCounter::drop);
  OwnedDeferred second(crochet_deferred_retain(call.deferred.get()));
  ASSERT_EQ(crochet_resolve(second.get(), nullptr, nullptr), CROCHET_OK);
  call.deferred.reset();
  EXPECT_EQ(argument.count(), 0);
  second.reset();
  EXPECT_EQ(argument.count(), 1);
}

TEST_F(DeferredNew, NeedsNoResult) {
  DropCounter argument;
  OwnedDeferred deferred;
  ASSERT_EQ(crochet_deferred_new(nullptr, argument.pointer(), DropCounter::drop, deferred.out(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_resolve(deferred.get(), nullptr, nullptr), CROCHET_OK);
  deferred.reset();
  EXPECT_EQ(argument.count(), 1);
}

TEST_F(DeferredNew, MayBeUsedOnALoopsThread) {
  EXPECT_EQ(on_loop(nullptr,
                    [] {
                      Pending call;
                      EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
                      EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_OK);
                    }),
            CROCHET_OK);
}

TEST_F(DeferredNew, RefusesNowhereToGoAndAStaleLoopAndDropsTheArgument) {
  PROVOKES(crochet_deferred_new, CROCHET_EINVAL);
  DropCounter argument;
  crochet_result* result = reinterpret_cast<crochet_result*>(&argument);
  EXPECT_EQ(crochet_deferred_new(nullptr, argument.pointer(), DropCounter::drop, nullptr, &result), CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(argument.count(), 1);
  result = reinterpret_cast<crochet_result*>(&argument);
  crochet_deferred* deferred = reinterpret_cast<crochet_deferred*>(&argument);
  EXPECT_EQ(crochet_deferred_new(stale_loop(), argument.pointer(), DropCounter::drop, &deferred, &result),
            CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(deferred, nullptr);
  EXPECT_EQ(argument.count(), 2);
}

TEST_F(DeferredNew, ForAStoppedLoopIsRefusedAndDropsTheArgument) {
  PROVOKES(crochet_deferred_new, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  DropCounter argument;
  crochet_result* result = reinterpret_cast<crochet_result*>(&argument);
  crochet_deferred* deferred = reinterpret_cast<crochet_deferred*>(&argument);
  EXPECT_EQ(crochet_deferred_new(loop.get(), argument.pointer(), DropCounter::drop, &deferred, &result),
            CROCHET_ESTOPPED);
  EXPECT_EQ(deferred, nullptr);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(argument.count(), 1);
}

// ---- crochet_resolve()

TEST_F(Resolve, FromAnotherThreadSettlesTheCall) {
  PROVOKES(crochet_resolve, CROCHET_OK);
  OwnedResult result;
  Gate given;
  crochet_deferred* kept = nullptr;
  ASSERT_EQ(run(
                nullptr,
                [&](crochet_deferred* deferred) {
                  kept = crochet_deferred_retain(deferred);
                  given.open();
                },
                result.out()),
            CROCHET_OK);
  int number = 0;
  std::thread producer([&] {
    given.wait();
    EXPECT_EQ(crochet_resolve(kept, &number, nullptr), CROCHET_OK);
    crochet_deferred_release(kept);
  });
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_value(result.get()), &number);
  producer.join();
}

TEST_F(Resolve, WinsOnceAndDropsTheValueOfTheLoser) {
  PROVOKES(crochet_resolve, CROCHET_EALREADY);
  DropCounter first, second, third;
  {
    Pending call;
    EXPECT_EQ(crochet_resolve(call.deferred.get(), first.pointer(), DropCounter::drop), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), second.pointer(), DropCounter::drop), CROCHET_EALREADY);
    EXPECT_EQ(second.count(), 1);
    EXPECT_EQ(crochet_result_value(call.result.get()), first.pointer());
    EXPECT_EQ(first.count(), 0);
  }
  EXPECT_EQ(first.count(), 1);
  {
    Pending call;
    EXPECT_EQ(crochet_reject(call.deferred.get(), -1, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), third.pointer(), DropCounter::drop), CROCHET_EALREADY);
    EXPECT_EQ(third.count(), 1);
    EXPECT_NE(crochet_result_error(call.result.get()), nullptr);
  }
}

TEST_F(Resolve, RefusesBadHandlesAndDropsTheValue) {
  PROVOKES(crochet_resolve, CROCHET_EINVAL);
  DropCounter value;
  EXPECT_EQ(crochet_resolve(nullptr, value.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(value.count(), 1);
  EXPECT_EQ(crochet_resolve(stale_deferred(), value.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(value.count(), 2);
}

TEST_F(Resolve, AfterTheResultIsReleasedDropsTheValue) {
  DropCounter value;
  Pending call;
  call.result.reset();
  EXPECT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
  call.deferred.reset();
  EXPECT_EQ(value.count(), 1);
}

// ---- crochet_reject()

TEST_F(Reject, SettlesTheCallWithAFailure) {
  PROVOKES(crochet_reject, CROCHET_OK);
  Pending call;
  EXPECT_EQ(crochet_reject(call.deferred.get(), UV_ECONNREFUSED, "nobody home"), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EFAILED);
  const crochet_error* const error = crochet_result_error(call.result.get());
  EXPECT_EQ(crochet_error_code(error), UV_ECONNREFUSED);
  EXPECT_STREQ(crochet_error_message(error), "nobody home");
}

TEST_F(Reject, LosesAgainstAnEarlierSettling) {
  PROVOKES(crochet_reject, CROCHET_EALREADY);
  Pending call;
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_reject(call.deferred.get(), -1, "late"), CROCHET_EALREADY);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_OK);
}

TEST_F(Reject, RefusesBadHandles) {
  PROVOKES(crochet_reject, CROCHET_EINVAL);
  EXPECT_EQ(crochet_reject(nullptr, -1, "why"), CROCHET_EINVAL);
  EXPECT_EQ(crochet_reject(stale_deferred(), -1, "why"), CROCHET_EINVAL);
}

// ---- crochet_reject_with()

TEST_F(RejectWith, CarriesAPayloadUntilTheResultIsDestroyed) {
  PROVOKES(crochet_reject_with, CROCHET_OK);
  DropCounter payload;
  {
    Pending call;
    EXPECT_EQ(crochet_reject_with(call.deferred.get(), -1, "why", 7, payload.pointer(), DropCounter::drop), CROCHET_OK);
    call.deferred.reset();
    EXPECT_EQ(crochet_error_payload(crochet_result_error(call.result.get()), 7), payload.pointer());
    EXPECT_EQ(payload.count(), 0);
  }
  EXPECT_EQ(payload.count(), 1);
}

TEST_F(RejectWith, DropsAlsoAPayloadThatIsNull) {
  static int drops;
  drops = 0;
  {
    Pending call;
    EXPECT_EQ(crochet_reject_with(call.deferred.get(), -1, nullptr, 7, nullptr, [](void*) { ++drops; }), CROCHET_OK);
    EXPECT_NE(crochet_result_error(call.result.get()), nullptr);
    EXPECT_EQ(drops, 0);
  }
  EXPECT_EQ(drops, 1);
}

TEST_F(RejectWith, LosesAgainstAnEarlierSettlingAndDropsThePayload) {
  PROVOKES(crochet_reject_with, CROCHET_EALREADY);
  DropCounter payload;
  Pending call;
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_reject_with(call.deferred.get(), -1, "late", 7, payload.pointer(), DropCounter::drop),
            CROCHET_EALREADY);
  EXPECT_EQ(payload.count(), 1);
}

TEST_F(RejectWith, RefusesBadHandlesAndDropsThePayload) {
  PROVOKES(crochet_reject_with, CROCHET_EINVAL);
  DropCounter payload;
  EXPECT_EQ(crochet_reject_with(nullptr, -1, "why", 7, payload.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(payload.count(), 1);
  EXPECT_EQ(crochet_reject_with(stale_deferred(), -1, "why", 7, payload.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(payload.count(), 2);
}

// ---- crochet_deferred_on_cancel(); what hooks do is in cancel_test.cpp

TEST_F(OnCancel, ReplacesTheFormerHookAndDropsItsArgument) {
  PROVOKES(crochet_deferred_on_cancel, CROCHET_OK);
  DropCounter first;
  Gate second;
  Pending call;
  ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), no_hook, first.pointer(), DropCounter::drop), CROCHET_OK);
  ASSERT_EQ(crochet_deferred_on_cancel(
                call.deferred.get(), [](crochet_deferred*, void* gate) { static_cast<Gate*>(gate)->open(); }, &second,
                nullptr),
            CROCHET_OK);
  EXPECT_EQ(first.count(), 1);
  EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
  second.wait();
  EXPECT_EQ(first.count(), 1);
}

TEST_F(OnCancel, WithoutAFunctionClearsTheHook) {
  DropCounter hook, unused;
  Pending call;
  ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), no_hook, hook.pointer(), DropCounter::drop), CROCHET_OK);
  ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), nullptr, unused.pointer(), DropCounter::drop), CROCHET_OK);
  EXPECT_EQ(hook.count(), 1);
  EXPECT_EQ(unused.count(), 1);
  int outcome = CROCHET_CANCEL_NONE;
  EXPECT_EQ(crochet_result_cancel(call.result.get(), &outcome), CROCHET_OK);
  EXPECT_EQ(outcome, CROCHET_CANCEL_REQUESTED);
  // As without a hook, nobody has to settle it. (The loop may do so a little later than cancel returns.)
  EXPECT_EQ(crochet_result_wait(call.result.get(), kKillTimer), CROCHET_ECANCELED);
}

TEST_F(OnCancel, SaysDoNotStartAfterACancelAStopOrASettling) {
  PROVOKES(crochet_deferred_on_cancel, CROCHET_EALREADY);
  DropCounter hook;
  Pending cancelled, with_hook, settled;
  ASSERT_EQ(crochet_result_cancel(cancelled.result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_on_cancel(cancelled.deferred.get(), no_hook, hook.pointer(), DropCounter::drop),
            CROCHET_EALREADY);
  EXPECT_EQ(hook.count(), 1);

  ASSERT_EQ(crochet_deferred_on_cancel(
                with_hook.deferred.get(), [](crochet_deferred*, void*) {}, nullptr, nullptr),
            CROCHET_OK);
  ASSERT_EQ(crochet_result_cancel(with_hook.result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_on_cancel(with_hook.deferred.get(), no_hook, hook.pointer(), DropCounter::drop),
            CROCHET_EALREADY);
  EXPECT_EQ(hook.count(), 2);

  ASSERT_EQ(crochet_resolve(settled.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_on_cancel(settled.deferred.get(), no_hook, hook.pointer(), DropCounter::drop),
            CROCHET_EALREADY);
  EXPECT_EQ(hook.count(), 3);

  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending stopped(loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_on_cancel(stopped.deferred.get(), no_hook, hook.pointer(), DropCounter::drop),
            CROCHET_EALREADY);
  EXPECT_EQ(hook.count(), 4);
}

TEST_F(OnCancel, RefusesBadHandlesAndDropsTheArgument) {
  PROVOKES(crochet_deferred_on_cancel, CROCHET_EINVAL);
  DropCounter hook;
  EXPECT_EQ(crochet_deferred_on_cancel(nullptr, no_hook, hook.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(hook.count(), 1);
  EXPECT_EQ(crochet_deferred_on_cancel(stale_deferred(), no_hook, hook.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(hook.count(), 2);
}

// ---- crochet_deferred_is_cancelled(), crochet_deferred_loop(), references

TEST_F(Deferred, KnowsWhetherItIsCancelled) {
  Pending call;
  EXPECT_EQ(crochet_deferred_is_cancelled(call.deferred.get()), 0);
  ASSERT_EQ(crochet_deferred_on_cancel(
                call.deferred.get(), [](crochet_deferred*, void*) {}, nullptr, nullptr),
            CROCHET_OK);
  ASSERT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_is_cancelled(call.deferred.get()), 1);

  Pending settled_so;
  ASSERT_EQ(crochet_result_cancel(settled_so.result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_is_cancelled(settled_so.deferred.get()), 1);

  Pending with_value;
  ASSERT_EQ(crochet_resolve(with_value.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_is_cancelled(with_value.deferred.get()), 0);

  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending stopped(loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_is_cancelled(stopped.deferred.get()), 1);

  EXPECT_EQ(crochet_deferred_is_cancelled(nullptr), 0);
  EXPECT_EQ(crochet_deferred_is_cancelled(stale_deferred()), 0);
}

TEST_F(Deferred, KnowsItsLoop) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending by_hand(loop.get());
  EXPECT_EQ(crochet_deferred_loop(by_hand.deferred.get()), loop.get());
  crochet_loop* seen = nullptr;
  ASSERT_EQ(wait_for(
                loop.get(),
                [&seen](crochet_deferred* deferred) {
                  seen = crochet_deferred_loop(deferred);
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                kForever, nullptr),
            CROCHET_OK);
  EXPECT_EQ(seen, loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_loop(by_hand.deferred.get()), nullptr);
  EXPECT_EQ(crochet_deferred_loop(nullptr), nullptr);
  EXPECT_EQ(crochet_deferred_loop(stale_deferred()), nullptr);
}

// What was the loop's is unused then, and as if it had never been.
TEST_F(Deferred, KnowsNoLoopThatHasEndedAndWasCleanedUp) {
  Pending by_hand;
  ASSERT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_loop(by_hand.deferred.get()), nullptr);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_loop(by_hand.deferred.get()), nullptr);
}

TEST_F(Deferred, OfTheDefaultLoopKnowsIt) {
  crochet_loop* default_one = nullptr;
  ASSERT_EQ(on_loop(nullptr, [&] { default_one = crochet_current_loop(); }), CROCHET_OK);
  Pending call;
  EXPECT_EQ(crochet_deferred_loop(call.deferred.get()), default_one);
}

TEST_F(Deferred, IsRefusedForNullAndStaleHandles) {
  EXPECT_EQ(crochet_deferred_retain(nullptr), nullptr);
  crochet_deferred_release(nullptr);
  crochet_deferred* const stale = stale_deferred();
  EXPECT_EQ(crochet_deferred_retain(stale), nullptr);
  crochet_deferred_release(stale);
}

TEST_F(Deferred, LetGoByAllBreaksTheCall) {
  Pending call;
  OwnedDeferred second(crochet_deferred_retain(call.deferred.get()));
  call.deferred.reset();
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EPENDING);
  second.reset();
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EBROKEN);
  EXPECT_NE(crochet_result_error(call.result.get()), nullptr);
}

}  // namespace
}  // namespace contract
