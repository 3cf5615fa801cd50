// SPDX-License-Identifier: MIT
// Times counted in buckets that double.
#include "loop/histogram.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace crochet {
namespace {

TEST(Histogram, CountsATimeInTheBucketThatItStillFits) {
  Histogram times;
  times.add(256, 1);
  times.add(257, 2);
  times.add(512, 3);
  times.add(INT64_MAX, 4);
  EXPECT_EQ(times.count(0), 1u);
  EXPECT_EQ(times.count(1), 5u);
  EXPECT_EQ(times.count(Histogram::kBuckets - 1), 4u);
  EXPECT_EQ(times.all(), 10u);
}

TEST(Histogram, AddsTheTimesUp) {
  Histogram times;
  times.add(1000, 3);
  times.add(7, 1);
  EXPECT_EQ(times.sum_ns(), 3007u);
}

TEST(Histogram, TakesATimeBeforeZeroForZero) {
  Histogram times;
  times.add(-5, 2);
  EXPECT_EQ(times.count(0), 2u);
  EXPECT_EQ(times.sum_ns(), 0u);
}

TEST(Histogram, TellsTheBoundBelowWhichAShareLies) {
  Histogram times;
  times.add(100, 2);
  times.add(1000, 2);
  EXPECT_EQ(times.quantile(0.25), 256);
  EXPECT_EQ(times.quantile(0.5), 256) << "half of them, exactly";
  EXPECT_EQ(times.quantile(0.51), 1024);
  EXPECT_EQ(times.quantile(1), 1024);
}

TEST(Histogram, OfNoShareIsBelowTheBoundOfTheQuickest) {
  Histogram times;
  times.add(1000, 1);
  EXPECT_EQ(times.quantile(0), 1024);
}

TEST(Histogram, HasNoBoundForTheRest) {
  Histogram times;
  times.add(INT64_MAX, 1);
  EXPECT_EQ(times.quantile(0.5), INT64_MAX);
}

TEST(Histogram, OfNothingIsZero) { EXPECT_EQ(Histogram().quantile(0.5), 0); }

TEST(Histogram, ForgetsAllWhenItIsCleared) {
  Histogram times;
  times.add(1000, 3);
  times.clear();
  EXPECT_EQ(times.all(), 0u);
  EXPECT_EQ(times.sum_ns(), 0u);
}

}  // namespace
}  // namespace crochet
