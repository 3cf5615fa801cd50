// SPDX-License-Identifier: MIT
// Calls prepared before they are made: crochet_call_...
#include <gtest/gtest.h>
#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
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

class Prepared : public WithDefaultLoop {
 protected:
  static OwnedCall call(std::size_t storage_size = 0, crochet_loop* loop = nullptr) {
    OwnedCall made;
    EXPECT_EQ(crochet_call_new(loop, storage_size, made.out()), CROCHET_OK);
    return made;
  }
};

class Storage : public Prepared {};
class After : public Prepared {};
class AtStop : public Prepared {};

// Storage that counts its drops elsewhere.
struct Counted {
  DropCounter* drops;
  static void drop(void* storage) { DropCounter::drop(static_cast<Counted*>(storage)->drops->pointer()); }
};

OwnedCall counted_call(DropCounter* drops, crochet_loop* loop = nullptr) {
  OwnedCall made;
  EXPECT_EQ(crochet_call_new(loop, sizeof(Counted), made.out()), CROCHET_OK);
  static_cast<Counted*>(crochet_call_storage(made.get()))->drops = drops;
  return made;
}

// A call whose function appends `number` to `order`.
struct Appended {
  std::vector<int>* order;
  int number;
  static void append(crochet_deferred* deferred, void* storage) {
    const Appended& here = *static_cast<Appended*>(storage);
    here.order->push_back(here.number);
    crochet_resolve(deferred, nullptr, nullptr);
  }
};

OwnedCall appending_call(std::vector<int>* order, int number, crochet_loop* loop = nullptr) {
  OwnedCall made;
  EXPECT_EQ(crochet_call_new(loop, sizeof(Appended), made.out()), CROCHET_OK);
  *static_cast<Appended*>(crochet_call_storage(made.get())) = Appended{order, number};
  return made;
}

// ---- crochet_call_new(), crochet_call_run(), crochet_call_discard()

TEST_F(Prepared, RunsOnceItIsMade) {
  PROVOKES(crochet_call_new, CROCHET_OK);
  PROVOKES(crochet_call_run, CROCHET_OK);
  OwnedCall prepared = call();
  OwnedResult result;
  ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, nullptr, result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
}

