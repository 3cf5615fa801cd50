// SPDX-License-Identifier: MIT
// Calls that are gathered and queued together: crochet_cork_...
#include <gtest/gtest.h>

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
#include "api/support/host_loop.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

using OwnedCork = Owned<crochet_cork, crochet_cork_free>;

OwnedCork cork_on(crochet_loop* loop) {
  OwnedCork cork;
  EXPECT_EQ(crochet_cork_new(loop, cork.out()), CROCHET_OK);
  return cork;
}

std::uint64_t counted(crochet_loop* loop, const char* name) {
  std::uint64_t count = 0;
  EXPECT_EQ(crochet_loop_counter(loop, name, &count), CROCHET_OK);
  return count;
}

class Cork : public WithDefaultLoop {
 protected:
  // Gathers a call that appends `number` to started_.
  int gather(const OwnedCork& cork, int number) {
    return crochet_cork_run(cork.get(), Closure::call,
                            Closure::of([this, number](crochet_deferred*) { started_.push_back(number); }),
                            Closure::drop);
  }
  void run(int number) {
    ASSERT_EQ(contract::run(
                  nullptr, [this, number](crochet_deferred*) { started_.push_back(number); }, nullptr),
              CROCHET_OK);
  }
  // Everything that was queued before has run.
  static void settle_down(crochet_loop* loop = nullptr) {
    ASSERT_EQ(on_loop(loop, [] {}), CROCHET_OK);
  }

  OwnedLoop running_loop() {
    OwnedLoop loop;
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    return loop;
  }

  std::vector<int> started_;
};

TEST_F(Cork, GathersUntilItIsFlushed) {
  PROVOKES(crochet_cork_new, CROCHET_OK);
  PROVOKES(crochet_cork_run, CROCHET_OK);
  PROVOKES(crochet_cork_flush, CROCHET_OK);
  const OwnedCork cork = cork_on(nullptr);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(gather(cork, i), CROCHET_OK);
  settle_down();
  EXPECT_TRUE(started_.empty());
  ASSERT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
  settle_down();
  EXPECT_EQ(started_, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(Cork, CanBeUsedAgain) {
  const OwnedCork cork = cork_on(nullptr);
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(gather(cork, i), CROCHET_OK);
    expected.push_back(i);
    if (i % 7 == 0) {
      ASSERT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
    }
  }
  ASSERT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
  EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK) << "of nothing";
  settle_down();
  EXPECT_EQ(started_, expected);
}

TEST_F(Cork, IsFlushedWhenItIsFreed) {
  OwnedCork cork = cork_on(nullptr);
  ASSERT_EQ(gather(cork, 1), CROCHET_OK);
  ASSERT_EQ(gather(cork, 2), CROCHET_OK);
  cork.reset();
  settle_down();
  EXPECT_EQ(started_, (std::vector<int>{1, 2}));
  crochet_cork_free(nullptr);
}

TEST_F(Cork, StartsItsCallsAfterThoseThatWereMadeBeforeTheFlush) {
  const OwnedCork cork = cork_on(nullptr);
  {
    const BlockedLoop block;
    run(1);
    ASSERT_EQ(gather(cork, 3), CROCHET_OK);
    run(2);
    ASSERT_EQ(gather(cork, 4), CROCHET_OK);
    ASSERT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
    run(5);
  }
  settle_down();
  EXPECT_EQ(started_, (std::vector<int>{1, 2, 3, 4, 5}));
}

TEST_F(Cork, PassesTheArgumentAndDropsItOnceItsCallIsFinished) {
  constexpr std::size_t kMany = 50;
  std::deque<DropCounter> drops(kMany);
  OwnedCork cork = cork_on(nullptr);
  for (DropCounter& each : drops) {
    ASSERT_EQ(crochet_cork_run(
                  cork.get(),
                  [](crochet_deferred* deferred, void* arg) {
                    EXPECT_EQ(static_cast<DropCounter*>(arg)->count(), 0);
                    crochet_resolve(deferred, nullptr, nullptr);
                  },
                  each.pointer(), DropCounter::drop),
              CROCHET_OK);
  }
  for (DropCounter& each : drops) EXPECT_EQ(each.count(), 0);
  cork.reset();
  settle_down();
  for (DropCounter& each : drops) EXPECT_EQ(each.count(), 1);
}

TEST_F(Cork, WorksOnALoopsThread) {
  ASSERT_EQ(on_loop(nullptr,
                    [this] {
                      const OwnedCork cork = cork_on(nullptr);
                      ASSERT_EQ(gather(cork, 1), CROCHET_OK);
                      ASSERT_EQ(gather(cork, 2), CROCHET_OK);
                      ASSERT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
                      EXPECT_TRUE(started_.empty());
                    }),
            CROCHET_OK);
  settle_down();
  EXPECT_EQ(started_, (std::vector<int>{1, 2}));
}

