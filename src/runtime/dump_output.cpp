// SPDX-License-Identifier: MIT
#include "runtime/dump_output.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/forced_unwind.hpp"

namespace crochet {
namespace {

// How many bytes of one character begin the text; 0: what begins it is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&byte](std::size_t i, unsigned least, unsigned most) {
    return byte(i) >= least && byte(i) <= most;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned least = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned most = first == 0xed ? 0x9f : 0xbf;  // no surrogates
    return follows(1, least, most) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned least = first == 0xf0 ? 0x90 : 0x80;
    const unsigned most = first == 0xf4 ? 0x8f : 0xbf;
    return follows(1, least, most) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

bool is_control(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }

// What of the text can be passed on as it is, in either form.
std::size_t harmless_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && text[length] >= 0x20 && text[length] < 0x7f && text[length] != '"' &&
         text[length] != '\\') {
    ++length;
  }
  return length;
}

}  // namespace

DumpOutput& DumpOutput::operator<<(std::string_view text) {
  while (!text.empty()) {
    if (length_ == sizeof buffer_) flush();
    const std::size_t some = std::min(text.size(), sizeof buffer_ - length_);
    std::memcpy(buffer_ + length_, text.data(), some);
    length_ += some;
    text.remove_prefix(some);
  }
  return *this;
}

DumpOutput& DumpOutput::operator<<(std::uint64_t number) {
  char digits[20];
  return *this << std::string_view(digits,
                                   static_cast<std::size_t>(std::to_chars(digits, digits + 20, number).ptr - digits));
}

DumpOutput& DumpOutput::hexadecimal(std::uint64_t number) {
  char digits[16];
  const char* end = std::to_chars(digits, digits + 16, number, 16).ptr;
  return *this << "0x" << std::string_view(digits, static_cast<std::size_t>(end - digits));
}

DumpOutput& DumpOutput::seconds(std::int64_t ns) {
  const std::int64_t ms = std::max<std::int64_t>(ns, 0) / 1'000'000;
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%03lld s", static_cast<long long>(ms / 1000),
                static_cast<long long>(ms % 1000));
  return *this << text;
}

void DumpOutput::put(char byte) { *this << std::string_view(&byte, 1); }

DumpOutput& DumpOutput::line(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  const std::size_t harmless = harmless_length(text);
  *this << text.substr(0, harmless);
  for (const char byte : text.substr(harmless)) {
    const auto value = static_cast<unsigned char>(byte);
    if (!is_control(byte)) put(byte);
    else *this << "\\x" << std::string_view(&kDigits[value >> 4], 1) << std::string_view(&kDigits[value & 15], 1);
  }
  return *this;
}

DumpOutput& DumpOutput::json(std::string_view text) {
  put('"');
  while (!text.empty()) {
    const std::size_t harmless = harmless_length(text);
    *this << text.substr(0, harmless);
    text.remove_prefix(harmless);
    if (text.empty()) break;
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      *this << "\\ufffd";
    } else if (is_control(text[0])) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(text[0]));
      *this << escaped;
    } else {
      if (text[0] == '"' || text[0] == '\\') put('\\');
      *this << text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  put('"');
  return *this;
}

CROCHET_CATCHES_FORCED_UNWIND void DumpOutput::flush() {
  const std::size_t length = length_;
  length_ = 0;
  if (length == 0 || !goes_on()) return;
  try {
    const int code = write_(arg_, buffer_, length);
    status_ = code > 0 ? CROCHET_EFAILED : code;
  } catch (abi::__forced_unwind&) {
    throw;
  } catch (...) {
    status_ = CROCHET_EFAILED;
  }
}

}  // namespace crochet
