// SPDX-License-Identifier: MIT
// crochet_completion.hpp: queues, and many results at once.
#include "crochet_completion.hpp"

#include <poll.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using Results = std::vector<crochet::eventual_result<int>>;

// Results that the test settles itself.
struct ByHand {
  std::vector<crochet::deferred<int>> deferreds;
  Results results;

  explicit ByHand(std::size_t count) : deferreds(count) {
    for (auto& deferred : deferreds) results.push_back(deferred.result());
  }
};

class Completion : public WithLoop {};

TEST_F(Completion, QueueHandsOutTagsAndResults) {
  const crochet::completion_queue queue;
  ByHand calls(2);
  queue.watch(calls.results[0], 10);
  queue.watch(calls.results[1], 11);
  calls.deferreds[1].resolve(1);
  const auto done = queue.next();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->tag(), 11u);
  EXPECT_EQ(done->result<int>().take(), 1);
  EXPECT_EQ(done->handle(), calls.results[1].handle());
  EXPECT_THROW(queue.next(1ms), crochet::timeout_error);
  EXPECT_TRUE(queue.unwatch(calls.results[0]));
  EXPECT_FALSE(queue.unwatch(calls.results[0]));
  EXPECT_TRUE(queue.drain().empty());
}

TEST_F(Completion, QueueIsPolledAndDrainedOnALoopToo) {
  const crochet::completion_queue queue, same = queue;
  ByHand calls(3);
  for (std::size_t i = 0; i < 3; ++i) same.watch(calls.results[i], i);
  for (auto& deferred : calls.deferreds) deferred.resolve(7);
  pollfd readable = {queue.descriptor(), POLLIN, 0};
  EXPECT_EQ(poll(&readable, 1, -1), 1);
  EXPECT_EQ(queue.drain(2).size(), 2u);
  crochet::run([&queue] {
    const auto rest = queue.drain();
    EXPECT_EQ(rest.size(), 1u);
    EXPECT_EQ(rest.at(0).tag(), 2u);
    EXPECT_EQ(code_of([&queue] { queue.next(); }), CROCHET_EDEADLK);
  }).wait();
  EXPECT_EQ(poll(&readable, 1, 0), 0);
}

TEST_F(Completion, ClosedQueueHandsOutNothingMore) {
  const crochet::completion_queue queue;
  ByHand calls(1);
  queue.watch(calls.results[0], 1);
  queue.close();
  EXPECT_FALSE(queue.next());
  EXPECT_TRUE(queue.drain().empty());
  EXPECT_EQ(code_of([&] { queue.watch(calls.results[0], 1); }), CROCHET_ECLOSED);
}

TEST_F(Completion, AsCompletedGoesThroughThemInTheOrderOfSettling) {
  ByHand calls(3);
  auto completed = crochet::as_completed(calls.results);  // those that have settled before this come in their own order
  std::thread settler([&calls] {
    for (const std::size_t i : {2u, 0u, 1u}) calls.deferreds[i].resolve(static_cast<int>(i));
  });
  std::vector<int> values;
  for (auto& result : completed) values.push_back(result.take());
  settler.join();
  EXPECT_EQ(values, (std::vector<int>{2, 0, 1}));
  Results none;
  for ([[maybe_unused]] auto& result : crochet::as_completed(none)) ADD_FAILURE();
}

TEST_F(Completion, AsCompletedTimesOut) {
  ByHand calls(2);
  calls.deferreds[0].resolve(5);
  int seen = 0;
  const auto go_through = [&] {
    for (auto& result : crochet::as_completed(1ms, calls.results)) seen += result.take();
  };
  EXPECT_THROW(go_through(), crochet::timeout_error);
  EXPECT_EQ(seen, 5);
}

TEST_F(Completion, WaitAnyTellsWhichAndWaitAllWaitsForTheLast) {
  ByHand calls(3);
  EXPECT_THROW(crochet::wait_any(1ms, calls.results), crochet::timeout_error);
  calls.deferreds[1].resolve(1);
  EXPECT_EQ(crochet::wait_any({}, calls.results), 1u);
  auto text = crochet::run([] { return std::string("text"); });
  EXPECT_EQ(crochet::wait_any({}, calls.results[0], text), 1u);
  EXPECT_THROW(crochet::wait_all(1ms, calls.results), crochet::timeout_error);
  calls.deferreds[0].reject(-1, "failed");
  calls.deferreds[2].resolve(2);
  crochet::wait_all({}, calls.results);
  crochet::wait_all({}, calls.results[0], text);
  EXPECT_TRUE(calls.results[0].original_failure());
}

