// SPDX-License-Identifier: MIT
// What hosts do to the log: rows F1 to F4 and F6, and A8 and B7 as far as they concern it. F5 is in host_spdlog*.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_sink.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

int log_text(const std::string& text) { return crochet_log(CROCHET_LOG_ERROR, "test", text.data(), text.size()); }

void without_stderr() { EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK); }

std::uint64_t add(crochet_log_fn* fn, void* arg = nullptr) {
  std::uint64_t id = 0;
  EXPECT_EQ(crochet_log_add_function(CROCHET_LOG_TRACE, fn, arg, nullptr, &id), CROCHET_OK);
  return id;
}

// ---- F1: a slow sink

// A sink that takes a second for a line is one that is stuck, for a test: it is let go in the end.
TEST(AbuseF1, AMillionLinesFromTheLoopIntoASinkThatIsStuckAreKeptOrCountedAsDropped) {
  in_own_process([] {
    constexpr int kLines = kSanitized ? 100'000 : 1'000'000;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    without_stderr();
    BlockedSink stuck;
    stuck.until_in_sink();
    static std::uint64_t kept, dropped;
    kept = dropped = 0;
    // The loop gets through while nothing is taken out: it waits for no sink.
    EXPECT_EQ(on_loop(nullptr,
                      [] {
                        for (int i = 0; i < kLines; ++i) {
                          const int status = log_text("a line");
                          EXPECT_TRUE(status == CROCHET_OK || status == CROCHET_ENOSPC) << status;
                          ++(status == CROCHET_OK ? kept : dropped);
                        }
                      }),
              CROCHET_OK);
    EXPECT_EQ(kept + dropped, std::uint64_t{kLines});
    EXPECT_EQ(counted("messages_dropped"), dropped);
    stuck.let_go();
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(counted("messages_written"), kept + 1);
  });
}

TEST(AbuseF1, WhatAShutdownCannotWaitForIsCountedAsAbandoned) {
  in_own_process(
      [] {
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        without_stderr();
        BlockedSink& stuck = *new BlockedSink;
        stuck.until_in_sink();
        for (int i = 0; i < 10; ++i) EXPECT_EQ(log_text("a line"), CROCHET_OK);
        EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
        EXPECT_EQ(counted("messages_written"), 0u);
        EXPECT_EQ(counted("messages_abandoned"), 11u);
        // The thread that was left behind comes back, and finds that it has nothing to say any more.
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        stuck.let_go();
        EXPECT_EQ(log_text("of the next generation"), CROCHET_OK);
        EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
        EXPECT_EQ(counted("messages_written"), 1u);
        EXPECT_EQ(counted("messages_abandoned"), 11u);
        EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      },
      Leaves::kStuckThread);
}

TEST(AbuseF1, ASlowSinkGetsWhatASecondIsEnoughForAndTheRestIsCounted) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    without_stderr();
    add([](void*, const crochet_log_record*) {
      constexpr timespec kSlow{0, 100'000'000};
      nanosleep(&kSlow, nullptr);
    });
    constexpr std::uint64_t kLines = 100;
    for (std::uint64_t i = 0; i < kLines; ++i) EXPECT_EQ(log_text("a line"), CROCHET_OK);
    const int code = crochet_shutdown(0);
    EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ETIMEDOUT) << code;  // this machine may be slower still
    EXPECT_EQ(counted("messages_written") + counted("messages_abandoned"), kLines);
    EXPECT_GT(counted("messages_abandoned"), 0u);
  });
}

