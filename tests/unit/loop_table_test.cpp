// SPDX-License-Identifier: MIT
// Blocks by their ids: a place and how often it was used.
#include "loop/loop_table.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "api/support/in_child.hpp"
#include "call/post.hpp"
#include "call/watchers.hpp"
#include "unit/support/inside_loop.hpp"

namespace crochet {

namespace {

std::uint32_t place_of(std::uint32_t id) { return id % loop_table::kPlaces; }

TEST(LoopTable, FindsABlockByItsId) {
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  ASSERT_NE(loop, nullptr);
  EXPECT_NE(id, 0u);
  EXPECT_EQ(loop_table::block(id), loop);
  EXPECT_EQ(loop_table::block(0), nullptr);
  EXPECT_EQ(loop_table::block(loop_table::kPlaces - 1), nullptr) << "never made";
}

TEST(LoopTable, GivesABlockThatIsUnusedAgainUnderAnotherId) {
  std::uint32_t first = 0, second = 0;
  Loop* loop = loop_table::take_unused(&first);
  pretend_id(*loop, first);
  EXPECT_EQ(loop_table::take_unused(&second), loop);
  EXPECT_NE(second, first);
  EXPECT_EQ(place_of(second), place_of(first));
  EXPECT_EQ(loop_table::block(second), loop);
  EXPECT_EQ(loop_table::block(first), loop) << "a stale id leads to the block too, which then has another";
}

TEST(LoopTable, NeverGivesTheIdZeroWhenTheUsesWrap) {
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  const std::uint32_t place = place_of(id);
  pretend_id(*loop, (0xffff'ffff & ~(loop_table::kPlaces - 1)) | place);
  EXPECT_EQ(loop_table::take_unused(&id), loop);
  EXPECT_EQ(id, place);
  EXPECT_NE(id, 0u);
}

TEST(LoopTable, TakesNoBlockThatIsInUseOrHasEnded) {
  std::uint32_t id = 0, other = 0;
  Loop* loop = loop_table::take_unused(&id);
  for (const Loop::State state : {Loop::State::kRunning, Loop::State::kStopping, Loop::State::kEnded}) {
    pretend(*loop, state);
    EXPECT_NE(loop_table::take_unused(&other), loop);
    EXPECT_NE(place_of(other), place_of(id));
  }
  pretend(*loop, Loop::State::kUnused);
  EXPECT_EQ(loop_table::take_unused(&other), loop);
}

TEST(LoopTable, CountsNothingForACallOfNoLoop) {
  count_unobserved(kNoLoop);
  count_never_ran(kNoLoop, NeverRan::kNotRun);
}

TEST(LoopTable, HasRoomForSoManyLoopsAndNoMore) {
  contract::in_child([] {  // the blocks stay for ever
    std::set<Loop*> blocks;
    std::uint32_t id = 0;
    while (Loop* loop = loop_table::take_unused(&id)) {
      ASSERT_TRUE(blocks.insert(loop).second);
      ASSERT_NE(place_of(id), 0u);
      pretend_id(*loop, id);
      pretend(*loop, Loop::State::kRunning);
    }
    EXPECT_EQ(blocks.size(), 4095u);
    std::size_t visited = 0;
    loop_table::for_each([&](Loop& loop) { visited += blocks.count(&loop); });
    EXPECT_EQ(visited, 4095u);
    pretend(**blocks.begin(), Loop::State::kUnused);
    EXPECT_EQ(loop_table::take_unused(&id), *blocks.begin()) << "one ends, there is room for one";
  });
}

TEST(LoopTable, LeftToTheParentIsNeverUsedAgain) {
  contract::in_child([] {
    std::uint32_t id = 0;
    Loop* loop = loop_table::take_unused(&id);
    loop_table::leave_to_parent();
    EXPECT_TRUE(loop->is_parents());
    EXPECT_EQ(loop->state(), Loop::State::kEnded);
    loop->recycle();
    EXPECT_EQ(loop->state(), Loop::State::kEnded) << "for ever";
    EXPECT_NE(loop_table::take_unused(&id), loop);
  });
}

TEST(PostToLoop, IsRefusedByABlockThatWasNeverMadeOrStarted) {
  Call call;
  EXPECT_FALSE(post_to_loop(loop_table::kPlaces - 1, &call));
  EXPECT_FALSE(post_to_loop(0, &call));
  std::uint32_t id = 0;
  loop_table::take_unused(&id);
  EXPECT_FALSE(post_to_loop(id, &call));
  look_for_hooks_again(loop_table::kPlaces - 1);  // nobody there: nothing happens
}

}  // namespace
}  // namespace crochet
