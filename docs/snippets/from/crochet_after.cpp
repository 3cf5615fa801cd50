// SPDX-License-Identifier: MIT
// The same by crochet.hpp.
#include <crochet.hpp>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

// [program]
static crochet::eventual_result<std::string> tea() {
  return crochet::run_after(10ms, [] { return std::string("Tea is ready."); });
}

static crochet::deferred<std::string> order() {
  crochet::deferred<std::string> tea_to_come;
  auto keep = [tea_to_come] {};                                   // somebody keeps a copy, or it is broken at once
  crochet::run_after(1h, keep);
  return tea_to_come;
}

int main() {
  crochet::setup();
  std::cout << crochet::wait_for(5s, tea)() << '\n';
  auto result = crochet::run_in_loop(order)();
  try {
    result.wait(50ms);
  } catch (const crochet::timeout_error&) {
    result.cancel();
  }
  crochet::shutdown(1s);
}
// [end program]
