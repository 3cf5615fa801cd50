// SPDX-License-Identifier: MIT
// The end of a stop's grace: who has something open is asked to end it, and asked once more when that took too long.
#include "loop/grace_end.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace crochet {
namespace {

struct Open : GraceEnd {
  explicit Open(bool ends_at_once)
      : GraceEnd([](GraceEnd& end, Chance which) {
          auto& self = static_cast<Open&>(end);
          self.asked.push_back(which);
          if (self.ends) GraceEnds::remove(self);
        }),
        ends(ends_at_once) {}

  bool ends;
  std::vector<Chance> asked;
};

TEST(GraceEnds, NeedNoTurnWhenNothingIsOpen) {
  GraceEnds ends;
  unsigned ms = 7;
  EXPECT_FALSE(ends.go_on(&ms));
  Open open(true);
  ends.add(open);
  GraceEnds::remove(open);
  GraceEnds::remove(open);
  EXPECT_FALSE(ends.go_on(&ms));
  EXPECT_TRUE(open.asked.empty());
}

TEST(GraceEnds, AskAllOnceAndGoOnForOneTurnWhenAllHaveEnded) {
  GraceEnds ends;
  Open first(true);
  Open second(true);
  Open third(true);
  for (Open* open : {&first, &second, &third}) ends.add(*open);
  GraceEnds::remove(second);
  unsigned ms = 0;
  EXPECT_TRUE(ends.go_on(&ms));
  EXPECT_TRUE(ends.go_on(&ms));
  EXPECT_EQ(ms, 1U);  // not in the same turn: what they closed is closed then
  EXPECT_FALSE(ends.go_on(&ms));
  EXPECT_EQ(first.asked, std::vector{GraceEnd::Chance::kFirst});
  EXPECT_EQ(third.asked, std::vector{GraceEnd::Chance::kFirst});
  EXPECT_TRUE(second.asked.empty());
}

TEST(GraceEnds, TellWhoTakesTooLongThatThisIsTheLastChance) {
  GraceEnds ends;
  Open slow(false);
  Open quick(true);
  ends.add(slow);
  ends.add(quick);
  unsigned ms = 1;
  int turns = 0;
  while (ends.go_on(&ms) && ms != 0) ++turns;
  EXPECT_GT(turns, 1);
  EXPECT_FALSE(ends.go_on(&ms));
  EXPECT_EQ(slow.asked, (std::vector{GraceEnd::Chance::kFirst, GraceEnd::Chance::kLast}));
  EXPECT_EQ(quick.asked, std::vector{GraceEnd::Chance::kFirst});
}

TEST(GraceEnds, AskAllOnceMoreWhenTheLoopNeverTurnsAgain) {
  GraceEnds ends;
  Open first(false);
  Open second(true);
  for (Open* open : {&first, &second}) ends.add(*open);
  ends.end_without_loop();
  ends.end_without_loop();
  EXPECT_EQ(first.asked, std::vector{GraceEnd::Chance::kNone});
  EXPECT_EQ(second.asked, std::vector{GraceEnd::Chance::kNone});
  unsigned ms = 0;
  EXPECT_FALSE(ends.go_on(&ms));
}

TEST(GraceEnds, BeginAgainWithTheNextLoop) {
  GraceEnds ends;
  unsigned ms = 0;
  for (int loop = 0; loop < 2; ++loop) {
    ends.reset();
    Open open(true);
    ends.add(open);
    while (ends.go_on(&ms)) {
    }
    EXPECT_EQ(open.asked.size(), 1U);
  }
}

}  // namespace
}  // namespace crochet
