// SPDX-License-Identifier: MIT
// Calls with storage behind them, threads that come and go, and the walk over all calls.
#include "call/call_memory.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <set>
#include <thread>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/sanitizers.hpp"

namespace crochet {
namespace {

std::size_t calls_made() {
  CallWalk walk;
  std::size_t count = 0;
  while (walk.next() != nullptr) ++count;
  return count;
}

// Frees a call that was never made, storage and all.
void throw_away(Call* call) {
  call->end_side();
  free_call(call);
}

class Storage : public testing::TestWithParam<std::size_t> {};

TEST_P(Storage, IsZeroedAlignedAndAsLargeAsAskedFor) {
  const std::size_t size = GetParam();
  std::vector<Call*> calls;
  for (int i = 0; i < 3; ++i) {  // neighbours
    Call* call = allocate_call_with_storage(size);
    ASSERT_NE(call, nullptr);
    auto* storage = static_cast<unsigned char*>(call_storage(call));
    ASSERT_NE(storage, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(storage) % alignof(std::max_align_t), 0u);
    EXPECT_EQ(std::count(storage, storage + size, 0), static_cast<std::ptrdiff_t>(size));
    std::memset(storage, 0xa0 + i, size);
    calls.push_back(call);
  }
  for (int i = 0; i < 3; ++i) {
    auto* storage = static_cast<unsigned char*>(call_storage(calls[static_cast<std::size_t>(i)]));
    EXPECT_EQ(std::count(storage, storage + size, 0xa0 + i), static_cast<std::ptrdiff_t>(size))
        << "a neighbour wrote in it";
    const Word free = calls[static_cast<std::size_t>(i)]->word.load();
    EXPECT_EQ(free, word::unused(word::generation(free)) | word::kHasMore);
  }
  for (Call* call : calls) throw_away(call);
}

TEST_P(Storage, IsZeroedAgainForTheNextCall) {
  const std::size_t size = GetParam();
  Call* first = allocate_call_with_storage(size);
  std::memset(call_storage(first), 0xff, size);
  throw_away(first);
  Call* second = allocate_call_with_storage(size);
  EXPECT_EQ(second, first) << "else this test says nothing";
  const auto* storage = static_cast<const unsigned char*>(call_storage(second));
  EXPECT_EQ(std::count(storage, storage + size, 0), static_cast<std::ptrdiff_t>(size));
  throw_away(second);
}

INSTANTIATE_TEST_SUITE_P(RoundEverySizeClass, Storage,
                         testing::Values(1, 63, 64, 65, 191, 192, 193, 447, 448, 449, 100'000));

TEST(StorageOf, IsNoneWhenNoneWasAskedFor) {
  Call* call = allocate_call();
  EXPECT_EQ(call_storage(call), nullptr);
  EXPECT_EQ(call->side(), nullptr);
  free_call(call);
}

TEST(StorageOf, HangsOffTheSideRecordWhenItIsLarge) {
  Call* small = allocate_call_with_storage(448);
  Call* large = allocate_call_with_storage(449);
  EXPECT_EQ(small->side(), nullptr);
  const SideRecord* side = large->side();
  ASSERT_NE(side, nullptr);
  EXPECT_EQ(call_storage(large), static_cast<void*>(side->storage));
  throw_away(small);
  throw_away(large);
  EXPECT_EQ(large->side(), nullptr);
}

TEST(StorageOf, ThatNobodyCanGiveIsRefusedAndLeavesNothing) {
  if (contract::kSanitized) GTEST_SKIP() << "a sanitizer's calloc ends the program instead of refusing";
  const std::size_t before = calls_made();
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(allocate_call_with_storage(SIZE_MAX), nullptr);
  Call* call = allocate_call();
  EXPECT_EQ(call->side(), nullptr) << "the refused one's record was left on it";
  free_call(call);
  EXPECT_LE(calls_made(), before + 1100) << "slots were lost";
}

TEST(Threads, ThatEndGiveTheirCallsBack) {
  std::thread([] { free_call(allocate_call()); }).join();
  const std::size_t before = calls_made();
  for (int i = 0; i < 300; ++i) {
    std::thread([] {
      std::vector<Call*> mine;
      for (int n = 0; n < 10; ++n) mine.push_back(allocate_call());
      for (Call* call : mine) free_call(call);
    }).join();
  }
  EXPECT_EQ(calls_made(), before) << "each thread ended with a magazine of 64";
}

TEST(Threads, MayFreeWhatOthersAllocated) {
  constexpr int kRounds = 200;
  std::vector<std::vector<Call*>> handed(4);
  const auto round = [&handed] {
    contract::at_once(4, [&](int i) {
      for (int n = 0; n < 100; ++n) handed[static_cast<std::size_t>(i)].push_back(allocate_call());
    });
    std::set<Call*> all;
    for (const auto& calls : handed) all.insert(calls.begin(), calls.end());
    EXPECT_EQ(all.size(), 400u);
    contract::at_once(4, [&](int i) {
      auto& calls = handed[static_cast<std::size_t>((i + 1) % 4)];
      for (Call* call : calls) free_call(call);
      calls.clear();
    });
  };
  round();
  round();
  const std::size_t before = calls_made();
  for (int i = 0; i < kRounds / 10; ++i) round();
  EXPECT_EQ(calls_made(), before);
}

// A thread-local destructor of the host's that runs after ours has given the cache back.
TEST(Threads, MayStillCallUsFromTheirLastDestructors) {
  SKIP_UNDER_THREAD_SANITIZER("has left a thread before its last destructors run");
  static pthread_key_t key;
  static std::atomic<int> rounds{0};
  ASSERT_EQ(pthread_key_create(&key,
                               [](void* value) {
                                 Call* call = allocate_call();
                                 EXPECT_NE(call, nullptr);
                                 free_call(call);
                                 rounds.fetch_add(1);
                                 pthread_setspecific(key, value);  // again, until nobody asks any more
                               }),
            0);
  free_call(allocate_call());  // our key is made first, or was before
  std::thread([] {
    free_call(allocate_call());
    pthread_setspecific(key, &key);
  }).join();
  EXPECT_GT(rounds.load(), 1);
  const std::size_t before = calls_made();
  for (int i = 0; i < 100; ++i) {
    std::thread([] {
      free_call(allocate_call());
      pthread_setspecific(key, &key);
    }).join();
  }
  EXPECT_EQ(calls_made(), before) << "a cache was made again after the thread's end and lost";
  pthread_key_delete(key);
}

TEST(Walk, ComesByEveryCallOnce) {
  std::vector<Call*> mine;
  for (const std::size_t storage : std::initializer_list<std::size_t>{0, 50, 150, 400, 1000})
    mine.push_back(allocate_call_with_storage(storage));
  std::multiset<Call*> seen;
  CallWalk walk;
  while (Call* call = walk.next()) seen.insert(call);
  for (Call* call : mine) {
    EXPECT_EQ(seen.count(call), 1u);
    throw_away(call);
  }
  EXPECT_EQ(walk.next(), nullptr) << "the end is the end";
}

TEST(Walk, GoesOnFromACopy) {
  CallWalk walk;
  Call* first = walk.next();
  ASSERT_NE(first, nullptr);
  const CallWalk place = walk;
  Call* second = walk.next();
  CallWalk again = place;
  EXPECT_EQ(again.next(), second);
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace crochet
