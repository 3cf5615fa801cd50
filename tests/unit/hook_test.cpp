// SPDX-License-Identifier: MIT
// On-cancel hooks: called at most once, dropped exactly once, refused when it is too late.
#include "call/hook.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>
#include <string>

#include "api/support/at_once.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/log_capture.hpp"
#include "unit/support/fake_loops.hpp"
#include "unit/support/made_call.hpp"
#include "unit/support/on_allocation.hpp"

namespace crochet {
namespace {

using contract::DropCounter;

// A hook's argument: how often it was called, and dropped.
struct HookArg {
  DropCounter dropped;
  int calls = 0;

  static void call(crochet_deferred*, void* arg) { ++static_cast<HookArg*>(arg)->calls; }
  static void call_and_settle(crochet_deferred* deferred, void* arg) {
    call(deferred, arg);
    settle_by(deferred);
  }
  static void drop(void* arg) { DropCounter::drop(static_cast<HookArg*>(arg)->dropped.pointer()); }
};

int set(const MadeCall& call, HookArg& hook, crochet_call_fn* fn = HookArg::call) {
  return set_hook(*call.call, call.generation, fn, &hook, HookArg::drop);
}

int clear(const MadeCall& call) { return set_hook(*call.call, call.generation, nullptr, nullptr, nullptr); }

class HookTest : public WithFakeLoops {
 protected:
  void SetUp() override {
    WithFakeLoops::SetUp();
    call_ = running_call();
  }
  // Ended by the test or here.
  void TearDown() override {
    if (call_.is_destroyed()) return;
    call_.resolve();
    call_->observe(call_.generation);
    call_.release_deferred();
    call_.release();
    EXPECT_TRUE(call_.is_destroyed());
    if (IsSkipped()) return;
    EXPECT_EQ(hook_.dropped.count(), expected_drops_);
    EXPECT_EQ(other_.dropped.count(), expected_drops_of_other_);
  }

