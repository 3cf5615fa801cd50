// SPDX-License-Identifier: MIT
// What the command line of a model program asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/search.hpp"

namespace crochet::model {

struct Options {
  bool list = false;
  bool expect_failure = false;
  std::vector<std::string> scenarios;  // empty: all
  std::optional<int> bound;            // search depth first
  std::optional<std::uint64_t> seed;   // search at random. Neither of the two: both searches, one after the other
  std::string replay;
  Limits limits;
};

extern const char* const kUsage;

// Empty when the command line makes no sense.
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace crochet::model
