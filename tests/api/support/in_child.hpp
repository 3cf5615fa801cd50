// SPDX-License-Identifier: MIT
// Runs a part of a test in a forked child with a kill timer.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>

#include "api/support/asleep.hpp"
#include "api/support/sanitizers.hpp"

namespace contract {

inline constexpr int kHasFailed = 1;  // an expectation did not hold in the child
inline constexpr int kKilled = 1000;  // + the signal that ended it; SIGALRM is the kill timer
inline constexpr unsigned kChildSeconds = 100;

// Failed expectations of the running test, up to now.
inline int failed_expectations() {
  const testing::TestResult& result = *testing::UnitTest::GetInstance()->current_test_info()->result();
  int failed = 0;
  for (int i = 0; i < result.total_part_count(); ++i) failed += result.GetTestPartResult(i).failed() ? 1 : 0;
  return failed;
}

// The exit status of `pid`.
inline int exit_status(pid_t pid) {
  int status = 0;
  pid_t ended;
  do {
    ended = waitpid(pid, &status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kKilled + WTERMSIG(status);
}

// Forks and runs `body` in the child, whose `leave` ends it with the status to report: 0 when every expectation held.
inline int status_of_child(const std::function<void()>& body, void (*leave)(int) = _exit) {
  std::fflush(nullptr);
  // Whoever is at work may have locked the address sanitizer's allocator, which stays so in the child.
  if (kAddressSanitizer) until_others_sleep();
  const pid_t pid = fork();
  if (pid < 0) return -1;
  if (pid == 0) {
    sigset_t kill_timer;  // blocked on a thread of the library's
    sigemptyset(&kill_timer);
    sigaddset(&kill_timer, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &kill_timer, nullptr);
    alarm(kChildSeconds);
    const int before = failed_expectations();
    try {
      body();
    } catch (const std::exception& exception) {  // must not get out: there GoogleTest would go on with the next test
      ADD_FAILURE() << "the child threw " << exception.what();
    }
    std::fflush(nullptr);
    leave(failed_expectations() == before ? 0 : kHasFailed);
    _exit(kHasFailed);  // not reached
  }
  return exit_status(pid);
}

// Every expectation in `body` holds in a forked child, too.
inline void in_child(const std::function<void()>& body) {
  const int status = status_of_child(body);
  EXPECT_EQ(status, 0) << (status >= kKilled ? "the child was killed" : "see above");
}

}  // namespace contract
