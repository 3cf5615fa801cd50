// SPDX-License-Identifier: MIT
// The log: what is kept, who gets it, and what each function says. How hosts abuse it is in
// tests/abuse/logging_test.cpp.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/asleep.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/log_sink.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {
namespace {

// Levels and sinks are the process's: each test has one of its own.
void in_fresh_process(const std::function<void()>& body) {
  in_child([&body] {
    body();
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

int log_text(int level, const std::string& text) { return crochet_log(level, "test", text.data(), text.size()); }

// ---- What is kept

TEST(Log, HandsARecordToASink) {
  PROVOKES(crochet_log, CROCHET_OK);
  PROVOKES(crochet_log_add_function, CROCHET_OK);
  PROVOKES(crochet_log_flush, CROCHET_OK);
  in_fresh_process([] {
    LogSink sink;
    timespec before{};
    clock_gettime(CLOCK_REALTIME, &before);
    EXPECT_EQ(crochet_log(CROCHET_LOG_ERROR, "part", "it broke", 8), CROCHET_OK);
    ASSERT_EQ(sink.flushed().size(), 1u);
    const LogSink::Line line = sink.lines().front();
    EXPECT_EQ(line.level, CROCHET_LOG_ERROR);
    EXPECT_EQ(line.origin, "part");
    EXPECT_EQ(line.text, "it broke");
    EXPECT_EQ(line.full_length, 8u);
    EXPECT_EQ(line.thread, static_cast<std::uint64_t>(gettid()));
    EXPECT_GE(line.time_ns, std::int64_t{before.tv_sec} * CROCHET_SECOND + before.tv_nsec);
  });
}

TEST(Log, TakesTheTimeWhenItIsLoggedAndNotWhenItIsWritten) {
  in_fresh_process([] {
    BlockedSink blocked;
    blocked.until_in_sink();
    LogSink sink;
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "early"), CROCHET_OK);
    timespec after{};
    clock_gettime(CLOCK_REALTIME, &after);
    blocked.let_go();
    ASSERT_EQ(sink.flushed().size(), 1u);
    EXPECT_LE(sink.lines().front().time_ns, std::int64_t{after.tv_sec} * CROCHET_SECOND + after.tv_nsec);
  });
}

TEST(Log, KeepsTheOrderOfEachThread) {
  in_fresh_process([] {
    constexpr int kThreads = 4, kLines = 200;
    LogSink sink;
    at_once(kThreads, [](int thread) {
      for (int i = 0; i < kLines; ++i) {
        const std::string text = std::to_string(thread) + " " + std::to_string(i);
        EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", text.data(), text.size(), kForever), CROCHET_OK);
      }
    });
    std::vector<int> next(kThreads, 0);
    for (const LogSink::Line& line : sink.flushed()) {
      int thread = 0, number = 0;
      std::istringstream(line.text) >> thread >> number;
      EXPECT_EQ(number, next[static_cast<std::size_t>(thread)]++);
    }
    EXPECT_EQ(next, std::vector<int>(kThreads, kLines));
  });
}

TEST(Log, FormatsAsPrintfDoes) {
  PROVOKES(crochet_logf, CROCHET_OK);
  PROVOKES(crochet_logf, CROCHET_EINVAL);
  in_fresh_process([] {
    LogSink sink;
    EXPECT_EQ(crochet_logf(CROCHET_LOG_WARNING, nullptr, "%d of %s", 7, "nine"), CROCHET_OK);
    const std::string longest(5000, 'x');
    EXPECT_EQ(crochet_logf(CROCHET_LOG_WARNING, "test", "%s", longest.c_str()), CROCHET_OK);
    const char* const none = nullptr;
    EXPECT_EQ(crochet_logf(CROCHET_LOG_WARNING, "test", none), CROCHET_EINVAL);
    EXPECT_EQ(crochet_logf(CROCHET_LOG_OFF, "test", "x"), CROCHET_EINVAL);
    EXPECT_EQ(crochet_logf(-1, "test", "x"), CROCHET_EINVAL);
    ASSERT_EQ(sink.flushed().size(), 2u);
    EXPECT_EQ(sink.lines()[0].text, "7 of nine");
    EXPECT_EQ(sink.lines()[0].origin, "");
    EXPECT_EQ(sink.lines()[1].full_length, 5000u);
    EXPECT_EQ(sink.lines()[1].text, std::string(CROCHET_LOG_LONGEST - 6, 'x') + " [...]");
  });
}

TEST(Log, RefusesWhatIsNoMessage) {
  PROVOKES(crochet_log, CROCHET_EINVAL);
  PROVOKES(crochet_log_wait, CROCHET_EINVAL);
  in_fresh_process([] {
    EXPECT_EQ(crochet_log(CROCHET_LOG_ERROR, "test", nullptr, 1), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log(CROCHET_LOG_OFF, "test", "x", 1), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log(-1, "test", "x", 1), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log(CROCHET_LOG_ERROR, "test", nullptr, 0), CROCHET_OK) << "an empty one is one";
    EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", nullptr, 1, 0), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", nullptr, 0, 0), CROCHET_OK) << "an empty one is one";
    EXPECT_EQ(crochet_log_wait(7, "test", "x", 1, 0), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", "x", 1, -2), CROCHET_EINVAL);
  });
}

TEST(Log, KeepsTheLongestMessageWholeAndCutsALongerOneBetweenCharacters) {
  in_fresh_process([] {
    LogSink sink;
    const std::string fits(CROCHET_LOG_LONGEST, 'x');
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, fits), CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, fits + "x"), CROCHET_OK);
    std::string umlauts = "x";  // so that the place to cut lies in the middle of one
    while (umlauts.size() < 2 * CROCHET_LOG_LONGEST) umlauts += "\u00e4";
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, umlauts), CROCHET_OK);
    ASSERT_EQ(sink.flushed().size(), 3u);
    EXPECT_EQ(sink.lines()[0].text, fits);
    EXPECT_EQ(sink.lines()[1].text, std::string(CROCHET_LOG_LONGEST - 6, 'x') + " [...]");
    EXPECT_EQ(sink.lines()[1].full_length, fits.size() + 1);
    EXPECT_EQ(sink.lines()[2].text, umlauts.substr(0, CROCHET_LOG_LONGEST - 7) + " [...]");
  });
}

