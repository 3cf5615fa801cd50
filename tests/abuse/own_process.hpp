// SPDX-License-Identifier: MIT
// Runs the body of a test in a process of its own, with a kill timer, and looks what it leaves behind: no thread, no
// descriptor, and under the address sanitizer no leak. The test program itself never uses the library.
#pragma once

#include <dirent.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "api/support/durations.hpp"
#include "api/support/in_child.hpp"
#include "api/support/libuv_started.hpp"
#include "crochet.h"

namespace contract {

// The names in a directory of /proc/self; without the descriptor that is used for looking.
inline std::set<std::string> names_in(const char* path) {
  std::set<std::string> names;
  DIR* const directory = opendir(path);
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') names.insert(entry->d_name);
  }
  names.erase(std::to_string(dirfd(directory)));
  closedir(directory);
  return names;
}

// How many threads the process has, the sanitizers' own included, which start with the first thread.
inline std::size_t threads_at_rest() {
  pid_t started = 0;
  std::thread([&started] { started = gettid(); }).join();
  while (names_in("/proc/self/task").count(std::to_string(started)) != 0) sched_yield();  // see below
  return names_in("/proc/self/task").size();
}

// A thread that was joined may still be listed for a moment: looks until it is gone, the kill timer its only end.
inline void expect_no_thread_but(std::size_t threads) {
  while (names_in("/proc/self/task").size() > threads) sched_yield();
  EXPECT_EQ(names_in("/proc/self/task").size(), threads);
}

// What is still there when everything is shut down.
enum class Leaves {
  kNothing,
  kStuckThread,  // the row says so: the process ends without looking
};

inline void in_own_process(const std::function<void()>& body, Leaves leaves = Leaves::kNothing) {
  const auto looked_after = [&body, leaves] {
    start_libuv();
    const std::size_t threads = threads_at_rest();
    const std::set<std::string> descriptors = names_in("/proc/self/fd");
    body();
    if (leaves == Leaves::kStuckThread) {
      std::fflush(nullptr);
      _exit(testing::Test::HasFailure() ? kHasFailed : 0);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    expect_no_thread_but(threads);
    EXPECT_EQ(names_in("/proc/self/fd"), descriptors);
  };
  // Leaving by exit(): the library's own handlers run, and the leak check.
  const int status = status_of_child(looked_after, std::exit);
  EXPECT_EQ(status, 0) << (status >= kKilled ? "the process was killed" : "see above");
}

}  // namespace contract
