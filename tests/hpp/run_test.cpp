// SPDX-License-Identifier: MIT
// crochet::run: what may be run, what goes in and what comes out.
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

class Run : public WithLoop {};

int add(int a, int b) { return a + b; }
int measure(const char* text) { return static_cast<int>(std::string(text).size()); }
int overloaded(int) { return 1; }
int overloaded(const std::string&) { return 2; }

struct Account {
  int balance = 0;
  int deposit(int amount) { return balance += amount; }
  int look() const noexcept { return balance; }
};

TEST_F(Run, TakesAFunction) { EXPECT_EQ(crochet::run(add, 1, 2).wait(), 3); }
TEST_F(Run, TakesAPointerToAFunction) { EXPECT_EQ(crochet::run(&add, 1, 2).wait(), 3); }
TEST_F(Run, TakesALambda) {
  EXPECT_EQ(crochet::run([](int a) { return a * 2; }, 21).wait(), 42);
}
TEST_F(Run, TakesAMutableLambda) {
  EXPECT_EQ(crochet::run([n = 1]() mutable { return ++n; }).wait(), 2);
}
TEST_F(Run, TakesAFunctionObject) { EXPECT_EQ(crochet::run(std::plus<int>(), 1, 2).wait(), 3); }
TEST_F(Run, TakesAMemberFunctionOfAPointerACopyAndAReference) {
  Account account{10};
  EXPECT_EQ(crochet::run(&Account::deposit, &account, 5).wait(), 15);
  EXPECT_EQ(crochet::run(&Account::deposit, account, 5).wait(), 20);
  EXPECT_EQ(crochet::run(&Account::deposit, std::ref(account), 1).wait(), 16);
  EXPECT_EQ(crochet::run(&Account::look, std::make_unique<Account>(account)).wait(), 16);
  EXPECT_EQ(account.balance, 16);
}
TEST_F(Run, TakesAnOverloadSetThroughALambda) {
  const auto any = [](auto&& x) { return overloaded(std::forward<decltype(x)>(x)); };
  EXPECT_EQ(crochet::run(any, 1).wait(), 1);
  EXPECT_EQ(crochet::run(any, std::string("x")).wait(), 2);
}
TEST_F(Run, TakesAMoveOnlyCallable) {
  auto owner = [p = std::make_unique<int>(7)] { return *p; };
  EXPECT_EQ(crochet::run(std::move(owner)).wait(), 7);
}
TEST_F(Run, RunsOnTheLoopsThread) {
  EXPECT_FALSE(on_loop());
  EXPECT_TRUE(crochet::run(on_loop).wait());
}

TEST_F(Run, DecaysArguments) {
  EXPECT_EQ(crochet::run(measure, "four").wait(), 4);
  char text[] = "three";
  EXPECT_EQ(crochet::run([](std::string s) { return s; }, text).wait(), "three");
}
TEST_F(Run, CopiesLvaluesAndMovesRvalues) {
  auto p = std::make_unique<int>(3);
  std::string s = "kept";
  auto result =
      crochet::run([](std::unique_ptr<int> q, std::string t) { return t + std::to_string(*q); }, std::move(p), s);
  EXPECT_EQ(result.wait(), "kept3");
  EXPECT_EQ(s, "kept");
  EXPECT_EQ(p, nullptr);
}
TEST_F(Run, PassesAReferenceWrapperAsAReference) {
  int n = 1;
  crochet::run([](int& m) { m = 2; }, std::ref(n)).wait();
  EXPECT_EQ(n, 2);
}
TEST_F(Run, HandsArgumentsOverAsRvalues) {
  EXPECT_EQ(crochet::run([](std::vector<int>&& v) { return std::move(v); }, std::vector<int>{1, 2}).wait().size(), 2U);
}

