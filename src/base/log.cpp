// SPDX-License-Identifier: MIT
#include "base/log.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>

namespace crochet {
namespace {

const char* name(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace: return "trace";
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
    case LogLevel::kCritical: return "critical";
  }
  return "?";
}

}  // namespace

void log(LogLevel level, const char* format, ...) noexcept {
  const int saved_errno = errno;
  char line[1024];
  constexpr int kRoom = static_cast<int>(sizeof line) - 1;  // one byte is the newline's
  int length = std::snprintf(line, sizeof line, "crochet %s: ", name(level));
  va_list arguments;
  va_start(arguments, format);
  length += std::max(0, std::vsnprintf(line + length, static_cast<std::size_t>(kRoom - length), format, arguments));
  va_end(arguments);
  length = std::min(length, kRoom - 1);
  line[length++] = '\n';
  // One write: lines of several threads do not mix. A closed or full stderr is nobody's problem here. It is a
  // cancellation point, and the library must not end the host's thread here.
  int cancel_state = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, static_cast<std::size_t>(length));
  pthread_setcancelstate(cancel_state, nullptr);
  errno = saved_errno;
}

}  // namespace crochet
