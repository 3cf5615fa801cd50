// SPDX-License-Identifier: MIT
// Durations, each kept as it is: quantiles are exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

class Samples {
 public:
  // The memory is touched here, not while measuring.
  explicit Samples(std::size_t most) : ns_(most), count_(0) {}

  void clear() { count_ = 0; }
  void add(std::int64_t ns) { ns_[count_++] = static_cast<std::uint32_t>(ns); }
  std::size_t count() const { return count_; }
  double mean() const;
  // The duration that this part of all, from 0 to 1, did not exceed. Sorts.
  double quantile(double part);

 private:
  std::vector<std::uint32_t> ns_;
  std::size_t count_;
};

}  // namespace bench
