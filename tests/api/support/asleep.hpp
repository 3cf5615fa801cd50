// SPDX-License-Identifier: MIT
// Waits until a thread of this process, or another process, sleeps in the kernel: then it has got to its wait, in all
// likelihood. For tests that mean to meet a waiter in its sleep; none may depend on it.
#pragma once

#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

namespace contract {

inline void until_asleep(pid_t thread, int most_looks = 100000) {
  const std::string path = "/proc/" + std::to_string(thread) + "/stat";
  for (int looks = 0; looks < most_looks; ++looks) {
    std::ifstream file(path);
    std::string text;
    std::getline(file, text);
    const std::size_t end_of_name = text.rfind(')');
    if (end_of_name == std::string::npos || text.compare(end_of_name, 3, ") S") == 0) return;
    sched_yield();
  }
}

// All threads of this process but the caller's: none of them is at work, in all likelihood.
inline void until_others_sleep() {
  constexpr int kLooks = 500;  // some are made to be busy for ever
  const std::string self = std::to_string(gettid());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string thread = task.path().filename().string();
    if (thread != self) until_asleep(static_cast<pid_t>(std::stol(thread)), kLooks);
  }
}

}  // namespace contract
