// SPDX-License-Identifier: MIT
// Where the library says what nobody asked for: diagnostics and failures that nobody looked at.
#pragma once

namespace crochet {

enum class LogLevel { kTrace, kDebug, kInfo, kWarning, kError, kCritical };  // spdlog's names and order

// One line, printf-like, cut off at 1 KiB. Any thread; keeps errno; never throws.
__attribute__((format(printf, 2, 3))) void log(LogLevel level, const char* format, ...) noexcept;

}  // namespace crochet
