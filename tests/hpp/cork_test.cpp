// SPDX-License-Identifier: MIT
// crochet::cork: gathers, flushes, and ends what it was given, whatever becomes of it.
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "hpp/support/lines.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

class Cork : public WithLoop {
 protected:
  static void settle_down() {
    crochet::run([] {}).wait();
  }
};

static_assert(std::is_move_constructible_v<crochet::cork> && !std::is_copy_constructible_v<crochet::cork>);

TEST_F(Cork, GathersUntilItIsFlushed) {
  std::vector<int> order;
  crochet::cork cork;
  for (int i = 0; i < 10; ++i) cork.run([&order, i] { order.push_back(i); });
  settle_down();
  EXPECT_TRUE(order.empty());
  cork.flush();
  cork.flush();
  settle_down();
  std::vector<int> expected(10);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
}
TEST_F(Cork, FlushesWhenItIsDestroyedOrReplaced) {
  int runs = 0;
  {
    crochet::cork cork;
    cork.run([&runs] { ++runs; });
    cork = crochet::cork();
    settle_down();
    EXPECT_EQ(runs, 1);
    cork.run([&runs] { ++runs; });
    crochet::cork other = std::move(cork);
    other.run([&runs] { ++runs; });
    EXPECT_EQ(code_of([&] { cork.run([] {}); }), CROCHET_EINVAL);
    EXPECT_EQ(code_of([&] { cork.flush(); }), CROCHET_EINVAL);
  }
  settle_down();
  EXPECT_EQ(runs, 3);
}
TEST_F(Cork, RunsOnTheLoopThatItIsFor) {
  const crochet::loop other;
  crochet_loop* seen = nullptr;
  {
    crochet::cork cork(other);
    cork.run([&seen] { seen = crochet_current_loop(); });
  }
  other.run([] {}).wait();
  EXPECT_EQ(seen, other.handle());
}

// What fits into a pointer needs no memory; what does not lies on the heap.
template <class F>
constexpr bool fits =
    crochet::detail::in_argument<crochet::detail::valueless<crochet::detail::bound<std::decay_t<F>>>>::fits;
void count(int* runs) { ++*runs; }
struct Small {};
struct Carried {};
TEST_F(Cork, CarriesFunctionsOfAllSizes) {
  static int runs = 0;
  runs = 0;
  int here = 0;
  const auto none = [] { ++runs; };
  const auto one = [&here] { ++here; };
  const auto two = [&here, to = &runs] { ++here, ++*to; };
  const auto owner = [p = std::make_unique<int>(1)] { return *p; };
  static_assert(fits<decltype(none)> && fits<decltype(one)>);
  static_assert(!fits<decltype(two)> && !fits<decltype(owner)>, "it is too large, or owns something");
  crochet::cork cork;
  cork.run(none);
  cork.run(one);
  cork.run(two);
  cork.run([p = std::make_unique<int>(1)] { return *p; });
  cork.run(count, &here);
  cork.run([](std::unique_ptr<int> p, const std::string& s, int& n) { n += *p + static_cast<int>(s.size()); },
           std::make_unique<int>(10), "four", std::ref(here));
  cork.run([c = static_cast<char>(3), &to = here]() mutable { to += c; });
  cork.run([c = static_cast<char>(5)]() mutable { runs += c++; });
  struct Padded {
    short number;
    char letter;
  };
  cork.run([padded = Padded{1, 'a'}, &seen = runs] {
    EXPECT_TRUE(padded.number == 1 && padded.letter == 'a' && seen >= 0);
  });
  cork.run([padded = Padded{2, 'b'}] { EXPECT_TRUE(padded.number == 2 && padded.letter == 'b'); });
  cork.run([over = OverAligned(7)] {
    EXPECT_TRUE(over.aligned());
    EXPECT_EQ(over.number, 7);
  });
  cork.flush();
  settle_down();
  EXPECT_EQ(runs, 7);
  EXPECT_EQ(here, 20);
}
TEST_F(Cork, EndsEachFunctionOnce) {
  using Captured = Tracked<Carried>;
  {
    crochet::cork cork;
    for (int i = 0; i < 10; ++i) cork.run([c = Captured(i)](const Captured&) {}, Captured(i));
    EXPECT_EQ(Captured::alive, 20);
  }
  settle_down();
  EXPECT_EQ(Captured::alive, 0);
}
struct Value {};
TEST_F(Cork, ThrowsAwayWhatAFunctionReturns) {
  {
    crochet::cork cork;
    cork.run([] { return Tracked<Value>(1); });
    cork.run([] { return crochet::deferred<int>(); });
    cork.run([] {
      const crochet::deferred<std::string> d;
      d.resolve("nobody waits");
      return d;
    });
    cork.run([] { return crochet::run([] { return 1; }); });
  }
  settle_down();
  EXPECT_EQ(Tracked<Value>::alive, 0);
}
TEST_F(Cork, LogsWhatAFunctionThrows) {
  Lines lines("crochet");
  {
    const auto sink = lines.add(crochet::log_level::error);
    {
      crochet::cork cork;
      cork.run([] { throw std::domain_error("out of wool"); });
    }
    settle_down();
    EXPECT_TRUE(crochet::flush_log(kKillTimer));
  }
  ASSERT_EQ(lines.messages().size(), 1u);
  EXPECT_NE(lines.messages()[0].find("out of wool"), std::string::npos);
}