TEST(AbuseF1, LoggedIsWrittenAndDroppedForFourThreadsAtOnce) {
  in_own_process([] {
    constexpr int kThreads = 4, kLines = kSanitized ? 20'000 : 200'000;
    without_stderr();
    static std::uint64_t received;
    received = 0;
    const std::uint64_t id = add([](void*, const crochet_log_record* record) {
      if (std::string(record->origin) == "test") ++received;
    });
    std::atomic<std::uint64_t> kept{0}, dropped{0};
    at_once(kThreads, [&](int) {
      for (int i = 0; i < kLines; ++i) ++(log_text("a line") == CROCHET_OK ? kept : dropped);
    });
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(kept + dropped, std::uint64_t{kThreads} * kLines);
    EXPECT_EQ(received, kept);
    EXPECT_EQ(counted("messages_written"), kept);
    EXPECT_EQ(counted("messages_dropped"), dropped);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

// ---- F2: what a sink does

TEST(AbuseF2, ASinkThatThrowsIsCountedAndMentionedOnceAndTheOthersGoOn) {
  in_own_process([] {
    without_stderr();
    const std::uint64_t bad =
        add([](void*, const crochet_log_record*) { throw std::runtime_error("the disk is made of cheese"); });
    const std::uint64_t worse = add([](void*, const crochet_log_record*) { throw 7; });
    LogSink good;
    EXPECT_EQ(log_text("one"), CROCHET_OK);
    EXPECT_EQ(log_text("two"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    const std::vector<LogSink::Line> lines = good.flushed();
    ASSERT_EQ(lines.size(), 4u);
    int mentioned = 0;
    for (const LogSink::Line& line : lines) mentioned += line.origin == "crochet" ? 1 : 0;
    EXPECT_EQ(mentioned, 2);
    EXPECT_EQ(counted("sink_failures"), 8u) << "two of each of four lines, the two about them among them";
    EXPECT_EQ(crochet_log_remove(bad), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(worse), CROCHET_OK);
  });
}

TEST(AbuseF2, ASinkThatLogsIsHeardOnceAndDoesNotGoOnForEver) {
  in_own_process([] {
    without_stderr();
    const std::uint64_t talker = add([](void*, const crochet_log_record* record) {
      log_text("about " + std::string(record->message, record->message_length));
    });
    LogSink listener;
    EXPECT_EQ(log_text("this"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    const std::vector<LogSink::Line> lines = listener.flushed();
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0].text, "this");
    EXPECT_EQ(lines[1].text, "about this");
    EXPECT_EQ(counted("messages_dropped"), 1u) << "what it said about what it said";
    EXPECT_EQ(crochet_log_remove(talker), CROCHET_OK);
  });
}

TEST(AbuseF2, ASinkMayRunAndWaitForCalls) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    without_stderr();
    static int ran;
    ran = 0;
    const std::uint64_t id = add([](void*, const crochet_log_record*) {
      EXPECT_EQ(on_loop(nullptr, [] { ++ran; }), CROCHET_OK);
      EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    });
    EXPECT_EQ(log_text("x"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

TEST(AbuseF2, ASinkMaySetTheLibraryUp) {
  in_own_process([] {
    without_stderr();
    const std::uint64_t id = add([](void*, const crochet_log_record*) {
      EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    });
    EXPECT_EQ(log_text("x"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

struct RemovesItself {
  std::uint64_t id = 0;
  int written = 0;
  DropCounter drops;
};

TEST(AbuseF2, ASinkMayRemoveItselfAndIsDroppedOnce) {
  in_own_process([] {
    without_stderr();
    RemovesItself self;
    ASSERT_EQ(
        crochet_log_add_function(
            0,
            [](void* pointer, const crochet_log_record*) {
              auto* sink = static_cast<RemovesItself*>(pointer);
              ++sink->written;
              EXPECT_EQ(crochet_log_remove(sink->id), CROCHET_OK);
              EXPECT_EQ(sink->drops.count(), 0) << "while it is written to";
            },
            &self, [](void* pointer) { DropCounter::drop(static_cast<RemovesItself*>(pointer)->drops.pointer()); },
            &self.id),
        CROCHET_OK);
    EXPECT_EQ(log_text("x"), CROCHET_OK);
    EXPECT_EQ(log_text("y"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    self.drops.wait();
    EXPECT_EQ(self.written, 1);
    EXPECT_EQ(self.drops.count(), 1);
  });
}

TEST(AbuseF2, ASinkThatEndsItsThreadCostsTheLogNothing) {
  SKIP_UNDER_THREAD_SANITIZER("does not see a thread end that unwinds through code it has not compiled");
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    without_stderr();
    static std::atomic<int> ended;
    ended = 0;
    const std::uint64_t id = add([](void*, const crochet_log_record* record) {
      if (std::string(record->message) != "end") return;
      ++ended;
      pthread_exit(nullptr);
    });
    LogSink sink;
    EXPECT_EQ(log_text("end"), CROCHET_OK);
    sink.until("a log sink ended the log's thread; another is started");
    EXPECT_EQ(log_text("end"), CROCHET_OK);
    EXPECT_EQ(log_text("still here"), CROCHET_OK);
    sink.until("still here");
    EXPECT_EQ(ended, 2);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(counted("sink_failures"), 2u);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

TEST(AbuseF2, ASinkMayAskForTheStopAndIsNotWaitedFor) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    without_stderr();
    const std::uint64_t id = add(
        [](void* which, const crochet_log_record* record) {
          if (std::string(record->message) != "stop") return;
          EXPECT_EQ(crochet_loop_stop(static_cast<crochet_loop*>(which), 0), CROCHET_EINPROGRESS);
          EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
        },
        loop.get());
    EXPECT_EQ(log_text("stop"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK);
    EXPECT_EQ(log_text("the log goes on"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

TEST(AbuseF2, SinksComeAndGoWhileFourThreadsLog) {
  in_own_process([] {
    constexpr int kThreads = 4;
    without_stderr();
    std::atomic<bool> enough{false};
    std::atomic<int> drops{0};
    std::thread changes([&] {
      for (int i = 0; i < 500; ++i) {
        std::uint64_t id = 0;
        EXPECT_EQ(crochet_log_add_function(
                      0, [](void*, const crochet_log_record*) {}, &drops,
                      [](void* count) { ++*static_cast<std::atomic<int>*>(count); }, &id),
                  CROCHET_OK);
        EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
      }
      enough = true;
    });
    at_once(kThreads, [&enough](int) {
      while (!enough) log_text("a line");
    });
    changes.join();
    EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);  // a thread that logs alone is ended by it, too
    EXPECT_EQ(drops, 500);
  });
}

// ---- F3: a sink that is stuck for ever

// The process ends by exit(), with its own status, before its kill timer.
void expect_exit(const std::function<void()>& body) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(status_of_child(body, [](int failed) { std::exit(failed == 0 ? 42 : kHasFailed); }), 42);
  const auto took = std::chrono::steady_clock::now() - begin;
  testing::Test::RecordProperty("milliseconds",
                                std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

void get_a_sink_stuck_for_ever() {
  without_stderr();
  static Gate stuck;
  add([](void*, const crochet_log_record*) {
    stuck.open();
    for (;;) pause();
  });
  EXPECT_EQ(log_text("the last"), CROCHET_OK);
  stuck.wait();
}

TEST(AbuseF3, ExitWithASinkThatIsStuckForEverIsBounded) {
  expect_exit([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    get_a_sink_stuck_for_ever();
    for (int i = 0; i < 2000; ++i) log_text("more");
  });
}

TEST(AbuseF3, ExitWithASinkThatIsStuckForEverAndNoLoopIsBounded) { expect_exit(get_a_sink_stuck_for_ever); }

TEST(AbuseF3, ExitInsideASinkEndsTheProcessWithItsStatus) {
  EXPECT_EQ(status_of_child([] {
              ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
              without_stderr();
              add([](void*, const crochet_log_record*) { std::exit(42); });
              EXPECT_EQ(log_text("x"), CROCHET_OK);
              for (;;) pause();
            }),
            42);
}

TEST(AbuseF3, ShutdownWithASinkThatIsStuckForEverIsBoundedAndTheNextGenerationLogs) {
  in_own_process(
      [] {
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        get_a_sink_stuck_for_ever();
        EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        LogSink sink;
        EXPECT_EQ(log_text("goes on"), CROCHET_OK);
        EXPECT_EQ(sink.flushed().size(), 1u);
        EXPECT_GT(counted("sink_failures"), 0u) << "the stuck one is passed over";
        EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      },
      Leaves::kStuckThread);
}

TEST(AbuseF3, AStderrThatIsStuckDoesNotHoldTheNextGenerationUp) {
  in_own_process(
      [] {
        int ends[2];
        ASSERT_EQ(pipe(ends), 0);
        ASSERT_EQ(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);  // nobody reads it, and soon it is full
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        const std::string line(900, 'x');
        while (crochet_log(CROCHET_LOG_ERROR, "test", line.data(), line.size()) == CROCHET_OK) {
        }
        EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        LogSink sink;
        EXPECT_EQ(log_text("goes on"), CROCHET_OK);
        EXPECT_EQ(sink.flushed().back().text, "goes on");
        EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
        close(ends[0]);  // that lets the thread go which was left behind, and stderr
      },
      Leaves::kStuckThread);
}

// What a sink has put into a thread-local object ends with the log's thread, after everything is written.
struct StuckAtItsEnd {
  bool used = false;
  ~StuckAtItsEnd() {
    for (;;) pause();
  }
};

TEST(AbuseF3, AThreadLocalObjectOfASinkThatIsStuckForEverIsNotWaitedFor) {
  SKIP_UNDER_THREAD_SANITIZER("waits for every thread that has ended");
  in_own_process(
      [] {
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        without_stderr();
        add([](void*, const crochet_log_record*) {
          static thread_local StuckAtItsEnd object;
          object.used = true;
        });
        EXPECT_EQ(log_text("x"), CROCHET_OK);
        EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
        EXPECT_EQ(counted("messages_written"), 1u);
      },
      Leaves::kStuckThread);
}

// A is stuck; B must not get from the thread that comes back what was abandoned.
TEST(AbuseF3, AThreadThatWasLeftBehindHandsNothingToTheOtherSinks) {
  in_own_process(
      [] {
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        without_stderr();
        Gate& back = *new Gate;
        BlockedSink& a = *new BlockedSink;
        LogSink b;
        a.until_in_sink();
        EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        a.let_go();
        add([](void* gate, const crochet_log_record*) { static_cast<Gate*>(gate)->open(); }, &back);
        EXPECT_EQ(log_text("new"), CROCHET_OK);
        back.wait();
        ASSERT_EQ(b.flushed().size(), 1u);
        EXPECT_EQ(b.lines().front().text, "new");
        EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      },
      Leaves::kStuckThread);
}

// What is left at a shutdown is not lost to a sink that sets up in it.
TEST(AbuseF2, ASinkMaySetUpWhileTheLogEnds) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    without_stderr();
    const std::uint64_t id = add([](void*, const crochet_log_record*) {
      const int code = crochet_setup(nullptr);
      EXPECT_EQ(code, CROCHET_OK);
      if (on_loop(nullptr, [] {}) == CROCHET_OK) return;
    });
    constexpr std::uint64_t kLines = 20;
    for (std::uint64_t i = 0; i < kLines; ++i) EXPECT_EQ(log_text("x"), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(counted("messages_written"), kLines);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

// A thread that is about to be cancelled: no function of the log is a place where it is.
TEST(AbuseF2, NothingOfTheLogCancelsAThread) {
  in_own_process([] {
    bool went_on = false;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    std::thread thread([&went_on] {
      pthread_cancel(pthread_self());
      std::uint64_t file = 0, system_log = 0;
      EXPECT_EQ(log_text("x"), CROCHET_OK);
      EXPECT_EQ(crochet_log_add_file(0, "/dev/null", 0, 0, &file), CROCHET_OK);
      EXPECT_EQ(crochet_log_add_syslog(CROCHET_LOG_CRITICAL, "test", 0, &system_log), CROCHET_OK);
      EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
      EXPECT_EQ(crochet_log_remove(file), CROCHET_OK);
      EXPECT_EQ(crochet_log_remove(system_log), CROCHET_OK);
      went_on = true;
      pthread_testcancel();
      ADD_FAILURE() << "the thread can't be cancelled any more";
    });
    thread.join();
    EXPECT_TRUE(went_on);
  });
}

TEST(AbuseB7, ExitWhileTheLoopAndASinkAreStuckForEverIsBounded) {
  expect_exit([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    get_a_sink_stuck_for_ever();
    static Gate stuck;
    EXPECT_EQ(crochet_run(
                  nullptr,
                  [](crochet_deferred*, void*) {
                    stuck.open();
                    for (;;) pause();
                  },
                  nullptr, nullptr, nullptr),
              CROCHET_OK);
    stuck.wait();
  });
}

TEST(AbuseB7, WhatWasLoggedBeforeExitIsWritten) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(status_of_child(
                [&ends] {
                  dup2(ends[1], STDERR_FILENO);
                  close(ends[0]);
                  close(ends[1]);
                  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                  for (int i = 0; i < 100; ++i) EXPECT_EQ(log_text("line " + std::to_string(i)), CROCHET_OK);
                },
                std::exit),
            0);
  close(ends[1]);
  std::string text;
  char piece[4096];
  for (ssize_t got; (got = read(ends[0], piece, sizeof piece)) > 0;) text.append(piece, static_cast<std::size_t>(got));
  close(ends[0]);
  for (int i = 0; i < 100; ++i) EXPECT_NE(text.find("test error: line " + std::to_string(i) + "\n"), std::string::npos);
}

// ---- F4, A8: what messages hold

TEST(AbuseF4, MessagesAreDeliveredAsTheyAre) {
  in_own_process([] {
    without_stderr();
    LogSink sink;
    const std::vector<std::string> messages = {"100% %s %n {} {0} {:>9999999}",
                                               "two\nlines\r\n",
                                               std::string("a\0b", 3),
                                               "\xff\xfe not UTF-8 \xc3",
                                               "",
                                               std::string(1 << 20, 'x'),
                                               std::string(1 << 20, '\x80'),
                                               "\u65e5\u672c\u8a9e"};
    for (const std::string& message : messages) EXPECT_EQ(log_text(message), CROCHET_OK);
    const std::vector<LogSink::Line> lines = sink.flushed();
    ASSERT_EQ(lines.size(), messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
      EXPECT_EQ(lines[i].full_length, messages[i].size());
      if (messages[i].size() <= CROCHET_LOG_LONGEST) {
        EXPECT_EQ(lines[i].text, messages[i]);
      } else {
        EXPECT_EQ(lines[i].text, messages[i].substr(0, CROCHET_LOG_LONGEST - 6) + " [...]");
      }
    }
  });
}

TEST(AbuseF4, LinesAreWrittenAsTheyAre) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(status_of_child([&ends] {
              dup2(ends[1], STDERR_FILENO);
              ASSERT_EQ(log_text(std::string("%n {} \0 \xff", 9)), CROCHET_OK);
              EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
            }),
            0);
  close(ends[1]);
  char text[200];
  const ssize_t got = read(ends[0], text, sizeof text);
  close(ends[0]);
  ASSERT_GT(got, 0);
  EXPECT_NE(std::string(text, static_cast<std::size_t>(got)).find(std::string("test error: %n {} \0 \xff\n", 22)),
            std::string::npos);
}

TEST(AbuseA8, AnUnobservedFailureWithAMessageOfAMegabyteIsLoggedUpToItsBound) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    without_stderr();
    LogSink sink;
    for (const std::string& message : {std::string(1 << 20, 'x'), std::string("\xff\xfe %s %n {}"), std::string()}) {
      OwnedDeferred deferred;
      OwnedResult result;
      ASSERT_EQ(crochet_deferred_new(nullptr, nullptr, nullptr, deferred.out(), result.out()), CROCHET_OK);
      EXPECT_EQ(crochet_reject(deferred.get(), -1, message.c_str()), CROCHET_OK);
    }
    const std::vector<LogSink::Line> lines = sink.flushed();
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0].text.size(), std::size_t{CROCHET_LOG_LONGEST});
    EXPECT_GT(lines[0].full_length, std::size_t{64} * 1000);
    EXPECT_EQ(lines[1].text, "nobody looked at this failure: \xff\xfe %s %n {} (UV_EPERM)");
    EXPECT_EQ(lines[2].text, "nobody looked at this failure: operation not permitted (UV_EPERM)");
  });
}

// ---- F6: a stderr that takes nothing

void log_into(const std::function<void()>& spoil) {
  EXPECT_EQ(status_of_child(
                [&spoil] {
                  signal(SIGPIPE, SIG_DFL);
                  ASSERT_EQ(crochet_setup(nullptr),
                            CROCHET_OK);  // before: libuv aborts when its descriptors are below 3
                  spoil();
                  for (int i = 0; i < 10; ++i) EXPECT_EQ(log_text("nobody reads this"), CROCHET_OK);
                  EXPECT_EQ(on_loop(nullptr, [] { log_text("nor this"); }), CROCHET_OK);
                  EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
                  EXPECT_EQ(counted("messages_written"), 11u);
                  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
                },
                std::exit),
            0);
}

TEST(AbuseF6, AClosedStderrIsNobodysProblem) {
  log_into([] { close(STDERR_FILENO); });
}

TEST(AbuseF6, AFullDiskIsNobodysProblem) {
  log_into([] { dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDERR_FILENO); });
}

TEST(AbuseF6, ABrokenPipeRaisesNoSignal) {
  log_into([] {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
  });
}

TEST(AbuseF6, AFileOnAFullDiskCountsAsAFailureOfItsSink) {
  in_own_process([] {
    without_stderr();
    std::uint64_t id = 0;
    ASSERT_EQ(crochet_log_add_file(0, "/dev/full", 0, 0, &id), CROCHET_OK);
    EXPECT_EQ(log_text("x"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_GT(counted("sink_failures"), 0u);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

TEST(AbuseC2, AChildForkedBesideABusyLogStartsItsOwn) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    without_stderr();
    std::atomic<bool> enough{false};
    std::thread logs([&enough] {
      while (!enough) log_text("a line");
    });
    for (int i = 0; i < 20; ++i) {
      in_child([] {
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        without_stderr();
        LogSink sink;
        EXPECT_EQ(log_text("the child's"), CROCHET_OK);
        EXPECT_EQ(sink.flushed().size(), 1u);
        EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      });
    }
    enough = true;
    logs.join();
  });
}

TEST(AbuseC4, AChildForkedInASinkIsRefusedEverything) {
  in_own_process([] {
    without_stderr();
    const std::uint64_t id = add([](void*, const crochet_log_record*) {
      in_child([] {
        EXPECT_EQ(log_text("x"), CROCHET_EFORKED);
        EXPECT_EQ(crochet_setup(nullptr), CROCHET_EFORKED);
      });
    });
    EXPECT_EQ(log_text("x"), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  });
}

}  // namespace
}  // namespace contract
