// SPDX-License-Identifier: MIT
// Many threads, many calls, and everything that can race with their end. Everything must happen exactly once:
// accepted = run + not run, every drop once, and nothing left.
//
//   calls_stress [OPERATIONS [SEED]]        after GoogleTest's own arguments; 100,000 operations per test at first
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "crochet.h"
#include "stress/caller.hpp"
#include "stress/plans.hpp"

namespace stress {
namespace {

long operations = 100'000;
std::uint64_t seed = 20240229;

constexpr int kCallers = 4;
constexpr int kHelpers = 2;

// kCallers threads make `calls` calls in all; `meanwhile` runs on this thread. Prints and checks the sum.
Account make_calls(const char* name, long calls, const Planner& planner, bool stops = false,
                   const std::function<void()>& meanwhile = nullptr) {
  Account sum;
  std::vector<std::unique_ptr<Caller>> callers;
  {
    Helpers helpers(kHelpers);
    for (int i = 0; i < kCallers; ++i) {
      callers.push_back(
          std::make_unique<Caller>(helpers, planner, seed + static_cast<std::uint64_t>(i) * 1000003, stops));
    }
    std::vector<std::thread> threads;
    for (const std::unique_ptr<Caller>& caller : callers) {
      threads.emplace_back([&caller, calls] { caller->make(calls / kCallers); });
    }
    if (meanwhile) meanwhile();
    for (std::thread& thread : threads) thread.join();
  }
  for (const std::unique_ptr<Caller>& caller : callers) {
    caller->account().check();
    sum.add(caller->account());
  }
  if (name != nullptr) {
    sum.print(name);
    std::fflush(stdout);
  }
  sum.check();
  return sum;
}

class Stress : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK); }
  void TearDown() override { EXPECT_EQ(crochet_shutdown(1'000'000'000), CROCHET_OK); }
};

TEST_F(Stress, OfRunAndWaitFromFourThreads) {
  const Account account = make_calls("run and wait", operations, plain);
  EXPECT_EQ(account.accepted, operations / kCallers * kCallers);
  EXPECT_EQ(account.run, account.accepted);
  EXPECT_EQ(account.values, account.accepted);
}

TEST_F(Stress, OfCancelsThatRaceCompletions) {
  const Account account = make_calls("cancels", operations, plain_or_cancelled);
  EXPECT_EQ(account.refused, 0);
  EXPECT_EQ(account.broken, 0);
}

TEST_F(Stress, OfCallsThatOtherThreadsSettleWithAndWithoutHooks) {
  const Account account = make_calls("settled elsewhere", operations, settled_elsewhere);
  EXPECT_EQ(account.refused, 0);
  EXPECT_GT(account.hooks, 0);
}

TEST_F(Stress, OfEverythingAtOnce) {
  const Account account = make_calls("everything", operations, anything);
  EXPECT_EQ(account.refused, 0);
  EXPECT_GT(account.values, 0);
  EXPECT_GT(account.failed, 0);
  EXPECT_GT(account.cancelled, 0);
  EXPECT_GT(account.broken, 0);
}

// A shutdown comes when some calls have been made, again and again.
TEST_F(Stress, OfAShutdownInTheMiddle) {
  Account sum;
  std::atomic<long> planned{0};
  for (int round = 0; sum.made < operations; ++round) {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    planned = 0;
    const long when = 200 + round % 7 * 300;
    const Planner planner = [&planned, when](Random& random) {
      Plan plan = anything(random);
      // Who waits for an at-stop call waits for the stop: only when that is due.
      plan.at_stop = ++planned > when && plan.prepared && random() % 4 == 0;
      return plan;
    };
    sum.add(make_calls(nullptr, 1'000'000'000, planner, true, [&planned, when, round] {
      while (planned < when) sched_yield();
      const std::int64_t grace = round % 2 == 0 ? 0 : 1'000'000'000;
      EXPECT_EQ(crochet_shutdown(grace), CROCHET_OK);
    }));
    seed += 7;
  }
  sum.print("storm");
  sum.check();
  EXPECT_GT(sum.refused, 0);
  EXPECT_GT(sum.stopped, 0);
}

}  // namespace
}  // namespace stress

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) stress::operations = std::atol(argv[1]);
  if (argc > 2) stress::seed = std::strtoull(argv[2], nullptr, 10);
  if (stress::operations <= 0) {
    std::fprintf(stderr, "usage: calls_stress [OPERATIONS [SEED]]\n");
    return 2;
  }
  std::printf("%ld operations, seed %llu\n", stress::operations, static_cast<unsigned long long>(stress::seed));
  return RUN_ALL_TESTS();
}
