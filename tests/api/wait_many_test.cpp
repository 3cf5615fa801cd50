// SPDX-License-Identifier: MIT
// Waiting for any or all of several results: crochet_wait_any, crochet_wait_all.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/asleep.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/ended.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

struct Any {
  int code;
  std::size_t index;
};

Any wait_any(const std::vector<crochet_result*>& results, std::int64_t timeout_ns = kForever) {
  Any any{CROCHET_OK, 99};
  any.code = crochet_wait_any(results.data(), results.size(), timeout_ns, &any.index);
  return any;
}

int wait_all(const std::vector<crochet_result*>& results, std::int64_t timeout_ns = kForever) {
  return crochet_wait_all(results.data(), results.size(), timeout_ns);
}

void settle(Pending& call) { EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK); }

// Runs `wait` in a thread of its own, and `meanwhile` when that sleeps.
void while_it_waits(const std::function<void()>& wait, const std::function<void()>& meanwhile) {
  pid_t sleeper = 0;
  Gate there;
  std::thread waiter([&] {
    sleeper = gettid();
    there.open();
    wait();
  });
  there.wait();
  until_asleep(sleeper);
  meanwhile();
  waiter.join();
}

class WaitAny : public WithDefaultLoop {};
class WaitAll : public WithDefaultLoop {};

TEST_F(WaitAny, TellsTheFirstThatSettles) {
  Pending a, b, c;
  while_it_waits(
      [&] {
        const Any any = wait_any({a.result.get(), b.result.get(), c.result.get()});
        EXPECT_EQ(any.code, CROCHET_OK);
        EXPECT_EQ(any.index, 1u);
      },
      [&] { settle(b); });
}

TEST_F(WaitAny, TellsTheLowestOfThoseThatHadSettledHoweverTheyDid) {
  Pending a, b;
  const OwnedResult broken = ended(CROCHET_EBROKEN);
  settle(b);
  EXPECT_EQ(wait_any({a.result.get(), b.result.get(), broken.get()}, 0).index, 1u);
  EXPECT_EQ(wait_any({a.result.get(), broken.get(), b.result.get()}).index, 1u);
}

TEST_F(WaitAny, TakesResultsOfSeveralLoopsAndOneSeveralTimes) {
  OwnedLoop other;
  ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
  Pending a, b(other.get());
  while_it_waits(
      [&] {
        const Any any = wait_any({a.result.get(), b.result.get(), b.result.get()});
        EXPECT_EQ(any.code, CROCHET_OK);
        EXPECT_EQ(any.index, 1u);
      },
      [&] { EXPECT_EQ(crochet_loop_stop(other.get(), 0), CROCHET_OK); });
}

TEST_F(WaitAny, TimesOutAndLeavesNoTrace) {
  PROVOKES(crochet_wait_any, CROCHET_ETIMEDOUT);
  Pending a, b;
  for (const std::int64_t timeout : {std::int64_t{0}, kMillisecond}) {
    const Any any = wait_any({a.result.get(), b.result.get()}, timeout);
    EXPECT_EQ(any.code, CROCHET_ETIMEDOUT);
    EXPECT_EQ(any.index, 2u);
  }
  EXPECT_EQ(wait_any({}, kMillisecond).code, CROCHET_ETIMEDOUT);
  settle(a);
  EXPECT_EQ(wait_any({a.result.get(), b.result.get()}).index, 0u);
}

TEST_F(WaitAny, IsRefusedOnALoopsThread) {
  PROVOKES(crochet_wait_any, CROCHET_EDEADLK);
  const OwnedResult ready = ended(CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [&] { EXPECT_EQ(wait_any({ready.get()}, 0).code, CROCHET_EDEADLK); }), CROCHET_OK);
}

TEST_F(WaitAny, RefusesBadArguments) {
  PROVOKES(crochet_wait_any, CROCHET_EINVAL);
  Pending a;
  std::size_t index = 0;
  crochet_result* const results[] = {a.result.get()};
  EXPECT_EQ(crochet_wait_any(results, 1, 0, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_wait_any(nullptr, 1, 0, &index), CROCHET_EINVAL);
  EXPECT_EQ(index, 1u);
  EXPECT_EQ(wait_any({a.result.get()}, -2).code, CROCHET_EINVAL);
  EXPECT_EQ(wait_any({a.result.get(), nullptr}, 0).code, CROCHET_EINVAL);
  EXPECT_EQ(wait_any({a.result.get(), stale_result()}, 0).code, CROCHET_EINVAL);
}

TEST_F(WaitAll, WaitsForTheLast) {
  Pending a, b, c;
  settle(a);
  while_it_waits(
      [&] {
        EXPECT_EQ(wait_all({a.result.get(), b.result.get(), c.result.get()}), CROCHET_OK);
      },
      [&] {
        settle(c);
        EXPECT_EQ(crochet_reject(b.deferred.get(), CROCHET_EFAILED, nullptr), CROCHET_OK);
      });
  EXPECT_NE(crochet_result_error(b.result.get()), nullptr);
  EXPECT_EQ(wait_all({a.result.get(), b.result.get(), c.result.get()}, 0), CROCHET_OK);
  EXPECT_EQ(wait_all({}, 0), CROCHET_OK);
}

TEST_F(WaitAll, TimesOutWhileOneIsNotSettled) {
  PROVOKES(crochet_wait_all, CROCHET_ETIMEDOUT);
  Pending a, b;
  settle(a);
  EXPECT_EQ(wait_all({a.result.get(), b.result.get()}, 0), CROCHET_ETIMEDOUT);
  EXPECT_EQ(wait_all({b.result.get(), a.result.get()}, kMillisecond), CROCHET_ETIMEDOUT);
}

TEST_F(WaitAll, IsInterruptedByWhoInterruptsOne) {
  PROVOKES(crochet_wait_all, CROCHET_EINTR);
  Pending a;
  EXPECT_EQ(crochet_result_interrupt(a.result.get()), CROCHET_OK);
  EXPECT_EQ(wait_all({a.result.get()}), CROCHET_EINTR);
}

TEST_F(WaitAll, IsRefusedOnALoopsThread) {
  PROVOKES(crochet_wait_all, CROCHET_EDEADLK);
  const OwnedResult ready = ended(CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [&] { EXPECT_EQ(wait_all({ready.get()}, 0), CROCHET_EDEADLK); }), CROCHET_OK);
}

TEST_F(WaitAll, RefusesBadArguments) {
  PROVOKES(crochet_wait_all, CROCHET_EINVAL);
  Pending a;
  EXPECT_EQ(crochet_wait_all(nullptr, 1, 0), CROCHET_EINVAL);
  EXPECT_EQ(wait_all({a.result.get()}, -2), CROCHET_EINVAL);
  EXPECT_EQ(wait_all({nullptr}, 0), CROCHET_EINVAL);
  EXPECT_EQ(wait_all({stale_result()}, 0), CROCHET_EINVAL);
}

}  // namespace
}  // namespace contract
