// SPDX-License-Identifier: MIT
#include "loop/poll_look.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace crochet {
namespace {

bool waits_for_events(long call) {
#ifdef SYS_epoll_wait
  if (call == SYS_epoll_wait) return true;
#endif
#ifdef SYS_epoll_pwait2
  if (call == SYS_epoll_pwait2) return true;
#endif
  return call == SYS_epoll_pwait;
}

}  // namespace

InPoll is_in_poll(pid_t thread, int epoll) {
  char text[256];
  std::snprintf(text, sizeof text, "/proc/self/task/%d/syscall", static_cast<int>(thread));
  const int file = ::open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return InPoll::kUnknown;
  const ssize_t length = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (length <= 0) return InPoll::kUnknown;
  text[length] = '\0';
  // "running", or the call's number and its arguments: "232 0x3 ..."
  char* end = nullptr;
  const long call = std::strtol(text, &end, 10);
  if (end == text || !waits_for_events(call)) return InPoll::kNo;
  return std::strtol(end, nullptr, 16) == epoll ? InPoll::kYes : InPoll::kNo;
}

}  // namespace crochet
