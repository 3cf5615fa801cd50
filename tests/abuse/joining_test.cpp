// SPDX-License-Identifier: MIT
// Every thread of a loop's is joined, at the latest by the next stop or at exit, also one whose stop nobody waited for.
// This program counts the joins: its function is found before the C library's.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "abuse/own_process.hpp"
#include "api/support/closure.hpp"
#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "api/support/in_child.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

std::atomic<int> joined{0};  // threads of loops, and of the log, which ends with the last of them

}  // namespace
}  // namespace contract

extern "C" int pthread_tryjoin_np(pthread_t thread, void** value) noexcept {
  static auto* const real = reinterpret_cast<int (*)(pthread_t, void**)>(dlsym(RTLD_NEXT, "pthread_tryjoin_np"));
  const int status = real(thread, value);
  if (status == 0) ++contract::joined;
  return status;
}

namespace contract {
namespace {

#define SKIP_WHERE_JOINS_ARE_REPLACED() \
  if (kSanitized) GTEST_SKIP() << "a sanitizer replaces the thread functions itself"

TEST(AbuseB4, TheThreadOfALoopIsJoinedByItsStop) {
  SKIP_WHERE_JOINS_ARE_REPLACED();
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(joined, 2);
  });
}

TEST(AbuseB4, AThreadWhoseStopNobodyWaitedForIsJoinedByTheNextStop) {
  SKIP_WHERE_JOINS_ARE_REPLACED();
  in_own_process([] {
    const std::size_t threads = names_in("/proc/self/task").size() + 1;  // the log's
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] { EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS); }), CROCHET_OK);
    expect_no_thread_but(threads);
    EXPECT_EQ(joined, 0);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(joined, 2);
  });
}

// A thread-local object of the host's whose end takes its time.
Gate thread_may_end;
struct LateToEnd {
  bool used = false;
  ~LateToEnd() { thread_may_end.wait(); }
};

// The stop gives up waiting for it after a second; it must not give it up for good.
TEST(AbuseB4, AThreadThatWasLateToEndIsJoinedByTheNextStop) {
  SKIP_WHERE_JOINS_ARE_REPLACED();
  in_own_process([] {
    const std::size_t threads = names_in("/proc/self/task").size();
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr,
                      [] {
                        static thread_local LateToEnd late;
                        late.used = true;
                      }),
              CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(joined, 1);
    thread_may_end.open();
    expect_no_thread_but(threads);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(joined, 4);
  });
}

// Its loop has ended: exit has nothing left to stop, but to join.
TEST(AbuseB7, AThreadWhoseStopNobodyWaitedForIsJoinedAtExit) {
  SKIP_WHERE_JOINS_ARE_REPLACED();
  EXPECT_EQ(status_of_child(
                [] {
                  std::atexit([] { _exit(joined == 2 ? 0 : kHasFailed); });            // runs after the library's own
                  const std::size_t threads = names_in("/proc/self/task").size() + 1;  // the log's
                  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                  EXPECT_EQ(on_loop(nullptr, [] { EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS); }), CROCHET_OK);
                  expect_no_thread_but(threads);
                  EXPECT_EQ(joined, 0);
                },
                std::exit),
            0);
}

}  // namespace
}  // namespace contract
