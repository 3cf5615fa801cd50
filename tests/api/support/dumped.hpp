// SPDX-License-Identifier: MIT
// Listings as tests read them: as a whole, by lines, and whether one is JSON.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "crochet.h"

namespace contract {

inline int append_to(void* text, const char* bytes, std::size_t length) {
  static_cast<std::string*>(text)->append(bytes, length);
  return 0;
}

inline std::string dumped(crochet_loop* loop = nullptr, int format = CROCHET_DUMP_JSON) {
  std::string text;
  EXPECT_EQ(crochet_dump(loop, format, append_to, &text), CROCHET_OK);
  return text;
}

// Those that hold this text.
inline std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  std::vector<std::string> found;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin)) {
    const std::string line = text.substr(begin, end - begin);
    if (line.find(part) != std::string::npos) found.push_back(line);
  }
  return found;
}

inline std::string line_with(const std::string& text, const std::string& part) {
  const std::vector<std::string> lines = lines_with(text, part);
  EXPECT_EQ(lines.size(), 1u) << part << "\n" << text;
  return lines.empty() ? "" : lines.front();
}

// What follows "key": in a line of JSON, up to the next comma or brace.
inline std::string value_of(const std::string& line, const std::string& key) {
  const std::size_t at = line.find("\"" + key + "\":");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 3;
  return line.substr(begin, line.find_first_of(",}", begin) - begin);
}
inline std::int64_t number_of(const std::string& line, const std::string& key) {
  const std::string value = value_of(line, key);
  EXPECT_FALSE(value.empty()) << key << " in " << line;
  return std::strtoll(value.c_str(), nullptr, 10);
}

// RFC 8259, for text that is expected to hold it.
class Json {
 public:
  static bool is_valid(std::string_view text) {
    Json json{text};
    json.space();
    if (!json.value()) return false;
    json.space();
    return json.rest_.empty();
  }

 private:
  explicit Json(std::string_view text) : rest_(text) {}

  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void space() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_[0]) != std::string_view::npos)
      rest_.remove_prefix(1);
  }
  bool digits() {
    std::size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    rest_.remove_prefix(count);
    return count != 0;
  }
  bool string() {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const auto byte = static_cast<unsigned char>(rest_[0]);
      if (take('"')) return true;
      if (byte < 0x20) return false;
      rest_.remove_prefix(1);
      if (byte == '\\') {
        if (rest_.empty() || std::string_view("\"\\/bfnrtu").find(rest_[0]) == std::string_view::npos) return false;
        const bool is_code = rest_[0] == 'u';
        rest_.remove_prefix(1);
        if (is_code && (rest_.size() < 4 || rest_.substr(0, 4).find_first_not_of("0123456789abcdefABCDEF") < 4))
          return false;
        continue;
      }
      const int more = byte < 0x80 ? 0 : byte >= 0xf0 && byte < 0xf5 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : -1;
      if (more < 0 || (byte >= 0xf5)) return false;
      for (int i = 0; i < more; ++i) {
        if (rest_.empty() || (static_cast<unsigned char>(rest_[0]) & 0xc0) != 0x80) return false;
        rest_.remove_prefix(1);
      }
    }
    return false;
  }
  // Names and values, or values alone, between brackets.
  bool list(char close, bool named) {
    space();
    if (take(close)) return true;
    do {
      space();
      if (named) {
        if (!string()) return false;
        space();
        if (!take(':')) return false;
        space();
      }
      if (!value()) return false;
      space();
    } while (take(','));
    return take(close);
  }
  bool value() {
    if (take('{')) return list('}', true);
    if (take('[')) return list(']', false);
    if (!rest_.empty() && rest_[0] == '"') return string();
    if (take("true") || take("false") || take("null")) return true;
    take('-');
    if (!digits()) return false;
    return !take('.') || digits();
  }

  std::string_view rest_;
};

}  // namespace contract
