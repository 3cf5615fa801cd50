// SPDX-License-Identifier: MIT
// The line of source that asked for an operation; as a default argument, `here()` is the caller's line.
#pragma once

namespace crochet::model {

struct Where {
  const char* file = nullptr;
  int line = 0;

  static constexpr Where here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

}  // namespace crochet::model
