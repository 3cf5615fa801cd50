// SPDX-License-Identifier: MIT
// Memory that crochet_options_new() never made.
#pragma once

#include <cstddef>

#include "crochet.h"

namespace contract {

inline const crochet_options* not_options() {
  alignas(64) static const std::byte zeros[256] = {};
  return reinterpret_cast<const crochet_options*>(zeros);
}

}  // namespace contract
