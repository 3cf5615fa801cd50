// SPDX-License-Identifier: MIT
// Chains and corks where no caller can bring them: one wake-up, and calls that a stop's sweep has missed.
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/owned.hpp"
#include "capi/chain.hpp"
#include "loop/loop_handle.hpp"
#include "unit/support/inside.hpp"
#include "unit/support/own_loop.hpp"

namespace crochet {

struct HeadOfQueue {
  friend Atomic<Call*> CallQueue::*field(HeadOfQueue);
};
template struct Inside<HeadOfQueue, &CallQueue::head_>;
struct SendsOfQueue {
  friend Atomic<Word> CallQueue::*field(SendsOfQueue);
};
template struct Inside<SendsOfQueue, &CallQueue::sends_>;

namespace {

using contract::DropCounter;
using OwnedCork = contract::Owned<crochet_cork, crochet_cork_free>;

// How many wake-ups the loop was sent since it began.
Word wake_ups(Loop& loop) { return (queue_of(loop).*field(SendsOfQueue{})).load() >> 1; }

void until_asleep(Loop& loop) {
  const auto* asleep = reinterpret_cast<Call*>(std::uintptr_t{1});
  while ((queue_of(loop).*field(HeadOfQueue{})).load() != asleep) sched_yield();
}

// ---- Chains

TEST(AChain, IsQueuedInTheOrderAddedWithOneWakeUp) {
  OwnLoop loop;
  std::vector<int> order;
  for (const int count : {1, 2, 100}) {
    order.clear();
    until_asleep(*loop);
    const Word before = wake_ups(*loop);
    Chain chain;
    EXPECT_TRUE(chain.empty());
    for (int i = 0; i < count; ++i) {
      chain.add(make_on(
                    loop.id(), [&order, i](crochet_deferred*) { order.push_back(i); }, 0, word::kForgotten)
                    .call);
    }
    EXPECT_FALSE(chain.empty());
    EXPECT_TRUE(chain.post(*loop));
    EXPECT_TRUE(chain.empty());
    EXPECT_EQ(wake_ups(*loop), before + 1);
    on_loop(*loop, [] {});
    EXPECT_EQ(order.size(), static_cast<std::size_t>(count));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(AChain, OnALoopThatIsAwakeWakesNobody) {
  OwnLoop loop;
  Blocker blocker(*loop);
  const Word before = wake_ups(*loop);
  Chain chain;
  int runs = 0;
  for (int i = 0; i < 10; ++i) {
    chain.add(make_on(
                  loop.id(), [&runs](crochet_deferred*) { ++runs; }, 0, word::kForgotten)
                  .call);
  }
  EXPECT_TRUE(chain.post(*loop));
  EXPECT_EQ(wake_ups(*loop), before);
  blocker.let_go();
  on_loop(*loop, [] {});
  EXPECT_EQ(runs, 10);
}

TEST(AChain, ThatIsRefusedIsTakenBackWholeAndOnce) {
  for (const int count : {1, 2, 5}) {
    OwnLoop loop;
    loop->request_stop(0);
    std::deque<Call> calls(static_cast<std::size_t>(count));
    Chain chain;
    std::vector<Call*> added, taken;
    for (Call& call : calls) {
      chain.add(&call);
      added.push_back(&call);
    }
    std::reverse(added.begin(), added.end());
    calls.front().next = &calls.back();  // as a push leaves it that finds the queue closed at its second look
    EXPECT_FALSE(chain.post(*loop));
    EXPECT_FALSE(chain.empty());
    chain.take_all_back([&taken](Call* call) { taken.push_back(call); });
    EXPECT_TRUE(chain.empty());
    EXPECT_EQ(taken, added) << "newest first";
  }
}

TEST(AChain, WhoseCallsWereSettledMeanwhileIsQueuedAndBuried) {
  OwnLoop loop;
  int runs = 0;
  const auto run = [&runs](crochet_deferred*) { ++runs; };
  const MadeCall settled = make_on(loop.id(), run), waiting = make_on(loop.id(), run);
  Chain chain;
  chain.add(settled.call);
  chain.add(waiting.call);
  EXPECT_EQ(settled.cancel(), CROCHET_CANCEL_NOT_RUN);
  EXPECT_TRUE(chain.post(*loop));
  on_loop(*loop, [] {});
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(settled.references(), 1u) << "the chain's was given back";
  settled.release();
  EXPECT_EQ(wait_finished(waiting), CROCHET_OK);
  waiting->observe(waiting.generation);
  waiting.release();
}

// ---- Corks

TEST(ACork, WakesItsLoopOnce) {
  contract::OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Loop& inside = *target_of(loop.get()).loop;
  OwnedCork cork;
  ASSERT_EQ(crochet_cork_new(loop.get(), cork.out()), CROCHET_OK);
  for (int round = 0; round < 20; ++round) {
    until_asleep(inside);
    const Word before = wake_ups(inside);
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(crochet_cork_run(cork.get(), contract::leave_unsettled, nullptr, nullptr), CROCHET_OK);
    }
    EXPECT_EQ(wake_ups(inside), before);
    ASSERT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
    EXPECT_EQ(wake_ups(inside), before + 1);
  }
}

TEST(PreparedCallsMadeAtOnce, WakeTheirLoopOnce) {
  contract::OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Loop& inside = *target_of(loop.get()).loop;
  for (int round = 0; round < 20; ++round) {
    std::vector<crochet_call*> calls(10);
    for (crochet_call*& call : calls) ASSERT_EQ(crochet_call_new(loop.get(), 16, &call), CROCHET_OK);
    until_asleep(inside);
    const Word before = wake_ups(inside);
    ASSERT_EQ(crochet_call_run_many(calls.data(), calls.size(), contract::leave_unsettled, nullptr, nullptr),
              CROCHET_OK);
    EXPECT_EQ(wake_ups(inside), before + 1);
  }
}

// A stop closes the queue first, the limit next: a call may have entered that one, and be refused by the other.
TEST(ACorkOfALoopWithALimit, TakesBackWhatAStopRefusesAfterItHasEntered) {
  contract::OwnedOptions options;
  ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
  ASSERT_EQ(crochet_options_set_queue_limit(options.get(), 100, 0), CROCHET_OK);
  contract::OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(options.get(), loop.out()), CROCHET_OK);
  Loop& inside = *target_of(loop.get()).loop;
  OwnedCork cork;
  ASSERT_EQ(crochet_cork_new(loop.get(), cork.out()), CROCHET_OK);
  std::deque<DropCounter> drops(3);
  for (DropCounter& each : drops) {
    ASSERT_EQ(crochet_cork_run(cork.get(), contract::leave_unsettled, each.pointer(), DropCounter::drop), CROCHET_OK);
  }
  until_asleep(inside);
  CallQueue& queue = queue_of(inside);
  ASSERT_TRUE(queue.close().owes_wake_up);
  EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_ESTOPPED);
  for (DropCounter& each : drops) EXPECT_EQ(each.count(), 1);
  std::uint64_t not_run = 0;
  EXPECT_EQ(crochet_loop_counter(loop.get(), "calls_not_run", &not_run), CROCHET_OK);
  EXPECT_EQ(not_run, drops.size());
  inside.request_stop(0);
  wake_up_of(inside).send();
  queue.wake_up_was_sent();
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
}

// A loop that has stopped, and a cork with calls that its sweep has missed: as if they had been made between the look
// at the loop and the stop. They are hidden from it behind another id.
class ACorkThatTheSweepMissed : public testing::Test {
 protected:
  static constexpr std::size_t kMany = 5;

