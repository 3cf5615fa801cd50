// SPDX-License-Identifier: MIT
// The blocks of memory that the libraries have allocated and not freed.
#pragma once

#include <cstddef>

#include "calls.hpp"

namespace shim {

void remember_block(Library library, const char* function, const void* block, std::size_t size);

// One that was never remembered is somebody else's.
void forget_block(const void* block);

void for_each_kind_of_block(void (*visit)(Library library, const char* function, std::size_t size, long count,
                                          void* arg),
                            void* arg);

}  // namespace shim
