// SPDX-License-Identifier: MIT
// Waiting for calls, joining them, and interrupting both.
#include "call/waiting.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include "api/support/asleep.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/durations.hpp"
#include "base/park.hpp"
#include "base/process.hpp"
#include "unit/support/fake_loops.hpp"
#include "unit/support/made_call.hpp"

namespace crochet {
namespace {

using contract::DropCounter;
using contract::kKillTimer;

int wait(const MadeCall& call, std::int64_t timeout_ns = kKillTimer) {
  return wait_for_call(*call.call, call.generation, Until::kSettled, timeout_ns, false);
}
int join(const MadeCall& call, std::int64_t timeout_ns = kKillTimer) {
  return wait_for_call(*call.call, call.generation, Until::kFinished, timeout_ns, false);
}
int wait_interruptible(const MadeCall& call, std::int64_t timeout_ns = kKillTimer) {
  return wait_for_call(*call.call, call.generation, Until::kSettled, timeout_ns, true);
}

// A thread in a wait that has gone to sleep, in all likelihood; code() is what the wait came back with.
class Waiter {
 public:
  explicit Waiter(const std::function<int()>& body) {
    std::atomic<pid_t> id{0};
    thread_ = std::thread([this, body, &id] {
      id.store(gettid());
      id.notify_one();
      code_ = body();
    });
    id.wait(0);
    contract::until_asleep(id.load());
  }
  int code() {
    thread_.join();
    return code_;
  }

