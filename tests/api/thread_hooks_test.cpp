// SPDX-License-Identifier: MIT
// What runs first and last on a loop's thread, and on what stack: crochet_options_set_thread_hooks(), ..._stack_size().
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <cstddef>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

// The argument of a pair of hooks: what happened, where.
class Diary {
 public:
  struct Entry {
    std::string what;
    std::thread::id where;
  };

  int first_says = CROCHET_OK;
  int last_says = CROCHET_OK;

  static int first(void* diary) {
    auto* self = static_cast<Diary*>(diary);
    self->note("first");
    return self->first_says;
  }
  static int last(void* diary) {
    auto* self = static_cast<Diary*>(diary);
    self->note("last");
    return self->last_says;
  }
  static void drop(void* diary) { static_cast<Diary*>(diary)->note("dropped"); }

  void note(const char* what) {
    const std::lock_guard lock(mutex_);
    entries_.push_back({what, std::this_thread::get_id()});
  }
  std::vector<Entry> entries() {
    const std::lock_guard lock(mutex_);
    return entries_;
  }
  std::string told() {
    std::string all;
    for (const Entry& entry : entries()) all += (all.empty() ? "" : " ") + entry.what;
    return all;
  }

 private:
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

class ThreadHooks : public ShutDownAfterwards {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_options_new(options_.out()), CROCHET_OK); }

  void set_diary() {
    ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), Diary::first, Diary::last, &diary_, Diary::drop),
              CROCHET_OK);
  }
  int start() { return crochet_loop_new(options_.get(), loop_.out()); }

  Diary diary_;
  OwnedOptions options_;
  OwnedLoop loop_;
};

class StackSize : public ThreadHooks {};

TEST_F(ThreadHooks, RunFirstAndLastOnTheLoopsThread) {
  PROVOKES(crochet_options_set_thread_hooks, CROCHET_OK);
  set_diary();
  ASSERT_EQ(start(), CROCHET_OK);
  EXPECT_EQ(diary_.told(), "first") << "before crochet_loop_new() returns";
  EXPECT_EQ(on_loop(loop_.get(), [&] { diary_.note("call"); }), CROCHET_OK);
  OwnedCall at_stop;
  ASSERT_EQ(crochet_call_new(loop_.get(), sizeof(Diary*), at_stop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_at_stop(at_stop.get()), CROCHET_OK);
  *static_cast<Diary**>(crochet_call_storage(at_stop.get())) = &diary_;
  const auto note_at_stop = [](crochet_deferred* deferred, void* storage) {
    (*static_cast<Diary**>(storage))->note("at-stop");
    crochet_resolve(deferred, nullptr, nullptr);
  };
  ASSERT_EQ(crochet_call_run(at_stop.release(), note_at_stop, nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(diary_.told(), "first call at-stop last");
  options_.reset();
  EXPECT_EQ(diary_.told(), "first call at-stop last dropped");
  const auto entries = diary_.entries();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(entries[i].where, entries[1].where) << entries[i].what;
  EXPECT_NE(entries[0].where, std::this_thread::get_id());
}

TEST_F(ThreadHooks, OutliveTheOptionsThatNamedThem) {
  set_diary();
  ASSERT_EQ(crochet_setup(options_.get()), CROCHET_OK);
  options_.reset();
  EXPECT_EQ(diary_.told(), "first");
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(diary_.told(), "first last dropped");
}

TEST_F(ThreadHooks, AreSharedByLoopsOfTheSameOptions) {
  set_diary();
  ASSERT_EQ(start(), CROCHET_OK);
  OwnedLoop other;
  ASSERT_EQ(crochet_loop_new(options_.get(), other.out()), CROCHET_OK);
  options_.reset();
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
  EXPECT_EQ(diary_.told(), "first first last");
  EXPECT_EQ(crochet_loop_stop(other.get(), 0), CROCHET_OK);
  EXPECT_EQ(diary_.told(), "first first last last dropped");
}

TEST_F(ThreadHooks, SetAnewDropTheFormer) {
  set_diary();
  EXPECT_EQ(crochet_options_set_thread_hooks(options_.get(), nullptr, nullptr, nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(diary_.told(), "dropped");
  ASSERT_EQ(start(), CROCHET_OK);
  EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);
}

TEST_F(ThreadHooks, KeepTheLoopFromStartingWhenTheFirstRefuses) {
  diary_.first_says = UV_EPERM;
  set_diary();
  EXPECT_EQ(start(), UV_EPERM);
  EXPECT_EQ(loop_.get(), nullptr);
  EXPECT_EQ(crochet_setup(options_.get()), UV_EPERM);
  EXPECT_NE(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(diary_.told(), "first first") << "the last is not called";
  diary_.first_says = CROCHET_OK;
  EXPECT_EQ(crochet_setup(options_.get()), CROCHET_OK) << "a failure may be retried";
}

// Where the loop measures how long a hop takes, it waits for who starts it: not when nobody will answer.
TEST_F(ThreadHooks, AFirstThatRefusesIsNotMeasured) {
  diary_.first_says = UV_EPERM;
  set_diary();
  ASSERT_EQ(crochet_options_set_spin(options_.get(), CROCHET_SPIN_MEASURED, CROCHET_SPIN_MEASURED), CROCHET_OK);
  EXPECT_EQ(start(), UV_EPERM);
}

TEST_F(ThreadHooks, APositiveCodeOfTheFirstIsAFailure) {
  diary_.first_says = 1;
  set_diary();
  EXPECT_EQ(start(), CROCHET_EFAILED);
}

TEST_F(ThreadHooks, WhatTheLastReturnsIsIgnored) {
  diary_.last_says = UV_EPERM;
  set_diary();
  ASSERT_EQ(start(), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
}

TEST_F(ThreadHooks, AnExceptionOfTheFirstIsAFailure) {
  const auto first = [](void*) -> int { throw std::runtime_error("no virtual machine"); };
  ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), first, nullptr, nullptr, nullptr), CROCHET_OK);
  LogCapture log;
  EXPECT_EQ(start(), CROCHET_EFAILED);
  EXPECT_NE(log.stop().find("no virtual machine"), std::string::npos);
}

TEST_F(ThreadHooks, AnythingElseThrownByTheFirstIsAFailureToo) {
  const auto first = [](void*) -> int { throw 42; };
  ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), first, nullptr, nullptr, nullptr), CROCHET_OK);
  LogCapture log;
  EXPECT_EQ(start(), CROCHET_EFAILED);
  EXPECT_NE(log.stop().find("a thread hook threw"), std::string::npos);
}

