// SPDX-License-Identifier: MIT
// What a coroutine awaits, from which thread and loop that comes, and how it ends.
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

// A call started before has come to where it waits.
void settle_down() {
  crochet::run([] {}).wait();
}

template <class T>
task<T> value_of(deferred<T> d) {
  co_return co_await std::move(d);
}

class Await : public WithLoop {};

TEST_F(Await, OfADeferredWaitsUntilAnotherThreadSettlesIt) {
  deferred<std::unique_ptr<int>> d;
  auto result = crochet::run(value_of<std::unique_ptr<int>>, d);
  settle_down();
  EXPECT_FALSE(result.ready());
  d.resolve(std::make_unique<int>(3));
  EXPECT_EQ(*result.wait(), 3) << "moved out";
}
TEST_F(Await, GoesOnAtOnceWhereAllIsThere) {
  deferred<int> d;
  d.resolve(1);
  auto shared = crochet::run([] { return 2; });
  shared.wait();
  std::string order;
  crochet::run([&]() -> task<void> {
    crochet::run([&order] { order += "other"; });
    EXPECT_EQ(co_await std::move(d), 1);
    EXPECT_EQ(co_await shared, 2);
    order += "first ";
  }).wait();
  settle_down();
  EXPECT_EQ(order, "first other");
}
TEST_F(Await, LendsTheValueOfAnLvalue) {
  auto source = crochet::run([] { return std::string("lent"); });
  const std::string* seen = nullptr;
  crochet::run([&]() -> task<void> {
    const std::string& value = co_await source;
    seen = &value;
    const auto& constant = source;
    EXPECT_EQ(&co_await constant, &value) << "as often as you like";
  }).wait();
  EXPECT_EQ(seen, &source.wait());
}
TEST_F(Await, MovesTheValueOfAnRvalueOut) {
  struct Tag;
  using T = Tracked<Tag>;
  EXPECT_EQ(crochet::run([]() -> task<int> {
              auto source = crochet::run([] { return std::make_unique<T>(8); });
              auto mine = co_await std::move(source);
              EXPECT_FALSE(static_cast<bool>(source));
              co_return mine->number;
            }).wait(),
            8);
  EXPECT_EQ(T::alive, 0);
  EXPECT_EQ(T::made, 1);
}
TEST_F(Await, CopiesTheValueOfASharedRvalue) {
  auto source = crochet::run([] { return std::string("copied"); });
  auto other = source.share();
  EXPECT_EQ(crochet::run([&]() -> task<std::string> { co_return co_await std::move(other); }).wait(), "copied");
  EXPECT_EQ(source.wait(), "copied");
}
TEST_F(Await, OfOneResultIsForMany) {
  deferred<int> d;
  auto source = d.result();
  std::vector<eventual_result<int>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(crochet::run([&source, i]() -> task<int> { co_return co_await source + i; }));
  }
  d.resolve(100);
  int sum = 0;
  for (auto& each : all) sum += each.wait();
  EXPECT_EQ(sum, 1045);
}
TEST_F(Await, TakesResultsOfSeveralLoops) {
  const crochet::loop left, right;
  const auto home = crochet::run([] { return std::this_thread::get_id(); }).wait();
  const int sum = crochet::run([&]() -> task<int> {
                    auto a = left.run([] { return 1; });
                    auto b = right.run([]() -> task<int> { co_return 2 + co_await crochet::run([] { return 3; }); });
                    const int both = co_await std::move(a) + co_await std::move(b);
                    EXPECT_EQ(std::this_thread::get_id(), home);
                    co_return both;
                  }).wait();
  EXPECT_EQ(sum, 6);
}
TEST_F(Await, HoldsNobodyUp) {
  deferred<void> d;
  auto waits = crochet::run([d]() mutable -> task<void> { co_await std::move(d); });
  EXPECT_EQ(crochet::run([] { return 1; }).wait(), 1);
  EXPECT_FALSE(waits.ready());
  d.resolve();
  waits.wait();
}
TEST_F(Await, SleepsInOrderOfTheTimes) {
  std::string order;
  auto nap = [&order](std::chrono::milliseconds time, char name) -> task<void> {
    co_await crochet::sleep(time);
    order += name;
  };
  auto b = crochet::run(nap, 1h, 'b');
  auto a = crochet::run(nap, 1ms, 'a');
  a.wait();
  EXPECT_EQ(order, "a");
  b.cancel();
  EXPECT_THROW(b.wait(), crochet::cancelled_error);
  crochet::sleep(1ms).wait();
}

// ---- Failures: what wait() would throw ----

TEST_F(Await, ThrowsTheSameException) {
  const auto thrown = std::make_exception_ptr(std::runtime_error("the same"));
  auto source = crochet::run([thrown] { std::rethrow_exception(thrown); });
  auto result = crochet::run([&source]() -> task<void> { co_await source; });
  EXPECT_THROW(result.wait(), std::runtime_error);
  EXPECT_EQ(result.original_failure(), thrown);
}
TEST_F(Await, ThrowsTheClassesThatWaitThrows) {
  const auto code_awaiting = [](auto reject) {
    deferred<int> d;
    auto source = d.result();
    auto result = crochet::run(value_of<int>, d);
    reject(d, source);
    return result;
  };
  auto failed = code_awaiting([](deferred<int>& d, auto&) { d.reject(-17, "odd"); });
  EXPECT_THROW(failed.wait(), crochet::failed_error);
  EXPECT_EQ(code_of([&] { failed.wait(); }), -17);
  auto cancelled = code_awaiting([](auto&, eventual_result<int>& source) { source.cancel(); });
  EXPECT_THROW(cancelled.wait(), crochet::cancelled_error) << "not this coroutine, but what it awaited";
  auto timed_out = code_awaiting([](deferred<int>& d, auto&) { d.reject(crochet::timeout_error(CROCHET_ETIMEDOUT)); });
  EXPECT_THROW(timed_out.wait(), crochet::failed_error) << "not a wait's time-out";
}
TEST_F(Await, OfADeferredThatNobodySettlesIsBroken) {
  auto result = crochet::run([]() -> task<int> {
    deferred<int> d;
    co_return co_await std::move(d);
  });
  EXPECT_THROW(result.wait(), crochet::broken_error);
}
TEST_F(Await, OfAnEmptyResultIsRefused) {
  EXPECT_EQ(code_of([] { crochet::run([]() -> task<int> { co_return co_await eventual_result<int>(); }).wait(); }),
            CROCHET_EINVAL);
}
TEST_F(Await, MayBeTriedAgain) {
  int attempts = 0;
  auto flaky = [&attempts] {
    if (++attempts < 3) throw std::runtime_error("not yet");
    return attempts;
  };
  EXPECT_EQ(crochet::run([flaky]() -> task<int> {
              for (;;) {
                try {
                  co_return co_await crochet::run(flaky);
                } catch (const std::runtime_error&) {
                }
                co_await crochet::sleep(1ms);
              }
            }).wait(),
            3);
}
TEST_F(Await, OfALoopThatStopsThrowsLoopStopped) {
  auto other = std::make_unique<crochet::loop>();
  deferred<int> never(*other);
  auto result = crochet::run([never]() mutable -> task<std::string> {
    try {
      co_await std::move(never);
    } catch (const crochet::loop_stopped&) {
      co_return "stopped";
    }
    co_return "?";
  });
  settle_down();
  other->stop(0s);
  EXPECT_EQ(result.wait(), "stopped");
}

}  // namespace
}  // namespace coro
