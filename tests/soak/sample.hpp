// SPDX-License-Identifier: MIT
// What the process has at a moment when all its workers stand still; and whether that stays as it was.
#pragma once

#include <cstdint>
#include <cstdio>
#include <vector>

#include "soak/accounts.hpp"

namespace soak {

struct Sample {
  double seconds = 0;
  long rss_kib = 0;
  long heap_kib = 0;  // in use, as malloc counts it; 0 under a sanitizer
  long descriptors = 0;
  long threads = 0;
  std::uint64_t log_written = 0;
  std::uint64_t log_dropped = 0;
  std::uint64_t log_abandoned = 0;

  static Sample now(double seconds);
};

// A line for people, and one for a plot.
void print_head(std::FILE* csv);
void print(const Sample& sample, const Accounts& accounts, std::FILE* csv);

// After a third of the samples, which are for warming up: is there, among the last third, one that has no more than the
// most of the middle third? What leaks never comes back to that; what is only busy does.
void check_flat(const std::vector<Sample>& samples);

}  // namespace soak
