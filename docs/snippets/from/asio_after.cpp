// SPDX-License-Identifier: MIT
// The same by crochet.hpp.
#include <crochet.hpp>
#include <iostream>

using namespace std::chrono_literals;

static int add(int a, int b) { return a + b; }

int main() {
  // [program]
  crochet::setup();

  auto sum = crochet::run(add, 1, 2);
  if (sum.ready(5s))                                            // on a loop's thread: throws deadlock_error
    std::cout << sum.wait() << '\n';                            // any thread, as often as you like
  else
    sum.cancel();

  auto tea = crochet::run_after(20ms, [] { return 1; });
  tea.wait();

  crochet::shutdown(1s);                                        // in bounded time, whatever happens
  // [end program]
  return tea.wait() == 1 ? 0 : 1;
}
