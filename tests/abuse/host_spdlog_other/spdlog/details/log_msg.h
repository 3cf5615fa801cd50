// SPDX-License-Identifier: MIT
// The message lies elsewhere in the record: see ../version.h.
#pragma once
#include <spdlog/details/os.h>  // all that it includes, before `mutable` is another word
#define mutable     \
  std::size_t : 64; \
  mutable
#include_next <spdlog/details/log_msg.h>
#undef mutable
