// SPDX-License-Identifier: MIT
// Lines on stderr: whole, bounded, never interpreted, never anybody's problem.
#include "log/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sstream>
#include <string>
#include <thread>

#include "api/support/at_once.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "crochet.h"

namespace crochet {
namespace {

using contract::LogCapture;

TEST(Log, WritesOneLineWithTheLevel) {
  LogCapture capture;
  log(LogLevel::kWarning, "%d of %s", 7, "nine");
  EXPECT_EQ(capture.stop(), "crochet warning: 7 of nine\n");
}

TEST(Log, NamesEachLevelAndWritesNoneBelowAWarning) {
  LogCapture capture;
  log(LogLevel::kTrace, "a");
  log(LogLevel::kDebug, "b");
  log(LogLevel::kInfo, "c");
  log(LogLevel::kError, "d");
  log(LogLevel::kCritical, "e");
  log(LogLevel::kOff, "f");
  EXPECT_EQ(capture.stop(), "crochet error: d\ncrochet critical: e\n");
}

// Round the length at which a message is cut: nothing is lost before, nothing overflows after.
TEST(Log, KeepsEveryLineThatFits) {
  for (std::size_t length = CROCHET_LOG_LONGEST - 20; length < CROCHET_LOG_LONGEST + 20; ++length) {
    LogCapture capture;
    log(LogLevel::kError, "%s", std::string(length, 'x').c_str());
    const std::size_t kept = std::min<std::size_t>(length, CROCHET_LOG_LONGEST);
    EXPECT_EQ(capture.stop(), "crochet error: " + std::string(kept, 'x') + "\n") << length;
  }
}

TEST(Log, DoesNotInterpretAnArgument) {
  LogCapture capture;
  log(LogLevel::kError, "%s", "100% {} %s %n");
  EXPECT_EQ(capture.stop(), "crochet error: 100% {} %s %n\n");
}

TEST(Log, KeepsErrno) {
  LogCapture capture;
  errno = EDOM;
  log(LogLevel::kError, "x");
  EXPECT_EQ(errno, EDOM);
}

TEST(Log, DoesNotMixLinesOfSeveralThreads) {
  constexpr int kThreads = 4, kLines = 200;
  LogCapture capture;
  // As every log file is opened; without it two writers may share an offset, which is no mixing of ours.
  ASSERT_EQ(fcntl(STDERR_FILENO, F_SETFL, O_APPEND), 0);
  contract::at_once(kThreads, [](int thread) {
    const std::string text(100, static_cast<char>('a' + thread));
    for (int i = 0; i < kLines; ++i) log(LogLevel::kError, "%s", text.c_str());
  });
  std::istringstream lines(capture.stop());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const std::string start = "crochet error: ";
    ASSERT_EQ(line.size(), start.size() + 100);
    ASSERT_EQ(line, start + std::string(100, line.back()));
  }
  EXPECT_EQ(count, kThreads * kLines);
}

TEST(Log, IsIgnoredWhenStderrIsClosed) {
  contract::in_child([] {
    close(STDERR_FILENO);
    errno = EDOM;
    log(LogLevel::kError, "nobody reads this");
    EXPECT_EQ(errno, EDOM);
  });
}

TEST(Log, IsIgnoredWhenStderrIsFull) {
  contract::in_child([] {
    dup2(open("/dev/full", O_WRONLY), STDERR_FILENO);
    errno = EDOM;
    log(LogLevel::kError, "nobody reads this");
    EXPECT_EQ(errno, EDOM);
  });
}

// From here on nobody reads stderr.
void break_stderr() {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  dup2(ends[1], STDERR_FILENO);
  close(ends[0]);
  close(ends[1]);
}

bool is_pending(int signal) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

TEST(AbuseF6, LoggingIntoABrokenPipeRaisesNoSignal) {
  contract::in_child([] {
    break_stderr();
    signal(SIGPIPE, SIG_DFL);
    errno = EDOM;
    log(LogLevel::kError, "nobody reads this");
    EXPECT_EQ(errno, EDOM);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGPIPE), 0) << "the mask is as before";
  });
}

TEST(AbuseF6, LoggingIntoABrokenPipeLeavesAHostsBlockedSignalAsItWas) {
  contract::in_child([] {
    break_stderr();
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
    log(LogLevel::kError, "nobody reads this");
    EXPECT_FALSE(is_pending(SIGPIPE)) << "ours was taken away";
    raise(SIGPIPE);
    log(LogLevel::kError, "nor this");
    EXPECT_TRUE(is_pending(SIGPIPE)) << "the host's was not";
  });
}

TEST(Log, IsNoCancellationPoint) {
  LogCapture capture;
  bool went_on = false;
  std::thread thread([&went_on] {
    pthread_cancel(pthread_self());
    log(LogLevel::kError, "still here");
    went_on = true;
    pthread_testcancel();
    ADD_FAILURE() << "the thread can't be cancelled any more";
  });
  thread.join();
  EXPECT_TRUE(went_on);
  EXPECT_EQ(capture.stop(), "crochet error: still here\n");
}

}  // namespace
}  // namespace crochet
