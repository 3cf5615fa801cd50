// SPDX-License-Identifier: MIT
// then(): a call that starts when another is settled.
#include <memory>
#include <string>
#include <vector>

#include "api/support/log_capture.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using crochet::deferred;
using crochet::eventual_result;

class Then : public WithLoop {};

TEST_F(Then, GetsTheValueAndReturnsAnother) {
  auto result = crochet::run([] { return 20; }).then([](int n) { return std::to_string(n + 1); });
  static_assert(std::is_same_v<decltype(result), eventual_result<std::string>>);
  EXPECT_EQ(result.wait(), "21");
}
TEST_F(Then, ChainsThroughNothing) {
  int steps = 0;
  crochet::run([&steps] { ++steps; }).then([&steps] { ++steps; }).then([&steps] { ++steps; }).wait();
  EXPECT_EQ(steps, 3);
}
TEST_F(Then, LendsTheValueOfAnLvalue) {
  auto first = crochet::run([] { return std::string("kept"); });
  const std::string* seen = nullptr;
  first.then([&seen](const std::string& s) { seen = &s; }).wait();
  EXPECT_EQ(seen, &first.wait());
  EXPECT_EQ(std::move(first).wait(), "kept") << "shared now: copied";
}
TEST_F(Then, GivesTheValueOfAnRvalue) {
  auto result = crochet::run([] { return std::make_unique<int>(4); })
                    .then([](std::unique_ptr<int> p) {
                      ++*p;
                      return p;
                    })
                    .then([](std::unique_ptr<int>&& p) { return *p; });
  EXPECT_EQ(result.wait(), 5);
}
TEST_F(Then, TakesMembers) {
  EXPECT_EQ(crochet::run([] { return std::string("four"); }).then(&std::string::size).wait(), 4U);
}
TEST_F(Then, TakesAMoveOnlyFunction) {
  EXPECT_EQ(crochet::run([] { return 1; }).then([p = std::make_unique<int>(2)](int n) { return n + *p; }).wait(), 3);
}
TEST_F(Then, WaitsForAReturnedDeferred) {
  deferred<int> source;
  auto result = crochet::run([] {}).then([source] { return source; }).then([](int n) { return n * 2; });
  EXPECT_FALSE(result.ready(1ms));
  source.resolve(21);
  EXPECT_EQ(result.wait(), 42);
}
TEST_F(Then, RunsAtOnceOnAResultThatIsSettled) {
  auto first = crochet::run([] { return 1; });
  first.wait();
  EXPECT_EQ(first.then([](int n) { return n + 1; }).wait(), 2);
  EXPECT_EQ(first.then([](int n) { return n + 2; }).wait(), 3) << "any number of times";
}
TEST_F(Then, RunsInTheOrderMade) {
  deferred<int> source;
  auto first = source.result();
  std::vector<int> order;
  std::vector<eventual_result<void>> all;
  for (int i = 0; i < 20; ++i) all.push_back(first.then([&order, i](int) { order.push_back(i); }));
  source.resolve(1);
  for (auto& one : all) one.wait();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_F(Then, AFailureGoesPastTheFunction) {
  std::atomic<bool> ran{false};
  auto first = crochet::run([]() -> int { throw std::domain_error("first"); });
  auto second = first.then([&ran](int) {
    ran = true;
    return 1;
  });
  auto third = second.then([&ran](int) { ran = true; });
  EXPECT_THROW(third.wait(), std::domain_error);
  EXPECT_EQ(third.original_failure(), first.original_failure()) << "the same object";
  EXPECT_FALSE(ran);
}
TEST_F(Then, AFailureOfTheFunctionIsTheResultsOnly) {
  auto first = crochet::run([] { return 1; });
  auto second = first.then([](int) { throw std::domain_error("second"); });
  EXPECT_THROW(second.wait(), std::domain_error);
  EXPECT_EQ(first.wait(), 1);
}
TEST_F(Then, ACancelledAStoppedAndABrokenCallStaySo) {
  auto broken = crochet::run([] { return deferred<int>(); }).then([](int n) { return n; });
  EXPECT_THROW(broken.wait(), crochet::broken_error);
  auto blocker = std::make_unique<Blocker>();
  auto queued = crochet::run([] { return 1; });
  auto after = queued.then([](int n) { return n; });
  queued.cancel();
  blocker.reset();
  EXPECT_THROW(after.wait(), crochet::cancelled_error);
  const crochet::loop other;
  deferred<int> source(other);
  auto stopped = source.result().then([](int n) { return n; });
  EXPECT_EQ(other.stop(0s), crochet::stop_outcome::ended);
  EXPECT_THROW(stopped.wait(), crochet::loop_stopped);
}
TEST_F(Then, AFunctionThatTakesTheResultSeesFailures) {
  const auto recover = [](eventual_result<int> ended) {
    try {
      return ended.take();
    } catch (const std::domain_error&) {
      return -1;
    }
  };
  EXPECT_EQ(crochet::run([]() -> int { throw std::domain_error("no"); }).then(recover).wait(), -1);
  EXPECT_EQ(crochet::run([] { return 3; }).then(recover).wait(), 3);
  bool failed = false;
  crochet::run([] {
    throw 1;
  }).then([&failed](eventual_result<void> ended) {
      failed = ended.original_failure() != nullptr;
    }).wait();
  EXPECT_TRUE(failed);
}
TEST_F(Then, ObservesTheFailure) {
  contract::LogCapture log;
  {
    auto last = crochet::run([]() -> int { throw std::domain_error("unobserved"); }).then([](int) {});
    last.join(kKillTimer);
  }
  crochet::run([] {}).wait();
  const std::string text = log.stop();
  EXPECT_EQ(contract::LogCapture::occurrences(text, "unobserved"), 1) << "for the last of the chain only: " << text;
}

TEST_F(Then, CancelOfTheNewResultLeavesTheFirstAlone) {
  struct Tag {};
  deferred<int> source;
  auto first = source.result();
  auto second = first.then([t = Tracked<Tag>()](int) { FAIL(); });
  EXPECT_EQ(second.cancel(), crochet::cancel_outcome::not_run);
  EXPECT_EQ(Tracked<Tag>::alive, 0);
  EXPECT_THROW(second.wait(), crochet::cancelled_error);
  source.resolve(1);
  EXPECT_EQ(first.wait(), 1);
}
TEST_F(Then, IsStoppedWithItsLoop) {
  struct Tag {};
  deferred<int> source;
  auto second = source.result().then([t = Tracked<Tag>()](int) { FAIL(); });
  EXPECT_EQ(crochet::shutdown(0s), crochet::stop_outcome::ended);
  EXPECT_THROW(second.wait(), crochet::loop_stopped);
  EXPECT_EQ(Tracked<Tag>::alive, 0);
}

TEST_F(Then, RunsOnTheDefaultLoopTheCallingLoopOrTheLoopGiven) {
  const crochet::loop other;
  const auto here = [] { return std::this_thread::get_id(); };
  const auto home = crochet::run(here).wait();
  const auto there = other.run(here).wait();
  const auto after = [](int) { return std::this_thread::get_id(); };
  auto first = crochet::run([] { return 1; });
  EXPECT_EQ(first.then(after).wait(), home);
  EXPECT_EQ(first.then(other, after).wait(), there);
  EXPECT_EQ(crochet::run([] { return 1; }).then(other, after).wait(), there);
  EXPECT_EQ(other.run([&] { return first.then(after); }).wait(), there);
}

}  // namespace
}  // namespace hpp
