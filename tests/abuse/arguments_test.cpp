// SPDX-License-Identifier: MIT
// Abuse of arguments and handles: rows A1 to A8. (A9 starts a counter just below its bound and is a unit test.)
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/at_once.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }

template <typename Handle>
Handle* garbage() {
  static std::max_align_t somewhere;
  return reinterpret_cast<Handle*>(&somewhere);
}

// ---- A1: what may be NULL; all other NULLs are null_arguments.py's.

TEST(AbuseA1, WhatMayBeNullMayBeNull) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    crochet_options_free(nullptr);
    crochet_loop_release(nullptr);
    crochet_call_discard(nullptr);
    crochet_result_release(nullptr);
    crochet_deferred_release(nullptr);
    EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_wait_for(nullptr, resolve_null, nullptr, nullptr, kForever, nullptr), CROCHET_OK);
    OwnedCall call;
    ASSERT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_OK);
    EXPECT_EQ(crochet_call_run(call.release(), resolve_null, nullptr, nullptr), CROCHET_OK);
    OwnedDeferred deferred;
    ASSERT_EQ(crochet_deferred_new(nullptr, nullptr, nullptr, deferred.out(), nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_deferred_on_cancel(deferred.get(), nullptr, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_reject_with(deferred.get(), -1, nullptr, 0, nullptr, nullptr), CROCHET_OK);
    Pending value;
    EXPECT_EQ(crochet_resolve(value.deferred.get(), nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(value.result.get(), nullptr), CROCHET_OK);
    void* taken = nullptr;
    EXPECT_EQ(crochet_result_take(value.result.get(), &taken, nullptr), CROCHET_OK);
  });
}

// ---- A2: times (the C part)

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(AbuseA2, ZeroLooksAndBadNegativesAreRefused) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Pending call;
    using Wait = int (*)(crochet_result*, std::int64_t);
    for (const Wait wait : {&crochet_result_wait, &crochet_result_wait_interruptible, &crochet_result_join}) {
      EXPECT_EQ(wait(call.result.get(), 0), CROCHET_ETIMEDOUT);
      EXPECT_EQ(wait(call.result.get(), -2), CROCHET_EINVAL);
      EXPECT_EQ(wait(call.result.get(), kMin), CROCHET_EINVAL);
    }
    for (const std::int64_t bad : {std::int64_t{-2}, kMin}) {
      EXPECT_EQ(crochet_wait_for(nullptr, never, nullptr, nullptr, bad, nullptr), CROCHET_EINVAL);
      EXPECT_EQ(crochet_stash_limits(1, bad), CROCHET_EINVAL);
      EXPECT_EQ(crochet_shutdown(bad), CROCHET_EINVAL);
    }
    EXPECT_EQ(crochet_shutdown(kForever), CROCHET_EINVAL);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
}

TEST(AbuseA2, HugeTimesNeverComeToAnEndAtOnce) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    // 2^32 ms: what a 32-bit number of milliseconds makes nothing of. The others: what overflows when added to a clock.
    for (const std::int64_t huge :
         {kForever, kMax, kMax - 1, kMax / 2, (std::int64_t{1} << 32) * kMillisecond, std::int64_t{1} << 62}) {
      Pending call;
      std::thread settler([&] {
        // Comes when the waiter is asleep; a wait that returned at once would have returned CROCHET_ETIMEDOUT by now.
        EXPECT_EQ(crochet_result_wait(call.result.get(), 10 * kMillisecond), CROCHET_ETIMEDOUT);
        EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
        call.deferred.reset();
      });
      EXPECT_EQ(crochet_result_wait(call.result.get(), huge), CROCHET_OK);
      EXPECT_EQ(crochet_result_join(call.result.get(), huge), CROCHET_OK);
      settler.join();
      EXPECT_EQ(crochet_wait_for(nullptr, resolve_null, nullptr, nullptr, huge, nullptr), CROCHET_OK);
    }
  });
}

TEST(AbuseA2, AHugeGraceAndAHugeTimeToLiveSaturate) {
  in_own_process([] {
    EXPECT_EQ(crochet_stash_limits(10, kMax), CROCHET_OK);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    std::uint64_t uid = 0;
    EXPECT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    OwnedResult back;
    EXPECT_EQ(crochet_retrieve_result(uid, 1, back.out()), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kMax), CROCHET_OK);
  });
}

// ---- A3: use after the last release

