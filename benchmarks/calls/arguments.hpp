// SPDX-License-Identifier: MIT
// What a program is asked to measure; the same command line for every peer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Arguments {
  std::string workload = "w1";
  std::string variant;                 // of the peer; empty: none
  bool same = true;                    // callers and the loop on one CPU
  std::uint64_t operations = 100'000;  // of all callers together; rounded down to what divides
  std::size_t callers = 1;
  std::vector<int> cpus = {0, 1};

  // Beside the echo of w9 the loop is never on the producer's.
  int loop_cpu() const { return (same && !workload.starts_with("w9")) || cpus.size() < 2 ? cpus[0] : cpus[1]; }
  int caller_cpu(std::size_t caller) const { return same ? cpus[0] : cpus[caller % cpus.size()]; }
};

// Ends the program, with the usage, when they make no sense.
Arguments read_arguments(int count, char** words);

// For peers: ends the program unless the variant asked for is one of these, or none.
void accept_variants(const Arguments& asked, const std::vector<std::string_view>& known);

}  // namespace bench
