// SPDX-License-Identifier: MIT
// Abuse by scarcity: row B3. This program puts a function of its own before the one that the library asks for threads,
// so that it can refuse one.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "abuse/own_process.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/libuv_started.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace {

// How many threads the calling thread is to be refused.
thread_local int threads_to_refuse = 0;
// Of all threads together that set the former.
std::atomic<int> refusals_left{0};

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* arg) noexcept {
  if (threads_to_refuse > 0 && refusals_left-- > 0) {
    --threads_to_refuse;
    return EAGAIN;
  }
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = next<Create>("pthread_create");
  return create(thread, attributes, body, arg);
}

}  // extern "C"

namespace contract {
namespace {

void a_later_setup_works() {
  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
}

// ---- B3: with few descriptors

constexpr rlim_t kFewest = 3;  // stdin, stdout, stderr
constexpr rlim_t kMost = 20;

class DescriptorsAllowed {
 public:
  explicit DescriptorsAllowed(rlim_t count) {
    // Makes the log: a sanitizer looks at the types of objects through a pipe, for which it needs descriptors.
    EXPECT_EQ(crochet_log_remove(0), CROCHET_ENOENT);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit few = before_;
    few.rlim_cur = count;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~DescriptorsAllowed() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }
  DescriptorsAllowed(const DescriptorsAllowed&) = delete;
  DescriptorsAllowed& operator=(const DescriptorsAllowed&) = delete;

 private:
  rlimit before_ = {};
};

// Everything with `count` descriptors allowed, three of them taken, by the first loop of the process or by a later one.
// 0 or the code of crochet_setup().
int set_up_with(rlim_t count, bool is_first) {
  EXPECT_EQ(close_range(3, ~0U, 0), 0);
  if (!is_first) start_libuv();
  const std::set<std::string> before = names_in("/proc/self/fd");
  int code;
  {
    const DescriptorsAllowed few(count);
    code = crochet_setup(nullptr);
    if (code == CROCHET_OK) {
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    } else {
      EXPECT_EQ(code, UV_EMFILE) << count;
      EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ENOTSETUP);
      EXPECT_EQ(crochet_setup(nullptr), UV_EMFILE) << "again";
    }
  }
  if (code != CROCHET_OK) {
    EXPECT_EQ(names_in("/proc/self/fd"), before) << count;
  }
  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  return code;
}

// clang puts the thread sanitizer into the program, which then starts its own threads by the function replaced above.
#ifdef __clang__
#define SKIP_WHERE_THE_SANITIZER_IS_IN_THE_PROGRAM() SKIP_UNDER_THREAD_SANITIZER("is in the program")
#else
#define SKIP_WHERE_THE_SANITIZER_IS_IN_THE_PROGRAM() static_cast<void>(0)
#endif

TEST(AbuseB3, SetupWithThreeToTwentyDescriptorsWorksOrSaysSoAndWorksLater) {
  SKIP_WHERE_THE_SANITIZER_IS_IN_THE_PROGRAM();
  for (const bool is_first : {true, false}) {
    SCOPED_TRACE(is_first ? "the first loop of the process" : "a later one");
    for (rlim_t count = kFewest; count <= kMost; ++count) {
      in_child([count, is_first] {
        const int code = set_up_with(count, is_first);
        if (count == kFewest) {
          EXPECT_EQ(code, UV_EMFILE);
        } else if (count == kMost) {
          EXPECT_EQ(code, CROCHET_OK);
        }
      });
    }
  }
}

// ---- B3: without threads

// While it lives, the calling thread gets no new ones; `count` refusals in all.
class RefusedThreads {
 public:
  explicit RefusedThreads(int count) {
    refusals_left = count;
    threads_to_refuse = count;
  }
  ~RefusedThreads() { threads_to_refuse = 0; }
  RefusedThreads(const RefusedThreads&) = delete;
  RefusedThreads& operator=(const RefusedThreads&) = delete;
};

TEST(AbuseB3, SetupWithoutAThreadSaysSoLeavesNothingAndWorksLater) {
  SKIP_WHERE_THE_SANITIZER_IS_IN_THE_PROGRAM();
  in_own_process([] {
    const std::set<std::string> descriptors = names_in("/proc/self/fd");
    const std::set<std::string> threads = names_in("/proc/self/task");
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    for (int i = 0; i < 50; ++i) {
      // The log's thread is refused, or it runs already, and the loop's is.
      if (i % 2 == 1) {
        EXPECT_EQ(crochet_log(CROCHET_LOG_ERROR, "test", "x", 1), CROCHET_OK);
      }
      const RefusedThreads none(1);
      EXPECT_EQ(crochet_setup(nullptr), UV_EAGAIN);
      EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ENOTSETUP);
    }
    EXPECT_EQ(names_in("/proc/self/fd"), descriptors);
    expect_no_thread_but(threads.size());
    a_later_setup_works();
  });
}

TEST(AbuseB3, TheLogWithoutAThreadKeepsWhatFitsAndWritesItLater) {
  SKIP_WHERE_THE_SANITIZER_IS_IN_THE_PROGRAM();
  in_own_process([] {
    EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
    std::uint64_t kept = 0;
    {
      const RefusedThreads none(1'000'000);
      while (crochet_log(CROCHET_LOG_ERROR, "test", "x", 1) == CROCHET_OK) ++kept;
      EXPECT_EQ(kept, 1024u);
      EXPECT_EQ(crochet_log_wait(CROCHET_LOG_ERROR, "test", "x", 1, kForever), UV_EAGAIN);
      EXPECT_EQ(crochet_log_flush(kForever), UV_EAGAIN);
    }
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    std::uint64_t written = 0;
    EXPECT_EQ(crochet_log_counter("messages_written", &written), CROCHET_OK);
    EXPECT_EQ(written, kept);
  });
}

TEST(AbuseB3, LoopNewWithoutAThreadDisturbsNoOther) {
  SKIP_WHERE_THE_SANITIZER_IS_IN_THE_PROGRAM();
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    const std::set<std::string> descriptors = names_in("/proc/self/fd");
    OwnedLoop loop;
    for (int i = 0; i < 50; ++i) {
      const RefusedThreads none(1);
      EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), UV_EAGAIN);
      EXPECT_FALSE(loop);
    }
    EXPECT_EQ(names_in("/proc/self/fd"), descriptors);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
  });
}

TEST(AbuseB3, OfRacingSetupsOnlyTheOnesThatMeetAFailureFail) {
  SKIP_WHERE_THE_SANITIZER_IS_IN_THE_PROGRAM();
  in_own_process([] {
    constexpr int kRefused = 3;
    std::atomic<int> refused{0};
    refusals_left = kRefused;
    at_once(16, [&refused](int) {
      threads_to_refuse = 1;
      const int code = crochet_setup(nullptr);
      threads_to_refuse = 0;
      refused += code == UV_EAGAIN ? 1 : 0;
      EXPECT_TRUE(code == CROCHET_OK || code == UV_EAGAIN) << code;
      if (code == CROCHET_OK) {
        EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      }
    });
    EXPECT_EQ(refused, kRefused);
  });
}

// Without memory: tests/faults, scenarios setup, no_setup, loops.

}  // namespace
}  // namespace contract
