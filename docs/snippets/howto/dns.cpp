// SPDX-License-Identifier: MIT
// Blocking DNS with a time-out, in C++: several names at once.
#include <sys/socket.h>

#include <crochet_operations.hpp>
#include <iostream>
#include <map>

using namespace std::chrono_literals;

// [resolve]
static std::string resolve(const std::string& name, crochet::timeout patience) {
  auto found = crochet::getaddrinfo(name, "", {0, SOCK_STREAM});
  if (!found.ready(patience)) {
    found.cancel();
    throw crochet::timeout_error(CROCHET_ETIMEDOUT);
  }
  return std::string(found.wait()[0].text);  // or throws what getaddrinfo() said
}
// [end resolve]

int main() {
  crochet::setup();
  std::cout << resolve("localhost", 5s) << '\n';
  try {
    resolve("not a name", 5s);
    return 1;
  } catch (const crochet::failed_error& failure) {
    std::cout << failure.what() << '\n';
  }
  return crochet::shutdown(10s) == crochet::stop_outcome::ended ? 0 : 1;
}
