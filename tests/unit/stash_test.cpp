// SPDX-License-Identifier: MIT
// Results under numbers: put once, taken back once, bounded in count and time.
#include "runtime/stash.hpp"

#include <gtest/gtest.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <set>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/drop_counter.hpp"
#include "unit/support/made_call.hpp"

// What the random source answers next, in turn, the first bytes of a number or a failure; then it is the system again.
namespace {
struct Answer {
  std::uint64_t number;
  std::size_t length;
  int error;
};
std::deque<Answer> answers;
}  // namespace

// In place of the system's, for the library too.
extern "C" ssize_t getrandom(void* bytes, std::size_t length, unsigned flags) {
  if (answers.empty()) return syscall(SYS_getrandom, bytes, length, flags);
  const Answer answer = answers.front();
  answers.pop_front();
  if (answer.error != 0) {
    errno = answer.error;
    return -1;
  }
  std::memcpy(bytes, &answer.number, answer.length);
  return static_cast<ssize_t>(answer.length);
}

namespace crochet {
namespace {

using contract::DropCounter;
constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;

class StashTest : public testing::Test {
 protected:
  // A settled, finished call whose one reference is to be stashed; its value counts its drops.
  MadeCall result() {
    const MadeCall call = running_call();
    call.resolve(values_.pointer(), DropCounter::drop);
    call.release_deferred();
    return call;
  }
  int put(const MadeCall& call, std::uint64_t type = 1) {
    return stash_.put(call.call, call.generation, type, &uid_, &expires_first_);
  }
  std::uint64_t stashed(std::uint64_t type = 1) {
    EXPECT_EQ(put(result(), type), CROCHET_OK);
    return uid_;
  }
  int take(std::uint64_t uid, std::uint64_t type = 1) {
    return stash_.take(uid, type, &taken_.call, &taken_.generation);
  }
  void take_and_release(std::uint64_t uid, std::uint64_t type = 1) {
    EXPECT_EQ(take(uid, type), CROCHET_OK);
    EXPECT_TRUE(taken_.release());
  }
  // Calls expire() until nothing is left that expires: for times that are over at once.
  void until_all_expired() {
    while (!stash_.expire().is_never()) {
    }
  }

  DropCounter values_;
  std::uint64_t uid_ = 0;
  bool expires_first_ = false;
  MadeCall taken_{};
  Stash stash_;
};

class Put : public StashTest {};
class TakeBack : public StashTest {};
class Expire : public StashTest {};
class Clear : public StashTest {};
class Limits : public StashTest {};

TEST_F(Put, GivesANumberThatFitsIntoASignedOne) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t uid = stashed();
    EXPECT_NE(uid, 0u);
    EXPECT_LE(uid, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    EXPECT_TRUE(seen.insert(uid).second);
  }
  EXPECT_GT(*seen.rbegin(), std::uint64_t{1} << 61) << "all of the range is used";
  EXPECT_EQ(stash_.clear(), 2000u);
}

TEST_F(Put, KeepsTheReferenceItWasGiven) {
  const MadeCall call = result();
  EXPECT_EQ(put(call), CROCHET_OK);
  EXPECT_EQ(call.references(), 1u);
  EXPECT_EQ(values_.count(), 0);
  stash_.clear();
  EXPECT_TRUE(call.is_destroyed());
  EXPECT_EQ(values_.count(), 1);
}

TEST_F(Put, AsksUntilItHasANumberThatIsWholeAndNotZero) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  answers = {{0, 0, EINTR}, {77, 4, 0}, {0, 8, 0}, {kSign, 8, 0}, {kSign + 5, 8, 0}};
  EXPECT_EQ(stashed(), 5u);
  EXPECT_TRUE(answers.empty());
  take_and_release(5);
}

TEST_F(Put, WithoutARandomSourceIsRefused) {
  answers = {{0, 0, ENOSYS}};
  const MadeCall call = result();
  EXPECT_EQ(put(call), CROCHET_ENOMEM);
  EXPECT_EQ(uid_, 0u);
  EXPECT_EQ(call.references(), 1u) << "the caller's as before";
  call.release();
}

