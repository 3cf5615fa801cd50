// SPDX-License-Identifier: MIT
// Finding a loop's calls by walking over all slots.
#include "call/sweep.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/drop_counter.hpp"
#include "unit/support/made_call.hpp"

namespace crochet {
namespace {

using contract::DropCounter;

// Ids that no other test of this program uses.
std::uint32_t fresh_id() {
  static std::uint32_t last = 1000;
  return ++last;
}

std::vector<Call*> swept(std::uint32_t loop_id) {
  std::vector<Call*> found;
  for_each_unsettled(loop_id, [&](Call& call) { found.push_back(&call); });
  std::sort(found.begin(), found.end());
  return found;
}

MadeCall running(std::uint32_t loop_id, std::size_t storage = 0) {
  Call* call = allocate_call_with_storage(storage);
  const Word more = call->word.load() & word::kHasMore;
  call->set_function(nullptr);
  return {call, call->make_prepared(loop_id, nullptr, nullptr, 1, more, Call::From::kHand)};
}

void end(const MadeCall& call) {
  call.resolve();
  call.release_deferred();
  call.release();
}

TEST(Sweep, FindsQueuedAndRunningCallsOfItsLoop) {
  const std::uint32_t id = fresh_id();
  const MadeCall queued = queued_call(do_nothing, nullptr, nullptr, 1, 0, id), runs = running(id);
  const MadeCall others = running(fresh_id());
  std::vector<Call*> expected{queued.call, runs.call};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(swept(id), expected);
  queued->refuse();
  queued.release();
  end(runs);
  end(others);
}

TEST(Sweep, FindsCallsOfEverySize) {
  const std::uint32_t id = fresh_id();
  std::vector<MadeCall> calls;
  for (const std::size_t storage : std::initializer_list<std::size_t>{0, 1, 64, 65, 192, 193, 448, 449, 10000}) {
    calls.push_back(running(id, storage));
  }
  EXPECT_EQ(swept(id).size(), calls.size());
  for (const MadeCall& call : calls) end(call);
  EXPECT_TRUE(swept(id).empty());
}

TEST(Sweep, LeavesOutWhatIsSettledBeingSettledOrNotMade) {
  const std::uint32_t id = fresh_id();
  const MadeCall settled = running(id), settling = running(id);
  settled.resolve();
  settling->word.store(word::with_phase(settling.word(), Phase::kSettling));
  Call* prepared = allocate_call();
  prepared->loop.store(id);
  EXPECT_TRUE(swept(id).empty());
  EXPECT_EQ(prepared->word.load() >> 32, 0u);
  free_call(prepared);
  settling->word.store(word::with_phase(settling.word(), Phase::kRunning));
  end(settled);
  end(settling);
}

TEST(Sweep, PinsWhatItVisitsAndLetsGo) {
  const std::uint32_t id = fresh_id();
  const MadeCall call = running(id);
  Word meanwhile = 0;
  for_each_unsettled(id, [&](Call&) { meanwhile = call.references(); });
  EXPECT_EQ(meanwhile, 3u);
  EXPECT_EQ(call.references(), 2u);
  end(call);
}

TEST(Sweep, MayEndACallUnderItsVisit) {
  const std::uint32_t id = fresh_id();
  const MadeCall call = running(id);
  for_each_unsettled(id, [&](Call&) {
    end(call);
    EXPECT_FALSE(call.is_destroyed()) << "the pin keeps it";
  });
  EXPECT_TRUE(call.is_destroyed());
}

TEST(Sweep, PinsNothingOfAnotherLoop) {
  const MadeCall call = running(fresh_id());
  EXPECT_FALSE(pin(*call.call, fresh_id()));
  EXPECT_EQ(call.references(), 2u);
  end(call);
}

TEST(Sweep, PinsNoFreeSlot) {
  const std::uint32_t id = fresh_id();
  const MadeCall call = running(id);
  end(call);
  EXPECT_FALSE(pin(*call.call, id));
  EXPECT_TRUE(call.is_destroyed());
}

TEST(Sweep, SettlesEachCallOnceWhileProducersEndThem) {
  constexpr int kCalls = 64;
  for (int round = 0; round < 20; ++round) {
    const std::uint32_t id = fresh_id();
    DropCounter args;
    std::vector<MadeCall> calls;
    for (int i = 0; i < kCalls; ++i) {
      Call* call = allocate_call();
      calls.push_back(
          {call, call->make(id, 0, args.pointer(), DropCounter::drop, 0, word::kForgotten, Call::From::kHand)});
    }
    contract::at_once(3, [&](int i) {
      if (i < 2) {
        for_each_unsettled(id, [](Call& call) { call.end_as(Outcome::kNotRun, Outcome::kStopped); });
      } else {
        for (const MadeCall& call : calls) call.release_deferred();
      }
    });
    EXPECT_EQ(args.count(), kCalls);
    EXPECT_TRUE(swept(id).empty());
    for (const MadeCall& call : calls) EXPECT_TRUE(call.is_destroyed());
  }
}

TEST(Unfinished, IsWhatStillHasADeferred) {
  const std::uint32_t id = fresh_id();
  const MadeCall call = running(id);
  EXPECT_TRUE(is_unfinished(*call.call, id));
  EXPECT_FALSE(is_unfinished(*call.call, id + 1));
  call.resolve();
  EXPECT_TRUE(is_unfinished(*call.call, id));
  call.release_deferred();
  EXPECT_FALSE(is_unfinished(*call.call, id));
  call.release();
  EXPECT_FALSE(is_unfinished(*call.call, id));
}

TEST(Unfinished, IsNothingThatWasLeftToTheParent) {
  const std::uint32_t id = fresh_id();
  const MadeCall call = running(id);
  call->leave_to_parent();
  EXPECT_FALSE(is_unfinished(*call.call, id));
}

}  // namespace
}  // namespace crochet
