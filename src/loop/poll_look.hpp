// SPDX-License-Identifier: MIT
// Is a thread asleep in its epoll? Asked of the kernel, so that the thread itself need not say so: that would cost it
// something each time. (libuv's own account of its idle time does one more system call before each sleep.)
#pragma once

#include <sys/types.h>

namespace crochet {

enum class InPoll { kNo, kYes, kUnknown };  // kUnknown: the kernel does not tell

// Of a thread of this process. Some microseconds.
InPoll is_in_poll(pid_t thread, int epoll);

}  // namespace crochet
