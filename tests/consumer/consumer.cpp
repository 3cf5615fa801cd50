// SPDX-License-Identifier: MIT
// What a user's first C++ program does: a value, an exception that travels, many results, a name looked up.
#include <crochet.hpp>
#include <crochet_completion.hpp>
#include <crochet_operations.hpp>
#include <cstdio>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

int main() {
  crochet::setup();
  if (crochet::run([] { return std::string("wool"); }).wait() != "wool") return 1;
  try {
    crochet::run([] { throw std::out_of_range("no more wool"); }).wait();
    return 1;
  } catch (const std::out_of_range& e) {
    std::puts(e.what());
  }
  auto one = crochet::run([] { return 1; });
  auto two = crochet::run([] { return 2; });
  crochet::wait_all(10s, one, two);
  if (one.wait() + two.wait() != 3) return 1;
  return crochet::shutdown(10s) == crochet::stop_outcome::ended ? 0 : 1;
}
