// SPDX-License-Identifier: MIT
// How much a message matters, and from where on messages are kept.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/atomic.hpp"

namespace crochet {

enum class LogLevel : std::uint8_t {
  kTrace,
  kDebug,
  kInfo,
  kWarning,
  kError,
  kCritical,
  kOff
};  // spdlog's names and order

const char* level_name(LogLevel level) noexcept;  // "trace" ... "critical", "off"; static
bool find_level(std::string_view name, LogLevel* out) noexcept;

// The threshold of the process: a level + 1; 0: CROCHET_LOG has not been read yet. relaxed: it publishes nothing.
inline constinit Atomic<std::uint8_t> log_threshold{0};

LogLevel threshold() noexcept;
inline void set_threshold(LogLevel level) noexcept {
  log_threshold.store(static_cast<std::uint8_t>(static_cast<std::uint8_t>(level) + 1), relaxed);
}

inline bool log_enabled(LogLevel level) noexcept {
  // Unread, everything passes the first look.
  return static_cast<std::uint8_t>(level) + 1 >= log_threshold.load(relaxed) && level >= threshold() &&
         level < LogLevel::kOff;
}

}  // namespace crochet