TEST_F(Run, ReturnsNothing) {
  bool ran = false;
  auto result = crochet::run([&ran] { ran = true; });
  static_assert(std::is_same_v<decltype(result), crochet::eventual_result<void>>);
  static_assert(std::is_void_v<decltype(result.wait())> && std::is_void_v<decltype(std::move(result).wait())>);
  result.wait();
  EXPECT_TRUE(ran);
}
TEST_F(Run, LendsFromAnLvalueAndGivesFromAnRvalue) {
  auto result = crochet::run([] { return std::string("text"); });
  static_assert(std::is_same_v<decltype(result.wait()), const std::string&>);
  static_assert(std::is_same_v<decltype(std::move(result).wait()), std::string>);
  EXPECT_EQ(&result.wait(), &result.wait());
  EXPECT_EQ(std::move(result).wait(), "text");
}
TEST_F(Run, ReturnsAMoveOnlyValue) {
  const std::unique_ptr<int> p = crochet::run([] { return std::make_unique<int>(5); }).wait();
  EXPECT_EQ(*p, 5);
}
TEST_F(Run, ReturnsAConstValueAsAValue) {
  auto result = crochet::run([]() -> const std::string { return "x"; });
  static_assert(std::is_same_v<decltype(result), crochet::eventual_result<std::string>>);
  EXPECT_EQ(result.wait(), "x");
}
TEST_F(Run, ReturnsAValueWithoutADefaultConstructor) {
  EXPECT_EQ(crochet::run([] { return NoDefault(4); }).wait().number, 4);
}
TEST_F(Run, ReturnsAValueThatCantBeMoved) {
  auto result = crochet::run([] { return NotMovable(4); });
  EXPECT_EQ(result.wait().number, 4);
}
TEST_F(Run, ReturnsALargeValue) {
  EXPECT_EQ(crochet::run([] { return Big(9); }).wait().number, 9);
}
TEST_F(Run, TakesALargeClosure) {
  const Big big(8);
  EXPECT_EQ(crochet::run([big] { return big.number; }).wait(), 8);
}
TEST_F(Run, AlignsOverAlignedValuesAndClosures) {
  for (int i = 0; i < 50; ++i) {
    auto value = crochet::run([] { return OverAligned(1); });
    EXPECT_TRUE(value.wait().aligned());
    EXPECT_TRUE(crochet::run([](const OverAligned& x) { return x.aligned(); }, OverAligned(2)).wait());
    const OverAligned both = crochet::run([](OverAligned x) { return x; }, OverAligned(3)).wait();
    EXPECT_EQ(both.number, 3);
  }
}

struct Move {};
TEST_F(Run, AValueWhoseMoveThrowsIsNotMovedByTheCall) {
  using Value = ThrowingMove<Move>;
  {
    auto result = crochet::run([] { return Value(3); });
    EXPECT_EQ(result.wait().number, 3);
    EXPECT_EQ(Value::made, 1);
    EXPECT_THROW(std::move(result).wait(), std::domain_error);  // taken, and ended
    EXPECT_EQ(code_of([&] { result.wait(); }), CROCHET_ETAKEN);
    result.join(kKillTimer);
  }
  EXPECT_EQ(Value::alive, 0);
}

struct Once {};
TEST_F(Run, EndsAValueThatNobodyTakes) {
  using Value = Tracked<Once>;
  for (int i = 0; i < 3; ++i) {
    auto result = crochet::run([] { return Value(1); });
    result.join(kKillTimer);
    EXPECT_EQ(Value::alive, 1) << "the result still lends it";
    result = {};
    EXPECT_EQ(Value::alive, 0);
  }
  EXPECT_EQ(Value::made, 3) << "it was built where it lies";
}
struct Heap {};
struct LargeTracked : Tracked<Heap> {
  using Tracked::Tracked;
  char rest[500] = {};
};
TEST_F(Run, EndsALargeValueThatNobodyTakes) {
  auto result = crochet::run([] { return LargeTracked(1); });
  result.join(kKillTimer);
  EXPECT_EQ(Tracked<Heap>::alive, 1);
  result = {};
  EXPECT_EQ(Tracked<Heap>::alive, 0);
  EXPECT_EQ(Tracked<Heap>::made, 1);
}
struct Taken {};
TEST_F(Run, EndsAValueThatWasTakenOnce) {
  using Value = Tracked<Taken>;
  auto result = crochet::run([] { return Value(6); });
  {
    const Value mine = std::move(result).wait();
    result.join(kKillTimer);
    EXPECT_EQ(mine.number, 6);
    EXPECT_EQ(Value::alive, 1);
  }
  EXPECT_EQ(Value::alive, 0);
}