  void SetUp() override {
    ASSERT_EQ(crochet_loop_new(nullptr, loop_.out()), CROCHET_OK);
    ASSERT_EQ(crochet_cork_new(loop_.get(), cork_.out()), CROCHET_OK);
  }
  void gather(crochet_drop_fn* drop) {
    for (DropCounter& each : drops_) {
      ASSERT_EQ(crochet_cork_run(cork_.get(), never, each.pointer(), drop), CROCHET_OK);
    }
  }
  void stop() {
    const std::uint32_t id = target_of(loop_.get()).loop->id();
    calls_ = gathered();
    ASSERT_EQ(calls_.size(), kMany);
    for (Call* call : calls_) call->loop.store(kLoopId, relaxed);
    ASSERT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
    for (Call* call : calls_) call->loop.store(id, relaxed);
    for (DropCounter& each : drops_) EXPECT_EQ(each.count(), 0);
  }
  // And their slots, each once.
  void expect_all_given_back() {
    expect_all_dropped();
    for (Call* call : calls_) EXPECT_EQ(word::references(call->word.load(acquire)), 0u);
  }
  void expect_all_dropped() {
    for (DropCounter& each : drops_) EXPECT_EQ(each.count(), 1);
  }
  crochet_drop_fn* drop_that_frees_the_cork() {
    static crochet_cork* cork;
    cork = cork_.get();
    return [](void* drops) {
      DropCounter::drop(drops);
      DropCounter refused;
      const int code = crochet_cork_run(cork, never, refused.pointer(), DropCounter::drop);
      EXPECT_TRUE(code == CROCHET_ESTOPPED || code == CROCHET_EINVAL) << code;
      EXPECT_EQ(refused.count(), 1);
      crochet_cork_free(cork);
      EXPECT_EQ(crochet_cork_flush(cork), CROCHET_EINVAL);
    };
  }
  std::uint64_t not_run() {
    std::uint64_t count = 0;
    EXPECT_EQ(crochet_loop_counter(loop_.get(), "calls_not_run", &count), CROCHET_OK);
    return count;
  }

