// SPDX-License-Identifier: MIT
// The main program of every set of scenarios: searches them, prints one line for each search, and explains failures.
#include <algorithm>
#include <cstdio>
#include <string>

#include "model/execution.hpp"
#include "model/options.hpp"
#include "model/scenario.hpp"
#include "model/search.hpp"

namespace crochet::model {
namespace {

std::string depth_first_text(int bound) {
  return "depth first, " + (bound == kUnbounded ? "no bound" : "bound " + std::to_string(bound));
}

void print(const Scenario& scenario, const std::string& mode, const Outcome& outcome) {
  const double rate = outcome.seconds > 0 ? static_cast<double>(outcome.executions) / outcome.seconds / 1000 : 0;
  std::printf("%-36s %-22s %d threads %12llu executions  %-13s %7.2f s %7.0f k/s  %s\n", scenario.name, mode.c_str(),
              scenario.threads, static_cast<unsigned long long>(outcome.executions),
              outcome.exhausted ? "exhausted" : "not exhausted", outcome.seconds, rate,
              outcome.failed() ? ("FAILED: " + outcome.failure).c_str() : "passed");
  std::fflush(stdout);
}

void explain(const Scenario& scenario, const Outcome& outcome) {
  std::printf("%s  again: --scenario %s --replay %s\n", outcome.trace.c_str(), scenario.name, outcome.replay.c_str());
}

// Both searches, unless one was asked for; until the first failure.
bool search(const Scenario& scenario, const Options& options) {
  constexpr int kUsualBound = 2;
  constexpr std::uint64_t kUsualSeed = 1;
  const bool both = !options.bound && !options.seed;
  Outcome outcome;
  if (both || options.bound) {
    const int bound = options.bound.value_or(kUsualBound);
    outcome = search_depth_first(scenario, bound, options.limits);
    print(scenario, depth_first_text(bound), outcome);
  }
  if (!outcome.failed() && (both || options.seed)) {
    outcome = search_random(scenario, options.seed.value_or(kUsualSeed), options.limits);
    print(scenario, "random", outcome);
  }
  if (outcome.failed() && !options.expect_failure) explain(scenario, outcome);
  return outcome.failed();
}

bool show_replay(const Scenario& scenario, const Options& options) {
  const Outcome outcome = replay(scenario, options.replay, options.limits);
  print(scenario, "replay", outcome);
  std::fputs(outcome.trace.c_str(), stdout);
  return outcome.failed();
}

int run(const Options& options) {
  int wrong = 0;
  std::size_t found = 0;
  for (const Scenario& scenario : scenarios()) {
    const auto& wanted = options.scenarios;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), scenario.name) == wanted.end()) continue;
    ++found;
    if (options.list) {
      std::puts(scenario.name);
      continue;
    }
    const bool failed = options.replay.empty() ? search(scenario, options) : show_replay(scenario, options);
    if (failed != options.expect_failure) ++wrong;
  }
  if (found == 0 || found < options.scenarios.size()) {
    std::fputs("no such scenario\n", stderr);
    return 1;
  }
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace crochet::model

int main(int argc, char** argv) {
  const auto options = crochet::model::parse_options(argc, argv);
  if (!options) {
    std::fputs(crochet::model::kUsage, stderr);
    return 2;
  }
  return crochet::model::run(*options);
}
