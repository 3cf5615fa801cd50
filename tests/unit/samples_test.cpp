// SPDX-License-Identifier: MIT
// Which batches are timed, and what is made of that, on a clock of the test's own; and buckets.
#include "loop/samples.hpp"

#include <gtest/gtest.h>

#include <set>

namespace crochet {
namespace {

TEST(Histogram, PutsEachTimeIntoTheFirstBucketThatIsLongEnough) {
  EXPECT_EQ(Histogram::bucket_of(-5), 0u);
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    EXPECT_EQ(Histogram::bucket_of(Histogram::bound(i)), i);
    if (i + 1 == Histogram::kBuckets) break;
    EXPECT_EQ(Histogram::bucket_of(Histogram::bound(i) + 1), i + 1);
  }
}

TEST(Histogram, TellsItsSumAndQuantiles) {
  Histogram times;
  EXPECT_EQ(times.quantile(0.5), 0);
  times.add(100, 98);
  times.add(5'000, 1);
  times.add(INT64_MAX, 0);
  times.add(-1, 1);
  EXPECT_EQ(times.all(), 100u);
  EXPECT_EQ(times.sum_ns(), 98u * 100 + 5'000);
  EXPECT_EQ(times.quantile(0.5), 256);
  EXPECT_EQ(times.quantile(0.99), 256);
  EXPECT_EQ(times.quantile(1), 8192);
  times.clear();
  EXPECT_EQ(times.all(), 0u);
}

class SamplesTest : public testing::Test {
 protected:
  // Takes a batch of so many calls, each of which runs for so long. True: it was a sample.
  bool batch(std::uint64_t calls, std::int64_t each_ns) {
    if (samples_.took()) samples_.begin({run_, sleeps_}, now_);
    const bool is_sample = samples_.is_on();
    run_ += calls;
    now_ += static_cast<std::int64_t>(calls) * each_ns;
    if (is_sample) samples_.ran({run_, sleeps_}, true, now_);
    return is_sample;
  }
  const Histogram& queued() { return samples_.of(Timed::kQueued); }
  const Histogram& run() { return samples_.of(Timed::kRun); }

  Samples samples_;
  std::uint64_t run_ = 0;
  std::uint64_t sleeps_ = 0;
  std::int64_t now_ = 1'000'000;
};

TEST_F(SamplesTest, AreAboutOneBatchInSixteenInStepWithNothing) {
  constexpr int kAll = 16 * 9 + 120;  // until the distances repeat
  std::set<int> distances, places;
  for (int i = 0, last = -1; i < 2 * kAll; ++i) {
    if (!batch(3, 1'000)) continue;
    places.insert(i % 16);
    if (last >= 0) distances.insert(i - last);
    last = i;
  }
  EXPECT_EQ(run().all(), 3u * 32);
  EXPECT_EQ(run().sum_ns(), 3u * 32 * 1'000);
  EXPECT_EQ(distances.size(), 16u);
  EXPECT_EQ(*distances.begin(), 9);
  EXPECT_EQ(*distances.rbegin(), 24);
  EXPECT_GT(places.size(), 8u);
}

TEST_F(SamplesTest, OfALoopThatIsAwakeWereQueuedAfterTheBatchBefore) {
  batch(2, 700);  // arms
  EXPECT_TRUE(batch(4, 100));
  EXPECT_EQ(queued().all(), 4u);
  EXPECT_EQ(queued().sum_ns(), 4u * 1'400);
}

TEST_F(SamplesTest, OfALoopThatSleptWereQueuedWhenItWasWoken) {
  now_ = monotonic_ns();
  batch(1, 0);
  ++sleeps_;
  samples_.woken();  // reads the clock itself
  now_ = monotonic_ns();
  EXPECT_TRUE(batch(1, 50));
  EXPECT_EQ(queued().all(), 1u);
}

TEST_F(SamplesTest, TellNothingOfTheQueueWhenNobodySaidThatHeWokeTheLoop) {
  samples_.woken();  // nobody asked: no stamp
  batch(1, 0);
  ++sleeps_;
  EXPECT_TRUE(batch(1, 50));
  EXPECT_EQ(queued().all(), 0u);
  EXPECT_EQ(run().all(), 1u);
}

TEST_F(SamplesTest, CountCallsBetweenTwoLooksWithTheirMeanAndWithWhatWentBeforeThem) {
  batch(1, 1'000);
  ASSERT_TRUE(samples_.took());
  samples_.begin({run_, sleeps_}, now_);
  samples_.ran({run_ + 2, sleeps_}, false, now_ + 200);
  EXPECT_TRUE(samples_.is_on());
  samples_.ran({run_ + 3, sleeps_}, true, now_ + 10'200);
  EXPECT_FALSE(samples_.is_on());
  EXPECT_EQ(run().sum_ns(), 2u * 100 + 10'000);
  EXPECT_EQ(queued().sum_ns(), 2u * 1'000 + 1'200);
}

}  // namespace
}  // namespace crochet
