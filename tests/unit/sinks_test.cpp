// SPDX-License-Identifier: MIT
// The list of sinks, and the references that it holds.
#include "log/sinks.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "api/support/drop_counter.hpp"

namespace crochet {
namespace {

using contract::DropCounter;

class Sinks : public testing::Test {
 protected:
  LogSink* new_sink() {
    return new_function_sink([](void*, const crochet_log_record*) {}, ended_.pointer(), DropCounter::drop);
  }

  DropCounter ended_;
  SinkList list_;
};

TEST_F(Sinks, AreSoManyAndNoMore) {
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < kMostSinks; ++i) EXPECT_EQ(list_.add(new_sink(), LogLevel::kError, &id), CROCHET_OK);
  LogSink* const one_more = new_sink();
  EXPECT_EQ(list_.add(one_more, LogLevel::kError, &id), CROCHET_ENOSPC);
  EXPECT_EQ(ended_.count(), 0) << "it is the caller's as before";
  one_more->release();
  EXPECT_TRUE(list_.remove(id));
  EXPECT_EQ(ended_.count(), 2);
  for (std::uint64_t other = CROCHET_LOG_DEFAULT_SINK + 1; other < id; ++other)
    EXPECT_TRUE(list_.remove(other)) << other;
  EXPECT_EQ(ended_.count(), static_cast<int>(kMostSinks) + 1);
}

TEST_F(Sinks, OfTheBeginningForWhichThereIsNoRoomAreEnded) {
  for (std::size_t i = 0; i < kMostSinks; ++i) list_.add_default(new_sink());
  EXPECT_EQ(ended_.count(), 0);
  list_.add_default(new_sink());
  EXPECT_EQ(ended_.count(), 1);
  EXPECT_TRUE(list_.remove(CROCHET_LOG_DEFAULT_SINK)) << "all of them by one id";
  EXPECT_EQ(ended_.count(), static_cast<int>(kMostSinks) + 1);
  EXPECT_FALSE(list_.remove(CROCHET_LOG_DEFAULT_SINK));
}

TEST_F(Sinks, RemovedStayUntilWhoHasThemLetsThemGo) {
  SinksOfAMoment moment{};
  std::uint64_t id = 0;
  EXPECT_EQ(list_.add(new_sink(), LogLevel::kError, &id), CROCHET_OK);
  EXPECT_FALSE(list_.is_current(moment));
  list_.look(&moment);
  EXPECT_TRUE(list_.is_current(moment));
  EXPECT_EQ(moment.count, 1u);
  EXPECT_TRUE(list_.remove(id));
  EXPECT_FALSE(list_.is_current(moment));
  EXPECT_EQ(ended_.count(), 0);
  list_.look(&moment);
  EXPECT_EQ(moment.count, 0u);
  EXPECT_EQ(ended_.count(), 1);
}

}  // namespace
}  // namespace crochet
