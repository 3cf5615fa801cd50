// SPDX-License-Identifier: MIT
// The README's example in C++.
// [quick]
#include <crochet_operations.hpp>
#include <iostream>

int main() {
  using namespace std::chrono_literals;
  crochet::setup();  // starts the loop's thread, once

  auto sum = crochet::run([](int a, int b) { return a + b; }, 1, 2);  // runs there; we go on at once
  auto found = crochet::getaddrinfo("localhost");                     // a look-up, meanwhile

  std::cout << sum.wait() << '\n';  // 3; or throws what the function threw
  if (found.ready(5s))              // blocks, five seconds at most
    std::cout << found.wait()[0].text << '\n';
  else
    found.cancel();  // the call would go on otherwise

  crochet::shutdown(1s);
}
// [end quick]
