// SPDX-License-Identifier: MIT
// A coroutine is run as any function is, by all that runs functions, and nothing that it refers to ends before it.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "crochet_coro.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace coro {
namespace {

using namespace hpp;
using crochet::deferred;
using crochet::eventual_result;
using crochet::task;

// Suspends for a turn of the loop at least.
task<void> turn() {
  co_await crochet::run([] {});
}

task<int> sum(int a, int b) {
  co_await turn();
  co_return a + b;
}

class Coroutine : public WithLoop {};

TEST_F(Coroutine, GivesItsValueAsAnyFunctionDoes) {
  auto result = crochet::run(sum, 20, 1);
  static_assert(std::is_same_v<decltype(result), eventual_result<int>>);
  EXPECT_EQ(result.wait(), 21);
}
TEST_F(Coroutine, MayGiveNothing) {
  bool ran = false;
  auto result = crochet::run([&ran]() -> task<> {
    co_await turn();
    ran = true;
  });
  static_assert(std::is_same_v<decltype(result), eventual_result<void>>);
  result.wait();
  EXPECT_TRUE(ran);
}
TEST_F(Coroutine, NeedNotAwaitAnything) {
  EXPECT_EQ(crochet::run([]() -> task<int> { co_return 7; }).wait(), 7);
}
TEST_F(Coroutine, StaysOnItsLoop) {
  const auto home = crochet::run([] { return std::this_thread::get_id(); }).wait();
  const crochet::loop other;
  crochet::run([&]() -> task<void> {
    EXPECT_EQ(std::this_thread::get_id(), home);
    const auto there = co_await other.run([] { return std::this_thread::get_id(); });
    EXPECT_NE(there, home);
    EXPECT_EQ(std::this_thread::get_id(), home);
  }).wait();
}
TEST_F(Coroutine, IsLazy) {
  bool ran = false;
  auto f = [&ran]() -> task<void> {
    ran = true;
    co_return;
  };
  { const task<void> never = f(); }
  EXPECT_FALSE(ran) << "and its frame has gone";
  task<void> kept = f();
  EXPECT_TRUE(static_cast<bool>(kept));
  crochet::run([&kept] { return std::move(kept); }).wait();
  EXPECT_TRUE(ran);
  EXPECT_FALSE(static_cast<bool>(kept));
}
TEST_F(Coroutine, ThatIsEmptyIsRefused) {
  EXPECT_EQ(code_of([] { crochet::run([] { return task<int>(); }).wait(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([] { crochet::run([]() -> task<int> { co_return co_await task<int>(); }).wait(); }),
            CROCHET_EINVAL);
}

// ---- All that runs functions ----

TEST_F(Coroutine, IsDecorated) {
  const auto add = crochet::run_in_loop(sum);
  EXPECT_EQ(add(1, 2).wait(), 3);
  EXPECT_EQ(add(3, 4).wait(), 7) << "each call is another coroutine";
  EXPECT_EQ(crochet::wait_for(60s, sum)(5, 6), 11);
}
TEST_F(Coroutine, IsCancelledByAPatientFunctionsTimeOut) {
  deferred<int> never;
  struct Tag;
  auto forever = [never, t = Tracked<Tag>()](int n) mutable -> task<int> { co_return n + co_await std::move(never); };
  EXPECT_THROW(crochet::wait_for(1ms, std::move(forever))(1), crochet::timeout_error);
}
TEST_F(Coroutine, RunsOnTheLoopGiven) {
  const crochet::loop loop;
  crochet_loop* seen = nullptr;
  loop.run([&seen]() -> task<void> {
        co_await turn();
        seen = crochet_current_loop();
      })
      .wait();
  EXPECT_EQ(seen, loop.handle());
  EXPECT_EQ(loop.run_in_loop(sum)(1, 1).wait(), 2);
  EXPECT_EQ(loop.wait_for(60s, sum)(1, 1), 2);
}
TEST_F(Coroutine, RunsForEachElement) {
  const std::vector<int> numbers = {1, 2, 3};
  int total = 0;
  for (auto& result : crochet::run_many([](int n) { return sum(n, n); }, numbers)) total += result.wait();
  EXPECT_EQ(total, 12);
}
TEST_F(Coroutine, MayBeAContinuation) {
  EXPECT_EQ(crochet::run(sum, 1, 2).then([](int n) { return sum(n, 1); }).then([](int n) { return n * 2; }).wait(), 8);
}
TEST_F(Coroutine, AsAContinuationKeepsTheValueItRefersTo) {
  auto text = [] { return std::string("long enough to lie on the heap, where it would be missed"); };
  auto measure = [](const std::string& s) -> task<std::size_t> {
    co_await turn();
    co_return s.size();
  };
  EXPECT_EQ(crochet::run(text).then(measure).wait(), text().size());
  auto shared = crochet::run(text);
  EXPECT_EQ(shared.then(measure).wait(), text().size());
  EXPECT_EQ(crochet::run([] { return std::make_unique<int>(4); })
                .then([](std::unique_ptr<int>&& p) -> task<int> {
                  co_await turn();
                  co_return *p;
                })
                .wait(),
            4);
  EXPECT_EQ(crochet::run(text)
                .then([](eventual_result<std::string>&& r) -> task<std::size_t> {
                  co_await turn();
                  co_return r.value().size();
                })
                .wait(),
            text().size());
}

struct Counter {
  static inline std::atomic<int> alive{0};
  int count = 0;
  Counter() { ++alive; }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  ~Counter() { --alive; }
  task<int> add(int n) {
    co_await turn();
    co_return count += n;
  }
  task<int> add_all(const std::vector<int>& numbers) const {
    int all = count;
    for (const int n : numbers) {
      co_await turn();
      all += n;
    }
    co_return all;
  }
};
TEST_F(Coroutine, MayBeAMemberOfAnObjectOnTheLoop) {
  const crochet::loop_owned<Counter> counter;
  EXPECT_EQ(counter.run(&Counter::add, 2).wait(), 2);
  EXPECT_EQ(counter.run(&Counter::add_all, std::vector<int>{1, 2, 3}).wait(), 8);
  EXPECT_EQ(counter.run([](Counter& c, int n) { return c.add(n); }, 1).wait(), 3);
}
TEST_F(Coroutine, KeepsTheObjectThatItIsAMemberOf) {
  deferred<int> d;
  eventual_result<int> result;
  {
    const crochet::loop_owned<Counter> counter;
    result = counter.run([d](Counter& c) mutable -> task<int> { co_return c.count += co_await std::move(d); });
  }
  crochet::run([] {}).wait();
  EXPECT_EQ(Counter::alive, 1) << "asked to end before the coroutine has";
  d.resolve(5);
  EXPECT_EQ(result.wait(), 5);
  result.join();
  EXPECT_EQ(Counter::alive, 0);
}

// ---- What it refers to ----

TEST_F(Coroutine, KeepsWhatALambdaCaptured) {
  struct Tag;
  using T = Tracked<Tag>;
  {
    auto result = crochet::run([t = T(3), text = std::string(100, 'x')]() -> task<std::size_t> {
      co_await turn();
      co_return static_cast<std::size_t>(t.number) + text.size();
    });
    EXPECT_EQ(result.wait(), 103U);
    result.join();
    EXPECT_EQ(T::alive, 0) << "and not longer than the call";
  }
}
TEST_F(Coroutine, KeepsArgumentsThatItTakesByReference) {
  struct Tag;
  using T = Tracked<Tag>;
  auto result = crochet::run(
      [](const T& a, T&& b, const std::vector<int>& v) -> task<int> {
        co_await turn();
        co_return a.number + b.number + v[0];
      },
      T(1), T(2), std::vector<int>{3});
  EXPECT_EQ(result.wait(), 6);
  result.join();
  EXPECT_EQ(T::alive, 0);
}
TEST_F(Coroutine, KeepsADecoratedFunctionThatIsGone) {
  auto result = [] {
    const auto f = crochet::run_in_loop([text = std::string(100, 'x')]() -> task<std::size_t> {
      co_await turn();
      co_return text.size();
    });
    return f();
  }();
  EXPECT_EQ(result.wait(), 100U);
}
TEST_F(Coroutine, EndsItsLocalsBeforeItsResultIsThere) {
  struct Tag;
  using T = Tracked<Tag>;
  deferred<void> d;
  auto result = crochet::run([d]() mutable -> task<void> {
    const T local;
    co_await std::move(d);
  });
  crochet::run([] {}).wait();
  EXPECT_EQ(T::alive, 1);
  d.resolve();
  result.wait();
  EXPECT_EQ(T::alive, 0);
}
TEST_F(Coroutine, ThatNeverRunsDropsItsFunction) {
  struct Tag;
  using T = Tracked<Tag>;
  const Blocker blocker;
  auto result = crochet::run([t = T()]() -> task<void> { co_return; });
  EXPECT_EQ(T::alive, 1);
  EXPECT_EQ(result.cancel(), crochet::cancel_outcome::not_run);
  EXPECT_EQ(T::alive, 0);
}

// ---- Values and failures ----

TEST_F(Coroutine, GivesValuesOfAllKinds) {
  EXPECT_EQ(*crochet::run([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(1); }).wait(), 1);
  EXPECT_EQ(crochet::run([]() -> task<NoDefault> { co_return NoDefault(2); }).wait().number, 2);
  EXPECT_EQ(crochet::run([]() -> task<Big> { co_return Big(3); }).wait().number, 3);
  auto aligned = crochet::run([]() -> task<OverAligned> { co_return OverAligned(4); });
  EXPECT_TRUE(aligned.wait().aligned());
  EXPECT_EQ(crochet::run([]() -> task<std::string> { co_return "made of"; }).wait(), "made of");
}
TEST_F(Coroutine, EndsItsValueOnce) {
  struct Tag;
  using T = Tracked<Tag>;
  {
    auto result = crochet::run([]() -> task<T> {
      co_await turn();
      co_return T(1);
    });
    EXPECT_EQ(result.wait().number, 1);
    result.join();
    EXPECT_EQ(T::alive, 1);
    auto nested = crochet::run([]() -> task<int> {
      const T inner = co_await []() -> task<T> { co_return T(2); }();
      co_return inner.number;
    });
    EXPECT_EQ(nested.wait(), 2);
  }
  crochet::run([] {}).wait();
  EXPECT_EQ(T::alive, 0);
}
TEST_F(Coroutine, WhoseValueThrowsWhenMovedFails) {
  struct Tag;
  EXPECT_THROW(crochet::run([]() -> task<ThrowingMove<Tag>> { co_return ThrowingMove<Tag>(1); }).wait(),
               std::domain_error);
  EXPECT_EQ(Tracked<Tag>::alive, 0);
}
TEST_F(Coroutine, FailsWithTheExceptionItThrows) {
  const auto thrown = std::make_exception_ptr(std::runtime_error("as it was"));
  const auto fail = [thrown](bool late) -> task<int> {
    if (late) co_await turn();
    std::rethrow_exception(thrown);
    co_return 1;
  };
  for (const bool late : {false, true}) {
    auto result = crochet::run(fail, late);
    EXPECT_THROW(result.wait(), std::runtime_error);
    EXPECT_EQ(result.original_failure(), thrown) << "the same object";
  }
  EXPECT_THROW(crochet::run([]() -> task<int> {
                 co_return co_await []() -> task<int> {
                   throw 5;
                   co_return 1;
                 }();
               }).wait(),
               int);
}
TEST_F(Coroutine, WhoseFunctionThrowsBeforeThereIsOneFails) {
  EXPECT_THROW(crochet::run([](int n) { return n > 0 ? throw std::out_of_range("no") : sum(1, 1); }, 1).wait(),
               std::out_of_range);
}

// ---- Coroutines that await others ----

TEST_F(Coroutine, RunsAnotherAtOnceOnTheSameLoop) {
  std::string order;
  crochet::run([&order]() -> task<void> {
    crochet::run([&order] { order += 'c'; });
    order += 'a';
    co_await [](std::string& o) -> task<void> {
      o += 'b';
      co_return;
    }(order);
    co_await turn();
  }).wait();
  EXPECT_EQ(order, "abc");
}
TEST_F(Coroutine, CatchesWhatAnotherThrows) {
  auto fail = []() -> task<int> {
    co_await turn();
    throw std::runtime_error("caught");
  };
  EXPECT_EQ(crochet::run([fail]() -> task<std::string> {
              try {
                co_await fail();
              } catch (const std::runtime_error& e) {
                co_return e.what();
              }
              co_return "not thrown";
            }).wait(),
            "caught");
}

task<int> depth(int n, bool wait) {
  if (n == 0) {
    if (wait) co_await turn();
    co_return 0;
  }
  co_return 1 + co_await depth(n - 1, wait);
}
TEST_F(Coroutine, NeedsNoStackForThoseItAwaits) {
  constexpr int kDeep = contract::kSanitized ? 2'000 : 20'000;  // each would need more than its share of 8 MB
  EXPECT_EQ(crochet::run(depth, kDeep, false).wait(), kDeep);
  EXPECT_EQ(crochet::run(depth, kDeep, true).wait(), kDeep);
  EXPECT_EQ(crochet::run([]() -> task<int> {
              int all = 0;
              for (int i = 0; i < 200'000; ++i) all += co_await []() -> task<int> { co_return 1; }();
              co_return all;
            }).wait(),
            200'000);
}
TEST_F(Coroutine, IsMovedUntilItIsAwaited) {
  EXPECT_EQ(crochet::run([]() -> task<int> {
              task<int> first = sum(1, 2);
              task<int> second = std::move(first);
              first = sum(5, 5);
              co_return co_await std::move(second) + co_await std::move(first);
            }).wait(),
            13);
}

}  // namespace
}  // namespace coro
