// SPDX-License-Identifier: MIT
// What the program is asked to measure.
#pragma once

#include <cstdint>
#include <string_view>

namespace bench {

struct Arguments {
  std::string_view peer = "crochet";
  std::string_view workload = "flood";
  std::uint64_t messages = 100'000;
  int loop_cpu = 0;
  int log_cpu = 0;
};

// Ends the program, with the usage, when they make no sense.
Arguments read_arguments(int count, char** words);

}  // namespace bench