// Every use of a stale result is refused, and changes nothing.
void expect_result_refused(crochet_result* stale) {
  EXPECT_EQ(crochet_result_wait(stale, kForever), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_wait_interruptible(stale, kForever), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_join(stale, kForever), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_status(stale), CROCHET_EINVAL);
  void* value = nullptr;
  EXPECT_EQ(crochet_result_take(stale, &value, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_cancel(stale, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_interrupt(stale), CROCHET_EINVAL);
  std::uint64_t uid = 0;
  EXPECT_EQ(crochet_result_stash(stale, 1, &uid), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_value(stale), nullptr);
  EXPECT_EQ(crochet_result_error(stale), nullptr);
  EXPECT_EQ(crochet_result_retain(stale), nullptr);
  crochet_result_release(stale);
  crochet_result_release(stale);
}

void expect_deferred_refused(crochet_deferred* stale) {
  DropCounter drops;
  EXPECT_EQ(crochet_resolve(stale, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(crochet_reject(stale, -1, "why"), CROCHET_EINVAL);
  EXPECT_EQ(crochet_reject_with(stale, -1, "why", 1, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(crochet_deferred_on_cancel(stale, never, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(drops.count(), 3);
  EXPECT_EQ(crochet_deferred_is_cancelled(stale), 0);
  EXPECT_EQ(crochet_deferred_loop(stale), nullptr);
  EXPECT_EQ(crochet_deferred_retain(stale), nullptr);
  crochet_deferred_release(stale);
  crochet_deferred_release(stale);
}

TEST(AbuseA3, AReleasedHandleIsRefusedByEveryFunction) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    expect_result_refused(stale_result());
    expect_deferred_refused(stale_deferred());
    crochet_loop* const loop = stale_loop();
    DropCounter drops;
    EXPECT_EQ(crochet_run(loop, never, drops.pointer(), DropCounter::drop, nullptr), CROCHET_EINVAL);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_loop_stop(loop, 0), CROCHET_EINVAL);
    EXPECT_EQ(crochet_loop_retain(loop), nullptr);
    crochet_loop_release(loop);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  });
}

TEST(AbuseA3, AStaleHandleDoesNotReachTheNextCallInItsPlace) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    // The next lives of the slot, each looked at through the first one's handles. One generation of 32 comes again.
    constexpr int kLives = 31 * 32;
    crochet_result* const stale_one = stale_result();
    crochet_deferred* const stale_other = stale_deferred();
    int reached = 0;
    int reached_other = 0;
    for (int life = 0; life < kLives; ++life) {
      Pending call;
      const int seen = crochet_result_status(stale_one);
      if (seen != CROCHET_EINVAL) {
        EXPECT_EQ(seen, CROCHET_EPENDING);
        ++reached;
      }
      crochet_deferred* const other = crochet_deferred_retain(stale_other);
      if (other != nullptr) {
        crochet_deferred_release(other);
        ++reached_other;
      }
      EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    }
    EXPECT_LE(reached, kLives / 32 + 1);
    EXPECT_LE(reached_other, kLives / 32 + 1);
  });
}

TEST(AbuseA3, AForgottenRetainIsRefusedWhenTheFunctionsReturnTookTheDeferredAway) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    crochet_deferred* borrowed = nullptr;
    OwnedResult result;
    ASSERT_EQ(run(
                  nullptr, [&borrowed](crochet_deferred* deferred) { borrowed = deferred; }, result.out()),
              CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EBROKEN);
    // The caller still holds the result: the slot is the call's, but nobody's deferred any more.
    DropCounter value;
    EXPECT_NE(crochet_resolve(borrowed, value.pointer(), DropCounter::drop), CROCHET_OK);
    EXPECT_EQ(value.count(), 1);
    EXPECT_EQ(crochet_deferred_retain(borrowed), nullptr);
    crochet_deferred_release(borrowed);
    EXPECT_NE(crochet_result_error(result.get()), nullptr);
    result.reset();
    expect_deferred_refused(borrowed);
  });
}

