// SPDX-License-Identifier: MIT
// The header's durations as constants, so that tests can do arithmetic with them under every warning.
#pragma once

#include <cstdint>

#include "crochet.h"

namespace contract {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
inline constexpr std::int64_t kMillisecond = CROCHET_MILLISECOND;
inline constexpr std::int64_t kSecond = CROCHET_SECOND;
inline constexpr std::int64_t kForever = CROCHET_FOREVER;
#pragma GCC diagnostic pop

// Longer than any machine needs: reaching it is a failure, never a measurement.
inline constexpr std::int64_t kKillTimer = 60 * kSecond;

}  // namespace contract
