// SPDX-License-Identifier: MIT
// run_in_loop and wait_for: functions made of functions.
#include <memory>
#include <string>

#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using crochet::deferred;
using crochet::eventual_result;

class RunInLoop : public WithLoop {};
class WaitFor : public WithLoop {};

int add(int a, int b) { return a + b; }
struct Account {
  int balance = 0;
  int deposit(int amount) { return balance += amount; }
};

TEST_F(RunInLoop, GivesAResultAtOnceAnyNumberOfTimes) {
  const auto adder = crochet::run_in_loop(add);
  static_assert(std::is_same_v<decltype(adder(1, 2)), eventual_result<int>>);
  auto first = adder(1, 2);
  auto second = adder(3, 4);
  EXPECT_EQ(first.wait(), 3);
  EXPECT_EQ(second.wait(), 7);
  const auto copy = adder;
  EXPECT_EQ(copy(5, 6).wait(), 11);
}
TEST_F(RunInLoop, HandsOutTheFunctionItself) {
  const auto adder = crochet::run_in_loop(add);
  EXPECT_EQ(adder.wrapped()(1, 2), 3) << "for unit tests: on this thread, without a loop";
  const auto where = crochet::run_in_loop(on_loop);
  EXPECT_FALSE(where.wrapped()());
  EXPECT_TRUE(where().wait());
}
TEST_F(RunInLoop, WorksBeforeThereIsALoopToRunOn) {
  EXPECT_EQ(crochet::shutdown(1s), crochet::stop_outcome::ended);
  const auto adder = crochet::run_in_loop(add);
  EXPECT_THROW(adder(1, 2), crochet::loop_stopped);
  crochet::setup();
  EXPECT_EQ(adder(1, 2).wait(), 3);
}
TEST_F(RunInLoop, TakesMembersLambdasAndOverloadSets) {
  Account account;
  const auto deposit = crochet::run_in_loop(&Account::deposit);
  deposit(&account, 3).wait();
  deposit(std::ref(account), 4).wait();
  EXPECT_EQ(account.balance, 7);
  const auto twice = crochet::run_in_loop([](const auto& x) { return x + x; });
  EXPECT_EQ(twice(2).wait(), 4);
  EXPECT_EQ(twice(std::string("a")).wait(), "aa");
}
TEST_F(RunInLoop, RunsACopyEachTime) {
  const auto counter = crochet::run_in_loop([n = 0]() mutable { return ++n; });
  EXPECT_EQ(counter().wait(), 1);
  EXPECT_EQ(counter().wait(), 1);
}
TEST_F(RunInLoop, RunsAMoveOnlyFunctionOnce) {
  auto once = crochet::run_in_loop([p = std::make_unique<int>(5)] { return *p; });
  EXPECT_EQ(std::move(once)().wait(), 5);
}
TEST_F(RunInLoop, OfALoopRunsThere) {
  const crochet::loop other;
  const auto where = other.run_in_loop([] { return std::this_thread::get_id(); });
  EXPECT_EQ(where().wait(), other.run([] { return std::this_thread::get_id(); }).wait());
  EXPECT_NE(where().wait(), crochet::run([] { return std::this_thread::get_id(); }).wait());
}
TEST_F(RunInLoop, KeepsItsLoop) {
  auto adder = [] {
    const crochet::loop other;
    return other.run_in_loop(add);
  }();
  EXPECT_EQ(adder(1, 2).wait(), 3);
}

TEST_F(WaitFor, BlocksAndReturnsTheValue) {
  const auto adder = crochet::wait_for(kKillTimer, add);
  static_assert(std::is_same_v<decltype(adder(1, 2)), int>);
  EXPECT_EQ(adder(1, 2), 3);
  EXPECT_EQ(adder.wrapped()(3, 4), 7);
  const auto owner = crochet::wait_for(kKillTimer, [] { return std::make_unique<int>(1); });
  EXPECT_EQ(*owner(), 1);
  crochet::wait_for(kKillTimer, [] {})();
  EXPECT_EQ(crochet::wait_for(kKillTimer, [] { return crochet::run(add, 2, 2); })(), 4);
}
TEST_F(WaitFor, ThrowsWhatTheFunctionThrew) {
  const auto thrower = crochet::wait_for(kKillTimer, []() -> int { throw std::domain_error("no"); });
  EXPECT_THROW(thrower(), std::domain_error);
}
TEST_F(WaitFor, CancelsWhenTheTimeIsOver) {
  contract::Gate cancelled;
  deferred<int> source;
  EXPECT_TRUE(source.on_cancel([&cancelled](const deferred<int>& mine) {
    mine.reject(CROCHET_ECANCELED);
    cancelled.open();
  }));
  const auto never = crochet::wait_for(5ms, [source] { return source; });
  EXPECT_THROW(never(), crochet::timeout_error);
  cancelled.wait();
}
TEST_F(WaitFor, DoesNotRunWhatTimedOutInTheQueue) {
  struct Tag {};
  std::atomic<bool> ran{false};
  {
    const Blocker blocker;
    const auto late = crochet::wait_for(5ms, [&ran](const Tracked<Tag>&) { ran = true; });
    EXPECT_THROW(late(Tracked<Tag>()), crochet::timeout_error);
    EXPECT_EQ(Tracked<Tag>::alive, 0);
  }
  crochet::run([] {}).wait();
  EXPECT_FALSE(ran);
}
TEST_F(WaitFor, GivesTheOutcomeOrTheTimeOutWhenBothComeAtOnce) {
  const auto close_call = crochet::wait_for(20us, [](int n) { return n; });
  int values = 0;
  int time_outs = 0;
  for (int i = 0; i < 500; ++i) {
    try {
      values += close_call(i) == i ? 1 : 0;
    } catch (const crochet::timeout_error&) {
      ++time_outs;
    }
  }
  EXPECT_EQ(values + time_outs, 500);
}
TEST_F(WaitFor, RefusesOnALoopAndRunsNothing) {
  std::atomic<bool> ran{false};
  const auto nothing = crochet::wait_for(kKillTimer, [&ran] { ran = true; });
  auto refused = crochet::run([&nothing] { nothing(); });
  EXPECT_THROW(refused.wait(), crochet::failed_error);
  EXPECT_EQ(code_of([&] { refused.wait(); }), CROCHET_EDEADLK);
  EXPECT_THROW(std::rethrow_exception(refused.original_failure()), crochet::deadlock_error);
  crochet::run([] {}).wait();
  EXPECT_FALSE(ran);
}
TEST_F(WaitFor, RunsAMoveOnlyFunctionOnce) {
  EXPECT_EQ(crochet::wait_for(kKillTimer, [p = std::make_unique<int>(5)] { return *p; })(), 5);
}
TEST_F(WaitFor, OfALoopRunsThere) {
  const crochet::loop other;
  EXPECT_EQ(other.wait_for(kKillTimer, [] { return std::this_thread::get_id(); })(),
            other.run([] { return std::this_thread::get_id(); }).wait());
}

}  // namespace
}  // namespace hpp
