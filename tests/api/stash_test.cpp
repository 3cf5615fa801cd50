// SPDX-License-Identifier: MIT
// The stash: crochet_result_stash(), crochet_retrieve_result(), crochet_stash_limits().
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr std::uint64_t kType = 0xc0ffee;
constexpr std::uint32_t kDefaultCapacity = 65536;

class Stash : public WithDefaultLoop {
 protected:
  void TearDown() override {
    EXPECT_EQ(crochet_stash_limits(kDefaultCapacity, kForever), CROCHET_OK);  // they are the process's
    WithDefaultLoop::TearDown();
  }

  static std::uint64_t stashed(const OwnedResult& result, std::uint64_t type = kType) {
    std::uint64_t uid = 0;
    EXPECT_EQ(crochet_result_stash(result.get(), type, &uid), CROCHET_OK);
    return uid;
  }
};

TEST_F(Stash, KeepsAResultUntilItIsRetrieved) {
  PROVOKES(crochet_result_stash, CROCHET_OK);
  PROVOKES(crochet_retrieve_result, CROCHET_OK);
  PROVOKES(crochet_retrieve_result, CROCHET_ENOENT);
  Pending call;
  const std::uint64_t uid = stashed(call.result);
  crochet_result* const handle = call.result.get();
  call.result.reset();
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  OwnedResult back;
  EXPECT_EQ(crochet_retrieve_result(uid, kType, back.out()), CROCHET_OK);
  EXPECT_EQ(back.get(), handle);
  EXPECT_EQ(crochet_result_status(back.get()), CROCHET_OK);
  // Once: the uid is used up.
  crochet_result* again = handle;
  EXPECT_EQ(crochet_retrieve_result(uid, kType, &again), CROCHET_ENOENT);
  EXPECT_EQ(again, nullptr);
}

TEST_F(Stash, LeavesTheCallersReferenceToTheCaller) {
  DropCounter value;
  Pending call;
  ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
  call.deferred.reset();
  OwnedResult back;
  ASSERT_EQ(crochet_retrieve_result(stashed(call.result), kType, back.out()), CROCHET_OK);
  call.result.reset();
  EXPECT_EQ(value.count(), 0);
  back.reset();
  EXPECT_EQ(value.count(), 1);
}

