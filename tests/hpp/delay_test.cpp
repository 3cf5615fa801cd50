// SPDX-License-Identifier: MIT
// Time in C++: run_after(), run_within(), every() and sleep(), in the namespace, of loops, and of objects on them.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class Delay : public WithLoop {};
class Every : public WithLoop {};

TEST_F(Delay, RunAfterStartsNoSoonerAndTakesArguments) {
  const auto begin = Clock::now();
  auto result = crochet::run_after(
      10ms, [](std::unique_ptr<int> number) { return *number + 1; }, std::make_unique<int>(41));
  static_assert(std::is_same_v<decltype(result), crochet::eventual_result<int>>);
  EXPECT_EQ(result.wait(), 42);
  EXPECT_GE(Clock::now() - begin, 10ms);
}

TEST_F(Delay, RunAfterMayBeWithdrawn) {
  struct Withdrawn;
  const auto result = crochet::run_after(24h, [kept = Tracked<Withdrawn>()] {});
  EXPECT_EQ(Tracked<Withdrawn>::alive, 1);
  EXPECT_EQ(result.cancel(), crochet::cancel_outcome::not_run);
  EXPECT_EQ(Tracked<Withdrawn>::alive, 0);
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
}

TEST_F(Delay, RunWithinThrowsWhenItIsTooLate) {
  EXPECT_EQ(crochet::run_within(
                24h, [](int number) { return number; }, 7)
                .wait(),
            7);
  const auto late = crochet::run_within(0s, [] { ADD_FAILURE() << "it ran"; });
  try {
    late.wait();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const crochet::expired_error& e) {
    const crochet::failed_error& failed = e;
    EXPECT_EQ(failed.code(), CROCHET_EEXPIRED);
  }
}

TEST_F(Delay, SleepIsAResultWithoutAValue) {
  const auto begin = Clock::now();
  crochet::sleep(10ms).wait();
  EXPECT_GE(Clock::now() - begin, 10ms);
  EXPECT_EQ(crochet::sleep({}).cancel(), crochet::cancel_outcome::not_run);
  EXPECT_EQ(crochet::sleep(1ms).then([] { return 5; }).wait(), 5);
}

TEST_F(Delay, AFunctionMayReturnASleep) {
  const auto begin = Clock::now();
  crochet::run([] { return crochet::sleep(10ms); }).wait();
  EXPECT_GE(Clock::now() - begin, 10ms);
}

TEST_F(Delay, LoopsAndWhatTheyOwnHaveIt) {
  const crochet::loop other;
  EXPECT_EQ(other.run_after(1ms, [] { return crochet_current_loop(); }).wait(), other.handle());
  EXPECT_EQ(other.run_within(24h, [] { return crochet_current_loop(); }).wait(), other.handle());
  other.sleep(1ms).wait();
  const crochet::loop_owned<std::vector<int>> numbers(other);
  numbers
      .run_after(
          1ms, [](std::vector<int>& it, int number) { it.push_back(number); }, 3)
      .wait();
  numbers.run_within(24h, [](std::vector<int>& it) { it.push_back(4); }).wait();
  numbers.sleep(0s).wait();
  EXPECT_EQ(numbers.run([](std::vector<int>& it) { return it; }).wait(), (std::vector<int>{3, 4}));
}

TEST_F(Delay, OptionsLimitTheQueue) {
  crochet::options how;
  how.queue_limit = 1;
  const crochet::loop limited(how);
  {
    Blocker block(limited);
    const auto first = limited.run([] { return 1; });
    EXPECT_EQ(code_of([&] { limited.run([] { return 2; }); }), CROCHET_EAGAIN);
    block.unblock();
    EXPECT_EQ(first.wait(), 1);
  }
  how.queue_wait = {};  // for ever
  const crochet::loop patient(how);
  for (int i = 0; i < 100; ++i) patient.run([] {});
}

TEST_F(Every, RunsUntilItThrows) {
  int rounds = 0;
  const auto result = crochet::every(0s, [&rounds] {
    if (++rounds == 3) throw std::out_of_range("three");
  });
  static_assert(std::is_same_v<decltype(result), const crochet::eventual_result<void>>);
  EXPECT_THROW(result.wait(), std::out_of_range);
  EXPECT_EQ(rounds, 3);
}

TEST_F(Every, TellsHowManyItMissed) {
  std::uint64_t missed = 0;
  int rounds = 0;
  const auto result = crochet::every(1ms, 1ms, [&](std::uint64_t left_out) -> crochet::eventual_result<void> {
    missed += left_out;
    if (++rounds == 2) throw std::logic_error("enough");
    return crochet::sleep(10ms);
  });
  EXPECT_THROW(result.wait(), std::logic_error);
  EXPECT_GE(missed, 8u);
}

TEST_F(Every, AwaitsADeferred) {
  std::vector<crochet::deferred<int>> rounds;
  const auto result = crochet::every(0s, [&rounds] {
    rounds.emplace_back();
    return rounds.back();
  });
  const auto until = [&rounds](std::size_t count) {
    while (crochet::run([&rounds] { return rounds.size(); }).wait() < count) {
    }
  };
  until(1);
  crochet::run([] {}).wait();
  EXPECT_EQ(crochet::run([&rounds] { return rounds.size(); }).wait(), 1u);
  crochet::run([&rounds] { rounds[0].resolve(1); }).wait();
  until(2);
  crochet::run([&rounds] {
    EXPECT_EQ(rounds.size(), 2u);
    rounds[1].reject(-17, "no more");
  }).wait();
  try {
    result.wait();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const crochet::failed_error& e) {
    EXPECT_EQ(e.code(), -17);
  }
  crochet::run([&rounds] { rounds.clear(); }).wait();
}

TEST_F(Every, IsEndedByACancelAndLetsGoOfItsFunction) {
  struct Recurring;
  const auto result = crochet::every(24h, [kept = Tracked<Recurring>()] {});
  result.cancel();
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  result.join();
  EXPECT_EQ(Tracked<Recurring>::alive, 0);
}

TEST_F(Every, OfAnObjectOnALoopGetsIt) {
  const crochet::loop other;
  const crochet::loop_owned<int> counter(other, 0);
  const auto result = counter.every(0s, [](int& count) {
    if (++count == 4) throw std::runtime_error("four");
  });
  EXPECT_THROW(result.wait(), std::runtime_error);
  EXPECT_EQ(counter.run([](int& count) { return count; }).wait(), 4);
}

}  // namespace
}  // namespace hpp