TEST(AbuseA3, StaleUsesByManyThreadsHarmNobody) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    std::atomic<crochet_result*> stale{stale_result()};
    std::atomic<bool> done{false};
    constexpr int kLives = 20000;
    at_once(4, [&](int thread) {
      if (thread == 0) {  // lives go by
        int taken_away = 0;
        for (int i = 0; i < kLives; ++i) {
          OwnedResult result;
          ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
          // A thread that stood still for 32 lives meets its handle's generation again, and may give this one back.
          const int code = crochet_result_wait(result.get(), kForever);
          if (code == CROCHET_EINVAL) ++taken_away;
          else EXPECT_EQ(code, CROCHET_OK);
          stale = result.get();
        }
        EXPECT_LE(taken_away, kLives / 32);
        done = true;
        return;
      }
      while (!done) {  // and others look at what was released, or is about to be
        crochet_result* const handle = stale;
        crochet_result_status(handle);
        crochet_result* const mine = crochet_result_retain(handle);
        if (mine != nullptr) crochet_result_release(mine);
      }
    });
  });
}

// ---- A4: settling twice

TEST(AbuseA4, OfResolveAndRejectFromTwoThreadsOneWins) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    constexpr int kRounds = 2000;
    std::vector<Pending> calls(kRounds);
    std::vector<DropCounter> values(kRounds), payloads(kRounds);
    std::vector<std::array<int, 2>> codes(kRounds);
    std::array<std::atomic<int>, 2> at{};
    at_once(2, [&](int thread) {
      const std::size_t side = static_cast<std::size_t>(thread);
      for (int i = 0; i < kRounds; ++i) {
        const std::size_t n = static_cast<std::size_t>(i);
        at[side] = i;
        while (at[1 - side] < i) sched_yield();  // side by side, so that they race
        codes[n][side] = thread == 0 ? crochet_resolve(calls[n].deferred.get(), values[n].pointer(), DropCounter::drop)
                                     : crochet_reject_with(calls[n].deferred.get(), -1, "why", 1, payloads[n].pointer(),
                                                           DropCounter::drop);
      }
    });
    for (int i = 0; i < kRounds; ++i) {
      const std::size_t n = static_cast<std::size_t>(i);
      const bool resolved = codes[n][0] == CROCHET_OK;
      EXPECT_EQ(codes[n][resolved ? 1 : 0], CROCHET_EALREADY);
      EXPECT_EQ(codes[n][resolved ? 0 : 1], CROCHET_OK);
      EXPECT_EQ(crochet_result_status(calls[n].result.get()), resolved ? CROCHET_OK : CROCHET_EFAILED);
      EXPECT_EQ(values[n].count(), resolved ? 0 : 1);
      EXPECT_EQ(payloads[n].count(), resolved ? 1 : 0);
      crochet_result_error(calls[n].result.get());
    }
    calls.clear();
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_EQ(values[static_cast<std::size_t>(i)].count(), 1);
      EXPECT_EQ(payloads[static_cast<std::size_t>(i)].count(), 1);
    }
  });
}

TEST(AbuseA4, TheSecondSettlingLosesAndItsValueIsDestroyedOnce) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    DropCounter first, second;
    {
      Pending call;
      EXPECT_EQ(crochet_resolve(call.deferred.get(), first.pointer(), DropCounter::drop), CROCHET_OK);
      EXPECT_EQ(crochet_resolve(call.deferred.get(), second.pointer(), DropCounter::drop), CROCHET_EALREADY);
      EXPECT_EQ(crochet_reject(call.deferred.get(), -1, nullptr), CROCHET_EALREADY);
      EXPECT_EQ(first.count(), 0);
    }
    EXPECT_EQ(first.count(), 1);
    EXPECT_EQ(second.count(), 1);
  });
}

// ---- A5: every reference dropped unsettled

TEST(AbuseA5, LastReferenceDroppedGivesBroken) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Pending call;
    std::vector<OwnedDeferred> more;
    for (int i = 0; i < 100; ++i) more.emplace_back(crochet_deferred_retain(call.deferred.get()));
    std::thread dropper([&] {
      call.deferred.reset();
      more.clear();
    });
    at_once(4, [&](int) { EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EBROKEN); });
    dropper.join();
    EXPECT_EQ(crochet_error_code(crochet_result_error(call.result.get())), CROCHET_EBROKEN);
    EXPECT_EQ(crochet_result_join(call.result.get(), 0), CROCHET_OK);
  });
}

// ---- A6: eight takers

