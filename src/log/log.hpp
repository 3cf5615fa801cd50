// SPDX-License-Identifier: MIT
// Where the library says what nobody asked for: diagnostics and failures that nobody looked at.
#pragma once

#include "log/level.hpp"

namespace crochet {

// printf-like; nothing is formatted when the level is off. Over the bridge, where it waits when nobody carries; at once
// on stderr when there is none: before anything was set up, and in a forked child. Any thread; keeps errno; never
// throws.
__attribute__((format(printf, 2, 3))) void log(LogLevel level, const char* format, ...) noexcept;

}  // namespace crochet
