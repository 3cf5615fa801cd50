// SPDX-License-Identifier: MIT
#include "samples.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bench {

double Samples::mean() const {
  const auto end = ns_.begin() + static_cast<std::ptrdiff_t>(count_);
  return static_cast<double>(std::accumulate(ns_.begin(), end, std::uint64_t{0})) / static_cast<double>(count_);
}

double Samples::quantile(double part) {
  const auto end = ns_.begin() + static_cast<std::ptrdiff_t>(count_);
  std::sort(ns_.begin(), end);
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(count_)));
  return ns_[rank == 0 ? 0 : rank - 1];
}

}  // namespace bench