  MadeCall call_{};
  HookArg hook_, other_;
  int expected_drops_ = 1;
  int expected_drops_of_other_ = 0;
};

class SetHook : public HookTest {};
class RunHook : public HookTest {};

TEST_F(SetHook, AnnouncesItInTheWord) {
  EXPECT_EQ(set(call_, hook_), CROCHET_OK);
  EXPECT_TRUE(call_.has(word::kHooked));
  EXPECT_EQ(hook_.dropped.count(), 0);
}

TEST_F(SetHook, IsDroppedUncalledWhenTheCallIsFinished) {
  EXPECT_EQ(set(call_, hook_), CROCHET_OK);
  call_.resolve();
  EXPECT_EQ(hook_.dropped.count(), 0);
  call_.release_deferred();
  EXPECT_EQ(hook_.dropped.count(), 1);
  EXPECT_EQ(hook_.calls, 0);
  call_.release();
}

TEST_F(SetHook, ReplacesTheFormerWhichIsDropped) {
  EXPECT_EQ(set(call_, hook_), CROCHET_OK);
  EXPECT_EQ(set(call_, other_), CROCHET_OK);
  EXPECT_EQ(hook_.dropped.count(), 1);
  call_.cancel();
  call_->deliver_cancel_message();
  EXPECT_EQ(hook_.calls, 0);
  EXPECT_EQ(other_.calls, 1);
  expected_drops_of_other_ = 1;
}

TEST_F(SetHook, OfNothingClears) {
  EXPECT_EQ(set(call_, hook_), CROCHET_OK);
  EXPECT_EQ(clear(call_), CROCHET_OK);
  EXPECT_EQ(hook_.dropped.count(), 1);
  EXPECT_EQ(set(call_, other_), CROCHET_OK) << "a cleared hook may be set again";
  expected_drops_of_other_ = 1;
}

TEST_F(SetHook, OfNothingNeedsNoMemory) {
  EXPECT_EQ(clear(call_), CROCHET_OK);
  EXPECT_EQ(call_->side(), nullptr);
  expected_drops_ = 0;
}

TEST_F(SetHook, IsRefusedOnceAStopOrACancelWasAskedFor) {
  call_->ask_to_stop();
  EXPECT_EQ(set(call_, hook_), CROCHET_EALREADY);
  EXPECT_EQ(clear(call_), CROCHET_EALREADY);
  expected_drops_ = 0;  // the caller's
  const MadeCall cancelled = running_call();
  cancelled.cancel();
  EXPECT_EQ(set(cancelled, hook_), CROCHET_EALREADY);
  cancelled.release_deferred();
  cancelled.release();
}

TEST_F(SetHook, IsRefusedWhenTheCallIsSettled) {
  call_.resolve();
  EXPECT_EQ(set(call_, hook_), CROCHET_EALREADY);
  EXPECT_FALSE(call_.has(word::kHooked));
  expected_drops_ = 0;
}

TEST_F(SetHook, IsRefusedOnceTheHookWasTakenOutForGood) {
  EXPECT_EQ(set(call_, hook_), CROCHET_OK);
  bool was_closed = true;
  Hook* taken = close_hook(*call_->side(), &was_closed);
  ASSERT_NE(taken, nullptr);
  EXPECT_FALSE(was_closed);
  EXPECT_EQ(close_hook(*call_->side(), &was_closed), nullptr);
  EXPECT_TRUE(was_closed);
  EXPECT_EQ(set(call_, other_), CROCHET_EALREADY);
  EXPECT_EQ(other_.dropped.count(), 0) << "the caller's";
  end_hook(taken);
  end_hook(nullptr);
}

TEST_F(SetHook, WithAStaleHandleChangesNothing) {
  EXPECT_EQ(set_hook(*call_.call, call_.generation + 1, HookArg::call, &hook_, HookArg::drop), CROCHET_EINVAL);
  EXPECT_EQ(call_->side(), nullptr);
  expected_drops_ = 0;
}

// A stop asks between the first look and the last.
TEST_F(SetHook, IsRefusedWhenAStopAsksMeanwhile) {
  if (!kAllocationsAreSeen) GTEST_SKIP() << "allocations can't be seen under this sanitizer";
  on_allocation = [this] {
    call_->ask_to_stop();
    return true;
  };
  EXPECT_EQ(set(call_, hook_), CROCHET_EALREADY);
  on_allocation = nullptr;
  EXPECT_FALSE(call_.has(word::kHooked));
  EXPECT_EQ(call_->side()->hook.load(), nullptr) << "taken back";
  call_->run_hook();
  EXPECT_EQ(hook_.calls, 0);
  expected_drops_ = 0;  // the caller's
}

TEST_F(SetHook, IsRefusedWhenTheCallIsSettledMeanwhile) {
  if (!kAllocationsAreSeen) GTEST_SKIP() << "allocations can't be seen under this sanitizer";
  on_allocation = [this] {
    call_.resolve();
    return true;
  };
  EXPECT_EQ(set(call_, hook_), CROCHET_EALREADY);
  on_allocation = nullptr;
  expected_drops_ = 0;
}

// There was a hook, whose cancel is under way: the new one takes its place and is called.
TEST_F(SetHook, WhichReplacesOneWhileACancelAsksIsCalledItself) {
  if (!kAllocationsAreSeen) GTEST_SKIP() << "allocations can't be seen under this sanitizer";
  EXPECT_EQ(set(call_, hook_), CROCHET_OK);
  on_allocation = [this] {
    call_.cancel();
    return true;
  };
  EXPECT_EQ(set(call_, other_), CROCHET_OK);
  on_allocation = nullptr;
  call_->deliver_cancel_message();
  EXPECT_EQ(hook_.calls, 0);
  EXPECT_EQ(other_.calls, 1);
  expected_drops_of_other_ = 1;
}

TEST_F(SetHook, WithoutMemoryLeavesTheFormer) {
  if (!kAllocationsAreSeen) GTEST_SKIP() << "allocations can't be seen under this sanitizer";
  on_allocation = [] { return false; };
  EXPECT_EQ(set(call_, hook_), CROCHET_ENOMEM);
  EXPECT_EQ(call_->side(), nullptr);
  on_allocation = nullptr;
  EXPECT_EQ(set(call_, hook_), CROCHET_OK);
  on_allocation = [] { return false; };
  EXPECT_EQ(set(call_, other_), CROCHET_ENOMEM);
  on_allocation = nullptr;
  EXPECT_EQ(hook_.dropped.count(), 0);
  call_->run_hook();
  EXPECT_EQ(hook_.calls, 1);
}

TEST_F(RunHook, ByTheCancelsMessage) {
  set(call_, hook_, HookArg::call_and_settle);
  call_.cancel();
  EXPECT_EQ(hook_.calls, 0) << "never inside the cancel";
  call_->deliver_cancel_message();
  EXPECT_EQ(hook_.calls, 1);
  EXPECT_EQ(hook_.dropped.count(), 1) << "after it ran";
  EXPECT_EQ(wait_code(call_.word()), CROCHET_OK);
}

TEST_F(RunHook, AtMostOnce) {
  set(call_, hook_);
  call_->run_hook();
  call_->run_hook();
  EXPECT_EQ(hook_.calls, 1);
  EXPECT_FALSE(word::settled(call_.word())) << "the hook decides what becomes of the call";
}

TEST_F(RunHook, NeverOnceTheCallIsSettled) {
  set(call_, hook_);
  call_.cancel();
  call_.resolve();
  call_->deliver_cancel_message();
  EXPECT_EQ(hook_.calls, 0);
}

TEST_F(RunHook, NeverOnceTheCallIsFinished) {
  set(call_, hook_);
  call_.cancel();
  call_.resolve();
  call_.release_deferred();
  EXPECT_EQ(hook_.dropped.count(), 1);
  const Word before = call_.references();
  call_->deliver_cancel_message();
  EXPECT_EQ(hook_.calls, 0);
  EXPECT_EQ(call_.references(), before - 1) << "the message's reference";
  call_.release();
  EXPECT_TRUE(call_.is_destroyed());
}

// A clearing that raced whoever asked: the hook is gone when it is its turn.
TEST_F(RunHook, ThatWasClearedMeanwhileSettlesACancelAndLeavesAStopItsGrace) {
  for (const bool by_stop : {false, true}) {
    HookArg hook;
    const MadeCall call = running_call();
    set(call, hook);
    if (by_stop) call->ask_to_stop();
    else call.cancel();
    end_hook(call->side()->hook.exchange(nullptr));
    if (by_stop) {
      call->run_hook();
      EXPECT_FALSE(word::settled(call.word()));
      call.resolve();
    } else {
      call->deliver_cancel_message();
      EXPECT_EQ(wait_code(call.word()), CROCHET_ECANCELED);
    }
    EXPECT_EQ(hook.calls, 0);
    EXPECT_EQ(hook.dropped.count(), 1);
    call.release_deferred();
    call.release();
    EXPECT_TRUE(call.is_destroyed());
  }
  expected_drops_ = 0;
}

TEST_F(RunHook, AfterAClearingTheCancelSettles) {
  set(call_, hook_);
  clear(call_);
  EXPECT_EQ(call_.cancel(), CROCHET_CANCEL_REQUESTED);
  if (!word::settled(call_.word())) call_->deliver_cancel_message();  // it was posted: kHooked may be stale
  EXPECT_EQ(wait_code(call_.word()), CROCHET_ECANCELED);
}

TEST_F(RunHook, LendsADeferredThatMayBeRetained) {
  set(call_, hook_, [](crochet_deferred* deferred, void*) {
    const Target target = target_of(deferred);
    EXPECT_TRUE(target.call->retain_deferred(target.generation));
  });
  call_->run_hook();
  EXPECT_TRUE(call_.release_deferred());
  EXPECT_FALSE(call_.has(word::kFinished));
  call_.resolve();
}

TEST_F(RunHook, KeepsTheCallsArgumentAliveMeanwhile) {
  DropCounter arg;
  const MadeCall call = running_call(arg.pointer(), DropCounter::drop);
  static const MadeCall* seen;
  static DropCounter* seen_arg;
  seen = &call;
  seen_arg = &arg;
  set_hook(
      *call.call, call.generation,
      [](crochet_deferred*, void*) {
        seen->release_deferred();  // the producer's, while the hook runs
        EXPECT_EQ(seen_arg->count(), 0);
      },
      nullptr, nullptr);
  call.cancel();
  call->deliver_cancel_message();
  EXPECT_EQ(arg.count(), 1);
  EXPECT_EQ(wait_code(call.word()), CROCHET_EBROKEN);
  call.release();
  expected_drops_ = 0;
}

TEST_F(RunHook, TurnsAnExceptionIntoAFailure) {
  set(call_, hook_, [](crochet_deferred*, void*) { throw std::runtime_error("in the hook"); });
  call_->run_hook();
  EXPECT_STREQ(call_->error_message(), "in the hook");
  EXPECT_EQ(hook_.dropped.count(), 1);
}

TEST_F(RunHook, OfACallThatNeverHadOneLeavesAStopItsGrace) {
  call_->ask_to_stop();
  call_->run_hook();
  EXPECT_FALSE(word::settled(call_.word()));
  expected_drops_ = 0;
}

// D10: hook at most once, its drop once, whoever wins.
TEST_F(RunHook, OnceAtMostAndDroppedOnceWhenItRacesSettleAndReplacement) {
  for (int round = 0; round < 300; ++round) {
    loops().reset();
    HookArg hook, other;
    const MadeCall call = running_call();
    set(call, hook);
    int code = 0;
    contract::at_once(3, [&](int i) {
      switch (i) {
        case 0: call.cancel(); break;
        case 1: code = set(call, other); break;
        default: call.resolve(); break;
      }
    });
    if (!loops().posted().empty()) call->deliver_cancel_message();
    call.release_deferred();
    EXPECT_LE(hook.calls + other.calls, 1);
    EXPECT_EQ(hook.dropped.count(), 1);
    EXPECT_EQ(other.dropped.count(), code == CROCHET_OK ? 1 : 0);
    EXPECT_EQ(call.references(), 1u);
    call.release();
    EXPECT_TRUE(call.is_destroyed());
  }
  expected_drops_ = 0;
}

}  // namespace
}  // namespace crochet