TEST(Log, CutsALongOrigin) {
  in_fresh_process([] {
    LogSink sink;
    EXPECT_EQ(crochet_log(CROCHET_LOG_ERROR, std::string(100, 'o').c_str(), "x", 1), CROCHET_OK);
    ASSERT_EQ(sink.flushed().size(), 1u);
    EXPECT_EQ(sink.lines().front().origin, std::string(CROCHET_LOG_ORIGIN_LONGEST, 'o'));
  });
}

TEST(Log, IsDeliveredToASinkAddedBeforeTheLoop) {
  in_fresh_process([] {
    LogSink sink;
    EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_INFO), CROCHET_OK);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    ASSERT_EQ(sink.flushed().size(), 2u);
    EXPECT_EQ(sink.lines()[0].text, "loop \"crochet\" has started");
    EXPECT_NE(sink.lines()[1].text.find("loop \"crochet\" has ended: "), std::string::npos);
    EXPECT_EQ(sink.lines()[0].origin, "crochet");
  });
}

TEST(Log, TellsOfAFailureThatNobodyLookedAt) {
  in_fresh_process([] {
    LogSink sink;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    crochet_call* call = nullptr;
    ASSERT_EQ(crochet_call_new(nullptr, 0, &call), CROCHET_OK);
    ASSERT_EQ(crochet_call_set_label(call, "fetch"), CROCHET_OK);
    crochet_result* result = nullptr;
    ASSERT_EQ(crochet_call_run(
                  call, [](crochet_deferred* deferred, void*) { crochet_reject(deferred, -7, "no route"); }, nullptr,
                  &result),
              CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result, kForever), CROCHET_OK);
    crochet_result_release(result);
    ASSERT_EQ(sink.flushed().size(), 1u);
    EXPECT_EQ(sink.lines().front().text, "nobody looked at this failure: fetch: no route (UV_E2BIG)");
    EXPECT_EQ(sink.lines().front().level, CROCHET_LOG_ERROR);
  });
}

TEST(Log, TellsOfABrokenDeferredAtTheLevelOfDebugging) {
  in_fresh_process([] {
    LogSink sink;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (const int level : {CROCHET_LOG_DEBUG, CROCHET_LOG_INFO}) {
      ASSERT_EQ(crochet_log_set_level(level), CROCHET_OK);
      EXPECT_EQ(crochet_wait_for(
                    nullptr, [](crochet_deferred*, void*) {}, nullptr, nullptr, kForever, nullptr),
                CROCHET_EBROKEN);
    }
    int told = 0;
    for (const LogSink::Line& line : sink.flushed()) {
      if (line.text == "a deferred was released unsettled: its call is broken") ++told;
    }
    EXPECT_EQ(told, 1);
  });
}

