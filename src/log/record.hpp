// SPDX-License-Identifier: MIT
// A message on its way: what is copied into a place of the ring, and out of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "crochet.h"
#include "log/level.hpp"

namespace crochet {

// What somebody logs. `full_length` is larger than text.size() when the text was cut on the way here.
struct LogMessage {
  LogLevel level;
  std::string_view origin;
  std::string_view text;
  std::size_t full_length;
};

// No initialisers: a place that was never used is never touched. Aligned: a short message lies in two cache lines.
struct alignas(64) LogRecord {
  std::int64_t time_ns;  // CLOCK_REALTIME
  std::size_t full_length;
  std::uint32_t lost;    // messages that found no room just before this one
  std::uint32_t thread;  // as gettid() says
  std::uint16_t length;
  LogLevel level;
  std::uint8_t origin_length;
  bool about_log;  // said by a sink about a message: what sinks say about this is dropped
  char origin[CROCHET_LOG_ORIGIN_LONGEST + 1];
  char text[CROCHET_LOG_LONGEST + 1];

  void set(const LogMessage& message) noexcept;
  void copy_to(LogRecord* other) const noexcept;  // what is used of it
  std::string_view origin_view() const { return {origin, origin_length}; }
  std::string_view text_view() const { return {text, length}; }
};
static_assert(sizeof(LogRecord) <= 1024, "with its turn a place takes a kibibyte");

}  // namespace crochet
