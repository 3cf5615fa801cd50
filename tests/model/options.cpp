// SPDX-License-Identifier: MIT
#include "model/options.hpp"

#include <cstdlib>
#include <string_view>

#include "model/execution.hpp"

namespace crochet::model {

const char* const kUsage =
    "usage: explore [option...]\n"
    "  --list              the scenarios there are\n"
    "  --scenario NAME     only this one; may be repeated\n"
    "  --bound N           search depth first, up to N preemptions (all: no bound)\n"
    "  --random SEED       search at random\n"
    "                      with neither: depth first with bound 2, then at random\n"
    "  --seconds S         end each search after S seconds (5)\n"
    "  --executions N      end each search after N executions\n"
    "  --steps N           an execution longer than N steps has failed (5000)\n"
    "  --replay TEXT       one execution again, as a failure printed it; needs --scenario\n"
    "  --expect-failure    succeed when every scenario fails: for planted bugs\n";

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--list") {
      options.list = true;
      continue;
    }
    if (option == "--expect-failure") {
      options.expect_failure = true;
      continue;
    }
    if (++i == argc) return std::nullopt;
    const std::string value = argv[i];
    if (option == "--scenario") {
      options.scenarios.push_back(value);
    } else if (option == "--bound") {
      options.bound = value == "all" ? kUnbounded : std::atoi(value.c_str());
    } else if (option == "--random") {
      options.seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (option == "--seconds") {
      options.limits.seconds = std::atof(value.c_str());
    } else if (option == "--executions") {
      options.limits.executions = std::strtoull(value.c_str(), nullptr, 10);
    } else if (option == "--steps") {
      options.limits.max_steps = std::atoi(value.c_str());
    } else if (option == "--replay") {
      options.replay = value;
    } else {
      return std::nullopt;
    }
  }
  // A clock's ticks have 16 bits, and a step takes at most two of them.
  constexpr int kMostSteps = 30000;
  if (options.limits.max_steps < 1 || options.limits.max_steps > kMostSteps) return std::nullopt;
  if (!options.replay.empty() && options.scenarios.size() != 1) return std::nullopt;
  return options;
}

}  // namespace crochet::model
