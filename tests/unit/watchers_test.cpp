// SPDX-License-Identifier: MIT
// After-calls: delivered once, in their order, when what they wait for has settled. Suites W1 to W3: watchers.hpp.
#include "call/watchers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/log_capture.hpp"
#include "unit/support/fake_loops.hpp"
#include "unit/support/made_call.hpp"

namespace crochet {
namespace {

using contract::DropCounter;

// Settles as null when it is run.
MadeCall after_call(void* arg = nullptr, crochet_drop_fn* drop = nullptr) {
  return queued_call(resolve_null, arg, drop, 1);
}

// Adds it as crochet_call_run() does: with a reference on the watched call that passes to the list.
void add(const MadeCall& watched, const MadeCall& after) {
  watched->retain_certain();
  add_watcher(*watched.call, *after.call);
}

class Watchers : public WithFakeLoops {
 protected:
  void SetUp() override {
    WithFakeLoops::SetUp();
    watched_ = running_call();
    ASSERT_NE(watched_->need_side(), nullptr);
  }
  // By now everything was delivered, and no reference but the handle's is left.
  void TearDown() override {
    watched_.release_deferred();
    EXPECT_EQ(watched_.references(), 1u);
    watched_.release();
    EXPECT_TRUE(watched_.is_destroyed());
  }
  std::vector<MadeCall> add_many(int count) {
    std::vector<MadeCall> calls;
    for (int i = 0; i < count; ++i) {
      calls.push_back(after_call());
      add(watched_, calls.back());
    }
    return calls;
  }
  static std::vector<Call*> addresses(const std::vector<MadeCall>& calls) {
    std::vector<Call*> result;
    for (const MadeCall& call : calls) result.push_back(call.call);
    return result;
  }
  static void run_and_release(const std::vector<MadeCall>& calls) {
    for (const MadeCall& call : calls) {
      process(*call.call);
      EXPECT_EQ(call.references(), 1u);
      call.release();
      EXPECT_TRUE(call.is_destroyed());
    }
  }

