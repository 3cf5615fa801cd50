// SPDX-License-Identifier: MIT
// The limit of a queue, apart from any loop: who enters, who waits for room, and what becomes of that when the block
// serves another loop.
#include "loop/queue_limit.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <thread>

#include "api/support/asleep.hpp"
#include "api/support/gate.hpp"
#include "base/deadline.hpp"

namespace crochet {
namespace {

constexpr std::uint32_t kLoop = 1, kNextLoop = 2;

TEST(QueueLimit, LetsSoManyInAndOthersWhenTheyLeave) {
  QueueLimit limit;
  limit.set(kLoop, 2, 0);
  EXPECT_TRUE(limit.is_set());
  EXPECT_EQ(limit.enter(kLoop, true), CROCHET_OK);
  EXPECT_EQ(limit.enter(kLoop, true), CROCHET_OK);
  EXPECT_EQ(limit.enter(kLoop, true), CROCHET_EAGAIN);
  limit.leave();
  EXPECT_EQ(limit.enter(kLoop, true), CROCHET_OK);
}

TEST(QueueLimit, OfAnotherLoopIsNotEntered) {
  QueueLimit limit;
  limit.set(kNextLoop, 1, kForever);
  EXPECT_EQ(limit.enter(kLoop, true), CROCHET_ESTOPPED);
  limit.set(kNextLoop, 0, 0);
  EXPECT_EQ(limit.enter(kLoop, true), CROCHET_ESTOPPED);
}

// Whether the next loop has no limit, or is full as well: who waited for the one before must not wait for it.
TEST(QueueLimit, WhoWaitsForRoomIsNotForgottenWhenTheBlockServesAnotherLoop) {
  for (const std::uint64_t next_limit : {0U, 1U}) {
    for (int i = 0; i < 200; ++i) {
      QueueLimit limit;
      limit.set(kLoop, 1, kForever);
      ASSERT_EQ(limit.enter(kLoop, true), CROCHET_OK);
      pid_t sleeper = 0;
      contract::Gate there;
      int code = CROCHET_OK;
      std::thread waiter([&] {
        sleeper = gettid();
        there.open();
        code = limit.enter(kLoop, true);
      });
      there.wait();
      if (i % 2 == 0) contract::until_asleep(sleeper);
      limit.close();
      limit.set(kNextLoop, next_limit, kForever);
      if (next_limit != 0) {
        ASSERT_EQ(limit.enter(kNextLoop, false), CROCHET_OK);
      }
      waiter.join();
      EXPECT_EQ(code, CROCHET_ESTOPPED);
    }
  }
}

}  // namespace
}  // namespace crochet
