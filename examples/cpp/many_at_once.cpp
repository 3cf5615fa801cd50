// SPDX-License-Identifier: MIT
// Many calls at once. run_many: a function for each element of a range, each with a result. A cork: functions of all
// kinds, gathered for as long as it lives, and nobody waits for them. Either way they are queued together.
#include <algorithm>
#include <crochet.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

// The loop's thread only: no lock.
class cache {
 public:
  std::string find(const std::string& name) {
    ++asked_[name];
    return "page of " + name;
  }
  void forget(const std::string& name) { asked_.erase(name); }
  int asked(const std::string& name) const {
    const auto found = asked_.find(name);
    return found == asked_.end() ? 0 : found->second;
  }

 private:
  std::map<std::string, int> asked_;
};

void must(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "must be so: %s\n", what);
  std::exit(EXIT_FAILURE);
}

}  // namespace

int main() {
  using namespace std::chrono_literals;
  crochet::setup();
  {
    const crochet::loop_owned<cache> pages;
    const std::vector<std::string> names = {"wool", "hook", "wool", "pattern"};
    std::size_t bytes = 0;
    for (auto& page : pages.run_many(&cache::find, names)) bytes += page.wait().size();
    std::printf("%zu bytes\n", bytes);
    must(bytes == 4 * 8 + 4 + 4 + 4 + 7, "each name was looked up");
    must(pages.run(&cache::asked, "wool").wait() == 2, "wool was asked for twice");
  }
  const crochet::loop counters;
  int lines = 0, words = 0;  // the loop's thread only
  const auto reader = [&](const std::vector<std::string>& text) {
    crochet::cork cork(counters);
    for (const std::string& line : text) {
      cork.run([&lines] { ++lines; });
      const auto count = [&words](const std::string& seen) {
        words += static_cast<int>(1 + std::count(seen.begin(), seen.end(), ' '));
      };
      cork.run(count, line);
    }
  };  // here it is flushed
  std::thread one(reader, std::vector<std::string>{"one two", "three"});
  std::thread two(reader, std::vector<std::string>{"four five six"});
  one.join();
  two.join();
  counters.run([] {}).wait();
  std::printf("%d lines, %d words\n", lines, words);
  must(lines == 3 && words == 6, "every line was counted");
  counters.stop(1s);
  return crochet::shutdown(1s) == crochet::stop_outcome::ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
