// SPDX-License-Identifier: MIT
// Many results as they come: the fastest first, all together, or whichever is first. Words are counted in texts, each on
// the loop; nobody waits for a slow one longer than he must.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "crochet_completion.hpp"

using namespace std::chrono_literals;

namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must be so: %s\n", what);
  std::exit(EXIT_FAILURE);
}

int words_in(const std::string& text) {
  int words = 0;
  bool inside = false;
  for (const char c : text) {
    if (c != ' ' && !inside) ++words;
    inside = c != ' ';
  }
  return words;
}

}  // namespace

int main() {
  crochet::setup();
  const std::vector<std::string> texts = {"one", "one two", "one two three", ""};

  // The fastest first: here one of them, settled by hand, takes until the others are through.
  auto counts = crochet::run_many(words_in, texts);
  crochet::deferred<int> slow;
  counts.push_back(slow.result());
  int seen = 0, sum = 0;
  for (auto& count : crochet::as_completed(10s, counts)) {
    sum += count.take();
    if (++seen == 4) slow.resolve(100);
  }
  must(seen == 5 && sum == 106, "each result comes once");

  // All together, as one result.
  const std::vector<int> all = crochet::when_all(crochet::run_many(words_in, texts)).wait();
  must(all == std::vector<int>({1, 2, 3, 0}), "their values, in their order");

  // Whichever is first; the rest is given up.
  crochet::deferred<int> never;
  std::vector<crochet::eventual_result<int>> race;
  race.push_back(never.result());
  race.push_back(crochet::run(words_in, std::string("the winner")));
  auto first = crochet::when_any(std::move(race)).wait();
  must(first.index == 1 && first.results[1].take() == 2, "the second was first");
  first.results[0].cancel();
  must(never.is_cancelled(), "the loser is cancelled");

  std::printf("%d words in %d texts\n", sum - 100, seen - 1);
  must(crochet::shutdown(1s) == crochet::stop_outcome::ended, "nothing is left");
}
