// SPDX-License-Identifier: MIT
// The state word: its fields share no bit, and each change touches its own only.
#include "call/word.hpp"

#include <gtest/gtest.h>

#include <array>

namespace crochet {
namespace {

constexpr std::array kFlags = {word::kWaiters,     word::kJoiners,   word::kWatched,          word::kAtStop,
                               word::kCancelAsked, word::kStopAsked, word::kObserved,         word::kTaken,
                               word::kHooked,      word::kPosted,    word::kInterruptPending, word::kFinished,
                               word::kForgotten,   word::kAbandoned, word::kNeverRan,         word::kHasMore,
                               word::kSeen};

constexpr std::array kOutcomes = {Outcome::kValue,  Outcome::kFailed, Outcome::kCancelled, Outcome::kStopped,
                                  Outcome::kNotRun, Outcome::kBroken, Outcome::kForked,    Outcome::kUnused};

// Everything set that is no part of `mask`.
constexpr Word all_but(Word mask) { return ~mask; }

TEST(Word, HasFieldsThatShareNoBit) {
  Word taken = 0;
  const auto take = [&taken](Word mask) {
    EXPECT_EQ(taken & mask, 0u) << std::hex << mask;
    taken |= mask;
  };
  take(word::kPhaseMask);
  take(word::kOutcomeMask);
  take(word::kEpochMask);
  take(word::kGenerationMask);
  for (const Word flag : kFlags) {
    EXPECT_EQ(flag & (flag - 1), 0u) << std::hex << flag;
    take(flag);
  }
  EXPECT_EQ(taken & (word::kHandleMask ^ word::kGenerationMask), 0u)
      << "what tells a handle of the wrong kind is never set";
  EXPECT_EQ(taken >> 32, 0u) << "references alone live in the high half";
  EXPECT_EQ(word::kReference, Word{1} << 32);
}

TEST(Word, TellsItsPhase) {
  for (const Phase phase : {Phase::kQueued, Phase::kRunning, Phase::kSettling, Phase::kSettled}) {
    const Word w = word::with_phase(~Word{0}, phase);
    EXPECT_EQ(word::phase(w), phase);
    EXPECT_EQ(w | word::kPhaseMask, ~Word{0});
    EXPECT_EQ(word::settled(w), phase == Phase::kSettled);
    EXPECT_EQ(word::unsettled_and_free(w), phase == Phase::kQueued || phase == Phase::kRunning);
  }
}

TEST(Word, KeepsAllElseWhenItIsSettled) {
  const Word before = word::with_phase(all_but(word::kOutcomeMask), Phase::kRunning);
  for (const Outcome outcome : kOutcomes) {
    const Word w = word::settled_as(before, outcome);
    EXPECT_EQ(word::outcome(w), outcome);
    EXPECT_TRUE(word::settled(w));
    EXPECT_EQ(w & all_but(word::kOutcomeMask | word::kPhaseMask),
              before & all_but(word::kOutcomeMask | word::kPhaseMask));
  }
}

TEST(Word, SaysOfACallThatNeverRanSo) {
  const Word w = word::never_run_as(0, Outcome::kNotRun);
  EXPECT_EQ(w, word::settled_as(0, Outcome::kNotRun) | word::kNeverRan);
  EXPECT_FALSE(word::finished(w)) << "its argument is yet to be dropped";
}

TEST(Word, IsFinishedOnlyWhenItIsSettledAsWell) {
  EXPECT_FALSE(word::finished(word::with_phase(word::kFinished, Phase::kSettling)));
  EXPECT_FALSE(word::finished(word::with_phase(0, Phase::kSettled)));
  EXPECT_TRUE(word::finished(word::with_phase(word::kFinished, Phase::kSettled)));
}

TEST(Epoch, WrapsAfterSixteenWithoutACarry) {
  const Word start = all_but(word::kEpochMask);
  Word w = start;
  for (int i = 1; i < 16; ++i) {
    w = word::next_epoch(w);
    EXPECT_NE(word::epoch(w), word::epoch(start)) << i;
    EXPECT_EQ(w & all_but(word::kEpochMask), start) << i;
  }
  EXPECT_EQ(word::next_epoch(w), start);
}

TEST(Generation, WrapsAfterThirtyTwo) {
  EXPECT_EQ(word::kGenerations, 32u);
  for (Word generation = 0; generation < 32; ++generation) {
    const Word w = word::unused(generation);
    EXPECT_EQ(word::generation(w), generation);
    EXPECT_EQ(word::references(w), 0u);
    EXPECT_TRUE(word::settled(w));
    EXPECT_EQ(word::unused(generation + 32), w);
    EXPECT_NE(word::unused(generation + 1), w);
  }
}

TEST(Generation, IsReadWhateverElseIsSet) {
  const Word w = all_but(word::kGenerationMask) | word::in_generation(21);
  EXPECT_EQ(word::generation(w), 21u);
}

// What each fast path asks: the one word that it wants, and what else it may hold; any other bit is a no.
void expect_asks(bool (*asks)(Word, Word), Word wanted, Word of_no_matter) {
  for (Word life = 0; life < word::kGenerations; ++life) {
    EXPECT_TRUE(asks(wanted | life, life));
    EXPECT_TRUE(asks(wanted | life | of_no_matter, life));
    for (int bit = 0; bit < 64; ++bit) {
      const Word one = Word{1} << bit;
      EXPECT_EQ(asks((wanted | life) ^ one, life), (of_no_matter & one) != 0) << "bit " << bit;
    }
    EXPECT_FALSE(asks(wanted | life, life + word::kGenerations)) << "a handle of the wrong kind";
    for (Word other = 0; other < word::kGenerations; ++other) EXPECT_FALSE(asks(word::unused(other), life));
  }
}

constexpr Word kReferencesMask = all_but(word::kReference - 1);

TEST(FastPath, AsksForAValue) {
  expect_asks(word::has_value, 0, all_but(word::kHandleMask | word::kPhaseMask | word::kOutcomeMask));
}

TEST(FastPath, AsksWhetherItRuns) {
  expect_asks(word::runs, word::phase_bits(Phase::kRunning), all_but(word::kHandleMask | word::kPhaseMask));
}

TEST(FastPath, AsksWhetherNothingIsLeftButTheSlot) {
  expect_asks(word::ends_plainly, word::kReference,
              all_but(kReferencesMask | word::kHandleMask | word::kPhaseMask | word::kOutcomeMask | word::kHasMore));
}

TEST(Handle, IsAliveInItsGenerationWhileThereAreReferences) {
  const Word w = word::in_generation(7) | word::kReference;
  EXPECT_TRUE(word::alive(w, 7));
  EXPECT_FALSE(word::alive(w, 8));
  EXPECT_FALSE(word::alive(word::in_generation(7), 7));
  EXPECT_FALSE(word::alive(all_but(word::kGenerationMask), 7));
  EXPECT_FALSE(word::alive(w, 7 + word::kGenerations)) << "of the wrong kind";
}

TEST(References, DoNotTouchTheHalfThatWaitersParkOn) {
  const Word w = 0xffff'ffff;
  EXPECT_EQ(word::low_half(w + 5 * word::kReference), word::low_half(w));
  EXPECT_EQ(word::references(w + 5 * word::kReference), 5u);
  EXPECT_LT(word::kMaxReferences * 4, Word{1} << 32) << "room for pins and groups above the bound";
}

TEST(Reason, IsTheStopsOnlyWhenTheStopAsked) {
  EXPECT_EQ(word::reason(word::kStopAsked), Outcome::kStopped);
  EXPECT_EQ(word::reason(word::kCancelAsked), Outcome::kCancelled);
  EXPECT_EQ(word::reason(0), Outcome::kCancelled);
}

}  // namespace
}  // namespace crochet
