// SPDX-License-Identifier: MIT
// The heap of calls that wait for a time: in order, first in first out among equals, and no grave of cancelled ones.
#include "loop/due_calls.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "unit/support/made_call.hpp"

namespace crochet {
namespace {

// Queued, with the group's reference for the heap and one handle.
MadeCall call_due_at(std::int64_t ns) {
  Call* call = allocate_call();
  Timing* timing = call->need_timing();
  EXPECT_NE(timing, nullptr);
  timing->call = call;
  timing->starts = ns;
  timing->expires = Deadline::never().ns();
  call->set_function(do_nothing);
  const Word generation = call->make_prepared(kLoopId, nullptr, nullptr, 1, word::kConditional | word::kHasMore);
  return {call, generation};
}

void release_all(DueCalls& due) {
  while (!due.empty()) {
    Call* call = due.take();
    call->end_as(Outcome::kNotRun, Outcome::kStopped);
    call->release_reference();
  }
}

std::uint64_t some() {  // of no importance, but the same each time
  static std::uint64_t state = 1;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

TEST(DueCalls, ComeOutInTheOrderOfTheirTimes) {
  DueCalls due;
  EXPECT_TRUE(due.empty());
  EXPECT_TRUE(due.first().is_never());
  std::vector<std::pair<std::int64_t, Call*>> made;
  for (int i = 0; i < 5000; ++i) {
    const auto time = static_cast<std::int64_t>(some() % 1000);  // many are equal
    const MadeCall call = call_due_at(time);
    made.emplace_back(time, call.call);
    due.insert(*call->timing());
  }
  std::stable_sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [time, call] : made) {
    ASSERT_EQ(due.first().ns(), time);
    ASSERT_EQ(due.take(), call);
    call->end_as(Outcome::kNotRun, Outcome::kStopped);
    call->release_reference();
    call->release_reference();
  }
  EXPECT_TRUE(due.empty());
}

TEST(DueCalls, KeepTheOrderWhileTheyComeAndGo) {
  DueCalls due;
  std::vector<std::int64_t> times;
  for (int i = 0; i < 20000; ++i) {
    if (times.empty() || some() % 3 != 0) {
      const auto time = static_cast<std::int64_t>(some() % 100000);
      const MadeCall call = call_due_at(time);
      times.push_back(time);
      due.insert(*call->timing());
      continue;
    }
    const auto first = std::min_element(times.begin(), times.end());
    ASSERT_EQ(due.first().ns(), *first);
    Call* call = due.take();
    ASSERT_EQ(call->timing()->due, *first);
    times.erase(first);
    call->end_as(Outcome::kNotRun, Outcome::kStopped);
    call->release_reference();
    call->release_reference();
  }
  while (!due.empty()) {
    Call* call = due.take();
    call->end_as(Outcome::kNotRun, Outcome::kStopped);
    call->release_reference();
    call->release_reference();
  }
}

TEST(DueCalls, ThatWereCancelledStayBounded) {
  for (const std::size_t live : {std::size_t{0}, std::size_t{100}}) {
    DueCalls due;
    std::vector<MadeCall> waiting;
    for (std::size_t i = 0; i < live; ++i) {
      waiting.push_back(call_due_at(static_cast<std::int64_t>(some())));
      due.insert(*waiting.back()->timing());
    }
    std::set<Call*> slots;  // of which the heap lets go are used again
    for (int i = 0; i < 10000; ++i) {
      const MadeCall call = call_due_at(static_cast<std::int64_t>(some()));
      slots.insert(call.call);
      due.insert(*call->timing());
      EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
      EXPECT_TRUE(call.release());
    }
    EXPECT_LE(slots.size(), 4 * live + 10);
    for (const MadeCall& call : waiting) EXPECT_FALSE(word::settled(call.word())) << "it still waits";
    release_all(due);
    for (const MadeCall& call : waiting) call.release();
  }
}

TEST(DueCalls, OfWhichTheOnlyOneIsCancelledAreNone) {
  DueCalls due;
  const MadeCall call = call_due_at(100);
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
  due.insert(*call->timing());
  EXPECT_TRUE(due.empty());
  EXPECT_TRUE(call.release());
  EXPECT_TRUE(call.is_destroyed());
}

TEST(DueCalls, AreAsSoonAsWhatComesFirst) {
  DueCalls due;
  const MadeCall call = call_due_at(100);
  call->timing()->expires = 50;
  due.insert(*call->timing());
  EXPECT_EQ(due.first().ns(), 50);
  release_all(due);
  call.release();
}

}  // namespace
}  // namespace crochet