// ---- Levels

TEST(Log, KeepsErrnoFromTheFirstMessageOn) {
  in_fresh_process([] {
    for (int i = 0; i < 2; ++i) {
      errno = EDOM;
      EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_OK);
      EXPECT_EQ(errno, EDOM);
    }
  });
}

TEST(LogLevel, IsAWarningAtFirstAndDecidesWhatIsKept) {
  PROVOKES(crochet_log_set_level, CROCHET_OK);
  in_fresh_process([] {
    EXPECT_EQ(crochet_log_level(), CROCHET_LOG_WARNING);
    EXPECT_EQ(crochet_log_enabled(CROCHET_LOG_INFO), 0);
    EXPECT_EQ(crochet_log_enabled(CROCHET_LOG_WARNING), 1);
    LogSink sink;
    EXPECT_EQ(log_text(CROCHET_LOG_INFO, "unseen"), CROCHET_OK);
    EXPECT_EQ(crochet_logf(CROCHET_LOG_INFO, "test", "unseen"), CROCHET_OK);
    EXPECT_EQ(crochet_log_wait(CROCHET_LOG_INFO, "test", "unseen", 6, 0), CROCHET_OK);
    EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_TRACE), CROCHET_OK);
    EXPECT_EQ(crochet_log_level(), CROCHET_LOG_TRACE);
    EXPECT_EQ(log_text(CROCHET_LOG_TRACE, "seen"), CROCHET_OK);
    EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_OFF), CROCHET_OK);
    EXPECT_EQ(crochet_log_enabled(CROCHET_LOG_CRITICAL), 0);
    EXPECT_EQ(log_text(CROCHET_LOG_CRITICAL, "unseen"), CROCHET_OK);
    ASSERT_EQ(sink.flushed().size(), 1u);
    EXPECT_EQ(sink.lines().front().text, "seen");
    EXPECT_EQ(counted("messages_written"), 1u);
  });
}

TEST(LogLevel, IsRefusedWhenThereIsNoSuch) {
  PROVOKES(crochet_log_set_level, CROCHET_EINVAL);
  for (const int level : {-1, 7, 1 << 20}) {
    EXPECT_EQ(crochet_log_set_level(level), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log_enabled(level), 0);
  }
  EXPECT_EQ(crochet_log_enabled(CROCHET_LOG_OFF), 0);
}

TEST(LogLevel, OfASinkIsAThresholdOfItsOwn) {
  in_fresh_process([] {
    LogSink errors(CROCHET_LOG_ERROR);
    LogSink all(CROCHET_LOG_TRACE);
    EXPECT_EQ(log_text(CROCHET_LOG_WARNING, "w"), CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "e"), CROCHET_OK);
    EXPECT_EQ(errors.flushed().size(), 1u);
    EXPECT_EQ(all.flushed().size(), 2u);
  });
}

// ---- Sinks

TEST(LogSinks, AreRefusedWithABadLevelAndDropWhatTheyOwn) {
  PROVOKES(crochet_log_add_function, CROCHET_EINVAL);
  PROVOKES(crochet_log_add_stderr, CROCHET_EINVAL);
  PROVOKES(crochet_log_add_file, CROCHET_EINVAL);
  PROVOKES(crochet_log_add_syslog, CROCHET_EINVAL);
  in_fresh_process([] {
    DropCounter drops;
    std::uint64_t id = 7;
    const auto ignore = [](void*, const crochet_log_record*) {};
    EXPECT_EQ(crochet_log_add_function(CROCHET_LOG_OFF, ignore, drops.pointer(), DropCounter::drop, &id),
              CROCHET_EINVAL);
    EXPECT_EQ(id, 0u);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_log_add_function(0, nullptr, drops.pointer(), DropCounter::drop, nullptr), CROCHET_EINVAL);
    EXPECT_EQ(drops.count(), 2);
    EXPECT_EQ(crochet_log_add_stderr(-1, &id), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log_add_file(6, "/dev/null", 0, 0, &id), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log_add_file(0, nullptr, 0, 0, &id), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log_add_file(0, "/dev/null", 1, 200001, &id), CROCHET_EINVAL);
    EXPECT_EQ(crochet_log_add_syslog(6, "x", 0, &id), CROCHET_EINVAL);
  });
}

