// SPDX-License-Identifier: MIT
// A program with an spdlog of its own: what the library logs, and what is logged on a loop's thread, goes to the sinks
// of its logger. The loop waits for none of them.
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <crochet_spdlog.hpp>
#include <cstdlib>
#include <stdexcept>
#include <string>

using crochet::log_level;
using namespace std::chrono_literals;

int main() {
  // The program's logger, as it was before.
  const auto latest = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(16);
  const auto logger = spdlog::stdout_color_mt("app");
  logger->sinks().push_back(latest);
  logger->set_pattern("%T.%e thread %t %n %^%l%$: %v");
  logger->info("starting");

  // Its sinks, one by one, keep what a logger can't be told: who said it, in which thread. They stay as long as the
  // program does, and are called by the log's thread: ..._mt, since the program uses them, too.
  crochet::remove_default_log_sink();
  for (const auto& sink : logger->sinks()) crochet::log_to(sink).detach();
  crochet::set_log_level(log_level::info);

  crochet::setup();
  const auto count_pages = crochet::run_in_loop([](int pages) {
    // Formatted here, in the loop's thread, when the level is on; written elsewhere.
    crochet::log(log_level::info, "downloader", [pages] { return fmt::format("{} pages", pages); });
    crochet::log(log_level::debug, "downloader", [] { return std::string("never made"); });
  });
  count_pages(3).wait();

  // The library's own lines: a failure that nobody looked at.
  crochet::run([]() { throw std::runtime_error("nobody looks at me"); }).join();

  const bool ended = crochet::shutdown(1s) == crochet::stop_outcome::ended;  // writes what is left
  int found = 0;
  for (const std::string& line : latest->last_formatted()) {
    found += line.find("app info: starting") != std::string::npos;
    found += line.find("downloader info: 3 pages") != std::string::npos;
    found += line.find("nobody looks at me") != std::string::npos;
  }
  return ended && found == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
