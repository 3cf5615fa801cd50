// SPDX-License-Identifier: MIT
// Abuse of the stash: rows G1 and G2.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/ended.hpp"
#include "api/support/gate.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

// Counts without a lock: there are a million of them.
std::atomic<long> dropped{0};
void count_drop(void*) { ++dropped; }

// Stashes a value that nobody holds but the stash; the code of crochet_result_stash().
int stash_a_value() {
  Pending call;
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, count_drop), CROCHET_OK);
  std::uint64_t uid = 0;
  return crochet_result_stash(call.result.get(), 1, &uid);
}

TEST(AbuseG1, AMillionNeverRetrievedAreHeldByTheCapacity) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    const long attempts = kSanitized ? 200'000 : 1'000'000;
    long stashed = 0;
    long refused = 0;
    for (long i = 0; i < attempts; ++i) {
      const int code = stash_a_value();
      EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ENOSPC) << code;
      ++(code == CROCHET_OK ? stashed : refused);
    }
    EXPECT_EQ(stashed, 65536);
    EXPECT_EQ(dropped, refused);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(dropped, attempts);
  });
}

TEST(AbuseG1, TheTimeToLiveMakesRoomAgain) {
  in_own_process([] {
    constexpr std::uint32_t kCapacity = 100;
    constexpr long kResults = 1000;
    ASSERT_EQ(crochet_stash_limits(kCapacity, kMillisecond), CROCHET_OK);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    long stashed = 0;
    long attempts = 0;
    while (stashed < kResults) {  // ends only because what is stashed goes by itself
      ++attempts;
      const int code = stash_a_value();
      EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ENOSPC) << code;
      stashed += code == CROCHET_OK ? 1 : 0;
      if (code == CROCHET_ENOSPC) sched_yield();
    }
    while (dropped < attempts) sched_yield();  // the last ones too, without anybody calling
    EXPECT_EQ(dropped, attempts);
  });
}

TEST(AbuseG1, TheShutdownReportsHowManyThereWereAndLogsEachFailure) {
  in_own_process([] {
    LogCapture log;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    constexpr int kValues = 100;
    constexpr int kFailures = 20;
    for (int i = 0; i < kValues; ++i) ASSERT_EQ(stash_a_value(), CROCHET_OK);
    for (int i = 0; i < kFailures; ++i) {
      Pending call;
      std::uint64_t uid = 0;
      EXPECT_EQ(crochet_reject(call.deferred.get(), -1, "nobody came for it"), CROCHET_OK);
      ASSERT_EQ(crochet_result_stash(call.result.get(), 1, &uid), CROCHET_OK);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(dropped, kValues);
    const std::string& text = log.stop();
    EXPECT_EQ(LogCapture::occurrences(text, "nobody came for it"), kFailures) << text;
    EXPECT_EQ(LogCapture::occurrences(text, "120 stashed results were never retrieved"), 1) << text;
  });
}

TEST(AbuseG2, OfEightRetrieversOneWins) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (int round = 0; round < 200; ++round) {
      OwnedResult result = ended(CROCHET_OK);
      std::uint64_t uid = 0;
      ASSERT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
      std::atomic<int> winners{0};
      at_once(8, [&](int) {
        OwnedResult back;
        const int code = crochet_retrieve_result(uid, 1, back.out());
        if (code == CROCHET_OK) {
          EXPECT_EQ(back.get(), result.get());
          ++winners;
        } else {
          EXPECT_EQ(code, CROCHET_ENOENT);
          EXPECT_EQ(back.get(), nullptr);
        }
      });
      EXPECT_EQ(winners, 1);
    }
  });
}

}  // namespace
}  // namespace contract
