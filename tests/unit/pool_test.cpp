// SPDX-License-Identifier: MIT
// Slots of one size: given out once, taken back, never unmapped.
#include "call/pool.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "api/support/at_once.hpp"
#include "unit/support/inside.hpp"

namespace crochet {

struct FirstEmpty {
  friend Atomic<std::uint32_t> Pool::*field(FirstEmpty);
};
template struct Inside<FirstEmpty, &Pool::first_empty_>;

namespace {

constexpr std::uint32_t kNumber = 3;

// A pool of its own for each test; never ended, as in the library, hence static.
#define A_POOL(name, slot_size)    \
  static Pool::Slabs name##_slabs; \
  static Pool name(name##_slabs, slot_size, kNumber)

std::size_t slots_made(const Pool& pool) {
  std::size_t count = 0;
  while (pool.slot(count) != nullptr) ++count;
  return count;
}

constexpr std::size_t per_slab(std::uint32_t slot_size) { return (Pool::kSlabSize - 64) / slot_size; }
constexpr std::size_t kPerSlab = per_slab(sizeof(Call));

TEST(Pool, MakesNothingBeforeItIsAsked) {
  A_POOL(pool, sizeof(Call));
  EXPECT_EQ(pool.slot(0), nullptr);
  EXPECT_EQ(slots_made(pool), 0u);
}

TEST(Pool, GivesSlotsThatAreNobodys) {
  A_POOL(pool, sizeof(Call));
  Pool::Cache cache;
  std::set<Call*> seen;
  for (std::size_t i = 0; i < 3 * kPerSlab; ++i) {
    Call* call = pool.allocate(cache);
    ASSERT_NE(call, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(call) % alignof(Call), 0u);
    EXPECT_EQ(call->word.load(), word::unused(0));
    EXPECT_TRUE(seen.insert(call).second) << "given out twice";
    EXPECT_EQ(Pool::number_of(call), kNumber);
  }
}

TEST(Pool, GivesBackWhatWasFreedLast) {
  A_POOL(pool, sizeof(Call));
  Pool::Cache cache;
  Call* one = pool.allocate(cache);
  Call* other = pool.allocate(cache);
  pool.free(cache, one);
  pool.free(cache, other);
  EXPECT_EQ(pool.allocate(cache), other);
  EXPECT_EQ(pool.allocate(cache), one);
}

TEST(Pool, SpacesSlotsByTheirSizeWithinTheirSlab) {
  static constexpr std::array<std::uint32_t, 4> kSizes = {64, 128, 256, 512};
  static std::array<Pool::Slabs, 4> slabs;
  static Pool pools[] = {
      {slabs[0], kSizes[0], 0}, {slabs[1], kSizes[1], 1}, {slabs[2], kSizes[2], 2}, {slabs[3], kSizes[3], 3}};
  for (std::size_t number = 0; number < kSizes.size(); ++number) {
    const std::uint32_t size = kSizes[number];
    Pool& pool = pools[number];
    Pool::Cache cache;
    pool.allocate(cache);
    EXPECT_EQ(slots_made(pool), per_slab(size));
    std::set<std::uintptr_t> begins;
    for (std::size_t i = 0; pool.slot(i) != nullptr; ++i) begins.insert(reinterpret_cast<std::uintptr_t>(pool.slot(i)));
    EXPECT_EQ(begins.size(), per_slab(size));
    std::uintptr_t end = *begins.begin();
    for (const std::uintptr_t begin : begins) {
      EXPECT_GE(begin, end) << "overlaps the one before";
      end = begin + size;
    }
    EXPECT_EQ((end - 1) / Pool::kSlabSize, *begins.begin() / Pool::kSlabSize) << "leaves its slab";
  }
}

TEST(Pool, ShowsEverySlotWhetherItIsInUseOrNot) {
  A_POOL(pool, sizeof(Call));
  Pool::Cache cache;
  std::set<Call*> mine;
  for (std::size_t i = 0; i < kPerSlab + 1; ++i) mine.insert(pool.allocate(cache));
  EXPECT_EQ(slots_made(pool), 2 * kPerSlab);
  std::size_t found = 0;
  for (std::size_t i = 0; pool.slot(i) != nullptr; ++i) found += mine.count(pool.slot(i));
  EXPECT_EQ(found, mine.size());
  const Call* first = pool.slot(0);
  pool.free(cache, *mine.begin());
  EXPECT_EQ(pool.slot(0), first) << "the order is fixed";
}

TEST(Pool, MakesNoNewSlotsWhileThereAreFreeOnes) {
  A_POOL(pool, sizeof(Call));
  Pool::Cache cache;
  std::vector<Call*> mine;
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = 0; i < kPerSlab; ++i) mine.push_back(pool.allocate(cache));
    for (Call* call : mine) pool.free(cache, call);
    mine.clear();
  }
  EXPECT_EQ(slots_made(pool), kPerSlab);
}

TEST(Pool, KeepsAtMostTwoMagazinesInACache) {
  A_POOL(pool, sizeof(Call));
  Pool::Cache cache;
  std::vector<Call*> mine;
  for (std::size_t i = 0; i < kPerSlab; ++i) mine.push_back(pool.allocate(cache));
  for (Call* call : mine) {
    pool.free(cache, call);
    EXPECT_LE(cache.loaded.count() + cache.spare.count(), 2 * Pool::kMagazineSize);
  }
  // What is beyond that is in the depot, for others.
  Pool::Cache others;
  for (std::size_t i = 0; i < kPerSlab - 2 * Pool::kMagazineSize; ++i) ASSERT_NE(pool.allocate(others), nullptr);
  EXPECT_EQ(slots_made(pool), kPerSlab);
}

// Around the edge of a magazine.
TEST(Pool, DoesNotGoToTheDepotBackAndForth) {
  A_POOL(pool, sizeof(Call));
  Pool::Cache source, cache;
  std::vector<Call*> mine;
  for (std::uint32_t i = 0; i < Pool::kMagazineSize + 1; ++i) mine.push_back(pool.allocate(source));
  for (Call* call : mine) pool.free(cache, call);
  EXPECT_EQ(cache.loaded.count(), 1u);
  EXPECT_EQ(cache.spare.count(), Pool::kMagazineSize) << "full: it is put aside, not given away";
  for (auto call = mine.rbegin(); call != mine.rend(); ++call) EXPECT_EQ(pool.allocate(cache), *call);
  EXPECT_EQ(cache.loaded.count() + cache.spare.count(), 0u);
}

TEST(Pool, GetsEverythingBackFromAThreadThatEnds) {
  A_POOL(pool, sizeof(Call));
  for (int thread = 0; thread < 20; ++thread) {
    Pool::Cache cache;
    std::vector<Call*> mine;
    for (std::size_t i = 0; i < kPerSlab; ++i) mine.push_back(pool.allocate(cache));
    for (Call* call : mine) pool.free(cache, call);
    pool.give_back(cache);
    EXPECT_EQ(cache.loaded.top, nullptr);
    EXPECT_EQ(cache.spare.top, nullptr);
  }
  EXPECT_EQ(slots_made(pool), kPerSlab);
}

TEST(Pool, ServesThreadsWithoutACache) {
  A_POOL(pool, sizeof(Call));
  std::set<Call*> mine;
  for (std::size_t i = 0; i < kPerSlab; ++i) {
    Call* call = pool.allocate_without_cache();
    ASSERT_NE(call, nullptr);
    EXPECT_TRUE(mine.insert(call).second);
  }
  EXPECT_EQ(slots_made(pool), kPerSlab);
  for (Call* call : mine) pool.free_without_cache(call);
  Pool::Cache cache;
  for (std::size_t i = 0; i < kPerSlab; ++i) EXPECT_EQ(mine.count(pool.allocate(cache)), 1u);
  EXPECT_EQ(slots_made(pool), kPerSlab);
}

TEST(Pool, HasNoMoreSlabsThanItCanCount) {
  A_POOL(pool, sizeof(Call));
  Atomic<std::uint32_t>& hint = pool.*field(FirstEmpty{});
  hint.store(static_cast<std::uint32_t>(Pool::kMostSlabs));
  Pool::Cache cache;
  EXPECT_EQ(pool.allocate(cache), nullptr);
  EXPECT_EQ(pool.allocate_without_cache(), nullptr);
  EXPECT_EQ(slots_made(pool), 0u);
  hint.store(0);
  EXPECT_NE(pool.allocate(cache), nullptr);
}

// The hint may have fallen back behind slabs that are there.
TEST(Pool, LeavesNoGapsAndOverwritesNoSlab) {
  A_POOL(pool, sizeof(Call));
  Pool::Cache cache;
  std::set<Call*> seen;
  for (std::size_t i = 0; i < 4 * kPerSlab; ++i) {
    if (i % kPerSlab == 0) (pool.*field(FirstEmpty{})).store(0);
    EXPECT_TRUE(seen.insert(pool.allocate(cache)).second);
  }
  for (std::size_t i = 0; i < 4 * kPerSlab; ++i) EXPECT_EQ(seen.erase(pool.slot(i)), 1u) << i;
  EXPECT_EQ(pool.slot(4 * kPerSlab), nullptr);
}

TEST(Pool, GivesNoSlotToTwoThreads) {
  A_POOL(pool, sizeof(Call));
  constexpr int kThreads = 4, kRounds = 400;
  constexpr std::size_t kEach = 150;  // more than two magazines: they travel
  std::atomic<int> shared{0};
  contract::at_once(kThreads, [&](int thread) {
    Pool::Cache cache;
    std::vector<Call*> mine;
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t i = 0; i < kEach; ++i) {
        Call* call = round % 7 == 0 ? pool.allocate_without_cache() : pool.allocate(cache);
        call->arg = &mine;  // plain: a race detector sees a second owner
        call->loop.store(static_cast<std::uint32_t>(thread), relaxed);
        mine.push_back(call);
      }
      for (Call* call : mine) {
        if (call->arg != &mine || call->loop.load(relaxed) != static_cast<std::uint32_t>(thread)) shared.fetch_add(1);
        if (round % 5 == 0) pool.free_without_cache(call);
        else pool.free(cache, call);
      }
      mine.clear();
    }
    pool.give_back(cache);
  });
  EXPECT_EQ(shared.load(), 0);
}

TEST(Pool, ShowsOnlyMadeSlotsWhileOthersMakeThem) {
  A_POOL(pool, sizeof(Call));
  std::atomic<int> unmade{0};
  std::atomic<bool> done{false};
  std::thread walker([&] {
    do {
      for (std::size_t i = 0; const Call* call = pool.slot(i); ++i) {
        if (call->word.load(acquire) != word::unused(0)) unmade.fetch_add(1);
      }
    } while (!done.load());
  });
  contract::at_once(2, [&](int) {
    Pool::Cache cache;
    for (std::size_t i = 0; i < 10 * kPerSlab; ++i) pool.allocate(cache);
  });
  done.store(true);
  walker.join();
  EXPECT_EQ(unmade.load(), 0);
}

}  // namespace
}  // namespace crochet