TEST(LogSinks, AreDroppedOnceWhenTheyAreRemoved) {
  PROVOKES(crochet_log_remove, CROCHET_OK);
  PROVOKES(crochet_log_remove, CROCHET_ENOENT);
  in_fresh_process([] {
    DropCounter drops;
    std::uint64_t id = 0;
    ASSERT_EQ(crochet_log_add_function(
                  0, [](void*, const crochet_log_record*) {}, drops.pointer(), DropCounter::drop, &id),
              CROCHET_OK);
    EXPECT_NE(id, CROCHET_LOG_DEFAULT_SINK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_ENOENT);
    EXPECT_EQ(crochet_log_remove(0), CROCHET_ENOENT);
    drops.wait();  // without a further message: the log's thread is told
  });
}

TEST(LogSinks, AreSixtyFourAtMost) {
  PROVOKES(crochet_log_add_function, CROCHET_ENOSPC);
  PROVOKES(crochet_log_add_stderr, CROCHET_ENOSPC);
  PROVOKES(crochet_log_add_file, CROCHET_ENOSPC);
  PROVOKES(crochet_log_add_syslog, CROCHET_ENOSPC);
  in_fresh_process([] {
    const auto ignore = [](void*, const crochet_log_record*) {};
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    for (int i = 0; i < 64; ++i) ASSERT_EQ(crochet_log_add_function(0, ignore, nullptr, nullptr, nullptr), CROCHET_OK);
    DropCounter drops;
    EXPECT_EQ(crochet_log_add_function(0, ignore, drops.pointer(), DropCounter::drop, nullptr), CROCHET_ENOSPC);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_log_add_stderr(0, nullptr), CROCHET_ENOSPC);
    EXPECT_EQ(crochet_log_add_file(0, "/dev/null", 0, 0, nullptr), CROCHET_ENOSPC);
    EXPECT_EQ(crochet_log_add_syslog(0, "crochet-test", 0, nullptr), CROCHET_ENOSPC);
  });
}

TEST(LogSinks, StartWithStderrWhichCanBeRemovedAndAddedAgain) {
  PROVOKES(crochet_log_add_stderr, CROCHET_OK);
  in_fresh_process([] {
    LogCapture first;
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "one"), CROCHET_OK);
    EXPECT_EQ(first.stop(), "test error: one\n");
    LogCapture second;
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "two"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    std::uint64_t id = 0;
    EXPECT_EQ(crochet_log_add_stderr(CROCHET_LOG_CRITICAL, &id), CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "three"), CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_CRITICAL, "four"), CROCHET_OK);
    EXPECT_EQ(second.stop(), "test critical: four\n");
    EXPECT_GT(id, CROCHET_LOG_DEFAULT_SINK);
  });
}

class LogFile : public testing::Test {
 protected:
  LogFile() : folder_(std::filesystem::temp_directory_path() / ("crochet-log-" + std::to_string(getpid()))) {
    std::filesystem::create_directory(folder_);
  }
  ~LogFile() override { std::filesystem::remove_all(folder_); }

  std::string path(const char* name) const { return (folder_ / name).string(); }
  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  std::filesystem::path folder_;
};

