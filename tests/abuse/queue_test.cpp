// SPDX-License-Identifier: MIT
// Abuse by the number of calls: row D8. Without a limit memory is the only one; with one the rest is refused.
#include <gtest/gtest.h>
#include <uv.h>

#include <algorithm>
#include <cstdint>

#include "abuse/own_process.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr std::uint64_t kCalls = kSanitized ? 100'000 : 10'000'000;

std::uint64_t ran = 0;  // by the loop's thread

void count(crochet_deferred*, void* place) {
  // In the order made; each once.
  if (static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(place)) == ran) ++ran;
}

int queue_one(crochet_loop* loop, std::uint64_t place) {
  return crochet_run(loop, count, reinterpret_cast<void*>(static_cast<std::uintptr_t>(place)), nullptr, nullptr);
}

// A timer that is due all the time while the calls are drained: what it sees of them.
struct Timer {
  uv_timer_t timer;
  std::uint64_t times = 0;         // while there was still something to run
  std::uint64_t most_at_once = 0;  // calls between two of them
  std::uint64_t seen = 0;
};

TEST(AbuseD8, TenMillionCallsQueuedAgainstABlockedLoopRunInOrderAndLeaveTimersTheirTurns) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    static Timer timer;
    {
      BlockedLoop block;
      ASSERT_EQ(run(
                    nullptr,
                    [](crochet_deferred*) {
                      uv_timer_init(crochet_current_uv(), &timer.timer);
                      uv_timer_start(
                          &timer.timer,
                          [](uv_timer_t*) {
                            if (ran == kCalls) return;
                            ++timer.times;
                            timer.most_at_once = std::max(timer.most_at_once, ran - timer.seen);
                            timer.seen = ran;
                          },
                          1, 1);
                    },
                    nullptr),
                CROCHET_OK);
      for (std::uint64_t i = 0; i < kCalls; ++i) ASSERT_EQ(queue_one(nullptr, i), CROCHET_OK);
    }
    EXPECT_EQ(on_loop(nullptr,
                      [] {
                        EXPECT_EQ(ran, kCalls);
                        uv_close(reinterpret_cast<uv_handle_t*>(&timer.timer), nullptr);
                      }),
              CROCHET_OK);
    EXPECT_GT(timer.times, 0u);
    EXPECT_LT(timer.most_at_once, kCalls) << "the timer had to wait for all of them";
    EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
  });
}

TEST(AbuseD8, BeyondTheLimitTenMillionCallsAreRefusedAndCostNoMemory) {
  in_own_process([] {
    static constexpr std::uint64_t kLimit = 1000;
    OwnedOptions options;
    ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
    ASSERT_EQ(crochet_options_set_queue_limit(options.get(), kLimit, 0), CROCHET_OK);
    ASSERT_EQ(crochet_setup(options.get()), CROCHET_OK);
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    {
      BlockedLoop block;
      for (std::uint64_t i = 0; i < kCalls; ++i) {
        const int code = queue_one(nullptr, accepted);
        if (code == CROCHET_OK) ++accepted;
        else if (code == CROCHET_EAGAIN) ++refused;
      }
    }
    EXPECT_EQ(accepted, kLimit);
    EXPECT_EQ(refused, kCalls - kLimit);
    OwnedResult last;  // a sleep is queued behind them, and takes no room
    ASSERT_EQ(crochet_sleep(nullptr, 0, last.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(last.get(), kForever), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] { EXPECT_EQ(ran, kLimit); }), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

}  // namespace
}  // namespace contract
