// SPDX-License-Identifier: MIT
// How long calls took: crochet_loop_histogram() and its names and bounds; and the counters of the moment.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {
namespace {

struct Times {
  std::array<std::uint64_t, CROCHET_HISTOGRAM_BUCKETS> counts;
  std::uint64_t sum_ns;

  std::uint64_t all() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts) sum += count;
    return sum;
  }
  // Those that took longer than `ns` for certain.
  std::uint64_t longer_than(std::int64_t ns) const {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 1; i < counts.size(); ++i) {
      if (crochet_histogram_bound(i - 1) >= ns) sum += counts[i];
    }
    return sum;
  }
};

// The first of all: nothing was set up before.
TEST(HistogramWithoutSetup, IsRefused) {
  PROVOKES(crochet_loop_histogram, CROCHET_ENOTSETUP);
  PROVOKES(crochet_loop_histogram, CROCHET_ESTOPPED);
  PROVOKES(crochet_loop_histogram, CROCHET_EFORKED);
  const auto code = [] {
    Times read;
    return crochet_loop_histogram(nullptr, "run_ns", read.counts.data(), CROCHET_HISTOGRAM_BUCKETS, &read.sum_ns);
  };
  EXPECT_EQ(code(), CROCHET_ENOTSETUP);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  in_child([&code] { EXPECT_EQ(code(), CROCHET_EFORKED); });
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(code(), CROCHET_ESTOPPED);
}

class HistogramTest : public WithDefaultLoop {
 protected:
  static Times times(const char* name) {
    Times read{};
    EXPECT_EQ(crochet_loop_histogram(nullptr, name, read.counts.data(), CROCHET_HISTOGRAM_BUCKETS, &read.sum_ns),
              CROCHET_OK);
    return read;
  }
  static std::uint64_t counted(const char* name) {
    std::uint64_t count = 0;
    EXPECT_EQ(crochet_loop_counter(nullptr, name, &count), CROCHET_OK) << name;
    return count;
  }
};

TEST_F(HistogramTest, HasBoundsThatDoubleUpToTheLast) {
  EXPECT_EQ(crochet_histogram_bound(0), 256);
  for (std::uint32_t i = 1; i + 1 < CROCHET_HISTOGRAM_BUCKETS; ++i) {
    EXPECT_EQ(crochet_histogram_bound(i), 2 * crochet_histogram_bound(i - 1));
  }
  EXPECT_EQ(crochet_histogram_bound(CROCHET_HISTOGRAM_BUCKETS - 1), INT64_MAX);
  EXPECT_EQ(crochet_histogram_bound(CROCHET_HISTOGRAM_BUCKETS), 0);
  EXPECT_EQ(crochet_histogram_bound(UINT32_MAX), 0);
}

TEST_F(HistogramTest, HasNamesThatAreAllDifferent) {
  std::set<std::string> names;
  for (std::uint32_t i = 0; const char* name = crochet_loop_histogram_name(i); ++i) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(times(name).all(), 0u) << name;
  }
  EXPECT_EQ(names, (std::set<std::string>{"queue_ns", "run_ns"}));
  EXPECT_EQ(crochet_loop_histogram_name(UINT32_MAX), nullptr);
}

// One at a time: each batch is one call. One in 9 to 24 is timed.
TEST_F(HistogramTest, TimesOneCallInSixteenThatComesAlone) {
  PROVOKES(crochet_loop_histogram, CROCHET_OK);
  constexpr std::uint64_t kCalls = 320;
  for (std::uint64_t i = 0; i < kCalls; ++i) EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  // The last one's batch ends when the loop looks for the next.
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  const Times run = times("run_ns");
  EXPECT_GE(run.all(), kCalls / 24);
  EXPECT_LE(run.all(), kCalls / 9 + 1);
  EXPECT_GT(run.sum_ns, 0u);
  EXPECT_LE(times("queue_ns").all(), run.all());
}