TEST_F(Stash, GivesOutPositiveNumbersOfWhichNoneIsLikeAnother) {
  constexpr int kResults = 1000;
  OwnedResult result = ended(CROCHET_OK);
  std::set<std::uint64_t> uids;
  for (int i = 0; i < kResults; ++i) {
    const std::uint64_t uid = stashed(result);
    EXPECT_GE(uid, 1u);
    EXPECT_LE(uid, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    uids.insert(uid);
  }
  EXPECT_EQ(uids.size(), static_cast<std::size_t>(kResults));
  // Random, not counted: every bit of 63 is seen set and seen clear among a thousand.
  std::uint64_t ever_set = 0;
  std::uint64_t ever_clear = 0;
  for (const std::uint64_t uid : uids) {
    ever_set |= uid;
    ever_clear |= ~uid;
  }
  constexpr std::uint64_t kAll = (std::uint64_t{1} << 63) - 1;
  EXPECT_EQ(ever_set & kAll, kAll);
  EXPECT_EQ(ever_clear & kAll, kAll);
  OwnedResult back;
  for (const std::uint64_t uid : uids) EXPECT_EQ(crochet_retrieve_result(uid, kType, back.out()), CROCHET_OK);
}

TEST_F(Stash, RefusesAnotherTypeAndTheUidStaysGood) {
  PROVOKES(crochet_retrieve_result, CROCHET_ETYPE);
  OwnedResult result = ended(CROCHET_OK);
  const std::uint64_t uid = stashed(result);
  crochet_result* back = result.get();
  EXPECT_EQ(crochet_retrieve_result(uid, kType + 1, &back), CROCHET_ETYPE);
  EXPECT_EQ(back, nullptr);
  EXPECT_EQ(crochet_retrieve_result(uid, kType, &back), CROCHET_OK);
  crochet_result_release(back);
}

TEST_F(Stash, RefusesBadHandlesAndNowhereToGo) {
  PROVOKES(crochet_result_stash, CROCHET_EINVAL);
  PROVOKES(crochet_retrieve_result, CROCHET_EINVAL);
  OwnedResult result = ended(CROCHET_OK);
  std::uint64_t uid = 1;
  EXPECT_EQ(crochet_result_stash(nullptr, kType, &uid), CROCHET_EINVAL);
  EXPECT_EQ(uid, 0u);
  EXPECT_EQ(crochet_result_stash(result.get(), kType, nullptr), CROCHET_EINVAL);
  const std::uint64_t good = stashed(result);
  EXPECT_EQ(crochet_retrieve_result(good, kType, nullptr), CROCHET_EINVAL);
  OwnedResult back;
  EXPECT_EQ(crochet_retrieve_result(good, kType, back.out()), CROCHET_OK);  // still there
  crochet_result* const stale = stale_result();
  uid = 1;
  EXPECT_EQ(crochet_result_stash(stale, kType, &uid), CROCHET_EINVAL);
  EXPECT_EQ(uid, 0u);
}

TEST_F(Stash, IsFullAtItsCapacity) {
  PROVOKES(crochet_result_stash, CROCHET_ENOSPC);
  PROVOKES(crochet_stash_limits, CROCHET_OK);
  ASSERT_EQ(crochet_stash_limits(2, kForever), CROCHET_OK);
  OwnedResult result = ended(CROCHET_OK);
  const std::uint64_t first = stashed(result);
  stashed(result);
  std::uint64_t uid = 1;
  EXPECT_EQ(crochet_result_stash(result.get(), kType, &uid), CROCHET_ENOSPC);
  EXPECT_EQ(uid, 0u);
  OwnedResult back;
  ASSERT_EQ(crochet_retrieve_result(first, kType, back.out()), CROCHET_OK);
  stashed(result);  // there is room again
}

TEST_F(Stash, WithoutCapacityKeepsNothingNewAndAllThatWasThere) {
  OwnedResult result = ended(CROCHET_OK);
  const std::uint64_t before = stashed(result);
  ASSERT_EQ(crochet_stash_limits(0, kForever), CROCHET_OK);
  std::uint64_t uid = 1;
  EXPECT_EQ(crochet_result_stash(result.get(), kType, &uid), CROCHET_ENOSPC);
  OwnedResult back;
  EXPECT_EQ(crochet_retrieve_result(before, kType, back.out()), CROCHET_OK);
}

TEST_F(Stash, DropsWhatNobodyRetrievedInTime) {
  ASSERT_EQ(crochet_stash_limits(10, kMillisecond), CROCHET_OK);
  DropCounter value;
  std::uint64_t uid = 0;
  {
    Pending call;
    ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
    uid = stashed(call.result);
  }
  value.wait();  // nobody but the clock makes this happen
  EXPECT_EQ(value.count(), 1);
  OwnedResult back;
  EXPECT_EQ(crochet_retrieve_result(uid, kType, back.out()), CROCHET_ENOENT);
}

TEST_F(Stash, KeepsForEverWhatWasStashedBeforeThereWasATimeToLive) {
  DropCounter early, late;
  Pending first, second;
  ASSERT_EQ(crochet_resolve(first.deferred.get(), early.pointer(), DropCounter::drop), CROCHET_OK);
  ASSERT_EQ(crochet_resolve(second.deferred.get(), late.pointer(), DropCounter::drop), CROCHET_OK);
  const std::uint64_t kept = stashed(first.result);
  ASSERT_EQ(crochet_stash_limits(10, kMillisecond), CROCHET_OK);
  stashed(second.result);
  for (Pending* call : {&first, &second}) {
    call->deferred.reset();
    call->result.reset();
  }
  late.wait();
  EXPECT_EQ(early.count(), 0);
  OwnedResult back;
  EXPECT_EQ(crochet_retrieve_result(kept, kType, back.out()), CROCHET_OK);
}

TEST_F(Stash, RefusesNoTimeToLive) {
  PROVOKES(crochet_stash_limits, CROCHET_EINVAL);
  EXPECT_EQ(crochet_stash_limits(10, 0), CROCHET_EINVAL);
  EXPECT_EQ(crochet_stash_limits(10, -2), CROCHET_EINVAL);
  EXPECT_EQ(crochet_stash_limits(10, std::numeric_limits<std::int64_t>::min()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_stash_limits(10, std::numeric_limits<std::int64_t>::max()), CROCHET_OK);
  OwnedResult result = ended(CROCHET_OK);
  OwnedResult back;
  EXPECT_EQ(crochet_retrieve_result(stashed(result), kType, back.out()), CROCHET_OK);
}

TEST_F(Stash, MayBeUsedOnALoopsThread) {
  OwnedResult result = ended(CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr,
                    [&] {
                      OwnedResult back;
                      EXPECT_EQ(crochet_retrieve_result(stashed(result), kType, back.out()), CROCHET_OK);
                    }),
            CROCHET_OK);
}

TEST_F(Stash, UidsGoThroughDecimalText) {
  OwnedResult result = ended(CROCHET_OK);
  const std::string cookie = std::to_string(stashed(result));
  OwnedResult back;
  EXPECT_EQ(crochet_retrieve_result(std::stoull(cookie), kType, back.out()), CROCHET_OK);
}

}  // namespace
}  // namespace contract
