// SPDX-License-Identifier: MIT
// A replay text is "s" and a seed, or a bound ("-" for none), a colon and a trail.
#include "model/search.hpp"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>

#include "model/choices.hpp"
#include "model/execution.hpp"
#include "model/trace.hpp"

namespace crochet::model {
namespace {

// Memory for one scenario after the other.
class Stage {
 public:
  explicit Stage(const Scenario& scenario)
      : alignment_(std::align_val_t{scenario.alignment()}), memory_(::operator new(scenario.size(), alignment_)) {}
  ~Stage() { ::operator delete(memory_, alignment_); }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  void* memory() const { return memory_; }

 private:
  std::align_val_t alignment_;
  void* memory_;
};

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Search {
 public:
  Search(const Scenario& scenario, int bound, const Limits& limits)
      : scenario_(scenario), bound_(bound), limits_(limits), stage_(scenario) {}

  // False when the search is over.
  bool run(Choices& choices) {
    ++outcome_.executions;
    if (!execution.run(scenario_, stage_.memory(), choices, bound_, limits_.max_steps, nullptr)) {
      outcome_.failure = execution.failure();
      outcome_.preemptions = execution.preemptions();
      return false;
    }
    constexpr std::uint64_t kLooksAtTheClock = 64;
    if (outcome_.executions % kLooksAtTheClock == 0 && stopwatch_.seconds() > limits_.seconds) return false;
    return outcome_.executions < limits_.executions;
  }

  void exhausted() { outcome_.exhausted = true; }

  // A failed execution once more, step by step.
  void explain(Choices& choices, std::string replay) {
    Trace trace;
    choices.rewind();
    const bool passed = execution.run(scenario_, stage_.memory(), choices, bound_, limits_.max_steps, &trace);
    outcome_.trace = trace.text();
    if (passed || execution.failure() != outcome_.failure) outcome_.failure += " [not seen again: not deterministic]";
    outcome_.replay = std::move(replay);
  }

  Outcome finish() {
    outcome_.seconds = stopwatch_.seconds();
    return outcome_;
  }

  const Outcome& outcome() const { return outcome_; }

 private:
  Scenario scenario_;
  int bound_;
  Limits limits_;
  Stage stage_;
  Stopwatch stopwatch_;
  Outcome outcome_;
};

std::string trail_text(int bound, const Choices& choices) {
  return (bound == kUnbounded ? std::string("-") : std::to_string(bound)) + ":" + choices.trail();
}

std::string seed_text(std::uint64_t seed) { return "s" + std::to_string(seed); }

Outcome not_a_replay(const std::string& text) {
  Outcome outcome;
  outcome.failure = "not a replay text: " + text;
  return outcome;
}

Outcome replay_trail(const Scenario& scenario, const std::string& text, const Limits& limits) {
  const std::size_t colon = text.find(':');
  Choices choices;
  if (colon == std::string::npos || !choices.start_replay(std::string_view(text).substr(colon + 1))) {
    return not_a_replay(text);
  }
  const std::string bound = text.substr(0, colon);
  Search search(scenario, bound == "-" ? kUnbounded : std::atoi(bound.c_str()), limits);
  search.run(choices);
  search.explain(choices, text);
  return search.finish();
}

}  // namespace

Outcome search_depth_first(const Scenario& scenario, int bound, const Limits& limits) {
  Search search(scenario, bound, limits);
  Choices choices;
  choices.start_depth_first();
  while (search.run(choices)) {
    if (!choices.next()) {
      search.exhausted();
      break;
    }
    choices.rewind();
  }
  if (search.outcome().failed()) search.explain(choices, trail_text(bound, choices));
  return search.finish();
}

Outcome search_random(const Scenario& scenario, std::uint64_t seed, const Limits& limits) {
  Search search(scenario, kUnbounded, limits);
  Choices choices;
  choices.start_random(seed);
  while (search.run(choices)) choices.start_random(++seed);
  if (search.outcome().failed()) search.explain(choices, seed_text(seed));
  return search.finish();
}

Outcome replay(const Scenario& scenario, const std::string& text, const Limits& limits) {
  if (text.empty() || text[0] != 's') return replay_trail(scenario, text, limits);
  const std::uint64_t seed = std::strtoull(text.c_str() + 1, nullptr, 10);
  Search search(scenario, kUnbounded, limits);
  Choices choices;
  choices.start_random(seed);
  search.run(choices);
  search.explain(choices, text);
  return search.finish();
}

}  // namespace crochet::model