TEST_F(Cork, MayGoFromThreadToThread) {
  OwnedCork cork = cork_on(nullptr);
  ASSERT_EQ(gather(cork, 1), CROCHET_OK);
  std::thread([&] {
    ASSERT_EQ(gather(cork, 2), CROCHET_OK);
    cork.reset();
  }).join();
  settle_down();
  EXPECT_EQ(started_, (std::vector<int>{1, 2}));
}

TEST_F(Cork, OfAFurtherLoopRunsItsCallsThere) {
  const OwnedLoop loop = running_loop();
  crochet_loop* seen = nullptr;
  OwnedCork cork = cork_on(loop.get());
  ASSERT_EQ(
      crochet_cork_run(
          cork.get(), [](crochet_deferred*, void* arg) { *static_cast<crochet_loop**>(arg) = crochet_current_loop(); },
          &seen, nullptr),
      CROCHET_OK);
  cork.reset();
  settle_down(loop.get());
  EXPECT_EQ(seen, loop.get());
}

// One operation: what other threads queue meanwhile comes before all of them or behind.
TEST_F(Cork, QueuesItsCallsTogether) {
  constexpr int kThreads = 3, kRounds = 200, kMany = 20;
  std::vector<std::intptr_t> order;
  struct Numbered {
    std::vector<std::intptr_t>* order;
    std::intptr_t number;
    static void run(crochet_deferred*, void* arg) {
      const Numbered& here = *static_cast<Numbered*>(arg);
      here.order->push_back(here.number);
    }
    static void drop(void* arg) { delete static_cast<Numbered*>(arg); }
  };
  at_once(kThreads, [&order](int thread) {
    const OwnedCork cork = cork_on(nullptr);
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < kMany; ++i) {
        auto* numbered = new Numbered{&order, (thread * kRounds + round) * kMany + i};
        EXPECT_EQ(crochet_cork_run(cork.get(), Numbered::run, numbered, Numbered::drop), CROCHET_OK);
      }
      EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
    }
  });
  settle_down();
  ASSERT_EQ(order.size(), std::size_t{kThreads * kRounds * kMany});
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i % kMany == 0) EXPECT_EQ(order[i] % kMany, 0);
    else ASSERT_EQ(order[i], order[i - 1] + 1);
  }
}

// ---- Refusals

TEST_F(Cork, RefusesNowhereToGoAndAStaleLoop) {
  PROVOKES(crochet_cork_new, CROCHET_EINVAL);
  EXPECT_EQ(crochet_cork_new(nullptr, nullptr), CROCHET_EINVAL);
  crochet_cork* cork = reinterpret_cast<crochet_cork*>(&cork);
  EXPECT_EQ(crochet_cork_new(stale_loop(), &cork), CROCHET_EINVAL);
  EXPECT_EQ(cork, nullptr);
}

