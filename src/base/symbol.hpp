// SPDX-License-Identifier: MIT
// What a function is called, for people.
#pragma once

#include <cstddef>

namespace crochet {

inline constexpr std::size_t kLongestSymbol = 256;  // with its end; longer ones are cut

// Its symbol, demangled; where there is none that others may see, its file and how far into it, as addr2line wants it.
// Asks the dynamic linker, which may keep who asks waiting while a library is being loaded.
void name_of_function(const void* function, char (&out)[kLongestSymbol]) noexcept;

}  // namespace crochet
