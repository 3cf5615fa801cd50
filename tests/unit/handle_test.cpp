// SPDX-License-Identifier: MIT
// Handles: an address, a generation and a kind in one word.
#include "call/handle.hpp"

#include <gtest/gtest.h>

#include <set>

namespace crochet {
namespace {

class Handle : public testing::TestWithParam<Word> {
 protected:
  Call call_;
};

TEST_P(Handle, OpensToWhatItWasMadeOf) {
  const Word generation = GetParam();
  for (const Target target :
       {target_of(result_handle(&call_, generation)), target_of(deferred_handle(&call_, generation)),
        target_of(prepared_handle(&call_, generation))}) {
    EXPECT_EQ(target.call, &call_);
    EXPECT_EQ(target.generation, generation);
  }
}

TEST_P(Handle, OfOneKindIsRefusedAsTheOther) {
  const Word generation = GetParam();
  for (const Target wrong : {handle::open(result_handle(&call_, generation), handle::kDeferredBit),
                             handle::open(deferred_handle(&call_, generation), 0)}) {
    for (Word other = 0; other < word::kGenerations; ++other) {
      EXPECT_FALSE(word::alive(word::in_generation(other) | word::kReference, wrong.generation)) << other;
    }
  }
}

TEST_P(Handle, OfAnErrorIsItsResults) {
  const auto* error = reinterpret_cast<const crochet_error*>(result_handle(&call_, GetParam()));
  EXPECT_EQ(target_of(error).call, &call_);
  EXPECT_EQ(target_of(error).generation, GetParam());
}

INSTANTIATE_TEST_SUITE_P(OfEveryGeneration, Handle, testing::Range(Word{0}, word::kGenerations));

TEST(Handles, OfDifferentLivesAndKindsDiffer) {
  Call one, other;
  std::set<const void*> seen;
  for (const Call* call : {&one, &other}) {
    for (Word generation = 0; generation < word::kGenerations; ++generation) {
      EXPECT_TRUE(seen.insert(result_handle(call, generation)).second);
      EXPECT_TRUE(seen.insert(deferred_handle(call, generation)).second);
    }
  }
}

TEST(Handles, OfNothingLeadNowhere) {
  EXPECT_EQ(target_of(static_cast<const crochet_result*>(nullptr)).call, nullptr);
  EXPECT_EQ(target_of(static_cast<const crochet_deferred*>(nullptr)).call, nullptr);
  EXPECT_EQ(target_of(static_cast<const crochet_call*>(nullptr)).call, nullptr);
  EXPECT_EQ(target_of(static_cast<const crochet_error*>(nullptr)).call, nullptr);
}

}  // namespace
}  // namespace crochet
