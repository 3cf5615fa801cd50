// SPDX-License-Identifier: MIT
// What is told by name, so that more can come: a table of names, and the enumeration that counts them.
#pragma once

#include <cstddef>
#include <cstring>

namespace crochet {

// False: there is none of that name.
template <class Which, std::size_t kCount>
bool find_named(const char* const (&names)[kCount], const char* name, Which* out) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (std::strcmp(name, names[i]) != 0) continue;
    *out = static_cast<Which>(i);
    return true;
  }
  return false;
}

// For those who list them all. Null: behind the last.
template <std::size_t kCount>
const char* name_at(const char* const (&names)[kCount], std::size_t index) {
  return index < kCount ? names[index] : nullptr;
}

}  // namespace crochet
