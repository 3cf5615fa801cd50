// SPDX-License-Identifier: MIT
// How long something took, how often: counts in buckets whose bounds double.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "crochet.h"

namespace crochet {

class Histogram {
 public:
  static constexpr std::size_t kBuckets = CROCHET_HISTOGRAM_BUCKETS;

  // The longest time that falls into a bucket; into the last one all the rest.
  static constexpr std::int64_t bound(std::size_t bucket) {
    return bucket + 1 < kBuckets ? std::int64_t{1} << (bucket + kFirstBits) : INT64_MAX;
  }
  static constexpr std::size_t bucket_of(std::int64_t ns) {
    if (ns <= bound(0)) return 0;
    const auto bits = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(ns - 1)));
    return bits - kFirstBits < kBuckets ? bits - kFirstBits : kBuckets - 1;
  }

  void clear() {
    for (auto& count : counts_) count.store(0, relaxed);
    sum_ns_.store(0, relaxed);
  }
  // By the one thread that writes: `times` of them took that long.
  void add(std::int64_t ns, std::uint64_t times) {
    if (ns < 0) ns = 0;
    Atomic<std::uint64_t>& count = counts_[bucket_of(ns)];
    count.store(count.load(relaxed) + times, relaxed);
    sum_ns_.store(sum_ns_.load(relaxed) + static_cast<std::uint64_t>(ns) * times, relaxed);
  }
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].load(relaxed); }
  std::uint64_t sum_ns() const { return sum_ns_.load(relaxed); }
  std::uint64_t all() const {
    std::uint64_t sum = 0;
    for (const auto& count : counts_) sum += count.load(relaxed);
    return sum;
  }
  // The bound below which that share of them lies; 0 when there are none.
  std::int64_t quantile(double share) const {
    const double wanted = share * static_cast<double>(all());
    double seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += static_cast<double>(count(i));
      if (seen > 0 && seen >= wanted) return bound(i);
    }
    return 0;
  }

 private:
  static constexpr std::size_t kFirstBits = 8;  // 256 ns

  Atomic<std::uint64_t> counts_[kBuckets] = {};  // relaxed: they publish nothing
  Atomic<std::uint64_t> sum_ns_{0};
};

static_assert(Histogram::bucket_of(0) == 0 && Histogram::bucket_of(256) == 0 && Histogram::bucket_of(257) == 1);
static_assert(Histogram::bucket_of(512) == 1 && Histogram::bucket_of(513) == 2);
static_assert(Histogram::bucket_of(Histogram::bound(30)) == 30 && Histogram::bucket_of(INT64_MAX) == 31);

enum class Timed : std::size_t { kQueued, kRun };

inline constexpr const char* kHistogramNames[] = {"queue_ns", "run_ns"};
inline constexpr std::size_t kHistograms = sizeof kHistogramNames / sizeof *kHistogramNames;

}  // namespace crochet
