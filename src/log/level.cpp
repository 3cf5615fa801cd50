// SPDX-License-Identifier: MIT
#include "log/level.hpp"

#include <cstddef>

#include "log/environment.hpp"

namespace crochet {
namespace {

constexpr const char* kNames[] = {"trace", "debug", "info", "warning", "error", "critical", "off"};

}  // namespace

const char* level_name(LogLevel level) noexcept { return kNames[static_cast<std::size_t>(level)]; }

bool find_level(std::string_view name, LogLevel* out) noexcept {
  for (std::size_t i = 0; i < sizeof kNames / sizeof *kNames; ++i) {
    if (name != kNames[i]) continue;
    *out = static_cast<LogLevel>(i);
    return true;
  }
  return false;
}

LogLevel threshold() noexcept {
  std::uint8_t found = log_threshold.load(relaxed);
  if (found == 0) {
    const auto read = static_cast<std::uint8_t>(static_cast<std::uint8_t>(log_environment().level()) + 1);
    // Whoever has set it meanwhile knows better.
    if (log_threshold.compare_exchange_strong(found, read, relaxed, relaxed)) found = read;
  }
  return static_cast<LogLevel>(found - 1);
}

}  // namespace crochet