TEST_F(Completion, WhenAllGivesAllValuesInTheirOrder) {
  std::vector<crochet::eventual_result<std::unique_ptr<int>>> results;
  for (int i = 0; i < 10; ++i) results.push_back(crochet::run([i] { return std::make_unique<int>(i); }));
  const auto values = crochet::when_all(std::move(results)).wait();
  ASSERT_EQ(values.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(*values[static_cast<std::size_t>(i)], i);
  EXPECT_TRUE(crochet::when_all(Results{}).wait().empty());
}

TEST_F(Completion, WhenAllOfVoidAndOfSeveralLoops) {
  crochet::loop other;
  int runs = 0;
  std::vector<crochet::eventual_result<void>> results;
  results.push_back(crochet::run([&runs] { ++runs; }));
  results.push_back(other.run([] {}));
  crochet::when_all(other, std::move(results)).wait();
  EXPECT_EQ(runs, 1);
}

TEST_F(Completion, WhenAllFailsWithTheFirstFailureAtOnce) {
  ByHand calls(2);
  auto all = crochet::when_all(std::move(calls.results));
  calls.deferreds[1].reject(std::runtime_error("first"));
  try {
    all.wait(kKillTimer);
    ADD_FAILURE();
  } catch (const std::runtime_error& failure) {
    EXPECT_STREQ(failure.what(), "first");
  }
  calls.deferreds[0].resolve(1);
}

// What it threw got out of the after-call, and the result was only broken.
TEST_F(Completion, WhenAllFailsWithWhatGivingAValueThrows) {
  struct Uncopyable {
    Uncopyable() = default;
    Uncopyable(Uncopyable&&) = default;
    Uncopyable(const Uncopyable&) { throw std::domain_error("can't be copied"); }
    Uncopyable& operator=(Uncopyable&&) = default;
    Uncopyable& operator=(const Uncopyable&) = default;
  };
  crochet::deferred<Uncopyable> by_hand;
  std::vector<crochet::eventual_result<Uncopyable>> results;
  results.push_back(by_hand.result().share());
  auto all = crochet::when_all(std::move(results));
  by_hand.resolve(Uncopyable());
  EXPECT_THROW(all.wait(kKillTimer), std::domain_error);
}

TEST_F(Completion, WhenAllFailsWhenAValueIsTaken) {
  std::vector<crochet::eventual_result<std::unique_ptr<int>>> results;
  results.push_back(crochet::run([] { return std::make_unique<int>(1); }));
  results[0].wait(kKillTimer);
  EXPECT_EQ(*results[0].take(), 1);
  auto all = crochet::when_all(std::move(results));
  EXPECT_EQ(code_of([&all] { all.wait(kKillTimer); }), CROCHET_ETAKEN);
}

TEST_F(Completion, WhenAnyOfNoneIsRefused) {
  EXPECT_EQ(code_of([] { crochet::when_any(Results{}).wait(kKillTimer); }), CROCHET_EINVAL);
}

TEST_F(Completion, AnEmptyResultAmongThemIsRefusedBeforeAnythingIsStarted) {
  for (const bool any : {false, true}) {
    ByHand calls(2);
    calls.results.emplace_back();
    const int code = code_of([&] {
      if (any) crochet::when_any(std::move(calls.results)).wait(kKillTimer);
      else crochet::when_all(std::move(calls.results)).wait(kKillTimer);
    });
    EXPECT_EQ(code, CROCHET_EINVAL);
    for (auto& deferred : calls.deferreds) deferred.resolve(1);
  }
}

TEST_F(Completion, WhenAnyGivesTheFirstAndTheRest) {
  ByHand calls(3);
  auto any = crochet::when_any(std::move(calls.results));
  EXPECT_FALSE(any.ready());
  calls.deferreds[2].resolve(22);
  auto first = std::move(any).wait(kKillTimer);
  EXPECT_EQ(first.index, 2u);
  EXPECT_EQ(first.results[2].take(), 22);
  calls.deferreds[0].resolve(0);
  EXPECT_EQ(first.results[0].wait(kKillTimer), 0);
  first.results[1].cancel();
}

TEST_F(Completion, CancellingWhenAllOrAnyCancelsThem) {
  ByHand all_of(2), any_of(2);
  auto all = crochet::when_all(std::move(all_of.results));
  auto any = crochet::when_any(std::move(any_of.results));
  crochet::run([] {}).wait();
  all.cancel();
  any.cancel();
  EXPECT_THROW(all.wait(kKillTimer), crochet::cancelled_error);
  EXPECT_THROW(any.wait(kKillTimer), crochet::cancelled_error);
  for (auto* calls : {&all_of, &any_of})
    for (auto& deferred : calls->deferreds) EXPECT_TRUE(deferred.is_cancelled());
}

TEST_F(Completion, StoppingTheLoopEndsWhatComesTogetherThere) {
  crochet::loop other;
  ByHand calls(2);
  auto all = crochet::when_all(other, std::move(calls.results));
  other.run([] {}).wait();
  other.stop(0s);
  EXPECT_THROW(all.wait(kKillTimer), crochet::loop_stopped);
}

}  // namespace
}  // namespace hpp
