// SPDX-License-Identifier: MIT
// The memory model, by the classic small programs: what each may observe, and what it must not.
//
// All executions of a program are run, its observations collected, and the whole set compared. So a result that the
// model wrongly forbids fails a test just like one that it wrongly allows.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/atomic.hpp"
#include "model/control.hpp"
#include "model/search.hpp"

namespace crochet {
namespace {

constexpr auto seq_cst = std::memory_order_seq_cst;

using Observation = std::vector<int>;
using Observations = std::set<Observation>;

Observations& observed() {
  static Observations all;
  return all;
}

template <class Program>
Observations observations_of(int threads) {
  observed().clear();
  model::Limits limits;
  limits.seconds = 1e9;
  const auto outcome =
      model::search_depth_first(model::scenario_of<Program>("litmus", threads), model::kUnbounded, limits);
  EXPECT_TRUE(outcome.exhausted);
  EXPECT_EQ(outcome.failure, "");
  return observed();
}

// Two variables and two observations are all that most programs need.
struct Program {
  Atomic<int> x{0}, y{0};
  int a = -1, b = -1;

  void end() { observed().insert({a, b}); }
};

template <std::memory_order kStore, std::memory_order kLoad>
struct StoreBuffering : Program {
  void thread(int t) {
    if (t == 0) {
      x.store(1, kStore);
      a = y.load(kLoad);
    } else {
      y.store(1, kStore);
      b = x.load(kLoad);
    }
  }
};

TEST(StoreBuffering, LetsBothMissTheOther) {
  const Observations all = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  EXPECT_EQ((observations_of<StoreBuffering<relaxed, relaxed>>(2)), all);
  EXPECT_EQ((observations_of<StoreBuffering<release, acquire>>(2)), all);
}

TEST(StoreBuffering, IsForbiddenWhenSequentiallyConsistent) {
  EXPECT_EQ((observations_of<StoreBuffering<seq_cst, seq_cst>>(2)), (Observations{{0, 1}, {1, 0}, {1, 1}}));
}

struct StoreBufferingWithExchanges : Program {
  void thread(int t) {
    if (t == 0) {
      x.exchange(1, acq_rel);
      a = y.load(acquire);
    } else {
      y.exchange(1, acq_rel);
      b = x.load(acquire);
    }
  }
};

TEST(StoreBuffering, IsNotCuredByAcqRelExchanges) {
  EXPECT_EQ(observations_of<StoreBufferingWithExchanges>(2).count({0, 0}), 1U);
}

struct StoreBufferingWithFences : Program {
  void thread(int t) {
    (t == 0 ? x : y).store(1, relaxed);
    model::fence(seq_cst);
    (t == 0 ? a : b) = (t == 0 ? y : x).load(relaxed);
  }
};

TEST(StoreBuffering, IsForbiddenBySequentialFences) {
  EXPECT_EQ(observations_of<StoreBufferingWithFences>(2).count({0, 0}), 0U);
}

template <std::memory_order kStore, std::memory_order kLoad>
struct MessagePassing : Program {
  void thread(int t) {
    if (t == 0) {
      x.store(1, relaxed);
      y.store(1, kStore);
    } else {
      a = y.load(kLoad);
      b = x.load(relaxed);
    }
  }
};

TEST(MessagePassing, DeliversWithReleaseAndAcquire) {
  EXPECT_EQ((observations_of<MessagePassing<release, acquire>>(2)), (Observations{{0, 0}, {0, 1}, {1, 1}}));
}

TEST(MessagePassing, MayDeliverNothingWhenEitherSideIsRelaxed) {
  const Observations all = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  EXPECT_EQ((observations_of<MessagePassing<relaxed, acquire>>(2)), all);
  EXPECT_EQ((observations_of<MessagePassing<release, relaxed>>(2)), all);
}

struct MessagePassingWithFences : Program {
  void thread(int t) {
    if (t == 0) {
      x.store(1, relaxed);
      model::fence(release);
      y.store(1, relaxed);
    } else {
      a = y.load(relaxed);
      model::fence(acquire);
      b = x.load(relaxed);
    }
  }
};

TEST(MessagePassing, DeliversWithFences) {
  EXPECT_EQ(observations_of<MessagePassingWithFences>(2), (Observations{{0, 0}, {0, 1}, {1, 1}}));
}

struct CoherentReads : Program {
  void thread(int t) {
    if (t == 0) {
      x.store(1, relaxed);
      x.store(2, relaxed);
    } else {
      a = x.load(relaxed);
      b = x.load(relaxed);
    }
  }
};

TEST(Coherence, NeverGoesBackToAnOlderStore) {
  EXPECT_EQ(observations_of<CoherentReads>(2), (Observations{{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}}));
}

// Thread 1 reads x and then tells thread 2, who must not see less.
struct CoherentReadsAcrossThreads : Program {
  void thread(int t) {
    if (t == 0) {
      x.store(1, relaxed);
    } else if (t == 1) {
      a = x.load(relaxed);
      y.store(1, release);
    } else if (y.load(acquire) == 1) {
      b = x.load(relaxed);
    }
  }
};

TEST(Coherence, CoversWhatAnotherThreadReadBeforeItTold) {
  EXPECT_EQ(observations_of<CoherentReadsAcrossThreads>(3), (Observations{{0, -1}, {1, -1}, {0, 0}, {0, 1}, {1, 1}}));
}

struct LoadBuffering : Program {
  void thread(int t) {
    if (t == 0) {
      a = x.load(relaxed);
      y.store(1, relaxed);
    } else {
      b = y.load(relaxed);
      x.store(1, relaxed);
    }
  }
};

TEST(LoadBuffering, IsLeftOutAsInRC11) {
  EXPECT_EQ(observations_of<LoadBuffering>(2), (Observations{{0, 0}, {0, 1}, {1, 0}}));
}

template <std::memory_order kStore>
struct TwoPlusTwoWrites {
  Atomic<int> x{0}, y{0};

