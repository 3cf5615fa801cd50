// SPDX-License-Identifier: MIT
#include "base/log.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <ctime>

namespace crochet {
namespace {

// stderr is for what needs somebody's attention.
constexpr LogLevel kLowestWritten = LogLevel::kWarning;

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

// One write: lines of several threads do not mix. A closed or full stderr is nobody's problem here. The write must not
// raise SIGPIPE, nor be a cancellation point, in a thread that is the host's.
void write_line(const char* line, std::size_t length) noexcept {
  int cancel_state = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
  sigset_t broken_pipe;
  sigset_t pending;
  sigset_t before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  if (::write(STDERR_FILENO, line, length) < 0 && errno == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    constexpr timespec kNow{};
    sigtimedwait(&broken_pipe, nullptr, &kNow);  // ours: taken away before it can be delivered
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setcancelstate(cancel_state, nullptr);
}

}  // namespace

void log(LogLevel level, const char* format, ...) noexcept {
  if (level < kLowestWritten) return;
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
  write_line(line, static_cast<std::size_t>(length));
  errno = saved_errno;
}

}  // namespace crochet