struct Closure {};
TEST_F(Run, EndsTheClosureWhenTheFunctionHasReturnedAndKeepsTheValue) {
  using Captured = Tracked<Closure>;
  auto result = crochet::run([c = Captured(1)](const Captured& d) { return c.number + d.number; }, Captured(2));
  result.join(kKillTimer);
  EXPECT_EQ(Captured::alive, 0);
  EXPECT_EQ(result.wait(), 3);
}
struct Cancelled {};
TEST_F(Run, EndsTheClosureOfACallThatNeverRan) {
  using Captured = Tracked<Cancelled>;
  const Blocker blocker;
  auto result = crochet::run([c = Captured(1)] { return c; });
  EXPECT_EQ(Captured::alive, 1);
  EXPECT_EQ(result.cancel(), crochet::cancel_outcome::not_run);
  EXPECT_EQ(Captured::alive, 0);
}

struct ThrowingCopy {
  ThrowingCopy() = default;
  ThrowingCopy(const ThrowingCopy&) { throw std::length_error("copied"); }
};
struct Bystander {};
TEST_F(Run, AnArgumentThatCantBeCopiedThrowsAtTheCallerAndNothingRuns) {
  std::atomic<bool> ran{false};
  const ThrowingCopy broken;
  EXPECT_THROW(crochet::run([&ran](const Tracked<Bystander>&, const ThrowingCopy&) { ran = true; },
                            Tracked<Bystander>(), broken),
               std::length_error);
  crochet::run([] {}).wait();
  EXPECT_FALSE(ran);
  EXPECT_EQ(Tracked<Bystander>::alive, 0);
}

TEST_F(Run, ForgottenCallsRunAllTheSame) {
  contract::Gate gate;
  crochet::run([&gate] { gate.open(); });
  gate.wait();
}
TEST_F(Run, StartsCallsInTheOrderMade) {
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) crochet::run([&order, i] { order.push_back(i); });
  crochet::run([] {}).wait();
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
}

struct Storm {};
TEST_F(Run, ManyThreadsCallWaitAndCancelAndNothingIsLost) {
  constexpr int kThreads = 4;
  constexpr int kCallsEach = 1000;
  std::atomic<int> ran{0};
  std::atomic<int> values{0};
  std::atomic<int> cancelled{0};
  std::atomic<int> not_run{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kCallsEach; ++i) {
        auto result = crochet::run([&ran, c = Tracked<Storm>(i)] {
          ++ran;
          return Tracked<Storm>(c.number);
        });
        if (i % 3 == 0 && result.cancel() == crochet::cancel_outcome::not_run) ++not_run;
        try {
          if (std::move(result).wait().number == i) ++values;
        } catch (const crochet::cancelled_error&) {
          ++cancelled;
        }
        result.join(kKillTimer);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(values + cancelled, kThreads * kCallsEach);
  EXPECT_EQ(ran + not_run, kThreads * kCallsEach);
  EXPECT_EQ(Tracked<Storm>::alive, 0);
}

class RunWithoutALoop : public ShutDownAfterwards {};
TEST_F(RunWithoutALoop, IsRefusedAfterShutdownAndSafeToRepeat) {
  crochet::setup();
  EXPECT_EQ(crochet::shutdown(1s), crochet::stop_outcome::ended);
  try {
    crochet::run([] {});
    FAIL();
  } catch (const crochet::loop_stopped& stopped) {
    EXPECT_TRUE(stopped.never_started());
  }
}

}  // namespace
}  // namespace hpp
