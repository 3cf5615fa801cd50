// SPDX-License-Identifier: MIT
// A console into the running process: while its threads are blocked in their work, here commands of the shell, the
// owner of a socket asks what they wait for. It has a loop of its own, and so answers when the default loop is stuck,
// too.
//
//   console SOCKET COMMAND...      meanwhile: nc -U SOCKET, and there: calls, loops, counters, log LEVEL, quit
#include <algorithm>
#include <atomic>
#include <crochet_operations.hpp>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "line_server.hpp"

// [answer]
static std::string answer(const std::string& asked) {
  const std::string levels[] = {"log trace", "log debug", "log info", "log warning", "log error"};
  const auto level = std::find(std::begin(levels), std::end(levels), asked);
  std::string text;
  if (asked == "calls" || asked == "loops") {
    std::istringstream listing(crochet::dump());  // a line for each "loop ..." and each "call ..."
    for (std::string line; std::getline(listing, line);)
      if (line.rfind(asked.substr(0, 4) + ' ', 0) == 0) text += line + '\n';
  } else if (asked == "counters") {
    std::uint64_t count = 0;
    for (std::uint32_t i = 0; const char* name = crochet_loop_counter_name(i); ++i)
      if (crochet_loop_counter(nullptr, name, &count) == CROCHET_OK)
        text += name + (' ' + std::to_string(count)) + '\n';
  } else if (level != std::end(levels)) {
    crochet::set_log_level(static_cast<crochet::log_level>(level - levels));
  } else {
    text = "calls, loops, counters, log LEVEL, quit\n";
  }
  return text + '\n';  // an empty line ends each
}
// [end answer]

// [main]
int main(int argc, char** argv) try {
  if (argc < 3) return std::fprintf(stderr, "usage: %s SOCKET COMMAND...\n", argv[0]), EXIT_FAILURE;
  crochet::setup();
  const crochet::loop apart;
  const crochet::loop_owned<line_server> console(apart, argv[1], answer);
  console.run([](line_server&) {}).wait();  // throws what its constructor threw: the socket is there, or why not

  std::atomic<int> failures{0};
  std::vector<std::thread> workers;
  for (int i = 2; i < argc; ++i)
    workers.emplace_back([command = argv[i], &failures] {
      const auto run = [command] { return crochet::command("sh").argument("-c").argument(command).run(); };
      const auto exit = crochet::wait_for({}, run, command)();  // labelled by the command itself
      std::printf("%s: %d\n", command, exit.status());
      if (!exit.success()) ++failures;
    });
  for (auto& worker : workers) worker.join();
  const bool ended = crochet::shutdown(std::chrono::seconds(1)) == crochet::stop_outcome::ended;  // the socket is gone
  return ended && failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const crochet::error& e) {
  return std::fprintf(stderr, "%s: %s\n", argv[1], e.what()), EXIT_FAILURE;
}
// [end main]
