// SPDX-License-Identifier: MIT
// Numbers of the command line.
#pragma once

#include <charconv>
#include <string_view>

namespace bench {

// False: that is no number, or one that does not fit.
template <class Number>
bool read_number(std::string_view word, Number* out) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *out);
  return error == std::errc{} && end == word.data() + word.size();
}

}  // namespace bench
