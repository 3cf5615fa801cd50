// SPDX-License-Identifier: MIT
#include "log/record.hpp"

#include <algorithm>
#include <cstddef>

namespace crochet {
namespace {

constexpr std::string_view kCut = " [...]";

// The largest length up to `most`, which is no less than a character, that does not end in the middle of a UTF-8
// character; of other bytes, `most`.
std::size_t whole_characters(std::string_view text, std::size_t most) {
  std::size_t length = most;
  for (int i = 0; i < 3 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80; ++i) --length;
  return (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80 ? most : length;
}

}  // namespace

void LogRecord::set(const LogMessage& message) noexcept {
  level = message.level;
  full_length = message.full_length;
  const std::size_t of_origin = std::min<std::size_t>(message.origin.size(), CROCHET_LOG_ORIGIN_LONGEST);
  origin_length = static_cast<std::uint8_t>(of_origin);
  std::memcpy(origin, message.origin.data(), of_origin);
  origin[of_origin] = '\0';
  std::size_t used = message.text.size();
  const bool is_cut = message.full_length > CROCHET_LOG_LONGEST;
  if (is_cut) used = whole_characters(message.text, CROCHET_LOG_LONGEST - kCut.size());
  if (used != 0) std::memcpy(text, message.text.data(), used);
  if (is_cut) used += kCut.copy(text + used, kCut.size());
  text[used] = '\0';
  length = static_cast<std::uint16_t>(used);
}

void LogRecord::copy_to(LogRecord* other) const noexcept {
  std::memcpy(static_cast<void*>(other), this, offsetof(LogRecord, text) + length + 1);
}

}  // namespace crochet
