// SPDX-License-Identifier: MIT
// Many executions of one scenario: all of them, as far as a bound goes, or random ones; and one of them again.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "model/scenario.hpp"

namespace crochet::model {

struct Limits {
  double seconds = 5;
  std::uint64_t executions = std::numeric_limits<std::uint64_t>::max();
  int max_steps = 5000;  // of one execution
};

struct Outcome {
  std::uint64_t executions = 0;
  bool exhausted = false;  // there are no others within the bound
  double seconds = 0;
  std::string failure;  // empty: none was found. The search ends at the first
  std::string replay;   // gives the failing execution again
  std::string trace;    // its steps
  int preemptions = 0;  // how many it has

  bool failed() const { return !failure.empty(); }
};

// Every execution with at most `bound` preemptions (kUnbounded: all).
Outcome search_depth_first(const Scenario& scenario, int bound, const Limits& limits);

// Random executions, any number of preemptions. The same seed gives the same executions.
Outcome search_random(const Scenario& scenario, std::uint64_t seed, const Limits& limits);

// Outcome::replay of an earlier search.
Outcome replay(const Scenario& scenario, const std::string& text, const Limits& limits);

}  // namespace crochet::model