  contract::OwnedLoop loop_;
  OwnedCork cork_;
  std::deque<DropCounter> drops_{kMany};
  std::vector<Call*> calls_;

 private:
  static void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }
  std::vector<Call*> gathered() {
    std::vector<Call*> calls;
    CallWalk walk;
    while (Call* call = walk.next()) {
      if (word::references(call->word.load(acquire)) == 0) continue;
      for (DropCounter& each : drops_) {
        if (call->arg == each.pointer()) calls.push_back(call);
      }
    }
    return calls;
  }
};

TEST_F(ACorkThatTheSweepMissed, DropsItsCallsInTheFlushAndCountsEach) {
  gather(DropCounter::drop);
  stop();
  EXPECT_EQ(not_run(), 0u);
  EXPECT_EQ(crochet_cork_flush(cork_.get()), CROCHET_ESTOPPED);
  expect_all_given_back();
  EXPECT_EQ(not_run(), kMany);
  EXPECT_EQ(crochet_cork_flush(cork_.get()), CROCHET_OK);
}

TEST_F(ACorkThatTheSweepMissed, DropsThemWhenItIsFreed) {
  gather(DropCounter::drop);
  stop();
  cork_.reset();
  expect_all_given_back();
  EXPECT_EQ(not_run(), kMany);
}

TEST_F(ACorkThatTheSweepMissed, QueuesNothingOnTheLoopThatHasTheBlockNow) {
  gather(DropCounter::drop);
  stop();
  Loop* const block = target_of(loop_.get()).loop;
  loop_.reset();
  contract::OwnedLoop next;
  ASSERT_EQ(crochet_loop_new(nullptr, next.out()), CROCHET_OK);
  ASSERT_EQ(target_of(next.get()).loop, block);
  EXPECT_EQ(crochet_cork_flush(cork_.get()), CROCHET_ESTOPPED);
  expect_all_given_back();
  EXPECT_EQ(block->counted(Counter::kNotRun), 0u);
}

// Its drop functions use the cork, and free it, in the middle of what ends it.
TEST_F(ACorkThatTheSweepMissed, MayBeUsedAndFreedByADropFunctionInTheFlush) {
  gather(drop_that_frees_the_cork());
  stop();
  EXPECT_EQ(crochet_cork_flush(cork_.release()), CROCHET_ESTOPPED);
  expect_all_given_back();
  EXPECT_EQ(not_run(), kMany);
}

TEST_F(ACorkThatTheSweepMissed, MayBeUsedAndFreedByADropFunctionWhileItIsFreed) {
  gather(drop_that_frees_the_cork());
  stop();
  cork_.reset();
  expect_all_given_back();
  EXPECT_EQ(not_run(), kMany);
}

TEST_F(ACorkThatTheSweepMissed, DropsTheRestWhenADropFunctionEndsTheThread) {
  static DropCounter* deadly;
  deadly = &drops_[2];
  gather([](void* drops) {
    DropCounter::drop(drops);
    if (drops == deadly->pointer()) pthread_exit(nullptr);
  });
  stop();
  std::thread([this] {
    crochet_cork_flush(cork_.get());
    ADD_FAILURE() << "it came back";
  }).join();
  expect_all_dropped();
}

}  // namespace
}  // namespace crochet
