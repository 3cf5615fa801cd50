// SPDX-License-Identifier: MIT
// Ready-made operations in C++: a blocking run() for programs, whose time-out really ends them, and a look-up.
#include <crochet_operations.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

#include "../must.h"

using namespace std::chrono_literals;

// The output of a program; throws what kept it from running, or crochet::timeout_error.
static std::string output_of(const crochet::command& command, crochet::timeout time) {
  auto result = command.run();
  if (!result.ready(time)) {
    result.cancel();  // SIGTERM, and SIGKILL if that is not enough
    result.join();    // gone
    throw crochet::timeout_error(CROCHET_ETIMEDOUT);
  }
  const crochet::process_exit exit = std::move(result).wait();
  if (!exit.success()) throw std::runtime_error("it failed: " + std::string(exit.errors()));
  return std::string(exit.output());
}

template <class Error>
static bool fails(const crochet::command& command, crochet::timeout time) {
  try {
    output_of(command, time);
  } catch (const Error& e) {
    std::cout << e.what() << '\n';
    return true;
  }
  return false;
}

int main() {
  crochet::setup();
  MUST(output_of(crochet::command("tr").argument("a-z").argument("A-Z").input("wool"), 60s) == "WOOL");
  MUST(fails<crochet::timeout_error>(crochet::command("sleep").argument("1000"), 50ms));
  MUST(fails<crochet::failed_error>(crochet::command("/no/such/program"), 60s));
  MUST(fails<std::runtime_error>(crochet::command("ls").argument("/no/such/file"), 60s));

  // Two at once, and something done with each value on the loop.
  auto first = crochet::command("echo").argument("first").run();
  auto second = crochet::command("echo").argument("second").run();
  auto length = std::move(second).then([](const crochet::process_exit& exit) { return exit.output().size(); });
  MUST(std::move(length).wait() == 7 && first.wait().output() == "first\n");

  for (const crochet::address& found : crochet::getaddrinfo("localhost", "80").wait()) {
    std::cout << "localhost: " << found.text << '\n';
  }
  MUST(crochet::shutdown(10s) == crochet::stop_outcome::ended);
  return EXIT_SUCCESS;
}