TEST_F(Prepared, WithoutStoragePassesNull) {
  OwnedCall prepared = call();
  EXPECT_EQ(crochet_call_storage(prepared.get()), nullptr);
  OwnedResult result;
  ASSERT_EQ(crochet_call_run(
                prepared.release(),
                [](crochet_deferred* deferred, void* arg) {
                  EXPECT_EQ(arg, nullptr);
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                nullptr, result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
}

TEST_F(Prepared, StartsInTheOrderMadeAmongOtherCalls) {
  std::vector<int> order;
  OwnedCall prepared = appending_call(&order, 2);
  {
    BlockedLoop block;
    ASSERT_EQ(run(
                  nullptr, [&order](crochet_deferred*) { order.push_back(1); }, nullptr),
              CROCHET_OK);
    ASSERT_EQ(crochet_call_run(prepared.release(), Appended::append, nullptr, nullptr), CROCHET_OK);
    ASSERT_EQ(run(
                  nullptr, [&order](crochet_deferred*) { order.push_back(3); }, nullptr),
              CROCHET_OK);
  }
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(Prepared, RefusesNowhereToGoAndAStaleLoop) {
  PROVOKES(crochet_call_new, CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_new(nullptr, 8, nullptr), CROCHET_EINVAL);
  crochet_call* made = reinterpret_cast<crochet_call*>(&made);
  EXPECT_EQ(crochet_call_new(stale_loop(), 8, &made), CROCHET_EINVAL);
  EXPECT_EQ(made, nullptr);
}

TEST_F(Prepared, ForAStoppedLoopIsRefused) {
  PROVOKES(crochet_call_new, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  crochet_call* made = reinterpret_cast<crochet_call*>(&made);
  EXPECT_EQ(crochet_call_new(loop.get(), 8, &made), CROCHET_ESTOPPED);
  EXPECT_EQ(made, nullptr);
}

TEST_F(Prepared, IsRefusedWhenItsLoopStoppedMeanwhileAndDropsTheStorage) {
  PROVOKES(crochet_call_run, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  DropCounter drops;
  OwnedCall prepared = counted_call(&drops, loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_call_run(prepared.release(), resolve_null, Counted::drop, &result), CROCHET_ESTOPPED);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Prepared, MadeWithoutAFunctionIsConsumedAndItsStorageDropped) {
  PROVOKES(crochet_call_run, CROCHET_EINVAL);
  DropCounter drops;
  OwnedCall prepared = counted_call(&drops);
  crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_call_run(prepared.release(), nullptr, Counted::drop, &result), CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 1);
  result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_call_run(nullptr, resolve_null, Counted::drop, &result), CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
}

TEST_F(Prepared, DiscardedDropsNothing) {
  DropCounter drops;
  OwnedCall prepared = counted_call(&drops);
  crochet_call_discard(prepared.release());
  crochet_call_discard(nullptr);
  EXPECT_EQ(drops.count(), 0);
}

TEST_F(Prepared, DiscardedForgetsWhatItWasToWaitFor) {
  DropCounter value;
  {
    Pending first;
    OwnedCall prepared = call(16);
    ASSERT_EQ(crochet_call_set_label(prepared.get(), "never made"), CROCHET_OK);
    ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
    crochet_call_discard(prepared.release());
    ASSERT_EQ(crochet_resolve(first.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
  }
  EXPECT_EQ(value.count(), 1);  // no reference was left on it
}

TEST_F(Prepared, OutlivesAStopOfItsLoopAndMayBeDiscarded) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  OwnedCall prepared = call(100, loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  loop.reset();
  EXPECT_NE(crochet_call_storage(prepared.get()), nullptr);
}

// ---- crochet_call_storage()

constexpr std::array<std::size_t, 14> kSizes = {1, 7, 8, 16, 24, 48, 64, 65, 128, 200, 256, 1000, 5000, 1000000};

TEST_F(Storage, IsZeroedAlignedAndAsLargeAsAskedFor) {
  for (int round = 0; round < 3; ++round) {  // later rounds get memory that was used before
    for (const std::size_t size : kSizes) {
      OwnedCall prepared = call(size);
      unsigned char* const storage = static_cast<unsigned char*>(crochet_call_storage(prepared.get()));
      ASSERT_NE(storage, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(storage) % alignof(std::max_align_t), 0u);
      std::size_t zeros = 0;
      for (std::size_t i = 0; i < size; ++i) zeros += storage[i] == 0 ? 1 : 0;
      EXPECT_EQ(zeros, size);
      std::memset(storage, 0xa5, size);
      if (round == 1) {
        ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, nullptr, nullptr), CROCHET_OK);
      }
    }
    ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  }
}

TEST_F(Storage, OfDifferentCallsDoesNotOverlap) {
  std::vector<OwnedCall> calls;
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = kSizes[static_cast<std::size_t>(i) % 10];
    calls.push_back(call(size));
    std::memset(crochet_call_storage(calls.back().get()), i, size);
  }
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = kSizes[static_cast<std::size_t>(i) % 10];
    const unsigned char* const storage =
        static_cast<unsigned char*>(crochet_call_storage(calls[static_cast<std::size_t>(i)].get()));
    for (std::size_t at = 0; at < size; ++at) ASSERT_EQ(storage[at], i);
  }
}

TEST_F(Storage, BecomesTheArgument) {
  for (const std::size_t size : kSizes) {
    OwnedCall prepared = call(size);
    void* const storage = crochet_call_storage(prepared.get());
    OwnedResult result;
    ASSERT_EQ(
        crochet_call_run(
            prepared.release(), [](crochet_deferred* deferred, void* arg) { crochet_resolve(deferred, arg, nullptr); },
            nullptr, result.out()),
        CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(crochet_result_value(result.get()), storage);
  }
}

TEST_F(Storage, IsDroppedWhenTheCallIsFinished) {
  DropCounter drops;
  OwnedCall prepared = counted_call(&drops);
  OwnedResult result;
  ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, Counted::drop, result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Storage, LivesUntilTheResultIsDestroyedAlthoughItWasDroppedBefore) {
  for (const std::size_t size : kSizes) {
    OwnedCall prepared = call(size);
    OwnedResult result;
    // The value lies in the storage; drop ends what was the argument and begins the value's life.
    ASSERT_EQ(
        crochet_call_run(
            prepared.release(), [](crochet_deferred* deferred, void* arg) { crochet_resolve(deferred, arg, nullptr); },
            [](void* storage) { *static_cast<char*>(storage) = 'v'; }, result.out()),
        CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
    void* value = nullptr;
    EXPECT_EQ(crochet_result_take(result.get(), &value, nullptr), CROCHET_OK);
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(*static_cast<char*>(value), 'v');
  }
}

TEST_F(Storage, OfNoCallIsNull) { EXPECT_EQ(crochet_call_storage(nullptr), nullptr); }

TEST_F(Storage, TooLargeForAnyMachineIsRefused) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's calloc ends the program instead of refusing";
  crochet_call* made = reinterpret_cast<crochet_call*>(&made);
  EXPECT_EQ(crochet_call_new(nullptr, SIZE_MAX, &made), CROCHET_ENOMEM);
  EXPECT_EQ(made, nullptr);
}

// ---- crochet_call_set_label()

TEST_F(Prepared, TellsItsLabelInErrors) {
  PROVOKES(crochet_call_set_label, CROCHET_OK);
  OwnedCall prepared = call();
  EXPECT_EQ(crochet_call_set_label(prepared.get(), "first thought"), CROCHET_OK);
  EXPECT_EQ(crochet_call_set_label(prepared.get(), "download page"), CROCHET_OK);
  OwnedResult result;
  ASSERT_EQ(crochet_call_run(prepared.release(), reject_plainly, nullptr, result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_EFAILED);
  EXPECT_STREQ(crochet_error_label(crochet_result_error(result.get())), "download page");
}

TEST_F(Prepared, RefusesNoLabel) {
  PROVOKES(crochet_call_set_label, CROCHET_EINVAL);
  OwnedCall prepared = call();
  EXPECT_EQ(crochet_call_set_label(prepared.get(), nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_label(nullptr, "label"), CROCHET_EINVAL);
}

// ---- crochet_call_set_after()

TEST_F(After, StartsWhenTheResultSettles) {
  PROVOKES(crochet_call_set_after, CROCHET_OK);
  Pending first;
  OwnedCall prepared = call();
  ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
  OwnedResult second;
  ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, nullptr, second.out()), CROCHET_OK);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // a later call has run: this one waits
  EXPECT_EQ(crochet_result_status(second.get()), CROCHET_EPENDING);
  ASSERT_EQ(crochet_resolve(first.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(second.get(), kForever), CROCHET_OK);
}

TEST_F(After, StartsHoweverTheResultEnds) {
  for (const int code : kFinalCodes) {
    OwnedResult first = ended(code);
    OwnedCall prepared = call();
    ASSERT_EQ(crochet_call_set_after(prepared.get(), first.get()), CROCHET_OK);
    OwnedResult second;
    ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, nullptr, second.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(second.get(), kForever), CROCHET_OK) << code;
  }
}

TEST_F(After, SeesTheResultSettled) {
  Pending first;
  OwnedCall prepared = call(sizeof(crochet_result*));
  *static_cast<crochet_result**>(crochet_call_storage(prepared.get())) = first.result.get();
  ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
  OwnedResult second;
  ASSERT_EQ(crochet_call_run(
                prepared.release(),
                [](crochet_deferred* deferred, void* storage) {
                  crochet_result* const before = *static_cast<crochet_result**>(storage);
                  EXPECT_EQ(crochet_result_status(before), CROCHET_OK);
                  crochet_resolve(deferred, crochet_result_value(before), nullptr);
                },
                nullptr, second.out()),
            CROCHET_OK);
  int number = 0;
  ASSERT_EQ(crochet_resolve(first.deferred.get(), &number, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(second.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_value(second.get()), &number);
}

TEST_F(After, KeepsAReferenceOfItsOwnToTheResult) {
  Pending first;
  OwnedCall prepared = call();
  ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
  first.result.reset();
  OwnedResult second;
  ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, nullptr, second.out()), CROCHET_OK);
  DropCounter value;
  ASSERT_EQ(crochet_resolve(first.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(second.get(), kForever), CROCHET_OK);
  first.deferred.reset();
  value.wait();
  EXPECT_EQ(value.count(), 1);
}

TEST_F(After, CallsAreQueuedInTheOrderInWhichTheyWereMade) {
  constexpr int kCalls = 100;
  Pending first;
  std::vector<int> order, expected;
  for (int i = 0; i < kCalls; ++i) {
    OwnedCall prepared = appending_call(&order, i);
    ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
    ASSERT_EQ(crochet_call_run(prepared.release(), Appended::append, nullptr, nullptr), CROCHET_OK);
    expected.push_back(i);
  }
  ASSERT_EQ(crochet_resolve(first.deferred.get(), nullptr, nullptr), CROCHET_OK);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(order, expected);
}

TEST_F(After, MayWaitForAResultOfAnotherLoop) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending first(loop.get());
  OwnedCall prepared = call();
  ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
  OwnedResult second;
  ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, nullptr, second.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(first.result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_result_wait(second.get(), kForever), CROCHET_OK);
}

TEST_F(After, CallsMakeChains) {
  constexpr int kLinks = 200;
  Pending first;
  std::vector<OwnedResult> results;
  results.emplace_back(crochet_result_retain(first.result.get()));
  for (int i = 0; i < kLinks; ++i) {
    OwnedCall prepared = call();
    ASSERT_EQ(crochet_call_set_after(prepared.get(), results.back().get()), CROCHET_OK);
    OwnedResult next;
    ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, nullptr, next.out()), CROCHET_OK);
    results.push_back(std::move(next));
  }
  ASSERT_EQ(crochet_resolve(first.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(results.back().get(), kForever), CROCHET_OK);
}

TEST_F(After, CancelledWhileItWaitsNeverRuns) {
  Pending first;
  DropCounter drops;
  OwnedCall prepared = counted_call(&drops);
  ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
  OwnedResult second;
  ASSERT_EQ(
      crochet_call_run(
          prepared.release(), [](crochet_deferred*, void*) { ADD_FAILURE() << "it ran"; }, Counted::drop, second.out()),
      CROCHET_OK);
  int outcome = CROCHET_CANCEL_NONE;
  EXPECT_EQ(crochet_result_cancel(second.get(), &outcome), CROCHET_OK);
  EXPECT_EQ(outcome, CROCHET_CANCEL_NOT_RUN);
  EXPECT_EQ(drops.count(), 1);
  ASSERT_EQ(crochet_resolve(first.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}

TEST_F(After, IsSettledByAStopWhileItWaits) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Pending first;
  DropCounter drops;
  OwnedCall prepared = counted_call(&drops, loop.get());
  ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
  OwnedResult second;
  ASSERT_EQ(crochet_call_run(prepared.release(), resolve_null, Counted::drop, second.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(second.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(second.get())), CROCHET_ENOTRUN);
  EXPECT_EQ(drops.count(), 1);
  EXPECT_EQ(crochet_resolve(first.deferred.get(), nullptr, nullptr), CROCHET_OK);
}

TEST_F(After, WaitsForOneResultOnly) {
  PROVOKES(crochet_call_set_after, CROCHET_EALREADY);
  Pending first, other;
  OwnedCall prepared = call();
  ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_call_set_after(prepared.get(), other.result.get()), CROCHET_EALREADY);
  EXPECT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_EALREADY);
}

TEST_F(After, RefusesBadHandlesAndAtStopCalls) {
  PROVOKES(crochet_call_set_after, CROCHET_EINVAL);
  Pending first;
  OwnedCall prepared = call();
  EXPECT_EQ(crochet_call_set_after(nullptr, first.result.get()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_after(prepared.get(), nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_after(prepared.get(), stale_result()), CROCHET_EINVAL);
  ASSERT_EQ(crochet_call_set_at_stop(prepared.get()), CROCHET_OK);
  EXPECT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_EINVAL);
}

// ---- crochet_call_set_at_stop()

TEST_F(AtStop, StartsWhenItsLoopStops) {
  PROVOKES(crochet_call_set_at_stop, CROCHET_OK);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  OwnedCall prepared = call(0, loop.get());
  EXPECT_EQ(crochet_call_set_at_stop(prepared.get()), CROCHET_OK);
  EXPECT_EQ(crochet_call_set_at_stop(prepared.get()), CROCHET_OK);  // twice changes nothing
  OwnedResult result;
  ASSERT_EQ(crochet_call_run(
                prepared.release(),
                [](crochet_deferred* deferred, void*) {
                  EXPECT_NE(crochet_current_uv(), nullptr);
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                nullptr, result.out()),
            CROCHET_OK);
  ASSERT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EPENDING);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
}

TEST_F(AtStop, GetsTheGraceToFinishWhatItStarted) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  struct Goodbye {
    uv_timer_t timer;
    crochet_deferred* deferred;
  };
  OwnedCall prepared = call(sizeof(Goodbye), loop.get());
  ASSERT_EQ(crochet_call_set_at_stop(prepared.get()), CROCHET_OK);
  OwnedResult result;
  ASSERT_EQ(crochet_call_run(
                prepared.release(),
                [](crochet_deferred* deferred, void* storage) {
                  Goodbye& goodbye = *static_cast<Goodbye*>(storage);
                  goodbye.deferred = crochet_deferred_retain(deferred);
                  goodbye.timer.data = &goodbye;
                  EXPECT_EQ(uv_timer_init(crochet_current_uv(), &goodbye.timer), 0);
                  EXPECT_EQ(uv_timer_start(
                                &goodbye.timer,
                                [](uv_timer_t* timer) {
                                  crochet_resolve(static_cast<Goodbye*>(timer->data)->deferred, nullptr, nullptr);
                                  uv_close(reinterpret_cast<uv_handle_t*>(timer), [](uv_handle_t* handle) {
                                    crochet_deferred_release(static_cast<Goodbye*>(handle->data)->deferred);
                                  });
                                },
                                5, 0),
                            0);
                },
                nullptr, result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
}

// Refusing one settles the next, which is refused: however long the chain is, no stack is.
TEST_F(After, AChainOfAnyLengthIsRefusedByTheStop) {
  constexpr std::size_t kLong = kSanitized ? 20'000 : 200'000;
  OwnedOptions options;
  ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
  ASSERT_EQ(crochet_options_set_stack_size(options.get(), kSanitized ? 1024 * 1024 : 64 * 1024), CROCHET_OK);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(options.get(), loop.out()), CROCHET_OK);
  Pending first(loop.get());
  std::vector<OwnedResult> chain;
  DropCounter drops;
  for (std::size_t i = 0; i < kLong; ++i) {
    OwnedCall prepared = counted_call(&drops, loop.get());
    ASSERT_EQ(crochet_call_set_after(prepared.get(), i == 0 ? first.result.get() : chain.back().get()), CROCHET_OK);
    OwnedResult result;
    ASSERT_EQ(crochet_call_run(
                  prepared.release(), [](crochet_deferred*, void*) { ADD_FAILURE() << "it ran"; }, Counted::drop,
                  result.out()),
              CROCHET_OK);
    chain.push_back(std::move(result));
  }
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  for (const OwnedResult& result : chain) ASSERT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(drops.count(), static_cast<int>(kLong));
  std::uint64_t not_run = 0;
  EXPECT_EQ(crochet_loop_counter(loop.get(), "calls_not_run", &not_run), CROCHET_OK);
  EXPECT_EQ(not_run, kLong);
}

TEST_F(AtStop, IsWithdrawnByACancel) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  DropCounter drops;
  OwnedCall prepared = counted_call(&drops, loop.get());
  ASSERT_EQ(crochet_call_set_at_stop(prepared.get()), CROCHET_OK);
  OwnedResult result;
  ASSERT_EQ(
      crochet_call_run(
          prepared.release(), [](crochet_deferred*, void*) { ADD_FAILURE() << "it ran"; }, Counted::drop, result.out()),
      CROCHET_OK);
  int outcome = CROCHET_CANCEL_NONE;
  EXPECT_EQ(crochet_result_cancel(result.get(), &outcome), CROCHET_OK);
  EXPECT_EQ(outcome, CROCHET_CANCEL_NOT_RUN);
  EXPECT_EQ(drops.count(), 1);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ECANCELED);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(AtStop, ForAStoppedLoopIsRefusedAndDropsTheStorage) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  DropCounter drops;
  OwnedCall prepared = counted_call(&drops, loop.get());
  ASSERT_EQ(crochet_call_set_at_stop(prepared.get()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_call_run(prepared.release(), resolve_null, Counted::drop, nullptr), CROCHET_ESTOPPED);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(AtStop, MadeDuringTheStopIsRefused) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  OwnedCall first = call(sizeof(crochet_loop*), loop.get());
  ASSERT_EQ(crochet_call_set_at_stop(first.get()), CROCHET_OK);
  OwnedResult result;
  ASSERT_EQ(crochet_call_run(
                first.release(),
                [](crochet_deferred* deferred, void*) {
                  OwnedCall another;
                  EXPECT_EQ(crochet_call_new(crochet_current_loop(), 0, another.out()), CROCHET_ESTOPPED);
                  EXPECT_EQ(crochet_run(crochet_current_loop(), resolve_null, nullptr, nullptr, nullptr),
                            CROCHET_ESTOPPED);
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                nullptr, result.out()),
            CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
}

TEST_F(AtStop, RefusesNoCallAndOneThatWaitsForAResult) {
  PROVOKES(crochet_call_set_at_stop, CROCHET_EINVAL);
  Pending first;
  OwnedCall prepared = call();
  ASSERT_EQ(crochet_call_set_after(prepared.get(), first.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_call_set_at_stop(prepared.get()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_at_stop(nullptr), CROCHET_EINVAL);
}

}  // namespace
}  // namespace contract
