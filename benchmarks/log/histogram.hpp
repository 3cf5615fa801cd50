// SPDX-License-Identifier: MIT
// How often which duration: 32 buckets for each doubling, so within 3%; an addition and a shift to add.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

class Histogram {
 public:
  void add(std::int64_t ns) {
    const auto value = static_cast<std::uint64_t>(ns < 0 ? 0 : ns);
    ++counts_[bucket_of(value)];
    ++total_;
    if (value > max_) max_ = value;
  }

  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }
  // The duration that this part of all, from 0 to 1, did not exceed: its bucket's upper end.
  std::uint64_t quantile(double part) const;

 private:
  static constexpr unsigned kBits = 5;
  static constexpr std::size_t kPerDoubling = std::size_t{1} << kBits;

  static std::size_t bucket_of(std::uint64_t value) {
    const unsigned shift = value < 2 * kPerDoubling ? 0U : static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return shift * kPerDoubling + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t upper_end(std::size_t bucket);

  std::uint64_t counts_[(64 - kBits + 1) * kPerDoubling] = {};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace bench
