// SPDX-License-Identifier: MIT
// Abuse by scarcity: row B3. This program puts functions of its own before those that the library, and libuv for it,
// ask for threads and loops, so that it can refuse a thread and see libuv give up.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "abuse/own_process.hpp"
#include "api/failing_malloc.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/libuv_started.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace {

// How many threads the calling thread is to be refused.
thread_local int threads_to_refuse = 0;
// Of all threads together that set the former.
std::atomic<int> refusals_left{0};

thread_local bool in_uv_loop_init = false;
constexpr int kLibuvAborted = 77;

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

int uv_loop_init(uv_loop_t* loop) {
  static const auto init = next<int (*)(uv_loop_t*)>("uv_loop_init");
  in_uv_loop_init = true;
  const int status = init(loop);
  in_uv_loop_init = false;
  return status;
}

void abort() noexcept {
  if (in_uv_loop_init) _exit(kLibuvAborted);
  raise(SIGABRT);
  _exit(127);
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

// ---- B3: without memory

std::size_t heap() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Lets `start` fail `times` times for want of memory, which must leave no descriptor, no thread and no memory; the last
// code. What the first failure has made and the next attempt uses is no remainder.
int fails_without_a_trace(long allowed, int times, const std::function<int()>& start) {
  const std::set<std::string> threads = names_in("/proc/self/task");
  std::set<std::string> descriptors;
  std::size_t warm = 0;
  int code = CROCHET_OK;
  for (int i = 0; i < times; ++i) {
    {
      const FailingAllocations rest(allowed);
      code = start();
    }
    if (code == CROCHET_OK) return code;
    // Where libuv or the system ran out, its own code is passed on.
    EXPECT_TRUE(code == CROCHET_ENOMEM || code == UV_EAGAIN) << code;
    if (i == 0) descriptors = names_in("/proc/self/fd");
    if (i == 0) warm = heap();
  }
  EXPECT_EQ(names_in("/proc/self/fd"), descriptors);
  EXPECT_EQ(names_in("/proc/self/task"), threads);
  // Less than the smallest block each time; once would be lost in what the test itself uses.
  if (times > 1) {
    EXPECT_LT(heap(), warm + static_cast<std::size_t>(times) * 16);
  }
  return code;
}

struct Start {
  std::function<void()> prepare;  // with memory
  std::function<int()> start;
  std::function<void()> then;  // what must work when it succeeded at last
  int times = 1;               // to fail in one process: more than once only when failures have nothing to keep
};

constexpr int kSucceeded = 2;
bool succeeded = false;

// Lets the n-th allocation fail, and all after it, for n = 0, 1, ... until that is without effect; in a process of its
// own each time. How often libuv aborted instead.
int fail_in_turn(const Start& what) {
  constexpr long kMostAllocations = 100;
  int aborted = 0;
  for (long allowed = 0; allowed < kMostAllocations; ++allowed) {
    const int status = status_of_child(
        [&what, allowed] {
          what.prepare();
          const int code = fails_without_a_trace(allowed, what.times, what.start);
          succeeded = code == CROCHET_OK;
          if (!succeeded) {
            EXPECT_EQ(what.start(), CROCHET_OK);
          }
          what.then();
        },
        [](int failed) { _exit(failed == 0 && succeeded ? kSucceeded : failed); });
    if (status == kSucceeded) {
      EXPECT_GT(allowed, 0) << "nothing was allocated";
      return aborted;
    }
    EXPECT_TRUE(status == 0 || status == kLibuvAborted) << status << " after " << allowed << " allocations";
    aborted += status == kLibuvAborted ? 1 : 0;
  }
  ADD_FAILURE() << "it never succeeded";
  return aborted;
}

// One allocation of a new loop's is exempt: the list of watchers that uv_loop_init() makes when its uv_signal_init()
// calls uv__io_start(). libuv 1.44 has no way to say that it failed there, and calls abort(). Its other one, the loop's
// internal fields, is refused like all of the library's own and the new thread's. A libuv without the flaw has none.
constexpr int kLibuvAborts = 1;

TEST(AbuseB3, SetupWithEachAllocationFailingSaysSoAndWorksLater) {
  SKIP_WITHOUT_OWN_MALLOC();
  const int aborted = fail_in_turn({[] {}, [] { return crochet_setup(nullptr); },
                                    [] {
                                      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
                                      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
                                      a_later_setup_works();
                                    }});
  EXPECT_LE(aborted, kLibuvAborts);
}

TEST(AbuseB3, ItLeavesNothingHoweverOftenItFails) {
  SKIP_WITHOUT_OWN_MALLOC();
  const int aborted = fail_in_turn({a_later_setup_works, [] { return crochet_setup(nullptr); },
                                    [] {
                                      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
                                      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
                                      a_later_setup_works();
                                    },
                                    200});
  EXPECT_LE(aborted, kLibuvAborts);
}

TEST(AbuseB3, LoopNewWithEachAllocationFailingDisturbsNoOther) {
  SKIP_WITHOUT_OWN_MALLOC();
  OwnedLoop loop;
  const int aborted = fail_in_turn({[] {
                                      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                                      // The list grows once more where the numbers pass a power of two: past 16.
                                      while (dup(STDERR_FILENO) < 16) {
                                      }
                                    },
                                    [&loop] { return crochet_loop_new(nullptr, loop.out()); },
                                    [&loop] {
                                      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
                                      EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
                                      EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
                                      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
                                      a_later_setup_works();
                                    }});
  EXPECT_LE(aborted, kLibuvAborts);
}

TEST(AbuseB3, NoSetupWithEachAllocationFailingLeavesNothingOnTheHostsLoop) {
  SKIP_WITHOUT_OWN_MALLOC();
  HostLoop host;
  const int aborted = fail_in_turn({[] {}, [&host] { return crochet_no_setup(host.uv(), nullptr); },
                                    [&host] {
                                      EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
                                      EXPECT_EQ(host.run(), 0);
                                      EXPECT_EQ(host.close(), 0);
                                    }});
  EXPECT_EQ(aborted, 0);  // the loop is the host's, and made already
}

}  // namespace
}  // namespace contract