TEST_F(Put, UnderANumberThatIsInUseIsRefused) {
  answers = {{5, 8, 0}, {5, 8, 0}};
  const std::uint64_t uid = stashed();
  const MadeCall second = result();
  EXPECT_EQ(put(second), CROCHET_ENOSPC);
  EXPECT_EQ(second.references(), 1u) << "the caller's as before";
  second.release();
  take_and_release(uid);
}

TEST_F(TakeBack, GivesTheVeryCallOnce) {
  const MadeCall call = result();
  EXPECT_EQ(put(call, 42), CROCHET_OK);
  EXPECT_EQ(take(uid_, 42), CROCHET_OK);
  EXPECT_EQ(taken_.call, call.call);
  EXPECT_EQ(taken_.generation, call.generation);
  EXPECT_EQ(take(uid_, 42), CROCHET_ENOENT);
  EXPECT_EQ(stash_.clear(), 0u);
  EXPECT_EQ(values_.count(), 0) << "the reference is the taker's";
  taken_.release();
}

TEST_F(TakeBack, WithAnotherTypeLeavesItThere) {
  const std::uint64_t uid = stashed(42);
  EXPECT_EQ(take(uid, 43), CROCHET_ETYPE);
  EXPECT_EQ(take(uid, 0), CROCHET_ETYPE);
  take_and_release(uid, 42);
}

TEST_F(TakeBack, OfNoSuchNumberIsRefused) {
  const std::uint64_t uid = stashed();
  for (const std::uint64_t wrong : {std::uint64_t{0}, uid + 1, uid | (std::uint64_t{1} << 63), ~std::uint64_t{0}}) {
    EXPECT_EQ(take(wrong), CROCHET_ENOENT);
  }
  take_and_release(uid);
}

TEST_F(TakeBack, ByManyThreadsHasOneWinner) {
  for (int round = 0; round < 100; ++round) {
    const std::uint64_t uid = stashed();
    std::atomic<int> winners{0}, losers{0};
    contract::at_once(4, [&](int) {
      MadeCall mine{};
      const int code = stash_.take(uid, 1, &mine.call, &mine.generation);
      if (code == CROCHET_OK) {
        winners.fetch_add(1);
        mine.release();
      } else if (code == CROCHET_ENOENT) {
        losers.fetch_add(1);
      }
    });
    EXPECT_EQ(winners.load(), 1);
    EXPECT_EQ(losers.load(), 3);
  }
}

TEST_F(Limits, RefuseWhatIsTooMany) {
  stash_.set_limits(2, kForever);
  const std::uint64_t first = stashed();
  stashed();
  const MadeCall third = result();
  uid_ = 0;
  EXPECT_EQ(put(third), CROCHET_ENOSPC);
  EXPECT_EQ(uid_, 0u);
  EXPECT_EQ(third.references(), 1u) << "the caller's as before";
  take_and_release(first);
  EXPECT_EQ(put(third), CROCHET_OK);
  EXPECT_EQ(stash_.clear(), 2u);
}

TEST_F(Limits, LeaveWhatIsStashedAlready) {
  const std::uint64_t uid = stashed();
  stash_.set_limits(0, 1);
  EXPECT_EQ(stash_.expire().ns(), Deadline::never().ns());
  const MadeCall refused = result();
  EXPECT_EQ(put(refused), CROCHET_ENOSPC);
  refused.release();
  take_and_release(uid);
}

TEST_F(Limits, AreLargeAtFirst) {
  stash_.set_limits(65536, kForever);
  Stash fresh;
  bool expires = true;
  const MadeCall call = result();
  call->word.fetch_add(70000 * word::kReference);
  for (int i = 0; i < 65536; ++i) ASSERT_EQ(fresh.put(call.call, call.generation, 1, &uid_, &expires), CROCHET_OK);
  EXPECT_EQ(fresh.put(call.call, call.generation, 1, &uid_, &expires), CROCHET_ENOSPC);
  EXPECT_FALSE(expires);
  EXPECT_EQ(fresh.clear(), 65536u);
  EXPECT_EQ(call.references(), 70000u + 1 - 65536);
  call->word.fetch_sub((70000 - 65536) * word::kReference);
  call.release();
}

TEST_F(Expire, DropsWhatIsOver) {
  stash_.set_limits(100, 1);
  const std::uint64_t uid = stashed();
  stashed();
  until_all_expired();
  EXPECT_EQ(values_.count(), 2);
  EXPECT_EQ(take(uid), CROCHET_ENOENT);
  EXPECT_EQ(stash_.clear(), 0u);
}

