// SPDX-License-Identifier: MIT
// The state word of a call: what its 64 bits mean, and nothing that touches memory.
//
//   63 ........ 32 | 31   | 30..27 | 26..11 | 10..8   | 7..6  | 5    | 4..0
//   references R   | seen | epoch  | flags  | outcome | phase | zero | generation
//
// The low half is what waiters park on; reference traffic in the high half never disturbs them. The six lowest bits are
// where handles have theirs (handle.hpp), and what the common end of a call looks like is zero: settled, with a value.
// So one exclusive or and one mask ask all that the fast paths ask.
//
//   phase     who owns the object in it                                    who may leave it, to what
//   kQueued   the queue (or a watch list, the at-stop stack, the loop's due calls), a sweep that pins it
//                                                                          loop: kRunning; cancel, stop: kSettled
//   kRunning  the function and whoever holds a deferred                    a settler: kSettling;
//                                                                          cancel, stop, finish: kSettled
//   kSettling one settler, for a few instructions: it writes the outcome   that settler only: kSettled
//   kSettled  the holders of references; the outcome never changes         nobody, until destroyed: next generation
//
//   flag               set by                         may it be stale?
//   kWaiters           a waiter before it parks       yes: a wake-up for nobody
//   kJoiners           a joiner before it parks       yes
//   kWatched           an adder of watchers           yes: an empty list is closed
//   kAtStop            the init store only            no
//   kCancelAsked       the first cancel               no; never together with kStopAsked: who asked first decides
//   kStopAsked         the loop's stop                no
//   kObserved          who fetched the error          no
//   kTaken             who took the value             no
//   kConditional       before it is queued: popping it does not start it            no. The same bit: while it is
//                      queued, and when it never ran. Who starts it clears it; a value to be taken comes later
//   kHooked            on_cancel                      yes: the hook may have been cleared or run since
//   kPosted            cancel: the call is on its way to the loop as a message      no; set at most once in a life
//   kFinished          the argument was dropped, no deferred is left                no
//   kInterruptPending  interrupt; taken back by the first waiter that sees it       no
//   kForgotten         the init store only: made without a result                   no
//   kAbandoned         stop: the loop has ended, somebody still holds a deferred    no
//   kNeverRan          who settled it out of kQueued                                no; kFinished follows
//   kHasMore           the init store, need_side(): a side record, or storage       no; a settled call may get it
//   kSeen              who looks at all calls: when it was first seen is written    no: a new life begins without it
#pragma once

#include <cstdint>

