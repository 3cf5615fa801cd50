// SPDX-License-Identifier: MIT
// Whether a thread sleeps in its epoll, as the kernel tells it.
#include "loop/poll_look.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "api/support/gate.hpp"

namespace crochet {
namespace {

class PollLook : public testing::Test {
 protected:
  void SetUp() override {
    if (is_in_poll(gettid(), epoll_) == InPoll::kUnknown) GTEST_SKIP() << "this kernel does not tell";
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    ASSERT_EQ(epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &wanted), 0);
  }
  void TearDown() override {
    close(event_);
    close(epoll_);
  }

  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const int event_ = eventfd(0, EFD_CLOEXEC);
};

TEST_F(PollLook, SeesAThreadThatSleepsInItsOwnAndInNoOther) {
  std::atomic<pid_t> id{0};
  std::thread sleeper([&] {
    id = gettid();
    epoll_event happened{};
    EXPECT_EQ(epoll_wait(epoll_, &happened, 1, -1), 1);
  });
  while (id == 0 || is_in_poll(id, epoll_) != InPoll::kYes) sched_yield();
  EXPECT_EQ(is_in_poll(id, epoll_ + 100), InPoll::kNo);
  constexpr std::uint64_t kOne = 1;
  EXPECT_EQ(write(event_, &kOne, sizeof kOne), static_cast<ssize_t>(sizeof kOne));
  sleeper.join();
}

TEST_F(PollLook, SeesThatAThreadIsAtWork) { EXPECT_EQ(is_in_poll(gettid(), epoll_), InPoll::kNo); }

TEST_F(PollLook, SeesThatAThreadSleepsOverSomethingElse) {
  contract::Gate gate;
  std::atomic<pid_t> id{0};
  std::thread sleeper([&] {
    id = gettid();
    gate.wait();
  });
  while (id == 0) sched_yield();
  for (int i = 0; i < 100; ++i) {  // asleep in most of them
    EXPECT_EQ(is_in_poll(id, epoll_), InPoll::kNo);
    sched_yield();
  }
  gate.open();
  sleeper.join();
}

TEST_F(PollLook, KnowsNothingOfAThreadThatIsNotThere) {
  pid_t gone = 0;
  std::thread([&gone] { gone = gettid(); }).join();
  while (is_in_poll(gone, epoll_) != InPoll::kUnknown)
    sched_yield();  // a thread that was joined may be listed for a moment
}

}  // namespace
}  // namespace crochet