TEST_F(ThreadHooks, AFirstThatEndsTheThreadIsAFailure) {
  const auto first = [](void*) -> int { pthread_exit(nullptr); };
  ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), first, Diary::last, &diary_, nullptr), CROCHET_OK);
  LogCapture log;
  EXPECT_EQ(start(), CROCHET_EFAILED);
  log.stop();
  EXPECT_EQ(diary_.told(), "");
}

TEST_F(ThreadHooks, TheLastRunsAlsoWhenACallbackEndsTheThread) {
  set_diary();
  ASSERT_EQ(start(), CROCHET_OK);
  LogCapture log;
  OwnedResult result;
  const auto leave = [](crochet_deferred*, void*) { pthread_exit(nullptr); };
  ASSERT_EQ(crochet_run(loop_.get(), leave, nullptr, nullptr, result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
  log.stop();
  EXPECT_EQ(diary_.told(), "first last");
}

TEST_F(ThreadHooks, AreOnALoopsThread) {
  struct Seen {
    crochet_loop* loop = nullptr;
    uv_loop_s* uv = nullptr;
    int setup = 0;
    OwnedResult call;
  } seen;
  const auto first = [](void* arg) -> int {
    auto* noted = static_cast<Seen*>(arg);
    noted->loop = crochet_current_loop();
    noted->uv = crochet_current_uv();
    noted->setup = crochet_setup(nullptr);
    return crochet_run(noted->loop, resolve_null, nullptr, nullptr, noted->call.out());
  };
  ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), first, nullptr, &seen, nullptr), CROCHET_OK);
  ASSERT_EQ(start(), CROCHET_OK);
  EXPECT_EQ(seen.loop, loop_.get());
  EXPECT_NE(seen.uv, nullptr);
  EXPECT_EQ(seen.setup, CROCHET_EDEADLK);
  EXPECT_EQ(crochet_result_wait(seen.call.get(), kForever), CROCHET_OK) << "queued, and run once the loop runs";
}

TEST_F(ThreadHooks, OfAFirstThatForksAndReturnsInTheChildNothingRunsThere) {
  // The thread sanitizer can't end a thread in such a child; the address sanitizer finds the parent's runtime there.
  if (kSanitized) GTEST_SKIP() << "a sanitizer looks at what a child that ends leaves of its parent";
  struct Seen {
    pid_t child = 0;
    pid_t last_ran_in = 0;
  } seen;
  const auto first = [](void* arg) -> int {
    static_cast<Seen*>(arg)->child = fork();
    return CROCHET_OK;
  };
  const auto last = [](void* arg) -> int {
    static_cast<Seen*>(arg)->last_ran_in = getpid();
    return CROCHET_OK;
  };
  ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), first, last, &seen, nullptr), CROCHET_OK);
  ASSERT_EQ(start(), CROCHET_OK);
  EXPECT_EQ(exit_status(seen.child), 0) << "its only thread has ended";
  EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK) << "the parent's wake-ups are the parent's";
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(seen.last_ran_in, getpid());
}

TEST_F(ThreadHooks, ACallMadeByAFirstThatRefusesIsNotRun) {
  struct Seen {
    OwnedResult call;
  } seen;
  const auto first = [](void* arg) -> int {
    EXPECT_EQ(crochet_run(crochet_current_loop(), resolve_null, nullptr, nullptr, static_cast<Seen*>(arg)->call.out()),
              CROCHET_OK);
    return UV_EIO;
  };
  ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), first, nullptr, &seen, nullptr), CROCHET_OK);
  ASSERT_EQ(start(), UV_EIO);
  EXPECT_EQ(crochet_result_wait(seen.call.get(), kForever), CROCHET_ESTOPPED);
}