TEST_F(Expire, IsNoticedByATakerAlsoWhenNobodyHasDroppedIt) {
  stash_.set_limits(100, 1);
  const std::uint64_t uid = stashed();
  for (const Deadline over = Deadline::after(1); !over.passed();) {
  }
  EXPECT_EQ(take(uid), CROCHET_ENOENT);
  EXPECT_EQ(take(uid, 2), CROCHET_ENOENT) << "all alike";
  EXPECT_EQ(values_.count(), 0);
  until_all_expired();
  EXPECT_EQ(values_.count(), 1);
}

TEST_F(Expire, KeepsWhatIsNotOverAndSaysWhenItWillBe) {
  stash_.set_limits(100, kHour);
  const std::int64_t before = monotonic_ns();
  const std::uint64_t uid = stashed();
  const std::int64_t after = monotonic_ns();
  const Deadline next = stash_.expire();
  EXPECT_GE(next.ns(), before + kHour);
  EXPECT_LE(next.ns(), after + kHour);
  EXPECT_EQ(values_.count(), 0);
  take_and_release(uid);
  EXPECT_TRUE(stash_.expire().is_never()) << "what was taken does not expire";
}

TEST_F(Expire, IsForThoseWithATimeOnly) {
  stashed();
  EXPECT_FALSE(stash_.expires());
  stash_.set_limits(100, kHour);
  const std::uint64_t uid = stashed();
  EXPECT_TRUE(stash_.expires());
  take_and_release(uid);
  EXPECT_FALSE(stash_.expires());
  stash_.clear();
}

TEST_F(Expire, SaysWhichIsTheFirst) {
  stashed();
  EXPECT_FALSE(expires_first_) << "it never expires";
  stash_.set_limits(100, 2 * kHour);
  stashed();
  EXPECT_TRUE(expires_first_);
  stashed();
  EXPECT_FALSE(expires_first_) << "later than the one before";
  stash_.set_limits(100, kHour);
  stashed();
  EXPECT_TRUE(expires_first_);
  stash_.clear();
}

TEST_F(Expire, DropsTheFirstAndKeepsTheRest) {
  stash_.set_limits(100, kHour);
  const std::uint64_t late = stashed();
  stash_.set_limits(100, 1);
  stashed();
  while (stash_.expire().passed()) {
  }
  while (values_.count() == 0) stash_.expire();
  EXPECT_EQ(values_.count(), 1);
  take_and_release(late);
}

// What is dropped may call back: no lock is held.
Stash* reentered = nullptr;
MadeCall to_be_put{};

void put_from_drop(void*) {
  std::uint64_t uid = 0;
  bool expires_first = false;
  EXPECT_EQ(reentered->put(to_be_put.call, to_be_put.generation, 1, &uid, &expires_first), CROCHET_OK);
}

TEST_F(Expire, HoldsNoLockWhileItDrops) {
  stash_.set_limits(100, 1);
  const MadeCall call = running_call();
  call.resolve(nullptr, put_from_drop);
  call.release_deferred();
  EXPECT_EQ(put(call), CROCHET_OK);
  reentered = &stash_;
  to_be_put = result();
  until_all_expired();
  EXPECT_EQ(values_.count(), 1);
}

TEST_F(Clear, HoldsNoLockWhileItDrops) {
  const MadeCall call = running_call();
  call.resolve(nullptr, put_from_drop);
  call.release_deferred();
  EXPECT_EQ(put(call), CROCHET_OK);
  reentered = &stash_;
  to_be_put = result();
  EXPECT_EQ(stash_.clear(), 1u);
  EXPECT_EQ(stash_.clear(), 1u) << "what was put meanwhile";
  EXPECT_EQ(values_.count(), 1);
}

TEST_F(Clear, ForgetsWhatWouldHaveExpired) {
  stash_.set_limits(100, kHour);
  stashed();
  EXPECT_EQ(stash_.clear(), 1u);
  EXPECT_TRUE(stash_.expire().is_never());
  stashed();
  EXPECT_TRUE(expires_first_);
  stash_.clear();
}

}  // namespace
}  // namespace crochet
