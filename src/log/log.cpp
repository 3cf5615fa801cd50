// SPDX-License-Identifier: MIT
#include "log/log.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <ctime>

#include "base/cancellation.hpp"
#include "log/bridge.hpp"
#include "log/record.hpp"

namespace crochet {
namespace {

constexpr char kOrigin[] = "crochet";

// One write: lines of several threads do not mix. A closed or full stderr is nobody's problem here. The write must not
// raise SIGPIPE, nor be a cancellation point, in a thread that is the host's.
void write_line(const char* line, std::size_t length) noexcept {
  const CancellationOff uncancelled;
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
}

void write_directly(LogLevel level, const char* text, std::size_t length) noexcept {
  char line[sizeof kOrigin + sizeof " critical: " + CROCHET_LOG_LONGEST + 1];
  const int start = std::snprintf(line, sizeof line, "%s %s: ", kOrigin, level_name(level));
  std::size_t end = static_cast<std::size_t>(start) + length;
  std::copy_n(text, length, line + start);
  line[end++] = '\n';
  write_line(line, end);
}

}  // namespace

// NOLINTNEXTLINE(cert-dcl50-cpp): the compiler checks its arguments as printf's
void log(LogLevel level, const char* format, ...) noexcept {
  if (!log_enabled(level)) return;
  const int saved_errno = errno;
  char text[CROCHET_LOG_LONGEST + 1];
  va_list arguments;
  va_start(arguments, format);
  const auto full_length = static_cast<std::size_t>(std::max(0, std::vsnprintf(text, sizeof text, format, arguments)));
  va_end(arguments);
  const std::size_t length = std::min(full_length, sizeof text - 1);
  if (LogBridge* bridge = LogBridge::get()) bridge->offer({level, kOrigin, {text, length}, full_length});
  else write_directly(level, text, length);
  errno = saved_errno;
}

}  // namespace crochet
