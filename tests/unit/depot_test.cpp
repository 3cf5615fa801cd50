// SPDX-License-Identifier: MIT
// The stack of magazines: what is pushed comes back whole, whatever happens between a look and an exchange.
#include "call/depot.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "api/support/at_once.hpp"
#include "unit/support/inside.hpp"

namespace crochet {

inline constexpr std::uint32_t kSlots = 64;

struct Links {
  std::array<Atomic<std::uint64_t>, kSlots + 1> links{};
  std::function<void()> before_link;  // once, at the next look at a link

  Atomic<std::uint64_t>& link(std::uint32_t index) {
    if (before_link) std::exchange(before_link, nullptr)();
    return links.at(index);
  }
};

using LinkDepot = Depot<Links>;

struct Head {
  friend Atomic<std::uint64_t> LinkDepot::*field(Head);
};
template struct Inside<Head, &LinkDepot::head_>;

namespace {

class DepotTest : public testing::Test {
 protected:
  std::uint32_t tag() const { return static_cast<std::uint32_t>((depot_.*field(Head{})).load() >> 32); }
  void set_tag(std::uint32_t tag) { (depot_.*field(Head{})).store(std::uint64_t{tag} << 32); }
  void expect_pop(std::uint32_t first, std::uint32_t count) {
    const auto magazine = depot_.pop(links_);
    EXPECT_EQ(magazine.first, first);
    EXPECT_EQ(magazine.count, count);
  }

  Links links_;
  LinkDepot depot_;
};

TEST_F(DepotTest, IsEmptyAtFirst) { expect_pop(0, 0); }

TEST_F(DepotTest, GivesBackTheLastFirst) {
  depot_.push(links_, {1, 10});
  depot_.push(links_, {2, 20});
  depot_.push(links_, {3, 30});
  expect_pop(3, 30);
  expect_pop(2, 20);
  depot_.push(links_, {4, 40});
  expect_pop(4, 40);
  expect_pop(1, 10);
  expect_pop(0, 0);
}

TEST_F(DepotTest, KeepsTheLargestCountAndIndexApart) {
  depot_.push(links_, {kSlots, 0xffff'ffff});
  depot_.push(links_, {1, 1});
  expect_pop(1, 1);
  expect_pop(kSlots, 0xffff'ffff);
}

TEST_F(DepotTest, ChangesItsTagWithEveryPushAndPop) {
  const std::uint32_t before = tag();
  depot_.push(links_, {1, 1});
  const std::uint32_t pushed = tag();
  expect_pop(1, 1);
  EXPECT_NE(pushed, before);
  EXPECT_NE(tag(), pushed);
  EXPECT_NE(tag(), before);
}

// Between a pop's look at the link and its exchange the same magazine is taken, its link changed, and pushed again:
// the head's index is what it was, the stack is not.
TEST_F(DepotTest, SeesThatAStackWithTheSameTopIsAnother) {
  depot_.push(links_, {1, 1});
  depot_.push(links_, {2, 2});
  links_.before_link = [this] {
    expect_pop(2, 2);
    expect_pop(1, 1);
    depot_.push(links_, {2, 2});  // below it there is nothing now
  };
  // The hook runs between the pop's look at the head and its look at the link, whose value would be stale afterwards.
  expect_pop(2, 2);
  expect_pop(0, 0);
}

class StaleLinks : public testing::Test {
 protected:
  // A link whose value was read before the others took the stack apart.
  struct Slots {
    std::array<Atomic<std::uint64_t>, kSlots + 1> links{};
    Atomic<std::uint64_t> stale{0};
    std::function<void()> after_look;  // once

    Atomic<std::uint64_t>& link(std::uint32_t index) {
      if (!after_look) return links.at(index);
      stale.store(links.at(index).load());
      std::exchange(after_look, nullptr)();
      return stale;
    }
  };
};

TEST_F(StaleLinks, AreNotTakenForTheStacks) {
  Slots slots;
  Depot<Slots> depot;
  depot.push(slots, {1, 1});
  depot.push(slots, {2, 2});
  slots.after_look = [&] {
    EXPECT_EQ(depot.pop(slots).first, 2u);
    EXPECT_EQ(depot.pop(slots).first, 1u);  // somebody's now
    depot.push(slots, {2, 2});
  };
  EXPECT_EQ(depot.pop(slots).first, 2u);
  EXPECT_EQ(depot.pop(slots).first, 0u) << "magazine 1 was handed out twice";
}

TEST_F(DepotTest, NoticesNothingWhenTheTagWraps) {
  set_tag(0xffff'fffe);
  depot_.push(links_, {1, 10});
  EXPECT_EQ(tag(), 0xffff'ffffu);
  depot_.push(links_, {2, 20});
  EXPECT_EQ(tag(), 0u);
  depot_.push(links_, {3, 30});
  expect_pop(3, 30);
  expect_pop(2, 20);
  expect_pop(1, 10);
  expect_pop(0, 0);
}

TEST_F(DepotTest, HandsNoMagazineToTwoThreads) {
  constexpr int kThreads = 4, kRounds = 5000;
  set_tag(0xffff'ff00);  // wraps on the way
  for (std::uint32_t i = 1; i <= 8; ++i) depot_.push(links_, {i, i});
  std::array<std::atomic<int>, kSlots + 1> owners{};
  std::atomic<int> twice{0}, mixed_up{0};
  contract::at_once(kThreads, [&](int) {
    for (int round = 0; round < kRounds; ++round) {
      const auto magazine = depot_.pop(links_);
      if (magazine.first == 0) continue;
      if (owners[magazine.first].fetch_add(1) != 0) twice.fetch_add(1);
      if (magazine.count != magazine.first) mixed_up.fetch_add(1);
      owners[magazine.first].fetch_sub(1);
      depot_.push(links_, magazine);
    }
  });
  EXPECT_EQ(twice.load(), 0);
  EXPECT_EQ(mixed_up.load(), 0);
  int left = 0;
  while (depot_.pop(links_).first != 0) ++left;
  EXPECT_EQ(left, 8);
}

}  // namespace
}  // namespace crochet