  void thread(int t) {
    (t == 0 ? x : y).store(1, kStore);
    (t == 0 ? y : x).store(2, kStore);
  }
  void end() { observed().insert({x.load(relaxed), y.load(relaxed)}); }
};

// Only possible when modification order may differ from the order of execution.
TEST(TwoPlusTwoWrites, MayEachBeOverwrittenByTheOther) {
  EXPECT_EQ(observations_of<TwoPlusTwoWrites<release>>(2), (Observations{{1, 1}, {1, 2}, {2, 1}, {2, 2}}));
}

TEST(TwoPlusTwoWrites, AreOrderedWhenSequentiallyConsistent) {
  EXPECT_EQ(observations_of<TwoPlusTwoWrites<seq_cst>>(2).count({1, 1}), 0U);
}

template <std::memory_order kOrder>
struct IndependentReaders {
  Atomic<int> x{0}, y{0};
  int a = -1, b = -1, c = -1, d = -1;

  static constexpr std::memory_order kStore = kOrder == acq_rel ? release : kOrder;
  static constexpr std::memory_order kLoad = kOrder == acq_rel ? acquire : kOrder;

  void thread(int t) {
    if (t == 0) x.store(1, kStore);
    if (t == 1) y.store(1, kStore);
    if (t == 2) {
      a = x.load(kLoad);
      b = y.load(kLoad);
    }
    if (t == 3) {
      c = y.load(kLoad);
      d = x.load(kLoad);
    }
  }
  void end() { observed().insert({a, b, c, d}); }
};

TEST(IndependentReaders, MayDisagreeOnTheOrderOfStores) {
  EXPECT_EQ(observations_of<IndependentReaders<acq_rel>>(4).size(), 16U);
}

TEST(IndependentReaders, AgreeWhenSequentiallyConsistent) {
  const Observations seen = observations_of<IndependentReaders<seq_cst>>(4);
  EXPECT_EQ(seen.size(), 15U);
  EXPECT_EQ(seen.count({1, 0, 1, 0}), 0U);
}

// A release store, then somebody else's relaxed read-modify-write, then an acquire load of that.
struct ReleaseSequence : Program {
  void thread(int t) {
    if (t == 0) {
      x.store(1, relaxed);
      y.store(1, release);
    } else if (t == 1) {
      y.fetch_add(1, relaxed);
    } else {
      a = y.load(acquire);
      b = x.load(relaxed);
    }
  }
};

TEST(ReleaseSequence, GoesOnThroughAReadModifyWrite) {
  const Observations seen = observations_of<ReleaseSequence>(3);
  EXPECT_EQ(seen.count({2, 1}), 1U);
  EXPECT_EQ(seen.count({2, 0}), 0U);
}

struct BrokenReleaseSequence : Program {
  void thread(int t) {
    if (t == 0) {
      x.store(1, relaxed);
      y.store(1, release);
      y.store(2, relaxed);
    } else {
      a = y.load(acquire);
      b = x.load(relaxed);
    }
  }
};

TEST(ReleaseSequence, IsBrokenByARelaxedStoreOfTheSameThread) {
  EXPECT_EQ(observations_of<BrokenReleaseSequence>(2).count({2, 0}), 1U);
}

struct Increments {
  Atomic<int> x{0};
  void thread(int) { x.fetch_add(1, relaxed); }
  void end() { observed().insert({x.load(relaxed)}); }
};

TEST(ReadModifyWrite, LosesNoIncrement) { EXPECT_EQ(observations_of<Increments>(3), (Observations{{3}})); }

struct IncrementsByLoadAndStore {
  Atomic<int> x{0};
  void thread(int) { x.store(x.load(relaxed) + 1, relaxed); }
  void end() { observed().insert({x.load(relaxed)}); }
};

TEST(LoadAndStore, LosesIncrements) {
  EXPECT_EQ(observations_of<IncrementsByLoadAndStore>(2), (Observations{{1}, {2}}));
}

struct CompareExchanges : Program {
  void thread(int t) {
    int expected = 0;
    const bool won = x.compare_exchange_strong(expected, t + 1, acq_rel);
    (t == 0 ? a : b) = won ? 0 : expected;
  }
};

TEST(CompareExchange, HasOneWinnerAndShowsItToTheLoser) {
  EXPECT_EQ(observations_of<CompareExchanges>(2), (Observations{{0, 1}, {2, 0}}));
}

struct StaleCompareExchange : Program {
  void thread(int t) {
    if (t == 0) {
      x.store(1, relaxed);
      x.store(2, relaxed);
    } else {
      a = 7;
      x.compare_exchange_strong(a, 8, relaxed, relaxed);
    }
  }
};

TEST(CompareExchange, MayFailOnAStaleValue) {
  EXPECT_EQ(observations_of<StaleCompareExchange>(2), (Observations{{0, -1}, {1, -1}, {2, -1}}));
}

// An exchange may slip in below a store that it does not know, and still reads what is directly below itself.
struct ExchangeAndStore : Program {
  void thread(int t) {
    if (t == 0) {
      a = x.exchange(1, relaxed);
    } else {
      x.store(2, relaxed);
      y.store(1, relaxed);
    }
  }
  void end() { observed().insert({a, x.load(relaxed)}); }
};

TEST(ReadModifyWrite, IsDirectlyAboveWhatItRead) {
  EXPECT_EQ(observations_of<ExchangeAndStore>(2), (Observations{{0, 2}, {2, 1}}));
}

struct WeakCompareExchange : Program {
  WeakCompareExchange() { model::allow_weak_cas_failures(1); }
  void thread(int) {
    a = 0;
    b = x.compare_exchange_weak(a, 1, acq_rel, relaxed);
  }
};

TEST(CompareExchange, FailsForNoReasonOnlyWhenAllowed) {
  EXPECT_EQ(observations_of<WeakCompareExchange>(1), (Observations{{0, 0}, {0, 1}}));
}

enum class Colour : std::uint8_t { kRed, kGreen };

struct OtherTypes {
  Atomic<bool> flag;
  Atomic<Colour> colour{Colour::kRed};
  Atomic<int*> pointer{nullptr};
  Atomic<std::int16_t> small{-2};
  int target = 5;

  void thread(int) {
    const bool was = flag.exchange(true, acq_rel);
    Colour expected = Colour::kRed;
    const bool swapped = colour.compare_exchange_strong(expected, Colour::kGreen, acq_rel, acquire);
    pointer.store(&target, release);
    const int before = small.fetch_sub(32767, relaxed);  // wraps, as all atomics do
    observed().insert(
        {was, swapped, colour.load(relaxed) == Colour::kGreen, *pointer.load(acquire), before, small.load(relaxed)});
  }
  void end() {}
};

TEST(Atomic, HoldsBoolsEnumsPointersAndNarrowNegativeNumbers) {
  EXPECT_EQ(observations_of<OtherTypes>(1), (Observations{{0, 1, 1, 5, -2, 32767}}));
}

}  // namespace
}  // namespace crochet