  MadeCall watched_{};
};

class W1 : public Watchers {};
class W2 : public Watchers {};
class W3 : public Watchers {};

TEST_F(Watchers, WaitForTheSettling) {
  const auto calls = add_many(3);
  EXPECT_TRUE(loops().posted().empty());
  watched_.resolve();
  EXPECT_EQ(loops().posted().size(), 3u);
  run_and_release(calls);
}

TEST_F(Watchers, ArePostedInTheOrderInWhichTheyWereAdded) {
  const auto calls = add_many(100);
  watched_.resolve();
  EXPECT_EQ(loops().posted(), addresses(calls));
  run_and_release(calls);
}

TEST_F(Watchers, ArePostedToTheirOwnLoops) {
  const MadeCall here = after_call();
  const MadeCall there = queued_call(resolve_null, nullptr, nullptr, 1, 0, kLoopId + 1);
  add(watched_, here);
  add(watched_, there);
  watched_.resolve();
  EXPECT_EQ(loops().posted_to(), (std::vector<std::uint32_t>{kLoopId, kLoopId + 1}));
  run_and_release({here, there});
}

TEST_F(Watchers, ThatComeLateAreDeliveredAtOnce) {
  watched_.resolve();
  const auto first = add_many(1);  // the list was never there: the adder closes it
  EXPECT_EQ(loops().posted().size(), 1u);
  const auto second = add_many(2);  // now it is closed
  EXPECT_EQ(loops().posted().size(), 3u);
  run_and_release(first);
  run_and_release(second);
}

TEST_F(Watchers, FollowEveryWayToEnd) {
  using End = void (*)(const MadeCall&);
  for (const End ended :
       {End{[](const MadeCall& call) { call.reject(-3, "x"); }}, End{[](const MadeCall& call) { call.cancel(); }},
        End{[](const MadeCall& call) { call->end_as(Outcome::kNotRun, Outcome::kStopped); }},
        End{[](const MadeCall&) {}}}) {  // broken
    loops().reset();
    contract::LogCapture capture;
    const MadeCall watched = running_call();
    watched->need_side();
    const MadeCall after = after_call();
    add(watched, after);
    ended(watched);
    watched.release_deferred();
    EXPECT_EQ(loops().posted(), std::vector<Call*>{after.call});
    EXPECT_EQ(watched.references(), 1u);
    watched.release();
    EXPECT_TRUE(watched.is_destroyed());
    EXPECT_EQ(capture.stop(), "") << "the after-call observes the failure";
    run_and_release({after});
  }
  watched_.resolve();
}

TEST_F(Watchers, FollowACancelOfACallThatNeverRan) {
  const MadeCall watched = queued_call();
  watched->need_side();
  const MadeCall after = after_call();
  add(watched, after);
  watched.cancel();
  EXPECT_EQ(loops().posted(), std::vector<Call*>{after.call});
  process(*watched.call);
  watched.release();
  EXPECT_TRUE(watched.is_destroyed());
  run_and_release({after});
  watched_.resolve();
}

TEST_F(Watchers, KeepACallThatNobodyElseHolds) {
  const MadeCall watched = running_call(nullptr, nullptr, 0, word::kForgotten);
  watched->need_side();
  const MadeCall after = after_call();
  add(watched, after);
  watched.release_deferred();
  EXPECT_TRUE(watched.is_destroyed());
  EXPECT_EQ(loops().posted(), std::vector<Call*>{after.call});
  run_and_release({after});
  watched_.resolve();
}

TEST_F(Watchers, ThatALoopRefusesNeverRun) {
  DropCounter arg;
  const MadeCall after = after_call(arg.pointer(), DropCounter::drop);
  add(watched_, after);
  loops().refuse();
  watched_.resolve();
  EXPECT_EQ(loops().not_run(), 1);
  EXPECT_EQ(after->error_code(), CROCHET_ENOTRUN);
  EXPECT_EQ(arg.count(), 1);
  EXPECT_EQ(after.references(), 1u);
  after.release();
}

TEST_F(Watchers, ThatALoopRefusesEndAllThatWaitForThem) {
  DropCounter arg;
  const MadeCall after = after_call();
  ASSERT_NE(after->need_side(), nullptr);
  const MadeCall second = after_call(arg.pointer(), DropCounter::drop),
                 third = after_call(arg.pointer(), DropCounter::drop);
  add(after, second);
  add(after, third);
  add(watched_, after);
  loops().refuse();
  watched_.resolve();
  EXPECT_EQ(loops().not_run(), 3);
  EXPECT_EQ(arg.count(), 2);
  for (const MadeCall& call : {after, second, third}) {
    EXPECT_EQ(call->error_code(), CROCHET_ENOTRUN);
    EXPECT_EQ(call.references(), 1u);
    call.release();
  }
}

TEST_F(Watchers, ThatWereCancelledAreBuriedAtTheDelivery) {
  DropCounter arg;
  const MadeCall after = after_call(arg.pointer(), DropCounter::drop);
  add(watched_, after);
  EXPECT_EQ(after.cancel(), CROCHET_CANCEL_NOT_RUN);
  EXPECT_EQ(arg.count(), 1);
  after.release();
  EXPECT_FALSE(after.is_destroyed()) << "still linked";
  watched_.resolve();
  EXPECT_TRUE(after.is_destroyed());
  EXPECT_TRUE(loops().posted().empty());
}

TEST_F(Watchers, ThatWereCancelledStayBoundedWhileTheCallGoesOn) {
  std::vector<MadeCall> husks;
  for (int i = 0; i < 1000; ++i) {
    const MadeCall after = after_call();
    add(watched_, after);
    after.cancel();
    after.release();
    husks.push_back(after);
    EXPECT_LE(watched_.references(), 2u + 17u) << i;
  }
  watched_.resolve();
}

TEST_F(Watchers, KeepTheirOrderWhenTheCancelledAmongThemArePruned) {
  std::vector<MadeCall> kept;
  for (int i = 0; i < 300; ++i) {
    const MadeCall after = after_call();
    add(watched_, after);
    if (i % 3 != 0) {
      after.cancel();
      after.release();
    } else {
      kept.push_back(after);
    }
  }
  EXPECT_LT(watched_.references(), 250u) << "some were pruned";
  watched_.resolve();
  EXPECT_EQ(loops().posted(), addresses(kept));
  run_and_release(kept);
}

TEST_F(Watchers, AddedDuringTheDeliveryFollow) {
  const MadeCall first = after_call(), second = after_call();
  add(watched_, first);
  loops().on_post([this, &second](Call&) {
    loops().on_post(nullptr);
    add(watched_, second);
  });
  watched_.resolve();
  EXPECT_EQ(loops().posted(), (std::vector<Call*>{first.call, second.call}));
  run_and_release({first, second});
}

TEST_F(W1, TheCallIsSettledWhenAnAfterCallIsDelivered) {
  const auto calls = add_many(2);
  int settled = 0;
  loops().on_post([&](Call&) { settled += word::settled(watched_.word()) ? 1 : 0; });
  watched_.resolve();
  EXPECT_EQ(settled, 2);
  run_and_release(calls);
}

TEST_F(W2, AWaitingAfterCallHoldsOneReferenceOnTheCallAndTheListOneOnIt) {
  const Word before = watched_.references();
  const auto calls = add_many(2);
  EXPECT_EQ(watched_.references(), before + 2);
  EXPECT_EQ(calls[0].references(), 2u);
  watched_.resolve();
  EXPECT_EQ(watched_.references(), before);
  run_and_release(calls);
}

TEST_F(W3, TheFlagIsThereBeforeTheNode) {
  EXPECT_FALSE(watched_.has(word::kWatched));
  const auto calls = add_many(1);
  EXPECT_TRUE(watched_.has(word::kWatched));
  watched_.resolve();
  run_and_release(calls);
}

TEST_F(W3, NoAfterCallIsLostOrDoubledWhenAddersRaceTheSettler) {
  constexpr int kAdders = 3, kEach = 20;
  for (int round = 0; round < 100; ++round) {
    loops().reset();
    const MadeCall watched = running_call();
    watched->need_side();
    std::vector<std::vector<MadeCall>> added(kAdders);
    for (auto& calls : added) {
      for (int i = 0; i < kEach; ++i) calls.push_back(after_call());
    }
    contract::at_once(kAdders + 1, [&](int i) {
      if (i == kAdders) {
        watched.resolve();
        return;
      }
      for (const MadeCall& after : added[static_cast<std::size_t>(i)]) {
        add(watched, after);
        if (i == 1) after.cancel();  // before or after it was delivered
      }
    });
    const std::vector<Call*> posted = loops().posted();
    std::map<Call*, int> times;
    for (Call* call : posted) ++times[call];
    for (std::size_t adder = 0; adder < added.size(); ++adder) {
      for (const MadeCall& after : added[adder]) {
        if (adder == 1) {
          EXPECT_LE(times[after.call], 1);
          if (times[after.call] == 1) after->release_reference();  // a husk
        } else {
          EXPECT_EQ(times[after.call], 1);
          process(*after.call);
        }
        EXPECT_EQ(after.references(), 1u);
        after.release();
      }
    }
    watched.release_deferred();
    EXPECT_EQ(watched.references(), 1u);
    watched.release();
    EXPECT_TRUE(watched.is_destroyed());
  }
  watched_.resolve();
}

TEST_F(W3, OneThreadsAfterCallsKeepTheirOrderBeforeTheSettling) {
  constexpr int kAdders = 3, kEach = 50;
  std::vector<std::vector<MadeCall>> added(kAdders);
  contract::at_once(kAdders, [&](int i) {
    for (int n = 0; n < kEach; ++n) {
      added[static_cast<std::size_t>(i)].push_back(after_call());
      add(watched_, added[static_cast<std::size_t>(i)].back());
    }
  });
  watched_.resolve();
  const std::vector<Call*> posted = loops().posted();
  EXPECT_EQ(posted.size(), std::size_t{kAdders * kEach});
  for (const auto& calls : added) {
    auto from = posted.begin();
    for (const MadeCall& after : calls) {
      from = std::find(from, posted.end(), after.call);
      ASSERT_NE(from, posted.end());
    }
    run_and_release(calls);
  }
}

}  // namespace
}  // namespace crochet
