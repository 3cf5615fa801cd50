// SPDX-License-Identifier: MIT
// Fuzz target: what the variable CROCHET_LOG may hold, against a reader of its own.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/support/story.hpp"
#include "log/environment.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using fuzz::found;

constexpr std::array kLevels = {"trace", "debug", "info", "warning", "error", "critical", "off"};

struct Reading {
  int level = 3;
  std::vector<std::pair<std::string, std::string>> sinks;
  std::vector<std::string> mistakes;
};

Reading read(const std::string& text) {
  Reading reading;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    std::size_t end = text.find(',', begin);
    if (end == std::string::npos) end = text.size();
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    const std::size_t colon = word.find(':');
    const bool has_argument = colon != std::string::npos;
    const std::string kind = word.substr(0, colon);
    const std::string argument = has_argument ? word.substr(colon + 1) : "";
    int level = -1;
    for (std::size_t i = 0; i < kLevels.size(); ++i) {
      if (!has_argument && kind == kLevels[i]) level = static_cast<int>(i);
    }
    if (level >= 0) reading.level = level;
    else if ((kind == "file" && !argument.empty()) || (kind == "stderr" && !has_argument) || kind == "syslog")
      reading.sinks.emplace_back(kind, argument);
    else reading.mistakes.push_back(kind);
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::begin_story();
  const std::string text(reinterpret_cast<const char*>(data), size);
  fuzz::tell("CROCHET_LOG=\"%s\"", text.c_str());
  const crochet::LogEnvironment environment(text);
  const Reading expected = read(text);
  if (static_cast<int>(environment.level()) != expected.level)
    found("the level is %d", static_cast<int>(environment.level()));
  std::vector<std::pair<std::string, std::string>> sinks;
  environment.for_each_sink(
      [&](std::string_view kind, std::string_view argument) { sinks.emplace_back(kind, argument); });
  if (sinks != expected.sinks) found("%zu sinks, not %zu", sinks.size(), expected.sinks.size());
  std::vector<std::string> mistakes;
  environment.for_each_mistake([&](std::string_view word) { mistakes.emplace_back(word); });
  if (mistakes != expected.mistakes) found("%zu mistakes, not %zu", mistakes.size(), expected.mistakes.size());
  return 0;
}