namespace crochet {

using Word = std::uint64_t;

enum class Phase : Word { kSettled = 0, kSettling = 1, kRunning = 2, kQueued = 3 };

// kUnused: of a slot that nobody refers to.
enum class Outcome : Word {
  kValue = 0,
  kFailed = 1,
  kCancelled = 2,
  kStopped = 3,
  kNotRun = 4,
  kBroken = 5,
  kForked = 6,
  kUnused = 7
};

namespace word {

inline constexpr Word kGenerations = 32;
inline constexpr Word kGenerationMask = kGenerations - 1;
inline constexpr Word kHandleMask = 2 * kGenerations - 1;  // of what a handle says in its low bits

inline constexpr int kPhaseShift = 6;
inline constexpr Word kPhaseMask = Word{3} << kPhaseShift;
inline constexpr int kOutcomeShift = 8;
inline constexpr Word kOutcomeMask = Word{7} << kOutcomeShift;

inline constexpr Word kWaiters = Word{1} << 11;
inline constexpr Word kJoiners = Word{1} << 12;
inline constexpr Word kWatched = Word{1} << 13;
inline constexpr Word kAtStop = Word{1} << 14;
inline constexpr Word kCancelAsked = Word{1} << 15;
inline constexpr Word kStopAsked = Word{1} << 16;
inline constexpr Word kObserved = Word{1} << 17;
inline constexpr Word kTaken = Word{1} << 18;
inline constexpr Word kConditional = kTaken;
inline constexpr Word kHooked = Word{1} << 19;
inline constexpr Word kPosted = Word{1} << 20;
inline constexpr Word kFinished = Word{1} << 21;
inline constexpr Word kInterruptPending = Word{1} << 22;
inline constexpr Word kForgotten = Word{1} << 23;
inline constexpr Word kAbandoned = Word{1} << 24;
inline constexpr Word kNeverRan = Word{1} << 25;
inline constexpr Word kHasMore = Word{1} << 26;
inline constexpr Word kAsked = kCancelAsked | kStopAsked;

inline constexpr int kEpochShift = 27;
inline constexpr Word kEpochMask = Word{15} << kEpochShift;
inline constexpr Word kSeen = Word{1} << 31;

inline constexpr Word kReference = Word{1} << 32;
inline constexpr Word kMaxReferences = Word{1} << 24;  // handles of one call; far below where the count could wrap

constexpr Phase phase(Word w) { return static_cast<Phase>((w & kPhaseMask) >> kPhaseShift); }
constexpr Word phase_bits(Phase p) { return static_cast<Word>(p) << kPhaseShift; }
constexpr Word outcome_bits(Outcome o) { return static_cast<Word>(o) << kOutcomeShift; }
constexpr Outcome outcome(Word w) { return static_cast<Outcome>((w & kOutcomeMask) >> kOutcomeShift); }
constexpr Word references(Word w) { return w >> 32; }
constexpr std::uint32_t low_half(Word w) { return static_cast<std::uint32_t>(w); }
constexpr Word generation(Word w) { return w & kGenerationMask; }
constexpr Word epoch(Word w) { return w & kEpochMask; }
constexpr bool settled(Word w) { return phase(w) == Phase::kSettled; }
constexpr bool finished(Word w) { return settled(w) && (w & kFinished) != 0; }
constexpr bool unsettled_and_free(Word w) { return phase(w) == Phase::kQueued || phase(w) == Phase::kRunning; }

// Queued, and to be started as soon as it is popped.
constexpr bool starts_plainly(Word w) { return (w & (kPhaseMask | kConditional)) == phase_bits(Phase::kQueued); }

constexpr Word with_phase(Word w, Phase p) { return (w & ~kPhaseMask) | phase_bits(p); }
// Only from an unsettled word: its outcome bits are zero.
constexpr Word settled_as(Word w, Outcome o) { return with_phase(w, Phase::kSettled) | outcome_bits(o); }
constexpr Word never_run_as(Word w, Outcome o) { return settled_as(w, o) | kNeverRan; }
constexpr Word next_epoch(Word w) { return (w & ~kEpochMask) | ((w + (Word{1} << kEpochShift)) & kEpochMask); }
constexpr Word in_generation(Word generation) { return generation % kGenerations; }
// A slot that nobody refers to, about to be used for the given generation.
constexpr Word unused(Word generation) { return outcome_bits(Outcome::kUnused) | in_generation(generation); }
// Does a handle of that generation, owned by somebody, mean this life of the slot? A handle of the wrong kind has a
// generation of 32 or more (handle.hpp), and bit 5 of the word is never set.
constexpr bool alive(Word w, Word handle_generation) {
  return ((w ^ handle_generation) & kHandleMask) == 0 && references(w) != 0;
}

// What the fast paths ask, with a generation as alive() has it. A slot that nobody refers to answers no to all of them.
constexpr bool has_value(Word w, Word handle_generation) {
  return ((w ^ handle_generation) & (kHandleMask | kPhaseMask | kOutcomeMask)) == 0;
}
constexpr bool runs(Word w, Word handle_generation) {
  return ((w ^ handle_generation) & (kHandleMask | kPhaseMask)) == phase_bits(Phase::kRunning);
}
// The handle is the last reference, to a value; but for that nothing is left beside the slot.
constexpr bool ends_plainly(Word w, Word handle_generation) {
  constexpr Word kReferences = ~(kReference - 1);
  return ((w ^ handle_generation) & (kReferences | kHandleMask | kPhaseMask | kOutcomeMask | kHasMore)) == kReference;
}
constexpr Outcome reason(Word w) { return (w & kStopAsked) != 0 ? Outcome::kStopped : Outcome::kCancelled; }

}  // namespace word
}  // namespace crochet
