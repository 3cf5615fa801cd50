// SPDX-License-Identifier: MIT
#include "histogram.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace bench {

std::uint64_t Histogram::upper_end(std::size_t bucket) {
  if (bucket < 2 * kPerDoubling) return bucket;
  const std::size_t shift = bucket / kPerDoubling - 1;
  return ((std::uint64_t{bucket - shift * kPerDoubling} + 1) << shift) - 1;
}

std::uint64_t Histogram::quantile(double part) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < std::size(counts_); ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen != 0) return std::min(upper_end(i), max_);
  }
  return max_;
}

}  // namespace bench
