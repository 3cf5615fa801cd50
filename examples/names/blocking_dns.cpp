// SPDX-License-Identifier: MIT
// A blocking look-up of names that gives up when its time is over: what the system's own can't. Whoever calls resolve()
// sees no loop and no callback: it returns addresses, or throws.
//
//   blocking_dns [-t SECONDS] NAME...      exit code 0: all of them were found
#include <netinet/in.h>
#include <sys/socket.h>
#include <crochet_operations.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

// [resolve]
static std::vector<std::string> resolve(const std::string& name, crochet::timeout patience) {
  const auto look_up = crochet::wait_for(patience, [](const std::string& wanted) {
    return crochet::getaddrinfo(wanted, "", {AF_INET, SOCK_STREAM});
  });
  std::vector<std::string> found;
  for (const crochet::address& address : look_up(name)) found.emplace_back(address.text);
  return found;
}
// [end resolve]

// [report]
static bool report(const std::string& name, crochet::timeout patience) {
  try {
    for (const std::string& address : resolve(name, patience)) std::cout << name << ": " << address << '\n';
    return true;
  } catch (const crochet::timeout_error&) {  // nobody said anything; the look-up was cancelled
    std::cout << name << ": no answer in time" << std::endl;
  } catch (const crochet::call_error& e) {  // somebody said no
    std::cout << name << ": " << crochet_status_name(e.code()) << ": " << e.what() << '\n';
  }
  return false;
}
// [end report]

int main(int argc, char** argv) {
  int first = 1;
  crochet::timeout patience = 5s;
  if (argc > 3 && std::string_view(argv[1]) == "-t") {
    patience = std::chrono::duration<double>(std::atof(argv[2]));
    first = 3;
  }
  if (first >= argc) {
    std::cerr << "usage: " << argv[0] << " [-t SECONDS] NAME...\n";
    return EXIT_FAILURE;
  }
  crochet::setup();
  bool all_found = true;
  for (int i = first; i < argc; ++i) all_found = report(argv[i], patience) && all_found;
  crochet::shutdown(0s);  // a look-up that nobody answers is left to itself
  return all_found ? EXIT_SUCCESS : EXIT_FAILURE;
}
