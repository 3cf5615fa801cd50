// SPDX-License-Identifier: MIT
// Scenarios of bindings/conformance/scenarios.toml that crochet.h's own tests have no reason to show.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr std::uint64_t kType = 4242;

class ConformanceC : public WithDefaultLoop {};

TEST_F(ConformanceC, NothingIsLeftAfterWaitsThatFailed) {
  DropCounter payloads;
  DropCounter arguments;
  constexpr int kRounds = 50;
  for (int round = 0; round < kRounds; ++round) {
    OwnedResult failed;
    ASSERT_EQ(run(
                  nullptr,
                  [&payloads](crochet_deferred* deferred) {
                    crochet_reject_with(deferred, CROCHET_EFAILED, "of the function", kType, payloads.pointer(), DropCounter::drop);
                  },
                  failed.out()),
              CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(failed.get(), kKillTimer), CROCHET_EFAILED);
    EXPECT_EQ(crochet_error_payload(crochet_result_error(failed.get()), kType), payloads.pointer());

    Pending late(nullptr, arguments.pointer(), DropCounter::drop);
    EXPECT_EQ(crochet_result_wait(late.result.get(), 1), CROCHET_ETIMEDOUT);
    EXPECT_EQ(crochet_result_cancel(late.result.get(), nullptr), CROCHET_OK);

    int refused = CROCHET_OK;
    EXPECT_EQ(on_loop(nullptr, [&] { refused = crochet_result_wait(failed.get(), 0); }), CROCHET_OK);
    EXPECT_EQ(refused, CROCHET_EDEADLK);
  }
  EXPECT_EQ(payloads.count(), kRounds);
  EXPECT_EQ(arguments.count(), kRounds);
  std::uint64_t unsettled = 1;
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_loop_counter(nullptr, "calls_unsettled", &unsettled), CROCHET_OK);
  EXPECT_EQ(unsettled, 0U);
}

TEST_F(ConformanceC, ManyThreadsAreToldOneFailure) {
  DropCounter payload;
  Pending call;
  std::atomic<int> told{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 8; ++i) {
    waiters.emplace_back([&] {
      EXPECT_EQ(crochet_result_wait(call.result.get(), kKillTimer), CROCHET_EFAILED);
      told += crochet_error_payload(crochet_result_error(call.result.get()), kType) == payload.pointer() ? 1 : 0;
    });
  }
  EXPECT_EQ(crochet_reject_with(call.deferred.get(), CROCHET_EFAILED, nullptr, kType, payload.pointer(), DropCounter::drop),
            CROCHET_OK);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(told, 8);
  EXPECT_EQ(payload.count(), 0) << "the result has it";
  call.deferred.reset();
  call.result.reset();
  EXPECT_EQ(payload.count(), 1);
}

}  // namespace
}  // namespace contract
