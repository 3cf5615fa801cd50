// SPDX-License-Identifier: MIT
// The checker finds what it is there to find, is silent about what is right, and can show a failure again.
#include <gtest/gtest.h>

#include <string>

#include "base/atomic.hpp"
#include "base/park.hpp"
#include "model/control.hpp"
#include "model/heap.hpp"
#include "model/lifetimes.hpp"
#include "model/mutex.hpp"
#include "model/search.hpp"
#include "model/thread_local.hpp"

namespace crochet {
namespace {

using model::Outcome;

// Searches here are small and end by themselves; how long they may take is the test runner's affair.
model::Limits no_hurry() {
  model::Limits limits;
  limits.seconds = 1e9;
  return limits;
}

template <class S>
Outcome search(int threads, int bound = model::kUnbounded) {
  return model::search_depth_first(model::scenario_of<S>("scenario", threads), bound, no_hurry());
}

void expect_passed(const Outcome& outcome) {
  EXPECT_EQ(outcome.failure, "") << outcome.trace;
  EXPECT_TRUE(outcome.exhausted);
}

void expect_found(const Outcome& outcome, const std::string& what) {
  EXPECT_NE(outcome.failure.find(what), std::string::npos) << "instead: " << outcome.failure << "\n" << outcome.trace;
}

// ---- how many executions there are

struct TwoStepsEach {
  Atomic<int> x{0}, y{0};
  void thread(int t) {
    Atomic<int>& mine = t == 0 ? x : y;
    mine.store(1, relaxed);
    mine.store(2, relaxed);
  }
  void end() {}
};

// Each thread has two points, in front of its steps, where it may be left, and its end, where it must. By hand: the
// starter, say A, may never be left early (1). Or A is left at its first or second point, for B, who runs to the end or
// is left in turn at one of its own two points, and so on.
TEST(DepthFirst, RunsEachExecutionOfATinyScenarioOnce) {
  EXPECT_EQ(search<TwoStepsEach>(2, 0).executions, 2U);
  EXPECT_EQ(search<TwoStepsEach>(2, 1).executions, 2U + 4U);
  // The second preemption takes B back to A: after A was left at its first point (2 places in B) or second (2 places).
  EXPECT_EQ(search<TwoStepsEach>(2, 2).executions, 2U + 4U + 8U);
  expect_passed(search<TwoStepsEach>(2));
}

struct OneStepEach {
  Atomic<int> x{0}, y{0};
  void thread(int t) { (t == 0 ? x : y).store(1, relaxed); }
  void end() {}
};

// A may be left at its only point, B then likewise; A's second turn can only end. Two starters: 2 * (1 + 1 + 1).
TEST(DepthFirst, CountsInterleavingsOfOneStepEach) {
  EXPECT_EQ(search<OneStepEach>(2, 0).executions, 2U);
  EXPECT_EQ(search<OneStepEach>(2, 1).executions, 4U);
  EXPECT_EQ(search<OneStepEach>(2).executions, 6U);
}

struct OneThreadSeesItself {
  Atomic<int> x{0};
  void thread(int) {
    x.store(1, relaxed);
    MODEL_EXPECT(x.load(relaxed) == 1);
  }
  void end() {}
};

TEST(DepthFirst, HasOneExecutionForOneThread) {
  const Outcome outcome = search<OneThreadSeesItself>(1);
  expect_passed(outcome);
  EXPECT_EQ(outcome.executions, 1U);
}

// ---- bounds and replays

// Fails only when thread 0 is left twice.
struct NeedsTwoPreemptions {
  Atomic<int> x{0};
  void thread(int t) {
    if (t == 1) {
      const int first = x.load(relaxed);
      const int second = x.load(relaxed);
      MODEL_EXPECT(!(first == 1 && second == 2));
    } else {
      x.exchange(1, relaxed);
      x.exchange(2, relaxed);
    }
  }
  void end() {}
};

struct NeedsTwoPreemptionsAndSeesNothingStale : NeedsTwoPreemptions {
  void thread(int t) {
    if (t == 0) return NeedsTwoPreemptions::thread(t);
    const int first = x.fetch_add(0, relaxed);
    const int second = x.fetch_add(0, relaxed);
    MODEL_EXPECT(!(first == 1 && second == 2));
  }
};

TEST(Bound, IsRespected) {
  expect_passed(search<NeedsTwoPreemptionsAndSeesNothingStale>(2, 1));
  const Outcome outcome = search<NeedsTwoPreemptionsAndSeesNothingStale>(2, 2);
  expect_found(outcome, "expected !(first == 1 && second == 2)");
  EXPECT_EQ(outcome.preemptions, 2);
}

TEST(Bound, DoesNotLimitWhatLoadsSee) { expect_found(search<NeedsTwoPreemptions>(2, 0), "expected"); }

TEST(Replay, OfATrailGivesTheSameFailureAndTrace) {
  const auto scenario = model::scenario_of<NeedsTwoPreemptions>("scenario", 2);
  const Outcome found = model::search_depth_first(scenario, 2, no_hurry());
  ASSERT_TRUE(found.failed());
  const Outcome again = model::replay(scenario, found.replay, no_hurry());
  EXPECT_EQ(again.failure, found.failure);
  EXPECT_EQ(again.trace, found.trace);
  EXPECT_EQ(again.executions, 1U);
}

TEST(Replay, OfASeedGivesTheSameFailureAndTrace) {
  const auto scenario = model::scenario_of<NeedsTwoPreemptionsAndSeesNothingStale>("scenario", 2);
  const Outcome found = model::search_random(scenario, 1, no_hurry());
  ASSERT_TRUE(found.failed());
  const Outcome again = model::replay(scenario, found.replay, no_hurry());
  EXPECT_EQ(again.failure, found.failure);
  EXPECT_EQ(again.trace, found.trace);
}

TEST(Replay, RefusesWhatIsNoTrail) {
  EXPECT_TRUE(model::replay(model::scenario_of<OneStepEach>("scenario", 2), "2:?", no_hurry()).failed());
}

TEST(Trace, NamesThreadsObjectsOperationsAndLines) {
  struct Named {
    Atomic<int> head{0};
    Named() { model::name(head, "head"); }
    void thread(int) {
      head.fetch_add(3, acq_rel);
      MODEL_EXPECT(false);
    }
    void end() {}
  };
  const Outcome outcome = search<Named>(1);
  EXPECT_NE(outcome.trace.find("T0    head: fetch_add acq_rel 0 -> 3"), std::string::npos) << outcome.trace;
  EXPECT_NE(outcome.trace.find("engine_test.cpp:"), std::string::npos) << outcome.trace;
}

TEST(Limits, EndASearchAfterSoManyExecutions) {
  model::Limits limits = no_hurry();
  limits.executions = 3;
  const Outcome outcome = model::search_depth_first(model::scenario_of<TwoStepsEach>("scenario", 2), 2, limits);
  EXPECT_EQ(outcome.executions, 3U);
  EXPECT_FALSE(outcome.exhausted);
}

TEST(Scenario, ThatIsNotDeterministicIsReported) {
  struct Moody {
    Atomic<int> x{0};
    void thread(int t) {
      static int runs = 0;
      model::choose(2 + ++runs % 3);
      x.fetch_add(t, relaxed);
    }
    void end() {}
  };
  expect_found(search<Moody>(2), "not deterministic");
}

// ---- data races

template <std::memory_order kStore, std::memory_order kLoad>
struct HandOver {
  Plain<int> value{0};
  Atomic<bool> ready{false};
  void thread(int t) {
    if (t == 0) {
      value = 5;
      ready.store(true, kStore);
    } else if (ready.load(kLoad)) {
      MODEL_EXPECT(value == 5);
    }
  }
  void end() { MODEL_EXPECT(value == 5); }
};

TEST(DataRace, IsNotSeenWhereReleaseMeetsAcquire) { expect_passed(search<HandOver<release, acquire>>(2)); }

TEST(DataRace, IsFoundWhereEitherIsRelaxed) {
  expect_found(search<HandOver<relaxed, acquire>>(2), "data race");
  expect_found(search<HandOver<release, relaxed>>(2), "data race");
}

struct WritesAfterReads {
  Plain<int> value{0};
  Atomic<int> readers{0};
  void thread(int t) {
    if (t < 2) {
      MODEL_EXPECT(value == 0);
      readers.fetch_add(1, t == 0 ? release : relaxed);
    } else if (readers.load(acquire) == 2) {
      value = 1;
    }
  }
  void end() {}
};

TEST(DataRace, IsFoundWhenOneOfTheReadersDidNotRelease) { expect_found(search<WritesAfterReads>(3), "every read"); }

struct UsedBeforeItsConstructionIsKnown {
  Atomic<Atomic<int>*> published{nullptr};
  void thread(int t) {
    if (t == 0) {
      published.store(model::create<Atomic<int>>("object", 1), relaxed);
    } else if (Atomic<int>* object = published.load(relaxed)) {
      object->load(relaxed);
    }
  }
  void end() {}
};

TEST(Atomic, MustNotBeUsedBeforeItsConstructionIsKnown) {
  expect_found(search<UsedBeforeItsConstructionIsKnown>(2), "not ordered after its birth");
}

// ---- those who wait for ever

struct TwoLocks {
  model::Mutex a, b;
  void thread(int t) {
    (t == 0 ? a : b).lock();
    (t == 0 ? b : a).lock();
    (t == 0 ? b : a).unlock();
    (t == 0 ? a : b).unlock();
  }
  void end() {}
};

TEST(Deadlock, OfTwoLocksInBothOrdersIsFound) {
  expect_found(search<TwoLocks>(2), "deadlock: T0 waits for a mutex");
  expect_found(model::search_random(model::scenario_of<TwoLocks>("scenario", 2), 1, no_hurry()), "deadlock");
}

struct Guarded {
  model::Mutex lock;
  Plain<int> count{0};
  void thread(int) {
    lock.lock();
    ++count;
    lock.unlock();
  }
  void end() { MODEL_EXPECT(count == 3); }
};

TEST(Mutex, OrdersWhatItGuards) { expect_passed(search<Guarded>(3)); }

constexpr std::uint64_t kSettled = 1, kWaiters = 2;

// The waiter announces itself in the word that it parks on. The wrong one does so by load and store.
template <bool kRight>
struct WaitAndWake {
  Atomic<std::uint64_t> word{0};
  Plain<int> result{0};