TEST_F(LogFile, GetsLinesAtItsEnd) {
  PROVOKES(crochet_log_add_file, CROCHET_OK);
  in_fresh_process([this] {
    std::ofstream(path("x.log")) << "before\n";
    std::uint64_t id = 0;
    ASSERT_EQ(crochet_log_add_file(0, path("x.log").c_str(), 0, 0, &id), CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "after"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    const std::string text = content(path("x.log"));
    EXPECT_EQ(text.rfind("before\n", 0), 0u);
    EXPECT_NE(text.find(" test error: after\n"), std::string::npos) << text;
  });
}

TEST_F(LogFile, IsRotated) {
  in_fresh_process([this] {
    ASSERT_EQ(crochet_log_add_file(0, path("x.log").c_str(), 2000, 2, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    for (int i = 0; i < 100; ++i) {
      const std::string text = std::string(80, 'x');
      EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", text.data(), text.size(), kForever), CROCHET_OK);
    }
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    for (const char* name : {"x.log", "x.1.log", "x.2.log"}) {
      EXPECT_GT(content(path(name)).size(), 0u) << name;
      EXPECT_LE(content(path(name)).size(), 2000u) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(path("x.3.log")));
  });
}

TEST_F(LogFile, WhoseRotationFailsIsOpenedAgainForTheNextMessage) {
  in_fresh_process([this] {
    std::filesystem::create_directories(folder_ / "x.1.log" / "in the way");
    ASSERT_EQ(crochet_log_add_file(0, path("x.log").c_str(), 1000, 1, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    for (int i = 0; i < 30; ++i) EXPECT_EQ(log_text(CROCHET_LOG_ERROR, std::string(100, 'x')), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_GT(counted("sink_failures"), 0u);
    std::filesystem::remove_all(folder_ / "x.1.log");
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "the way is free"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_NE(content(path("x.log")).find("the way is free"), std::string::npos);
  });
}

TEST_F(LogFile, GetsNoLineTwiceFromAForkedChildThatExits) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  in_fresh_process([this] {
    ASSERT_EQ(crochet_log_add_file(0, path("x.log").c_str(), 0, 0, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    std::atomic<bool> enough{false};
    std::thread logs([&enough] {
      while (!enough) crochet_log_wait(CROCHET_LOG_ERROR, "test", "x", 1, kForever);
    });
    for (int i = 0; i < 20; ++i) EXPECT_EQ(status_of_child([] {}, std::exit), 0);
    enough = true;
    logs.join();
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    const std::string text = content(path("x.log"));
    EXPECT_EQ(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')), counted("messages_written"));
  });
}

TEST_F(LogFile, ThatCantBeOpenedIsRefusedWithTheReason) {
  in_fresh_process([this] {
    std::uint64_t id = 7;
    EXPECT_EQ(crochet_log_add_file(0, path("nowhere/x.log").c_str(), 0, 0, &id), -ENOENT);
    EXPECT_EQ(id, 0u);
    EXPECT_EQ(crochet_log_add_file(0, folder_.c_str(), 0, 0, &id), -EISDIR);
    EXPECT_FALSE(std::filesystem::exists(path("nowhere")));
  });
}

TEST_F(LogFile, IsNotInheritedByWhatIsExecuted) {
  in_fresh_process([this] {
    ASSERT_EQ(crochet_log_add_file(0, path("x.log").c_str(), 0, 0, nullptr), CROCHET_OK);
    for (int descriptor = 3; descriptor < 256; ++descriptor) {
      const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
      std::error_code none;
      if (std::filesystem::read_symlink(link, none) != path("x.log")) continue;
      EXPECT_EQ(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
  });
}

TEST(LogSinks, TakeTheSystemsLogAsWell) {
  PROVOKES(crochet_log_add_syslog, CROCHET_OK);
  in_fresh_process([] {
    std::uint64_t id = 0;
    EXPECT_EQ(crochet_log_add_syslog(CROCHET_LOG_CRITICAL, nullptr, 0, nullptr), CROCHET_OK);
    ASSERT_EQ(crochet_log_add_syslog(0, "crochet-test", 8, &id), CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "for whoever listens; nobody need be there"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(counted("sink_failures"), 0u);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

// ---- CROCHET_LOG

class LogEnvironment : public LogFile {
 protected:
  void with(const std::string& value, const std::function<void()>& body) {
    in_fresh_process([&] {
      setenv("CROCHET_LOG", value.c_str(), 1);
      body();
    });
  }
};

TEST_F(LogEnvironment, SetsTheLevel) {
  with("debug", [] { EXPECT_EQ(crochet_log_level(), CROCHET_LOG_DEBUG); });
  with("off", [] { EXPECT_EQ(crochet_log_enabled(CROCHET_LOG_CRITICAL), 0); });
  with("", [] { EXPECT_EQ(crochet_log_level(), CROCHET_LOG_WARNING); });
}

TEST_F(LogEnvironment, SetsTheSinksInsteadOfStderr) {
  with("info,file:" + path("env.log"), [this] {
    LogCapture capture;
    EXPECT_EQ(log_text(CROCHET_LOG_INFO, "into the file"), CROCHET_OK);
    EXPECT_EQ(capture.stop(), "");
    EXPECT_NE(content(path("env.log")).find("test info: into the file\n"), std::string::npos);
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_ENOENT);
  });
}

TEST_F(LogEnvironment, MayNameSeveralSinks) {
  with("stderr,syslog:crochet-test,file:" + path("env.log"), [this] {
    LogCapture capture;
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "twice"), CROCHET_OK);
    EXPECT_EQ(capture.stop(), "test error: twice\n");
    EXPECT_NE(content(path("env.log")).find("twice"), std::string::npos);
  });
}

TEST_F(LogEnvironment, IsLessThanWhatTheProgramSays) {
  with("trace", [] {
    EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_ERROR), CROCHET_OK);
    EXPECT_EQ(crochet_log_level(), CROCHET_LOG_ERROR);
  });
}

TEST_F(LogEnvironment, WithAMistakeIsMentionedOnce) {
  with("inof,,file", [] {
    LogCapture capture;
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_OK);
    EXPECT_EQ(capture.stop(),
              "crochet warning: CROCHET_LOG: \"inof\" is no level and no sink: ignored\n"
              "crochet warning: CROCHET_LOG: \"file\" is no level and no sink: ignored\n"
              "test error: x\n");
  });
}

TEST_F(LogEnvironment, WithAFileThatCantBeOpenedIsMentioned) {
  with("file:/nowhere/x.log", [] {
    LogCapture capture;
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_OK);
    EXPECT_EQ(capture.stop(),
              "crochet error: CROCHET_LOG: can't write to \"/nowhere/x.log\"\n"
              "test error: x\n")
        << "and stderr it is";
  });
}

TEST_F(LogEnvironment, WithAFileWhoseNameIsTooLongIsMentionedAndNoOtherIsMade) {
  const std::string file = path("x.log");
  const std::string too_long = std::string(4096 - file.size(), '/') + file;  // without its last byte it would do
  with("file:" + too_long, [this] {
    LogCapture capture;
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_OK);
    const std::string lines = capture.stop();
    EXPECT_EQ(lines.rfind("crochet error: CROCHET_LOG: can't write to \"////", 0), 0u) << lines;
    EXPECT_FALSE(std::filesystem::exists(path("x.lo")));
  });
}

// ---- A full log

// In a process of its own, while the log's thread is in a sink: what is logged stays in the ring.
void while_blocked(const std::function<void(BlockedSink&, LogSink&)>& body) {
  in_fresh_process([&body] {
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    BlockedSink blocked;
    LogSink sink;
    blocked.until_in_sink();
    body(blocked, sink);
  });
}

TEST(FullLog, DropsTheNewestAndTellsTheGapWhereItWas) {
  PROVOKES(crochet_log, CROCHET_ENOSPC);
  PROVOKES(crochet_logf, CROCHET_ENOSPC);
  while_blocked([](BlockedSink& blocked, LogSink& sink) {
    int kept = 0;
    while (log_text(CROCHET_LOG_ERROR, "kept") == CROCHET_OK) ++kept;
    EXPECT_EQ(kept, 1024);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "lost"), CROCHET_ENOSPC);
    EXPECT_EQ(crochet_logf(CROCHET_LOG_ERROR, "test", "lost"), CROCHET_ENOSPC);
    EXPECT_EQ(counted("messages_dropped"), 3u);
    blocked.let_go();
    EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", "after", 5, kForever), CROCHET_OK);
    const std::vector<LogSink::Line> lines = sink.flushed();
    ASSERT_EQ(lines.size(), 1u + 1024 + 1 + 1);
    EXPECT_EQ(lines[0].text, "block");
    EXPECT_EQ(lines[1024].text, "kept");
    EXPECT_EQ(lines[1025].text, "the log was full: 3 messages are missing here");
    EXPECT_EQ(lines[1025].origin, "crochet");
    EXPECT_EQ(lines[1026].text, "after");
    EXPECT_EQ(counted("messages_written"), 1026u);
  });
}

TEST(FullLog, TellsAGapThatNoMessageFollows) {
  while_blocked([](BlockedSink& blocked, LogSink& sink) {
    while (log_text(CROCHET_LOG_ERROR, "kept") == CROCHET_OK) {
    }
    blocked.let_go();
    sink.until("the log was full: 1 messages are missing here");
  });
}

TEST(FullLog, LetsAThreadWaitForRoom) {
  PROVOKES(crochet_log_wait, CROCHET_OK);
  PROVOKES(crochet_log_wait, CROCHET_ETIMEDOUT);
  while_blocked([](BlockedSink& blocked, LogSink& sink) {
    while (log_text(CROCHET_LOG_ERROR, "kept") == CROCHET_OK) {
    }
    EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", "lost", 4, 0), CROCHET_ETIMEDOUT);
    EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", "lost", 4, kMillisecond), CROCHET_ETIMEDOUT);
    EXPECT_EQ(counted("messages_dropped"), 3u);
    std::vector<std::thread> patient;
    for (int i = 0; i < 4; ++i) {
      patient.emplace_back(
          [] { EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", "in the end", 10, kForever), CROCHET_OK); });
    }
    blocked.let_go();
    for (std::thread& thread : patient) thread.join();
    int found = 0;
    for (const LogSink::Line& line : sink.flushed()) found += line.text == "in the end" ? 1 : 0;
    EXPECT_EQ(found, 4);
  });
}

// ---- Waiting, and where it is refused

TEST(LogFlush, RefusesABadTimeout) {
  PROVOKES(crochet_log_flush, CROCHET_EINVAL);
  EXPECT_EQ(crochet_log_flush(-2), CROCHET_EINVAL);
}

TEST(LogFlush, HasNothingToWaitForBeforeAnythingWasLogged) {
  in_fresh_process([] { EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK); });
}

TEST(LogFlush, TimesOutWhenASinkIsStuck) {
  PROVOKES(crochet_log_flush, CROCHET_ETIMEDOUT);
  in_fresh_process([] {
    BlockedSink blocked;
    blocked.until_in_sink();
    EXPECT_EQ(crochet_log_flush(0), CROCHET_ETIMEDOUT);
    EXPECT_EQ(crochet_log_flush(kMillisecond), CROCHET_ETIMEDOUT);
    blocked.let_go();
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
  });
}

TEST(LogFlush, IsToldThatTheLogEndedMeanwhile) {
  PROVOKES(crochet_log_flush, CROCHET_ESTOPPED);
  EXPECT_EQ(status_of_child([] {
              ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
              BlockedSink& blocked = *new BlockedSink;
              blocked.until_in_sink();
              std::atomic<pid_t> waiting{0};
              Gate starts;
              std::thread waits([&] {
                waiting = gettid();
                starts.open();
                EXPECT_EQ(crochet_log_flush(kForever), CROCHET_ESTOPPED);
              });
              starts.wait();
              until_asleep(waiting);
              EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
              waits.join();
            }),
            0);
}

TEST(LogFlush, IsRefusedOnTheThreadsThatItWouldBlock) {
  PROVOKES(crochet_log_flush, CROCHET_EDEADLK);
  PROVOKES(crochet_log_wait, CROCHET_EDEADLK);
  in_fresh_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    const auto refused = [] {
      EXPECT_EQ(crochet_log_flush(0), CROCHET_EDEADLK);
      EXPECT_EQ(crochet_log_wait(CROCHET_LOG_TRACE, "test", "x", 1, 0), CROCHET_EDEADLK);
    };
    EXPECT_EQ(on_loop(nullptr, refused), CROCHET_OK);
    std::uint64_t id = 0;
    ASSERT_EQ(crochet_log_add_function(
                  0, [](void* what, const crochet_log_record*) { (*static_cast<const decltype(refused)*>(what))(); },
                  const_cast<void*>(static_cast<const void*>(&refused)), nullptr, &id),
              CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

// ---- Counters

TEST(LogCounter, HasNames) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; const char* name = crochet_log_counter_name(i); ++i) names.emplace_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"messages_written", "messages_dropped", "messages_abandoned", "sink_failures"}));
}

TEST(LogCounter, IsReadByName) {
  PROVOKES(crochet_log_counter, CROCHET_OK);
  PROVOKES(crochet_log_counter, CROCHET_EINVAL);
  PROVOKES(crochet_log_counter, CROCHET_ENOENT);
  std::uint64_t count = 7;
  EXPECT_EQ(crochet_log_counter("messages_writen", &count), CROCHET_ENOENT);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(crochet_log_counter(nullptr, &count), CROCHET_EINVAL);
  EXPECT_EQ(crochet_log_counter("messages_written", nullptr), CROCHET_EINVAL);
  EXPECT_EQ(counted("messages_written"), 0u);
}

// ---- A forked child, the end of the process

TEST(ForkedLog, RefusesEverythingUntilTheChildIsSetUpAndThenStartsAnew) {
  PROVOKES(crochet_log, CROCHET_EFORKED);
  PROVOKES(crochet_logf, CROCHET_EFORKED);
  PROVOKES(crochet_log_wait, CROCHET_EFORKED);
  PROVOKES(crochet_log_flush, CROCHET_EFORKED);
  PROVOKES(crochet_log_add_function, CROCHET_EFORKED);
  PROVOKES(crochet_log_add_stderr, CROCHET_EFORKED);
  PROVOKES(crochet_log_add_file, CROCHET_EFORKED);
  PROVOKES(crochet_log_add_syslog, CROCHET_EFORKED);
  PROVOKES(crochet_log_remove, CROCHET_EFORKED);
  PROVOKES(crochet_log_counter, CROCHET_EFORKED);
  in_fresh_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    LogSink parents;
    EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_DEBUG), CROCHET_OK);
    EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "parent's"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    in_child([] {
      std::uint64_t number = 0;
      DropCounter drops;
      const auto ignore = [](void*, const crochet_log_record*) {};
      EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_EFORKED);
      EXPECT_EQ(crochet_logf(CROCHET_LOG_ERROR, "test", "x"), CROCHET_EFORKED);
      EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", "x", 1, kForever), CROCHET_EFORKED);
      EXPECT_EQ(crochet_log_flush(kForever), CROCHET_EFORKED);
      EXPECT_EQ(crochet_log_add_function(0, ignore, drops.pointer(), DropCounter::drop, nullptr), CROCHET_EFORKED);
      EXPECT_EQ(drops.count(), 1);
      EXPECT_EQ(crochet_log_add_stderr(0, nullptr), CROCHET_EFORKED);
      EXPECT_EQ(crochet_log_add_file(0, "/dev/null", 0, 0, nullptr), CROCHET_EFORKED);
      EXPECT_EQ(crochet_log_add_syslog(0, nullptr, 0, nullptr), CROCHET_EFORKED);
      EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_EFORKED);
      EXPECT_EQ(crochet_log_counter("messages_written", &number), CROCHET_EFORKED);
      EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_INFO), CROCHET_OK);

      SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      EXPECT_EQ(crochet_log_level(), CROCHET_LOG_INFO);
      LogSink childs;
      EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "child's"), CROCHET_OK);
      const std::vector<LogSink::Line> lines = childs.flushed();
      ASSERT_FALSE(lines.empty());
      EXPECT_EQ(lines.back().text, "child's");
      EXPECT_EQ(lines.back().thread, static_cast<std::uint64_t>(gettid())) << "and not the parent's number";
      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    });
    EXPECT_EQ(parents.flushed().back().text, "parent's");
  });
}

