// SPDX-License-Identifier: MIT
// The queue's one word, transition by transition; its wake-ups, counted; the stack of at-stop calls.
#include "loop/call_queue.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "api/support/at_once.hpp"
#include "unit/support/inside.hpp"
#include "unit/support/made_call.hpp"

namespace crochet {

struct Sends {
  friend Atomic<Word> CallQueue::*field(Sends);
};
template struct Inside<Sends, &CallQueue::sends_>;
struct Marks {
  friend Plain<std::uint32_t> CallQueue::*field(Marks);
};
template struct Inside<Marks, &CallQueue::marks_>;

namespace {

using Push = CallQueue::Push;

std::vector<Call*> listed(Call* list) {
  std::vector<Call*> result;
  for (; list != nullptr; list = list->next) result.push_back(list);
  return result;
}

class Queue : public testing::Test {
 protected:
  void SetUp() override { queue_.reopen(); }

  std::vector<Call*> take() {
    is_closed_ = false;
    return listed(queue_.take(&is_closed_));
  }
  bool all_wake_ups_were_sent() { return queue_.wait_for_owed_wake_ups(Deadline::at(1)); }

  CallQueue queue_;
  bool is_closed_ = false;
  Call a_, b_, c_;
};

class ClosedQueue : public Queue {};
class WakeUp : public Queue {};

TEST(NewQueue, IsClosed) {
  CallQueue queue;
  Call call;
  EXPECT_TRUE(queue.looks_closed());
  EXPECT_FALSE(queue.accepts());
  EXPECT_EQ(queue.push(&call), Push::kRefused);
  queue.reopen();
  EXPECT_FALSE(queue.looks_closed());
  EXPECT_TRUE(queue.accepts());
  EXPECT_EQ(queue.push(&call), Push::kQueued);
}

TEST_F(Queue, GivesAllNewestFirst) {
  EXPECT_EQ(queue_.push(&a_), Push::kQueued);
  EXPECT_EQ(queue_.push(&b_), Push::kQueued);
  EXPECT_EQ(queue_.push(&c_), Push::kQueued);
  EXPECT_EQ(take(), (std::vector<Call*>{&c_, &b_, &a_}));
  EXPECT_FALSE(is_closed_);
  EXPECT_TRUE(take().empty());
}

TEST_F(Queue, TakesAChainAsOnePush) {
  Call d;
  queue_.mark_asleep();
  c_.next = &b_;  // newest first, as the caller links it
  b_.next = &a_;
  a_.next = &d;  // of no meaning
  EXPECT_EQ(queue_.push(&c_, &a_), Push::kQueuedOwesWakeUp);
  EXPECT_EQ(queue_.push(&d), Push::kQueued);
  EXPECT_EQ(take(), (std::vector<Call*>{&d, &c_, &b_, &a_}));
  queue_.push(&d);
  EXPECT_EQ(queue_.push(&c_, &b_), Push::kQueued);
  EXPECT_EQ(take(), (std::vector<Call*>{&c_, &b_, &d}));
  queue_.close();
  EXPECT_EQ(queue_.push(&c_, &b_), Push::kRefused);
}

TEST_F(Queue, AsleepOwesAWakeUpToTheFirstPushOnly) {
  EXPECT_TRUE(queue_.mark_asleep());
  EXPECT_TRUE(queue_.accepts());
  EXPECT_EQ(queue_.push(&a_), Push::kQueuedOwesWakeUp);
  EXPECT_EQ(queue_.push(&b_), Push::kQueued);
  EXPECT_EQ(take(), (std::vector<Call*>{&b_, &a_}));
  EXPECT_EQ(queue_.push(&c_), Push::kQueued) << "awake again";
}

TEST_F(Queue, DoesNotSleepWhileSomethingIsThere) {
  queue_.push(&a_);
  EXPECT_FALSE(queue_.mark_asleep());
  EXPECT_EQ(take(), std::vector<Call*>{&a_});
  EXPECT_TRUE(queue_.mark_asleep());
}

TEST_F(Queue, MayBeMarkedAsleepTwice) {
  EXPECT_TRUE(queue_.mark_asleep());
  EXPECT_TRUE(queue_.mark_asleep());
  EXPECT_EQ(queue_.push(&a_), Push::kQueuedOwesWakeUp);
  take();
  queue_.close();
  queue_.wake_up_was_sent();
  EXPECT_TRUE(all_wake_ups_were_sent()) << "one mark, one wake-up";
}

TEST_F(Queue, AwakeOwesNothing) {
  queue_.mark_asleep();
  queue_.mark_awake();
  EXPECT_EQ(queue_.push(&a_), Push::kQueued);
  queue_.mark_awake();  // nothing to take back, and a call is not taken for it
  EXPECT_EQ(take(), std::vector<Call*>{&a_});
  queue_.close();
  EXPECT_TRUE(all_wake_ups_were_sent());
}

TEST_F(Queue, TakenWhileAsleepIsAwake) {
  queue_.mark_asleep();
  EXPECT_TRUE(take().empty());
  EXPECT_FALSE(is_closed_);
  EXPECT_EQ(queue_.push(&a_), Push::kQueued);
  take();
  queue_.close();
  EXPECT_TRUE(all_wake_ups_were_sent());
}

TEST_F(ClosedQueue, RefusesAndSaysSo) {
  queue_.close();
  EXPECT_EQ(queue_.push(&a_), Push::kRefused);
  EXPECT_FALSE(queue_.accepts());
  EXPECT_TRUE(queue_.looks_closed());
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(is_closed_);
  EXPECT_FALSE(queue_.mark_asleep());
  queue_.mark_awake();
  EXPECT_TRUE(queue_.looks_closed());
}

TEST_F(ClosedQueue, LeavesWhatWasQueuedToTheCloser) {
  queue_.push(&a_);
  queue_.push(&b_);
  const auto closed = queue_.close();
  EXPECT_EQ(listed(closed.list), (std::vector<Call*>{&b_, &a_}));
  EXPECT_FALSE(closed.owes_wake_up);
  EXPECT_TRUE(take().empty());
}

TEST_F(ClosedQueue, OwesAWakeUpWhenItWasAsleep) {
  queue_.mark_asleep();
  const auto closed = queue_.close();
  EXPECT_EQ(closed.list, nullptr);
  EXPECT_TRUE(closed.owes_wake_up);
}

TEST_F(ClosedQueue, IsClosedOnce) {
  queue_.push(&a_);
  queue_.close();
  const auto second = queue_.close();
  EXPECT_EQ(second.list, nullptr);
  EXPECT_FALSE(second.owes_wake_up);
}

TEST_F(ClosedQueue, ReopensForAnotherLoopWithoutOldDebts) {
  queue_.mark_asleep();
  queue_.push(&a_);
  queue_.close();
  queue_.reopen();
  EXPECT_TRUE(take().empty());
  EXPECT_FALSE(is_closed_);
  queue_.close();
  EXPECT_TRUE(all_wake_ups_were_sent());
}

// ---- Owed wake-ups (Q2)

TEST_F(WakeUp, ThatIsOwedIsWaitedForUntilTheDeadline) {
  queue_.mark_asleep();
  queue_.push(&a_);
  queue_.close();
  EXPECT_FALSE(all_wake_ups_were_sent());
  queue_.wake_up_was_sent();
  EXPECT_TRUE(all_wake_ups_were_sent());
}

TEST_F(WakeUp, OfTheCloserIsWaitedForAsWell) {
  queue_.mark_asleep();
  EXPECT_TRUE(queue_.close().owes_wake_up);
  EXPECT_FALSE(all_wake_ups_were_sent());
  queue_.wake_up_was_sent();
  EXPECT_TRUE(all_wake_ups_were_sent());
}

TEST_F(WakeUp, ThatComesLateEndsTheWaiting) {
  for (int round = 0; round < 50; ++round) {
    queue_.reopen();
    queue_.mark_asleep();
    queue_.push(&a_);
    take();
    queue_.mark_asleep();
    queue_.push(&a_);
    queue_.close();
    std::thread pushers([&] {
      queue_.wake_up_was_sent();
      queue_.wake_up_was_sent();
    });
    EXPECT_TRUE(queue_.wait_for_owed_wake_ups(Deadline::never()));
    pushers.join();
  }
}

// E4: sends and marks are counted modulo 2^32.
TEST_F(WakeUp, IsCountedAcrossTheWrap) {
  for (const std::uint64_t sends_so_far : {0xffff'fffeu, 0xffff'ffffu, 0x7fff'fffeu}) {
    queue_.reopen();
    (queue_.*field(Sends{})).store(sends_so_far << 1);
    queue_.*field(Marks{}) = static_cast<std::uint32_t>(sends_so_far);
    for (int i = 0; i < 4; ++i) {
      queue_.mark_asleep();
      queue_.push(&a_);
      take();
      if (i < 3) queue_.wake_up_was_sent();
    }
    queue_.close();
    EXPECT_FALSE(all_wake_ups_were_sent()) << sends_so_far;
    queue_.wake_up_was_sent();
    EXPECT_TRUE(all_wake_ups_were_sent()) << sends_so_far;
  }
}

TEST_F(WakeUp, IsCountedAcrossTheWrapOfTheWholeWord) {
  (queue_.*field(Sends{})).store(~Word{1});
  queue_.*field(Marks{}) = 0xffff'ffff;
  queue_.mark_asleep();
  queue_.push(&a_);
  queue_.close();
  EXPECT_FALSE(all_wake_ups_were_sent());
  queue_.wake_up_was_sent();
  EXPECT_TRUE(all_wake_ups_were_sent());
}

// ---- Many threads

TEST_F(Queue, LosesAndDoublesNothingAndKeepsEachThreadsOrder) {
  constexpr int kPushers = 3;
  constexpr std::size_t kEach = 3000;
  std::vector<std::vector<Call>> calls(kPushers);
  for (auto& mine : calls) mine = std::vector<Call>(kEach);
  std::map<const Call*, int> taken;
  std::vector<std::size_t> next(kPushers, 0);
  std::atomic<int> wake_ups{0};
  contract::at_once(kPushers + 1, [&](int i) {
    if (i < kPushers) {
      for (Call& call : calls[static_cast<std::size_t>(i)]) {
        if (queue_.push(&call) == Push::kQueuedOwesWakeUp) {
          wake_ups.fetch_add(1);
          queue_.wake_up_was_sent();
        }
      }
      return;
    }
    for (std::size_t count = 0; count < kPushers * kEach;) {
      const std::vector<Call*> list = take();
      for (auto call = list.rbegin(); call != list.rend(); ++call) {
        ++taken[*call];
        for (std::size_t pusher = 0; pusher < kPushers; ++pusher) {
          const auto& mine = calls[pusher];
          if (*call < mine.data() || *call >= mine.data() + kEach) continue;
          EXPECT_EQ(*call, &mine[next[pusher]++]);
        }
      }
      count += list.size();
      if (list.empty() && queue_.mark_asleep()) {
        while (queue_.mark_asleep() && count % 2 == 0) sched_yield();  // until something is there
        queue_.mark_awake();
      }
    }
  });
  EXPECT_EQ(taken.size(), kPushers * kEach);
  for (const auto& [call, times] : taken) EXPECT_EQ(times, 1);
  queue_.close();
  EXPECT_TRUE(all_wake_ups_were_sent());
}

TEST_F(ClosedQueue, RefusesOrHandsOverEachCallThatRacedTheCloser) {
  constexpr int kPushers = 3;
  for (int round = 0; round < 300; ++round) {
    queue_.reopen();
    std::vector<Call> calls(kPushers);
    std::atomic<int> refused{0};
    std::size_t handed_over = 0;
    contract::at_once(kPushers + 1, [&](int i) {
      if (i == kPushers) handed_over = listed(queue_.close().list).size();
      else if (queue_.push(&calls[static_cast<std::size_t>(i)]) == Push::kRefused) refused.fetch_add(1);
    });
    EXPECT_EQ(handed_over + static_cast<std::size_t>(refused.load()), std::size_t{kPushers});
  }
}

// ---- At-stop calls

class AtStop : public testing::Test {
 protected:
  void SetUp() override { stack_.reopen(); }
  bool push(Call* call) {
    many_ = false;
    return stack_.push(call, &many_);
  }
  MadeCall pushed() {
    const MadeCall call = queued_call(do_nothing, nullptr, nullptr, 1, word::kAtStop);
    EXPECT_TRUE(push(call.call));
    return call;
  }
  // Withdrawn: a husk that only the stack still refers to.
  static void withdraw(const MadeCall& call) {
    EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
    call.release();
  }
  static void end(const MadeCall& call) {
    call->refuse();
    call.release();
  }

  AtStopStack stack_;
  bool many_ = false;
  Call a_, b_;
};

TEST(NewAtStopStack, IsClosed) {
  AtStopStack stack;
  Call call;
  bool many = false;
  EXPECT_FALSE(stack.push(&call, &many));
}

TEST_F(AtStop, CallsComeLastMadeFirstAndOnce) {
  EXPECT_TRUE(push(&a_));
  EXPECT_TRUE(push(&b_));
  EXPECT_EQ(listed(stack_.close()), (std::vector<Call*>{&b_, &a_}));
  EXPECT_EQ(stack_.close(), nullptr);
  EXPECT_FALSE(push(&a_));
  stack_.prune();
  EXPECT_FALSE(push(&a_)) << "pruning opens nothing";
  stack_.reopen();
  EXPECT_EQ(stack_.close(), nullptr) << "empty when it is opened anew";
}

TEST_F(AtStop, CallsThatWereWithdrawnArePruned) {
  std::vector<MadeCall> kept, husks;
  for (int i = 0; i < 9; ++i) (i % 3 == 0 ? kept : husks).push_back(pushed());
  for (const MadeCall& call : husks) withdraw(call);
  stack_.prune();
  for (const MadeCall& call : husks) EXPECT_TRUE(call.is_destroyed());
  const MadeCall newest = pushed();
  EXPECT_EQ(listed(stack_.close()), (std::vector<Call*>{newest.call, kept[2].call, kept[1].call, kept[0].call}));
  end(newest);
  for (const MadeCall& call : kept) end(call);
}

TEST_F(AtStop, NothingIsPrunedFromNothing) {
  stack_.prune();
  const MadeCall only = pushed();
  withdraw(only);
  stack_.prune();
  EXPECT_TRUE(only.is_destroyed());
  EXPECT_EQ(stack_.close(), nullptr);
}

TEST_F(AtStop, ThePusherIsToldOnceWhenItIsTimeToPrune) {
  std::vector<MadeCall> calls;
  int told = 0;
  for (int i = 0; i < 200; ++i) {
    calls.push_back(pushed());
    told += many_ ? 1 : 0;
  }
  EXPECT_EQ(told, 1);
  stack_.prune();  // nothing to prune: twice as many may come before the next
  told = 0;
  for (int i = 0; i < 2 * 200; ++i) {
    calls.push_back(pushed());
    EXPECT_FALSE(many_) << i;
  }
  for (int i = 0; i < 100; ++i) {
    calls.push_back(pushed());
    told += many_ ? 1 : 0;
  }
  EXPECT_EQ(told, 1);
  stack_.close();
  for (const MadeCall& call : calls) end(call);
}

TEST_F(AtStop, CallsPushedWhileTheStackIsPrunedAreKeptInTheirOrder) {
  for (int round = 0; round < 100; ++round) {
    stack_.reopen();
    std::vector<MadeCall> made, pruned;
    for (int i = 0; i < 10; ++i) pruned.push_back(pushed());
    const MadeCall oldest = pruned.front();
    pruned.erase(pruned.begin());
    for (const MadeCall& call : pruned) withdraw(call);
    for (int i = 0; i < 20; ++i) made.push_back(queued_call(do_nothing, nullptr, nullptr, 1, word::kAtStop));
    contract::at_once(2, [&](int i) {
      if (i == 0) {
        stack_.prune();
        return;
      }
      bool many = false;
      for (const MadeCall& call : made) EXPECT_TRUE(stack_.push(call.call, &many));
    });
    std::vector<Call*> expected;
    for (auto call = made.rbegin(); call != made.rend(); ++call) expected.push_back(call->call);
    expected.push_back(oldest.call);
    EXPECT_EQ(listed(stack_.close()), expected);
    for (const MadeCall& call : pruned) EXPECT_TRUE(call.is_destroyed());
    for (const MadeCall& call : made) end(call);
    end(oldest);
  }
}

}  // namespace
}  // namespace crochet
