// SPDX-License-Identifier: MIT
// A descriptor that is readable while it is raised; and what a host may have done to it.
#include "base/event_descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "api/support/in_child.hpp"

namespace crochet {
namespace {

bool is_readable(int descriptor) {
  pollfd one{descriptor, POLLIN, 0};
  return poll(&one, 1, 0) == 1;
}
bool is_there(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

TEST(EventDescriptor, IsReadableWhileItIsRaised) {
  EventDescriptor event;
  ASSERT_EQ(event.open(), 0);
  EXPECT_FALSE(is_readable(event.number()));
  event.raise();
  event.raise();
  EXPECT_TRUE(is_readable(event.number()));
  event.lower();
  EXPECT_FALSE(is_readable(event.number())) << "raising twice is raising once";
  event.lower();
  event.close();
}

TEST(EventDescriptor, IsNothingUntilItIsOpened) {
  EventDescriptor event;
  EXPECT_FALSE(event.is_open());
  EXPECT_LT(event.number(), 0);
  errno = 7;
  event.raise();
  event.lower();
  event.close();
  EXPECT_EQ(errno, 7);
}

TEST(EventDescriptor, GoesWhenItIsClosed) {
  EventDescriptor event;
  ASSERT_EQ(event.open(), 0);
  const int number = event.number();
  EXPECT_EQ(fcntl(number, F_GETFD), FD_CLOEXEC) << "what the host executes does not get it";
  event.close();
  EXPECT_FALSE(is_there(number));
}

TEST(EventDescriptor, MayHaveTheNumberOfAStandardInputThatIsClosed) {
  contract::in_child([] {
    close(STDIN_FILENO);
    EventDescriptor event;
    ASSERT_EQ(event.open(), 0);
    ASSERT_EQ(event.number(), STDIN_FILENO);
    EXPECT_TRUE(event.is_open());
    event.raise();
    EXPECT_TRUE(is_readable(STDIN_FILENO));
    event.lower();
    EXPECT_FALSE(is_readable(STDIN_FILENO));
    event.close();
    EXPECT_FALSE(is_there(STDIN_FILENO));
  });
}

TEST(EventDescriptor, LeavesAloneWhatTheHostHasPutInItsPlace) {
  EventDescriptor event;
  ASSERT_EQ(event.open(), 0);
  const int number = event.number();
  const int file = memfd_create("stranger", MFD_CLOEXEC);
  ASSERT_EQ(dup2(file, number), number);
  event.raise();
  event.lower();
  EXPECT_EQ(lseek(number, 0, SEEK_END), 0) << "somebody wrote into it";
  event.close();
  EXPECT_TRUE(is_there(number));
  close(number);
  close(file);
}

}  // namespace
}  // namespace crochet
