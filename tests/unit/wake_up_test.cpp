// SPDX-License-Identifier: MIT
// Waking a libuv loop: by a descriptor of our own, by uv_async_t, and by the latter where the former does not work.
#include "loop/wake_up.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <thread>

namespace {

// What eventfd() gives while it is not itself. Taken in place of the C library's; libuv takes its own from there as
// well.
enum class Eventfd { kItself, kFails, kIsDeaf } eventfd_now = Eventfd::kItself;

}  // namespace

extern "C" int eventfd(unsigned initial, int flags) noexcept {
  switch (eventfd_now) {
    case Eventfd::kItself: break;
    case Eventfd::kFails: errno = EMFILE; return -1;
    case Eventfd::kIsDeaf: return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);  // never to be written
  }
  static const auto real = reinterpret_cast<int (*)(unsigned, int)>(dlsym(RTLD_NEXT, "eventfd"));
  return real(initial, flags);
}

namespace crochet {
namespace {

class WakeUpTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(uv_loop_init(&uv_), 0); }
  void TearDown() override {
    eventfd_now = Eventfd::kItself;
    WakeUp::own_descriptors_work.store(true);
    close_it();
    EXPECT_EQ(uv_loop_close(&uv_), 0);
  }
  int open(bool may_run = true) {
    return wake_up_.open(&uv_, may_run, this, [](void* test) { ++static_cast<WakeUpTest*>(test)->woken_; });
  }
  void close_it() {
    closed_ = false;
    wake_up_.close([](void* test) { static_cast<WakeUpTest*>(test)->closed_ = true; });
    uv_run(&uv_, UV_RUN_DEFAULT);
    EXPECT_TRUE(closed_);
  }
  void expect_it_wakes() {
    for (int i = 1; i <= 3; ++i) {
      uv_run(&uv_, UV_RUN_NOWAIT);
      EXPECT_EQ(woken_, i - 1) << "nobody sent";
      std::thread([this] { wake_up_.send(); }).join();
      uv_run(&uv_, UV_RUN_ONCE);
      EXPECT_EQ(woken_, i);
    }
    EXPECT_TRUE(wake_up_.is_ours());
  }

  uv_loop_t uv_;
  WakeUp wake_up_;
  int woken_ = 0;
  bool closed_ = false;
};

TEST_F(WakeUpTest, IsByADescriptorOfOurOwn) {
  ASSERT_EQ(open(), 0);
  EXPECT_TRUE(wake_up_.has_own_descriptor());
  EXPECT_EQ(woken_, 0) << "the trial is not the owner's";
  expect_it_wakes();
}

TEST_F(WakeUpTest, IsByADescriptorThatWasMadeBefore) {
  ASSERT_EQ(wake_up_.make_descriptor(), 0);
  eventfd_now = Eventfd::kFails;  // no other one
  ASSERT_EQ(open(), 0);
  EXPECT_TRUE(wake_up_.has_own_descriptor());
  expect_it_wakes();
}

TEST_F(WakeUpTest, SendsManyTimesAndWakesOnce) {
  ASSERT_EQ(open(), 0);
  for (int i = 0; i < 1000; ++i) wake_up_.send();
  uv_run(&uv_, UV_RUN_NOWAIT);
  EXPECT_EQ(woken_, 1);
  uv_run(&uv_, UV_RUN_NOWAIT);
  EXPECT_EQ(woken_, 1);
}

TEST_F(WakeUpTest, IsByLibuvWhereADescriptorOfOurOwnIsDeaf) {
  eventfd_now = Eventfd::kIsDeaf;
  const int status = open();
  eventfd_now = Eventfd::kItself;
  ASSERT_EQ(status, 0);
  EXPECT_FALSE(wake_up_.has_own_descriptor());
  EXPECT_FALSE(WakeUp::own_descriptors_work.load()) << "the next loop need not try";
  expect_it_wakes();
}

TEST_F(WakeUpTest, IsByLibuvWhereThereIsNoDescriptor) {
  eventfd_now = Eventfd::kFails;
  EXPECT_EQ(wake_up_.make_descriptor(), UV_EMFILE);
  const int status = open();
  eventfd_now = Eventfd::kItself;
  ASSERT_EQ(status, 0) << "uv_loop_init() has made libuv's";
  EXPECT_FALSE(wake_up_.has_own_descriptor());
  expect_it_wakes();
}

TEST_F(WakeUpTest, TriesNothingOnALoopThatItMayNotRun) {
  eventfd_now = Eventfd::kItself;
  ASSERT_EQ(open(false), 0);
  EXPECT_TRUE(wake_up_.has_own_descriptor());
  expect_it_wakes();
}

TEST_F(WakeUpTest, DoesNotKeepALoopGoingThatIsUnreferenced) {
  ASSERT_EQ(open(), 0);
  wake_up_.unref();
  EXPECT_EQ(uv_run(&uv_, UV_RUN_DEFAULT), 0);
  wake_up_.ref();
  wake_up_.send();
  EXPECT_NE(uv_run(&uv_, UV_RUN_ONCE), 0);
  EXPECT_EQ(woken_, 1);
}

TEST_F(WakeUpTest, LeavesADescriptorThatIsNotItsOwnAnyMoreAlone) {
  ASSERT_EQ(open(), 0);
  // Its number, taken by a host for a pipe.
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const int number = wake_up_.descriptor();
  ASSERT_EQ(dup2(ends[1], number), number);
  EXPECT_FALSE(wake_up_.is_ours());
  close_it();
  EXPECT_NE(fcntl(number, F_GETFD), -1) << "closed, but it was the host's";
  close(number);
  close(ends[0]);
  close(ends[1]);
  ASSERT_EQ(open(), 0);  // for the end of the test
}

}  // namespace
}  // namespace crochet