TEST(AbuseA6, OfEightTakersOneWins) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (int round = 0; round < 200; ++round) {
      Pending call;
      DropCounter value;
      ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
      std::atomic<int> winners{0};
      at_once(8, [&](int) {
        void* taken = nullptr;
        crochet_drop_fn* drop = nullptr;
        const int code = crochet_result_take(call.result.get(), &taken, &drop);
        if (code == CROCHET_OK) {
          EXPECT_EQ(taken, value.pointer());
          drop(taken);
          ++winners;
        } else {
          EXPECT_EQ(code, CROCHET_ETAKEN);
          EXPECT_EQ(taken, nullptr);
          EXPECT_EQ(drop, nullptr);
        }
      });
      EXPECT_EQ(winners, 1);
      EXPECT_EQ(value.count(), 1);
    }
  });
}

// ---- A7: uids

int retrieved(std::uint64_t uid, std::uint64_t type) {
  crochet_result* result = garbage<crochet_result>();
  const int code = crochet_retrieve_result(uid, type, &result);
  if (code != CROCHET_OK) {
    EXPECT_EQ(result, nullptr);
  }
  if (code == CROCHET_OK) crochet_result_release(result);
  return code;
}

TEST(AbuseA7, WrongUidsAreAllAlike) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    std::uint64_t uid = 0;
    ASSERT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    EXPECT_EQ(retrieved(0, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(static_cast<std::uint64_t>(-1), 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(std::uint64_t{1} << 63, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(uid | std::uint64_t{1} << 63, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(uid ^ 1, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(uid, 2), CROCHET_ETYPE);
    EXPECT_EQ(retrieved(uid, 0), CROCHET_ETYPE);
    EXPECT_EQ(retrieved(uid, 1), CROCHET_OK);
    EXPECT_EQ(retrieved(uid, 1), CROCHET_ENOENT);  // used up
    EXPECT_EQ(retrieved(uid, 2), CROCHET_ENOENT);
  });
}

TEST(AbuseA7, ManyRandomUidsFindNothing) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    for (int i = 0; i < 1000; ++i) {
      std::uint64_t uid = 0;
      ASSERT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    }
    std::mt19937_64 random(4711);
    int found = 0;
    const int tries = kSanitized ? 1'000'000 : 10'000'000;
    for (int i = 0; i < tries; ++i) {
      crochet_result* back = nullptr;
      found += crochet_retrieve_result(random(), 1, &back) == CROCHET_ENOENT ? 0 : 1;
    }
    EXPECT_EQ(found, 0);
  });
}

TEST(AbuseA7, AUidFromBeforeAShutdownIsWrongToo) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    std::uint64_t uid = 0;
    ASSERT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    ASSERT_EQ(crochet_shutdown(0), CROCHET_OK);
    EXPECT_EQ(retrieved(uid, 1), CROCHET_ENOENT);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(retrieved(uid, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(uid, 2), CROCHET_ENOENT);
  });
}

// ---- A8: reject messages

std::string message_of(const char* message) {
  Pending call;
  EXPECT_EQ(crochet_reject(call.deferred.get(), -1, message), CROCHET_OK);
  return crochet_error_message(crochet_result_error(call.result.get()));
}

TEST(AbuseA8, AMessageOfAMegabyteIsKeptUpToTheBound) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    std::string megabyte(1 << 20, 'x');
    for (std::size_t i = 0; i < megabyte.size(); ++i) megabyte[i] = static_cast<char>('a' + i % 26);
    const std::string kept = message_of(megabyte.c_str());
    EXPECT_LE(kept.size(), 65536u);
    EXPECT_GE(kept.size(), 65535u);
    EXPECT_EQ(kept, megabyte.substr(0, kept.size()));
    const std::string just_fits = megabyte.substr(0, 65535);
    EXPECT_EQ(message_of(just_fits.c_str()), just_fits);
  });
}

TEST(AbuseA8, BytesThatAreNoUtf8AreKeptAsTheyAre) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (const char* bytes : {"\xff\xfe\xfd", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80z", "%s%n{}\n\t\x01"}) {
      EXPECT_EQ(message_of(bytes), bytes);
    }
    LogCapture log;
    {
      Pending unobserved;  // such a text goes through the log, too
      EXPECT_EQ(crochet_reject(unobserved.deferred.get(), -1, "%s%n{}\xff\n\x01 end"), CROCHET_OK);
    }
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
    EXPECT_NE(log.stop().find("%s%n{}"), std::string::npos);
  });
}

TEST(AbuseA8, EmptyAndNullGiveTheCodesOwnMessage) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(message_of(""), crochet_status_message(-1));
    EXPECT_EQ(message_of(nullptr), crochet_status_message(-1));
  });
}

}  // namespace
}  // namespace contract
