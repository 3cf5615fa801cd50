// SPDX-License-Identifier: MIT
// A failure that has more to tell than its code: a text, a language's exception object. One allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crochet.h"

namespace crochet {

struct ErrorRecord {
  int code;
  std::uint64_t type;
  void* payload;
  crochet_drop_fn* payload_drop;
  char* message() { return reinterpret_cast<char*>(this + 1); }  // "" when there was none

  static constexpr std::size_t kLongestMessage = std::size_t{64} * 1024;  // bytes kept; the rest is cut off

  // message may be null. Null: no memory; the payload is still the caller's.
  static ErrorRecord* make(int code, const char* message, std::uint64_t type, void* payload,
                           crochet_drop_fn* payload_drop);
  static void end(void* record);  // drops the payload; a crochet_drop_fn
};

}  // namespace crochet