TEST_F(Cork, RefusesNoFunctionAndDropsTheArgument) {
  PROVOKES(crochet_cork_run, CROCHET_EINVAL);
  const OwnedCork cork = cork_on(nullptr);
  DropCounter drops;
  EXPECT_EQ(crochet_cork_run(cork.get(), nullptr, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Cork, ThatIsNoneIsRefused) {
  PROVOKES(crochet_cork_flush, CROCHET_EINVAL);
  OwnedCork freed = cork_on(nullptr);
  crochet_cork* const stale = freed.get();
  freed.reset();
  OwnedCall call;
  ASSERT_EQ(crochet_call_new(nullptr, 64, call.out()), CROCHET_OK);
  int expected = 0;
  DropCounter drops;
  std::uint64_t no_cork[8] = {};
  const Pending pending(nullptr, no_cork);
  for (crochet_cork* none : {static_cast<crochet_cork*>(nullptr), stale, reinterpret_cast<crochet_cork*>(call.get()),
                             reinterpret_cast<crochet_cork*>(pending.deferred.get())}) {
    EXPECT_EQ(crochet_cork_run(none, resolve_null, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
    EXPECT_EQ(drops.count(), ++expected);
    EXPECT_EQ(crochet_cork_flush(none), CROCHET_EINVAL);
    crochet_cork_free(none);
  }
  const OwnedCork cork = cork_on(nullptr);
  EXPECT_EQ(crochet_call_storage(reinterpret_cast<crochet_call*>(cork.get())), nullptr);
}

TEST_F(Cork, ForAStoppedLoopIsRefused) {
  PROVOKES(crochet_cork_new, CROCHET_ESTOPPED);
  const OwnedLoop loop = running_loop();
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  crochet_cork* cork = reinterpret_cast<crochet_cork*>(&cork);
  EXPECT_EQ(crochet_cork_new(loop.get(), &cork), CROCHET_ESTOPPED);
  EXPECT_EQ(cork, nullptr);
}

TEST_F(Cork, WhoseLoopHasStoppedRefusesAndDropsAtOnce) {
  PROVOKES(crochet_cork_run, CROCHET_ESTOPPED);
  const OwnedLoop loop = running_loop();
  const OwnedCork cork = cork_on(loop.get());
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  DropCounter drops;
  EXPECT_EQ(crochet_cork_run(cork.get(), resolve_null, drops.pointer(), DropCounter::drop), CROCHET_ESTOPPED);
  EXPECT_EQ(drops.count(), 1);
  EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK) << "nothing was gathered";
  EXPECT_EQ(counted(loop.get(), "calls_not_run"), 0u) << "it never accepted it";
}

TEST_F(Cork, WhoseLoopStopsMeanwhileHasItsCallsReportedAsNotRun) {
  PROVOKES(crochet_cork_flush, CROCHET_ESTOPPED);
  constexpr std::size_t kMany = 20;
  const OwnedLoop loop = running_loop();
  const OwnedCork cork = cork_on(loop.get());
  std::deque<DropCounter> drops(kMany);
  for (DropCounter& each : drops) {
    ASSERT_EQ(crochet_cork_run(cork.get(), resolve_null, each.pointer(), DropCounter::drop), CROCHET_OK);
  }
  ASSERT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK);  // does not wait for the flush
  for (DropCounter& each : drops) EXPECT_EQ(each.count(), 1);
  EXPECT_EQ(counted(loop.get(), "calls_not_run"), kMany);
  EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK) << "nothing is left";
  for (DropCounter& each : drops) EXPECT_EQ(each.count(), 1);
  EXPECT_EQ(counted(loop.get(), "calls_not_run"), kMany);
  EXPECT_EQ(counted(loop.get(), "calls_run"), 0u);
}

TEST_F(Cork, FreedAfterItsLoopEndedDropsNothingTwice) {
  DropCounter drops;
  OwnedCork cork;
  {
    const OwnedLoop loop = running_loop();
    cork = cork_on(loop.get());
    ASSERT_EQ(crochet_cork_run(cork.get(), resolve_null, drops.pointer(), DropCounter::drop), CROCHET_OK);
    ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  }
  cork.reset();
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Cork, DoesNotKeepItsLoop) {
  OwnedLoop loop = running_loop();
  const OwnedCork cork = cork_on(loop.get());
  DropCounter drops;
  ASSERT_EQ(crochet_cork_run(cork.get(), resolve_null, drops.pointer(), DropCounter::drop), CROCHET_OK);
  loop.reset();  // the last handle: it stops
  drops.wait();
  EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Cork, OfAFormerDefaultLoopIsNotTheNextOnes) {
  const OwnedCork cork = cork_on(nullptr);
  DropCounter before, after;
  ASSERT_EQ(crochet_cork_run(cork.get(), resolve_null, before.pointer(), DropCounter::drop), CROCHET_OK);
  ASSERT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);  // in the same control block
  EXPECT_EQ(before.count(), 1);
  EXPECT_EQ(crochet_cork_run(cork.get(), resolve_null, after.pointer(), DropCounter::drop), CROCHET_ESTOPPED);
  EXPECT_EQ(after.count(), 1);
  EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_ESTOPPED);
  settle_down();
  EXPECT_EQ(counted(nullptr, "calls_not_run"), 0u);
  EXPECT_EQ(counted(nullptr, "calls_run"), 1u);
  EXPECT_EQ(before.count(), 1);
}

TEST_F(Cork, OfAnAdoptedLoopIsRunByItsHost) {
  std::thread([] {
    HostLoop host;
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
    OwnedCork cork = cork_on(loop.get());
    int runs = 0;
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(crochet_cork_run(
                    cork.get(),
                    [](crochet_deferred*, void* arg) {
                      if (++*static_cast<int*>(arg) == 3) crochet_loop_stop(crochet_current_loop(), 0);
                    },
                    &runs, nullptr),
                CROCHET_OK);
    }
    ASSERT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
    EXPECT_EQ(host.run(), 0);
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(host.close(), 0);
  }).join();
}

}  // namespace
}  // namespace contract
