// SPDX-License-Identifier: MIT
// Waits until a thread of this process, or another process, sleeps in the kernel: then it has got to its wait, in all
// likelihood. For tests that mean to meet a waiter in its sleep; none may depend on it.
#pragma once

#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace contract {

inline void until_asleep(pid_t thread) {
  const std::string path = "/proc/" + std::to_string(thread) + "/stat";
  for (int looks = 0; looks < 100000; ++looks) {
    std::ifstream file(path);
    std::string text;
    std::getline(file, text);
    const std::size_t end_of_name = text.rfind(')');
    if (end_of_name == std::string::npos || text.compare(end_of_name, 3, ") S") == 0) return;
    sched_yield();
  }
}

}  // namespace contract
