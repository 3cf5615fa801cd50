// SPDX-License-Identifier: MIT
// The same by crochet_coro.hpp.
#include <crochet_coro.hpp>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

static crochet::task<std::string> fetch(std::string name) {
  co_await crochet::sleep(10ms);
  co_return name + "!";
}

int main() {
  // [program]
  crochet::setup();

  const auto result = crochet::wait_for(5s, fetch);              // or run(), and wait() later
  try {
    std::cout << result("wool") << '\n';                         // on a loop's thread: deadlock_error
  } catch (const crochet::timeout_error&) {
    // it has been cancelled
  }

  crochet::shutdown(1s);                                         // what is pending ends as loop_stopped; waiters wake
  // [end program]
  return 0;
}
