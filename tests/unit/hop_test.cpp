// SPDX-License-Identifier: MIT
// Measuring how long it takes to wake a thread.
#include "base/hop.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace crochet {
namespace {

TEST(Hop, IsMeasuredByTwoThreadsAndAgainAfterAReset) {
  Hop hop;
  for (int round = 0; round < 3; ++round) {
    hop.reset();
    std::thread other([&hop] { hop.answer(); });
    EXPECT_GT(hop.measure(), 0);
    other.join();
  }
}

TEST(Hop, CanBeAnsweredLate) {
  Hop hop;
  std::int64_t took = 0;
  std::thread one([&] { took = hop.measure(); });
  hop.answer();
  one.join();
  EXPECT_GT(took, 0);
}

}  // namespace
}  // namespace crochet