  void thread(int t) {
    if (t == 0) {
      result = 7;
      const std::uint64_t before = word.fetch_or(kSettled, acq_rel);
      if ((before & kWaiters) != 0) unpark_all(word);
      return;
    }
    for (;;) {
      std::uint64_t seen = announce();
      if ((seen & kSettled) != 0) break;
      park(word, static_cast<std::uint32_t>(seen | kWaiters), Deadline::never(), false);
    }
    MODEL_EXPECT(result == 7);
  }
  std::uint64_t announce() {
    if (kRight) return word.fetch_or(kWaiters, acq_rel);
    const std::uint64_t seen = word.load(acquire);
    if ((seen & kSettled) == 0) word.store(seen | kWaiters, release);
    return seen;
  }
  void end() {}
};

TEST(LostWakeUp, IsNotSeenInTheRightProtocol) { expect_passed(search<WaitAndWake<true>>(3)); }
TEST(LostWakeUp, IsFoundWhenTheFlagIsSetByLoadAndStore) { expect_found(search<WaitAndWake<false>>(2), "deadlock"); }

// Settles, and looks for waiters in what it read before.
struct LooksForWaitersTooEarly {
  Atomic<std::uint64_t> word{0};
  void thread(int t) {
    if (t == 0) {
      const bool waiters = (word.load(acquire) & kWaiters) != 0;
      word.fetch_or(kSettled, acq_rel);
      if (waiters) unpark_all(word);
    } else if ((word.fetch_or(kWaiters, acq_rel) & kSettled) == 0) {
      park(word, kWaiters, Deadline::never(), false);
    }
  }
  void end() {}
};

TEST(LostWakeUp, IsFoundWhenWaitersAreLookedForTooEarly) {
  expect_found(search<LooksForWaitersTooEarly>(2), "deadlock: T1 waits for its wake-up");
}

struct TimedPark {
  Atomic<std::uint64_t> word{0};
  static inline bool timed_out = false, woken = false;
  void thread(int t) {
    if (t == 0) {
      word.fetch_or(kSettled, release);
      unpark_all(word);
      return;
    }
    const Deadline deadline = Deadline::after(1'000'000);
    const Parked why = park(word, 0, deadline, false);
    (why == Parked::kTimedOut ? timed_out : woken) = true;
    MODEL_EXPECT(deadline.passed() == (why == Parked::kTimedOut));
  }
  void end() {}
};

TEST(TimedPark, MayEndEitherWay) {
  expect_passed(search<TimedPark>(2));
  EXPECT_TRUE(TimedPark::timed_out);
  EXPECT_TRUE(TimedPark::woken);
}

struct SpuriousWakeup {
  Atomic<std::uint64_t> word{0};
  SpuriousWakeup() { model::allow_spurious_wakeups(1); }
  void thread(int) { MODEL_EXPECT(park(word, 0, Deadline::never(), false) == Parked::kWoken); }
  void end() {}
};

TEST(Park, MayReturnForNoReasonOnlyWhenAllowed) { expect_passed(search<SpuriousWakeup>(1)); }

struct Signalled {
  Atomic<std::uint64_t> word{0};
  static inline int parked_then = 0;
  bool handled = false;
  void thread(int t) {
    if (t == 0) {
      model::signal(
          1, [](void* self) { static_cast<Signalled*>(self)->handled = true; }, this);
      return;
    }
    if (park(word, 0, Deadline::at(10), true) == Parked::kSignalled) {
      ++parked_then;
      MODEL_EXPECT(handled);
    }
  }
  void end() {}
};

TEST(Park, ReturnsForASignal) {
  expect_passed(search<Signalled>(2));
  EXPECT_GT(Signalled::parked_then, 0);
}

struct SpinsWithoutYield {
  Atomic<bool> flag{false};
  void thread(int) {
    while (!flag.load(relaxed)) {
    }
  }
  void end() {}
};

TEST(StepLimit, EndsALivelock) { expect_found(search<SpinsWithoutYield>(1), "step limit"); }

// A failed compare-exchange may see what is stale, but not for ever.
struct RetriesACompareExchange {
  Atomic<int> x{0};
  void thread(int t) {
    if (t == 0) {
      x.store(1, relaxed);
      x.store(2, relaxed);
      return;
    }
    model::block_until([this] { return x.peek() == 2; });
    for (;;) {
      int expected = 2;
      if (x.compare_exchange_strong(expected, 3, acq_rel, relaxed)) break;
    }
  }
  void end() {}
};

TEST(StaleStores, RunOut) { expect_passed(search<RetriesACompareExchange>(2)); }

struct SpinsWithYield {
  Atomic<bool> flag{false};
  void thread(int t) {
    if (t == 0) return flag.store(true, relaxed);
    while (!flag.load(relaxed)) model::yield();
  }
  void end() {}
};

TEST(Yield, LetsASpinEnd) { expect_passed(search<SpinsWithYield>(3)); }

struct SleepsUntilReadable {
  Atomic<int> descriptor{0};
  int bytes = 0;
  static inline bool gave_up = false;
  void thread(int t) {
    if (t == 0) {
      descriptor.fetch_add(1, acq_rel);
    } else if (model::block_with_timeout([this] { return descriptor.peek() > 0; })) {
      bytes = descriptor.exchange(0, acq_rel);
      MODEL_EXPECT(bytes == 1);
    } else {
      gave_up = true;
    }
  }
  void end() {}
};

TEST(BlockWithTimeout, MayEndEitherWay) {
  expect_passed(search<SleepsUntilReadable>(2));
  EXPECT_TRUE(SleepsUntilReadable::gave_up);
}

// ---- life and death

struct Leaks {
  void thread(int t) {
    int* piece = static_cast<int*>(model::allocate(sizeof(int), "piece"));
    if (t == 0) model::deallocate(piece);
  }
  void end() {}
};

TEST(Leak, IsFound) {
  expect_found(search<Leaks>(2), "leak: 1 alive at the end, piece among them");
  expect_passed(search<Leaks>(1));
}

struct Counted {
  Atomic<int> references{2};
  Plain<int> value{3};
};

template <std::memory_order kRelease>
struct LastOneFrees {
  Counted* object = model::create<Counted>("counted");
  void thread(int) {
    MODEL_EXPECT(object->value == 3);
    if (object->references.fetch_sub(1, kRelease) == 1) model::destroy(object);
  }
  void end() {}
};

TEST(Death, MustHappenAfterEveryUse) {
  expect_passed(search<LastOneFrees<acq_rel>>(2));
  expect_found(search<LastOneFrees<relaxed>>(2), "not ordered after every use");
  expect_found(search<LastOneFrees<release>>(2), "not ordered after every use");
}

struct UsesTheDead {
  Counted* object = model::create<Counted>("counted");
  Atomic<bool> gone{false};
  void thread(int t) {
    if (t == 0) {
      model::destroy(object);
      gone.store(true, release);
    } else if (gone.load(acquire)) {
      object->references.load(relaxed);
    }
  }
  void end() {}
};

TEST(DeadMemory, MustNotBeUsed) { expect_found(search<UsesTheDead>(2), "dead memory"); }

struct DiesTwice {
  Counted* object = model::create<Counted>("counted");
  void thread(int) { model::destroy(object); }
  void end() {}
};

TEST(Death, HappensOnce) {
  expect_passed(search<DiesTwice>(1));
  expect_found(search<DiesTwice>(2), "counted dies twice");
}

// A pool of one slot: free 0, taken 1. A stranger may look at its atomic at any time.
template <std::memory_order kFree>
struct TypeStableSlot {
  Counted slot;
  Atomic<int> taken{0};
  void thread(int t) {
    if (t == 2) {
      slot.references.load(relaxed);
      return;
    }
    int expected = 0;
    if (!taken.compare_exchange_strong(expected, 1, acquire, relaxed)) return;
    model::born(&slot, sizeof(slot), "slot", model::Memory::kTypeStable);
    slot.value = 4;
    model::died(&slot);
    taken.store(0, kFree);
  }
  void end() {}
};

TEST(TypeStableSlot, MayBeUsedAgainWhenItsDeathIsKnown) {
  expect_passed(search<TypeStableSlot<release>>(3, 3));
  expect_found(search<TypeStableSlot<relaxed>>(3, 3), "reused");
}

struct TouchesADeadSlot {
  Counted slot;
  void thread(int) {
    model::born(&slot, sizeof(slot), "slot", model::Memory::kTypeStable);
    model::died(&slot);
    slot.references.load(relaxed);
    slot.value = 4;
  }
  void end() {}
};

TEST(TypeStableSlot, IsOffLimitsWhileDeadExceptForItsAtomics) {
  expect_found(search<TouchesADeadSlot>(1), "use of dead memory: slot+");
}

// ---- the state of a program between executions

Atomic<int> static_atomic{40};
Plain<int> static_plain{50};
model::ThreadLocal<int> per_thread;

struct ChangesStatics {
  void thread(int t) {
    MODEL_EXPECT(per_thread.get() == 0);
    per_thread.get() = t + 1;
    static_atomic.fetch_add(1, relaxed);
    if (t == 0) {
      MODEL_EXPECT(static_plain == 50);
      static_plain = 51;
    }
  }
  void end() { MODEL_EXPECT(static_atomic.load(relaxed) == 42); }
};

TEST(StaticState, StartsEachExecutionAfresh) { expect_passed(search<ChangesStatics>(2)); }

// ---- a long run does not fill the history

struct ManyStores {
  Atomic<int> x{0};
  void thread(int) {
    for (int i = 0; i < 500; ++i) x.fetch_add(1, relaxed);
  }
  void end() { MODEL_EXPECT(x.load(relaxed) == 500); }
};

TEST(History, ForgetsWhatNobodyCanReadAnyMore) { expect_passed(search<ManyStores>(1)); }

}  // namespace
}  // namespace crochet