TEST_F(ThreadHooks, AFirstThatTakesItsTimeKeepsNoShutdownWaiting) {
  struct Slow {
    Gate entered, leave;
  } slow;
  const auto first = [](void* arg) -> int {
    static_cast<Slow*>(arg)->entered.open();
    static_cast<Slow*>(arg)->leave.wait();
    return CROCHET_OK;
  };
  ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), first, nullptr, &slow, nullptr), CROCHET_OK);
  LogCapture log;
  std::thread starter([this] { start(); });
  slow.entered.wait();
  EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT) << "the function is stuck as a callback may be";
  slow.leave.open();
  starter.join();
  log.stop();
}

TEST_F(ThreadHooks, ItsOwnCodeIsReturnedAsItIs) {
  diary_.first_says = UV_ENOMEM;
  set_diary();
  EXPECT_EQ(start(), UV_ENOMEM);
}

TEST_F(ThreadHooks, TheLastHasNoLibuvLoopAnyMore) {
  static uv_loop_s* seen;
  seen = reinterpret_cast<uv_loop_s*>(&seen);
  const auto last = [](void*) -> int {
    seen = crochet_current_uv();
    return CROCHET_OK;
  };
  ASSERT_EQ(crochet_options_set_thread_hooks(options_.get(), nullptr, last, nullptr, nullptr), CROCHET_OK);
  ASSERT_EQ(start(), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(seen, nullptr);
}

TEST_F(ThreadHooks, AreNotForAdoptedLoops) {
  set_diary();
  HostLoop host;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), options_.get(), loop_.out()), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(uv_run(host.uv(), UV_RUN_DEFAULT), 0);
  EXPECT_EQ(diary_.told(), "");
}

TEST_F(ThreadHooks, RefuseNoOptionsAndDrop) {
  PROVOKES(crochet_options_set_thread_hooks, CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_thread_hooks(nullptr, Diary::first, Diary::last, &diary_, Diary::drop), CROCHET_EINVAL);
  EXPECT_EQ(diary_.told(), "dropped");
}

// ---- The stack

std::size_t stack_of_this_thread() {
  pthread_attr_t attributes;
  std::size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  pthread_attr_getstacksize(&attributes, &size);
  pthread_attr_destroy(&attributes);
  return size;
}

TEST_F(StackSize, IsWhatWasAskedForInWholePages) {
  PROVOKES(crochet_options_set_stack_size, CROCHET_OK);
  constexpr std::size_t kAsked = 24 * 1024 * 1024 + 1;  // more than the default: smaller ones come from libc's cache
  ASSERT_EQ(crochet_options_set_stack_size(options_.get(), kAsked), CROCHET_OK);
  ASSERT_EQ(start(), CROCHET_OK);
  std::size_t size = 0;
  EXPECT_EQ(on_loop(loop_.get(), [&] { size = stack_of_this_thread(); }), CROCHET_OK);
  EXPECT_GE(size, kAsked);
  EXPECT_LT(size, kAsked + 64 * 1024);
}

TEST_F(StackSize, TheSmallestIsEnoughForTheLoopItself) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's frames need more";
  ASSERT_EQ(crochet_options_set_stack_size(options_.get(), 65'536), CROCHET_OK);
  ASSERT_EQ(start(), CROCHET_OK);
  EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
}

TEST_F(StackSize, RefusesWhatIsTooSmallAndNoOptions) {
  PROVOKES(crochet_options_set_stack_size, CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_stack_size(options_.get(), 1), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_stack_size(options_.get(), 65'535), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_stack_size(nullptr, 65'536), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_stack_size(options_.get(), 0), CROCHET_OK);
  EXPECT_EQ(start(), CROCHET_OK);
}

TEST_F(StackSize, OneThatCantBeHadMeetsAShutdown) {
  if (kSanitized) GTEST_SKIP() << "its interceptor of pthread_create aborts";
  ASSERT_EQ(crochet_options_set_stack_size(options_.get(), std::size_t{1} << 50), CROCHET_OK);
  std::atomic<bool> done{false};
  std::thread shutter([&done] {
    while (!done) EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
  });
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(start(), UV_EAGAIN);
  done = true;
  shutter.join();
}

TEST_F(StackSize, OneThatCantBeHadFailsTheStart) {
  if (kSanitized) GTEST_SKIP() << "its interceptor of pthread_create aborts";
  ASSERT_EQ(crochet_options_set_stack_size(options_.get(), std::size_t{1} << 60), CROCHET_OK);
  EXPECT_EQ(start(), UV_EAGAIN);
  ASSERT_EQ(crochet_options_set_stack_size(options_.get(), std::numeric_limits<std::size_t>::max()), CROCHET_OK);
  EXPECT_LT(start(), 0);
  ASSERT_EQ(crochet_options_set_stack_size(options_.get(), 0), CROCHET_OK);
  EXPECT_EQ(start(), CROCHET_OK);
}

}  // namespace
}  // namespace contract