struct ThrowingCopy {
  ThrowingCopy() = default;
  ThrowingCopy(const ThrowingCopy&) { throw std::length_error("copied"); }
};
struct Bystander {};
TEST_F(Cork, AnArgumentThatCantBeCopiedThrowsAndTheOthersStay) {
  int runs = 0;
  const ThrowingCopy broken;
  crochet::cork cork;
  cork.run([&runs] { ++runs; });
  EXPECT_THROW(cork.run([](const Tracked<Bystander>&, const ThrowingCopy&) {}, Tracked<Bystander>(), broken),
               std::length_error);
  EXPECT_EQ(Tracked<Bystander>::alive, 0);
  cork.flush();
  settle_down();
  EXPECT_EQ(runs, 1);
}

struct Stopped {};
TEST_F(Cork, OfALoopThatStopsMeanwhileEndsWhatItHas) {
  using Captured = Tracked<Stopped>;
  const crochet::loop other;
  crochet::cork cork(other);
  int runs = 0;
  for (int i = 0; i < 3; ++i) cork.run([&runs, c = Captured(i)] { ++runs; });
  EXPECT_EQ(Captured::alive, 3);
  EXPECT_EQ(other.stop(1s), crochet::stop_outcome::ended);
  EXPECT_EQ(Captured::alive, 0);
  EXPECT_THROW(cork.flush(), crochet::loop_stopped);
  EXPECT_THROW(cork.run([c = Captured(4)] {}), crochet::loop_stopped);
  EXPECT_EQ(Captured::alive, 0);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(other.counter("calls_not_run"), 3u);
  EXPECT_THROW(crochet::cork{other}, crochet::loop_stopped);
}
TEST_F(Cork, OfALoopThatIsEmptyIsRefused) {
  crochet::loop gone;
  const crochet::loop taken = std::move(gone);
  EXPECT_EQ(code_of([&] { crochet::cork cork(gone); }), CROCHET_EINVAL);
}

class CorkWithoutALoop : public ShutDownAfterwards {};
TEST_F(CorkWithoutALoop, IsRefusedAfterShutdown) {
  crochet::setup();
  EXPECT_EQ(crochet::shutdown(1s), crochet::stop_outcome::ended);
  EXPECT_THROW(crochet::cork(), crochet::loop_stopped);
}

}  // namespace
}  // namespace hpp