// In one batch, behind a callback that stands still for a known time: none of them can have been queued for less.
TEST_F(HistogramTest, CountsTheTimeInTheQueue) {
  constexpr int kCalls = 100;
  constexpr int kBatches = 64;  // with the blocking ones two times as many, of which some are samples
  for (int batch = 0; batch < kBatches; ++batch) {
    BlockedLoop block;  // a batch of its own
    for (int i = 0; i < kCalls; ++i)
      ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // no matter how much longer
  }
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  const Times queued = times("queue_ns");
  EXPECT_LE(queued.all(), times("run_ns").all());
  EXPECT_GE(queued.longer_than(500'000), static_cast<std::uint64_t>(kCalls));
}

TEST_F(HistogramTest, CountsTheTimeOfCallsThatTakeLong) {
  const auto slow = [](crochet_deferred*, void*) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  for (int i = 0; i < 32; ++i) {
    OwnedResult result;
    ASSERT_EQ(crochet_run(nullptr, slow, nullptr, nullptr, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    crochet_result_error(result.get());
  }
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  const Times run = times("run_ns");
  EXPECT_GE(run.longer_than(500'000), 1u);
  EXPECT_EQ(run.longer_than(500'000), run.all());
  EXPECT_GE(run.sum_ns, run.all() * 1'000'000);
}

TEST_F(HistogramTest, RefusesWhatIsNoNameAndNoPlaceAndClearsWhatIsThere) {
  PROVOKES(crochet_loop_histogram, CROCHET_EINVAL);
  PROVOKES(crochet_loop_histogram, CROCHET_ENOENT);
  constexpr std::uint32_t kMore = CROCHET_HISTOGRAM_BUCKETS + 3;
  std::array<std::uint64_t, kMore> counts;
  std::uint64_t sum = 7;
  const auto cleared = [&] {
    for (const std::uint64_t count : counts) EXPECT_EQ(count, 0u);
    EXPECT_EQ(sum, 0u);
    counts.fill(7);
    sum = 7;
  };
  counts.fill(7);
  EXPECT_EQ(crochet_loop_histogram(nullptr, "run_ns", counts.data(), kMore, &sum), CROCHET_OK);
  cleared();  // nothing was run
  EXPECT_EQ(crochet_loop_histogram(nullptr, nullptr, counts.data(), kMore, &sum), CROCHET_EINVAL);
  cleared();
  EXPECT_EQ(crochet_loop_histogram(nullptr, "run", counts.data(), kMore, &sum), CROCHET_ENOENT);
  cleared();
  EXPECT_EQ(crochet_loop_histogram(nullptr, "run_ns", nullptr, kMore, &sum), CROCHET_EINVAL);
  EXPECT_EQ(sum, 0u);
  EXPECT_EQ(crochet_loop_histogram(nullptr, "run_ns", counts.data(), CROCHET_HISTOGRAM_BUCKETS - 1, &sum),
            CROCHET_EINVAL);
  EXPECT_EQ(crochet_loop_histogram(nullptr, "run_ns", counts.data(), kMore, nullptr), CROCHET_EINVAL);
}

// ---- Counters beside those of what became of calls

TEST_F(HistogramTest, StandsBesideCountsOfWhatIsThereAtTheMoment) {
  Pending pending;
  {
    BlockedLoop block;
    std::array<OwnedResult, 3> queued;
    for (OwnedResult& one : queued)
      ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, one.out()), CROCHET_OK);
    EXPECT_EQ(counted("calls_queued"), 3u);
    EXPECT_EQ(counted("calls_unsettled"), 5u);
    EXPECT_EQ(crochet_result_cancel(queued[0].get(), nullptr), CROCHET_OK);
    EXPECT_EQ(counted("calls_queued"), 2u);
  }
  OwnedResult last;
  ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, last.out()), CROCHET_OK);
  ASSERT_EQ(crochet_result_join(last.get(), kForever), CROCHET_OK);
  EXPECT_EQ(counted("calls_queued"), 0u);
  EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(counted("calls_unsettled"), 0u);
}

TEST_F(HistogramTest, StandsBesideCountsOfTimeOutsAndFailuresThatNobodyLookedAt) {
  LogCapture log;
  {
    Pending pending;
    EXPECT_EQ(crochet_result_wait(pending.result.get(), 0), CROCHET_ETIMEDOUT);
    EXPECT_EQ(counted("waits_timed_out"), 0u) << "it only looked";
    EXPECT_EQ(crochet_result_wait(pending.result.get(), 1), CROCHET_ETIMEDOUT);
    EXPECT_EQ(crochet_result_join(pending.result.get(), 1), CROCHET_ETIMEDOUT);
    EXPECT_EQ(counted("waits_timed_out"), 2u);
    EXPECT_EQ(crochet_reject(pending.deferred.get(), -1, "lost"), CROCHET_OK);
  }
  EXPECT_EQ(counted("failures_unobserved"), 1u);
  EXPECT_EQ(LogCapture::occurrences(log.stop(), "nobody looked at this failure"), 1);
}

TEST_F(HistogramTest, StandsBesideTheTimeOfTheLoopsThread) {
  const std::uint64_t before = counted("cpu_ns");
  EXPECT_GT(before, 0u);
  const auto work = [] {
    timespec begin{}, now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while (now.tv_sec * 1'000'000'000 + now.tv_nsec - begin.tv_sec * 1'000'000'000 - begin.tv_nsec < kMillisecond);
  };
  EXPECT_EQ(on_loop(nullptr, work), CROCHET_OK);
  EXPECT_GE(counted("cpu_ns"), before + static_cast<std::uint64_t>(kMillisecond));
  EXPECT_GT(counted("turns"), 0u);

  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  EXPECT_EQ(on_loop(loop.get(), work), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_OK);
  std::uint64_t of_ended = 0;
  EXPECT_EQ(crochet_loop_counter(loop.get(), "cpu_ns", &of_ended), CROCHET_OK);
  EXPECT_GE(of_ended, static_cast<std::uint64_t>(kMillisecond)) << "kept when its thread has ended";
}

}  // namespace
}  // namespace contract