TEST(LogAtExit, WritesWhatIsLeftAndThenRefuses) {
  PROVOKES(crochet_log, CROCHET_ESTOPPED);
  PROVOKES(crochet_logf, CROCHET_ESTOPPED);
  PROVOKES(crochet_log_wait, CROCHET_ESTOPPED);
  // Run by exit() after the library's own handler.
  const auto after_the_library = [] {
    const bool refused = log_text(CROCHET_LOG_ERROR, "late") == CROCHET_ESTOPPED &&
                         crochet_logf(CROCHET_LOG_ERROR, "test", "late") == CROCHET_ESTOPPED &&
                         crochet_log_wait(CROCHET_LOG_ERROR, "test", "late", 4, kForever) == CROCHET_ESTOPPED;
    std::uint64_t written = 0;
    crochet_log_counter("messages_written", &written);
    if (!refused || written != 100) _exit(kHasFailed);
  };
  EXPECT_EQ(status_of_child(
                [&] {
                  ASSERT_EQ(std::atexit(after_the_library), 0);
                  EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
                  for (int i = 0; i < 100; ++i) EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_OK);
                },
                std::exit),
            0);
}

TEST(LogAfterShutdown, StartsAgainWithTheNextMessage) {
  in_fresh_process([] {
    LogSink sink;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "x"), CROCHET_OK);
    }
    EXPECT_EQ(sink.flushed().size(), 3u);
  });
}

// Where nobody may wait, the log is not started: it may take a while.
TEST(LogAfterShutdown, KeepsAMessageOfAThreadThatWasLeftBehind) {
  in_fresh_process([] {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    Gate entered, leave, logged;
    const auto stand = [&](crochet_deferred*) {
      entered.open();
      leave.wait();
      EXPECT_EQ(log_text(CROCHET_LOG_ERROR, "from behind"), CROCHET_OK);
      logged.open();
    };
    ASSERT_EQ(run(loop.get(), stand, nullptr), CROCHET_OK);
    entered.wait();
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_ETIMEDOUT);
    LogSink sink;
    leave.open();
    logged.wait();
    sink.flushed();
    sink.until("from behind");
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK) << "it has come back";
  });
}

}  // namespace
}  // namespace contract