 private:
  int code_ = 1;
  std::thread thread_;
};

// Until the word has the flag: a waiter that set it is present from then on.
void until_present(const MadeCall& call, Word flag) {
  while (!call.has(flag)) sched_yield();
}

class WaitingTest : public WithFakeLoops {
 protected:
  void SetUp() override {
    WithFakeLoops::SetUp();
    call_ = running_call();
  }
  void TearDown() override {
    call_.resolve();
    call_->observe(call_.generation);
    call_.release_deferred();
    call_.release();
    EXPECT_TRUE(call_.is_destroyed());
  }
  MadeCall call_{};
};

class Wait : public WaitingTest {};
class Join : public WaitingTest {};
class Interrupt : public WaitingTest {};
class InterruptibleWait : public WaitingTest {};

// ---- Waiting

TEST_F(Wait, OnASettledCallReturnsAndMarksNothing) {
  call_.resolve();
  const Word before = call_.word();
  EXPECT_EQ(wait(call_, 0), CROCHET_OK);
  EXPECT_EQ(wait(call_, kForever), CROCHET_OK);
  EXPECT_EQ(call_.word(), before);
}

TEST_F(Wait, TellsHowTheCallEnded) {
  call_.reject(-1);
  EXPECT_EQ(wait(call_), CROCHET_EFAILED);
  const MadeCall cancelled = running_call();
  cancelled.cancel();
  EXPECT_EQ(wait(cancelled), CROCHET_ECANCELED);
  cancelled.release_deferred();
  cancelled.release();
}

TEST_F(Wait, OfNoTimeLooksAndReturns) {
  EXPECT_EQ(wait(call_, 0), CROCHET_ETIMEDOUT);
  EXPECT_FALSE(word::settled(call_.word())) << "a time-out changes nothing";
  call_.resolve();
  EXPECT_EQ(wait(call_, 0), CROCHET_OK);
}

TEST_F(Wait, TimesOut) { EXPECT_EQ(wait(call_, 1'000'000), CROCHET_ETIMEDOUT); }

TEST_F(Wait, IsWokenByEveryWayToSettle) {
  using End = void (*)(const MadeCall&);
  const struct {
    End ended;
    int code;
  } ways[] = {
      {[](const MadeCall& call) { call.resolve(); }, CROCHET_OK},
      {[](const MadeCall& call) { call.reject(-1, "x"); }, CROCHET_EFAILED},
      {[](const MadeCall& call) { call.cancel(); }, CROCHET_ECANCELED},
      {[](const MadeCall& call) { call->end_as(Outcome::kNotRun, Outcome::kStopped); }, CROCHET_ESTOPPED},
      {[](const MadeCall& call) {
         call->retain_certain();
         call.release_deferred();
         call->release_reference();
       },
       CROCHET_EBROKEN},
  };
  for (const auto& way : ways) {
    const MadeCall call = running_call();
    Waiter one([&] { return wait(call, kForever); }), other([&] { return wait(call, kForever); });
    until_present(call, word::kWaiters);
    way.ended(call);
    EXPECT_EQ(one.code(), way.code);
    EXPECT_EQ(other.code(), way.code);
    call->observe(call.generation);
    call.release_deferred();
    call.release();
  }
}

TEST_F(Wait, IsWokenWhenACallThatNeverRanIsCancelled) {
  const MadeCall call = queued_call();
  Waiter waiter([&] { return wait(call, kForever); });
  until_present(call, word::kWaiters);
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
  EXPECT_EQ(waiter.code(), CROCHET_ECANCELED);
  process(*call.call);
  call.release();
}

TEST_F(Wait, OnAStaleHandleIsRefused) {
  EXPECT_EQ(wait_for_call(*call_.call, call_.generation + 1, Until::kSettled, kForever, false), CROCHET_EINVAL);
  EXPECT_FALSE(call_.has(word::kWaiters));
}

// All handles were released under the wait, against the rules; the slot is in its next life, and runs.
TEST_F(Wait, WhoseHandleIsReleasedUnderItIsRefusedLate) {
  const Word before = call_.word();
  Waiter waiter([&] { return wait(call_, kForever); });
  until_present(call_, word::kWaiters);
  const Word next = word::in_generation(call_.generation + 1);
  call_->word.store((before & ~word::kGenerationMask) | next | word::kAtStop);  // another low half
  unpark_all(call_->word);
  EXPECT_EQ(waiter.code(), CROCHET_EINVAL);
  call_->word.store(before);
}

TEST_F(Wait, InAForkedChildIsRefused) {
  process_state.store(ProcessState::kForked, relaxed);
  EXPECT_EQ(wait(call_, kForever), CROCHET_EFORKED);
  EXPECT_EQ(join(call_, kForever), CROCHET_EFORKED);
  process_state.store(ProcessState::kLive, relaxed);
}

TEST_F(Wait, SeesWhatHappenedBeforeTheSettling) {
  for (int round = 0; round < 300; ++round) {
    int written = 0;  // plain: a race detector would see a missing order
    const MadeCall call = running_call();
    std::thread settler([&] {
      written = round;
      call.resolve();
    });
    EXPECT_EQ(wait(call), CROCHET_OK);
    EXPECT_EQ(written, round);
    settler.join();
    call.release_deferred();
    call.release();
  }
}

// ---- Joining

TEST_F(Join, WaitsForMoreThanTheResult) {
  call_.resolve();
  EXPECT_EQ(join(call_, 0), CROCHET_ETIMEDOUT);
  Waiter joiner([&] { return join(call_, kForever); });
  until_present(call_, word::kJoiners);
  call_.release_deferred();
  EXPECT_EQ(joiner.code(), CROCHET_OK);
}

TEST_F(Join, SaysOkWhateverTheOutcome) {
  call_.reject(-3);
  call_.release_deferred();
  EXPECT_EQ(join(call_, 0), CROCHET_OK);
}

TEST_F(Join, ReturnsAfterTheArgumentWasDropped) {
  for (int round = 0; round < 20; ++round) {
    DropCounter arg;
    const MadeCall call = running_call(arg.pointer(), DropCounter::drop);
    Waiter joiner([&] {
      const int code = join(call, kForever);
      EXPECT_EQ(arg.count(), 1);
      return code;
    });
    call.resolve();
    call.release_deferred();
    EXPECT_EQ(joiner.code(), CROCHET_OK);
    call.release();
  }
}

TEST_F(Join, IsWokenWhenACallThatNeverRanIsCancelled) {
  const MadeCall call = queued_call();
  Waiter joiner([&] { return join(call, kForever); });
  until_present(call, word::kJoiners);
  call.cancel();
  EXPECT_EQ(joiner.code(), CROCHET_OK);
  process(*call.call);
  call.release();
}

TEST_F(Join, IsWokenWhenTheCallBreaks) {
  const MadeCall call = running_call();
  Waiter joiner([&] { return join(call, kForever); });
  until_present(call, word::kJoiners);
  call.release_deferred();
  EXPECT_EQ(joiner.code(), CROCHET_OK);
  EXPECT_EQ(wait(call), CROCHET_EBROKEN);
  call->observe(call.generation);
  call.release();
}

TEST_F(Join, IsWokenByTheSettlerUnderWhomTheCallWasFinished) {
  const MadeCall call = running_call();
  ASSERT_TRUE(call->claim(call.generation));
  Waiter joiner([&] { return join(call, kForever); });
  until_present(call, word::kJoiners);
  EXPECT_TRUE(call.release_deferred());
  EXPECT_EQ(call.references(), 2u) << "the group's is the settler's now";
  EXPECT_EQ(call->resolve(nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(joiner.code(), CROCHET_OK);
  EXPECT_EQ(call.references(), 1u);
  call.release();
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(Join, EndsWhenTheLoopHasAbandonedTheCall) {
  Waiter joiner([&] { return join(call_, kForever); });
  until_present(call_, word::kJoiners);
  call_.resolve();
  call_->abandon(kLoopId);
  EXPECT_EQ(joiner.code(), CROCHET_ESTOPPED);
  EXPECT_EQ(join(call_, kForever), CROCHET_ESTOPPED);
  EXPECT_EQ(wait(call_), CROCHET_OK) << "the result is what it was";
  call_.release_deferred();
  EXPECT_EQ(join(call_), CROCHET_OK) << "finished after all";
}

// ---- Interrupting

TEST_F(Interrupt, EndsAllWaitsAndJoinsInProgress) {
  Waiter one([&] { return wait(call_, kForever); }), other([&] { return wait(call_, kForever); });
  Waiter joiner([&] { return join(call_, kForever); });
  until_present(call_, word::kWaiters);
  until_present(call_, word::kJoiners);
  EXPECT_TRUE(interrupt_waits(*call_.call, call_.generation));
  EXPECT_EQ(one.code(), CROCHET_EINTR);
  EXPECT_EQ(other.code(), CROCHET_EINTR);
  EXPECT_EQ(joiner.code(), CROCHET_EINTR);
  EXPECT_EQ(wait(call_, 0), CROCHET_ETIMEDOUT) << "the call goes on, and the interrupt is used up";
}

TEST_F(Interrupt, WithNobodyThereEndsTheNextWaitOnce) {
  EXPECT_TRUE(interrupt_waits(*call_.call, call_.generation));
  EXPECT_EQ(wait(call_, kForever), CROCHET_EINTR);
  EXPECT_EQ(wait(call_, 0), CROCHET_ETIMEDOUT);
}

TEST_F(Interrupt, EndsTheNextWaitAlsoWhenItOnlyLooks) {
  interrupt_waits(*call_.call, call_.generation);
  EXPECT_EQ(wait(call_, 0), CROCHET_EINTR);
  EXPECT_EQ(join(call_, 0), CROCHET_ETIMEDOUT);
}

// Sixteen bring the epoch back to where it was; the generation above it must not notice.
TEST_F(Interrupt, SixteenTimesLeavesOneThatIsPending) {
  const Word before = call_.word();
  for (int i = 0; i < 16; ++i) {
    EXPECT_TRUE(interrupt_waits(*call_.call, call_.generation));
    EXPECT_EQ(word::generation(call_.word()), call_.generation);
  }
  EXPECT_EQ(call_.word(), before | word::kInterruptPending);
  EXPECT_EQ(wait(call_, kForever), CROCHET_EINTR);
  EXPECT_EQ(wait(call_, 0), CROCHET_ETIMEDOUT);
}

TEST_F(Interrupt, IsNotedForEachWaiterAcrossTheEpochsWrap) {
  for (int i = 0; i < 40; ++i) {
    Waiter waiter([&] { return wait(call_, kForever); });
    interrupt_waits(*call_.call, call_.generation);  // it is there, or will be next
    EXPECT_EQ(waiter.code(), CROCHET_EINTR) << i;
  }
  EXPECT_EQ(wait(call_, 0), CROCHET_ETIMEDOUT);
}

TEST_F(Interrupt, LosesAgainstAResultThatIsThere) {
  interrupt_waits(*call_.call, call_.generation);
  call_.resolve();
  EXPECT_EQ(wait(call_), CROCHET_OK);
}

TEST_F(Interrupt, StillReachesAJoinWhenTheCallIsSettled) {
  call_.resolve();
  Waiter joiner([&] { return join(call_, kForever); });
  until_present(call_, word::kJoiners);
  EXPECT_TRUE(interrupt_waits(*call_.call, call_.generation));
  EXPECT_EQ(joiner.code(), CROCHET_EINTR);
}

TEST_F(Interrupt, OfAFinishedCallChangesNothing) {
  call_.resolve();
  call_.release_deferred();
  const Word before = call_.word();
  EXPECT_TRUE(interrupt_waits(*call_.call, call_.generation));
  EXPECT_EQ(call_.word(), before);
}

TEST_F(Interrupt, OnAStaleHandleIsRefused) {
  EXPECT_FALSE(interrupt_waits(*call_.call, call_.generation + 1));
  EXPECT_FALSE(call_.has(word::kInterruptPending));
}

TEST_F(Interrupt, KeepsErrno) {
  wait(call_, 0);
  errno = EDOM;
  interrupt_waits(*call_.call, call_.generation);
  EXPECT_EQ(errno, EDOM);
}

// ---- The interruptible wait

std::atomic<int> signals_handled{0};

TEST_F(InterruptibleWait, ReturnsByItselfBeforeLong) {
  EXPECT_EQ(wait_interruptible(call_, kForever), CROCHET_EINTR) << "a signal may have come just before";
}

TEST_F(InterruptibleWait, TimesOutWhenItsTimeIsOver) {
  EXPECT_EQ(wait_interruptible(call_, 0), CROCHET_ETIMEDOUT);
  EXPECT_EQ(wait_interruptible(call_, 1'000'000), CROCHET_ETIMEDOUT);
}

TEST_F(InterruptibleWait, ReturnsTheResult) {
  call_.resolve();
  EXPECT_EQ(wait_interruptible(call_), CROCHET_OK);
}

TEST_F(InterruptibleWait, AloneIsEndedBySignals) {
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { signals_handled.fetch_add(1); };
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  std::atomic<bool> back{false};
  int plain = 1, interruptible = 1;
  std::thread plain_waiter([&] { plain = wait(call_, kForever); });
  std::thread interruptible_waiter([&] {
    interruptible = wait_interruptible(call_, kForever);
    back.store(true);
  });
  until_present(call_, word::kWaiters);
  while (!back.load()) {
    pthread_kill(plain_waiter.native_handle(), SIGUSR1);
    pthread_kill(interruptible_waiter.native_handle(), SIGUSR1);
    sched_yield();
  }
  call_.resolve();
  plain_waiter.join();
  interruptible_waiter.join();
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_EQ(plain, CROCHET_OK);
  EXPECT_EQ(interruptible, CROCHET_EINTR);
  EXPECT_GT(signals_handled.load(), 0);
}

}  // namespace
}  // namespace crochet
