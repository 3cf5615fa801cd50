// SPDX-License-Identifier: MIT
// run_many: which ranges, what goes in and what comes out, and that it is all or nothing.
#include <array>
#include <deque>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

class RunMany : public WithLoop {
 protected:
  template <class T>
  static std::vector<T> values(std::vector<crochet::eventual_result<T>> results) {
    std::vector<T> all;
    for (auto& result : results) all.push_back(std::move(result).wait());
    return all;
  }
};

int twice(int n) { return 2 * n; }

// Elements that belong to somebody else, as a std::span's do.
template <class T>
struct View {
  T* first;
  T* last;
  T* begin() const { return first; }
  T* end() const { return last; }
};

TEST_F(RunMany, CallsTheFunctionWithEachElementInOrder) {
  std::vector<int> order, numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 0);
  auto results = crochet::run_many(
      [&order](int n) {
        order.push_back(n);
        return n + 1;
      },
      numbers);
  static_assert(std::is_same_v<decltype(results), std::vector<crochet::eventual_result<int>>>);
  ASSERT_EQ(results.size(), numbers.size());
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i].wait(), numbers[i] + 1);
  EXPECT_EQ(order, numbers);
}
TEST_F(RunMany, OfNothingIsNothing) { EXPECT_TRUE(crochet::run_many(twice, std::vector<int>()).empty()); }
TEST_F(RunMany, RunsOnTheLoopsThread) {
  for (const bool there : values(crochet::run_many([](int) { return on_loop(); }, std::array{1, 2, 3})))
    EXPECT_TRUE(there);
}
TEST_F(RunMany, TakesWhateverCanBeIterated) {
  const int array[] = {1, 2, 3};
  const std::vector<int> wanted = {2, 4, 6};
  EXPECT_EQ(values(crochet::run_many(twice, array)), wanted);
  EXPECT_EQ(values(crochet::run_many(&twice, std::list<int>{1, 2, 3})), wanted);
  EXPECT_EQ(values(crochet::run_many(twice, std::deque<int>{1, 2, 3})), wanted);
  EXPECT_EQ(values(crochet::run_many(twice, std::set<int>{1, 2, 3})), wanted);
  EXPECT_EQ(values(crochet::run_many(twice, View<const int>{std::begin(array), std::end(array)})), wanted);
  EXPECT_EQ(values(crochet::run_many(twice, std::initializer_list<int>{1, 2, 3})), wanted);
  const std::map<std::string, int> map = {{"a", 1}, {"b", 2}};
  const auto name = [](const std::pair<const std::string, int>& entry) { return entry.first; };
  EXPECT_EQ(values(crochet::run_many(name, map)), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(values(crochet::run_many([](bool b) { return b ? 1 : 0; }, std::vector<bool>{true, false, true})),
            (std::vector<int>{1, 0, 1}));
}
TEST_F(RunMany, TakesAMemberFunction) {
  EXPECT_EQ(values(crochet::run_many(&std::string::size, std::vector<std::string>{"a", "bc"})),
            (std::vector<std::size_t>{1, 2}));
}
TEST_F(RunMany, ReturnsNothingDeferredsAndFailures) {
  int sum = 0;
  for (auto& result : crochet::run_many([&sum](int n) { sum += n; }, std::array{1, 2, 3})) result.wait();
  EXPECT_EQ(sum, 6);
  const auto later = [](int n) {
    crochet::deferred<int> d;
    d.resolve(n);
    return d;
  };
  EXPECT_EQ(values(crochet::run_many(later, std::array{1, 2})), (std::vector<int>{1, 2}));
  auto mixed =
      crochet::run_many([](int n) { return n == 1 ? throw std::domain_error("one") : n; }, std::array{0, 1, 2});
  EXPECT_EQ(mixed[0].wait(), 0);
  EXPECT_THROW(mixed[1].wait(), std::domain_error);
  EXPECT_EQ(mixed[2].wait(), 2);
}

TEST_F(RunMany, MovesOutOfAnRvalueAndCopiesOutOfAnLvalue) {
  std::vector<std::string> lent = {"one", "two"}, given = lent;
  const auto same = [](std::string s) { return s; };
  EXPECT_EQ(values(crochet::run_many(same, lent)), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(lent, (std::vector<std::string>{"one", "two"}));
  std::vector<std::unique_ptr<int>> owners;
  for (const int n : {1, 2, 3}) owners.push_back(std::make_unique<int>(n));
  const auto look = [](const std::unique_ptr<int>& p) { return *p; };
  EXPECT_EQ(values(crochet::run_many(look, std::move(owners))), (std::vector<int>{1, 2, 3}));
}
struct Moved {};
TEST_F(RunMany, CopiesNoElementOfAnRvalue) {
  using Element = Tracked<Moved>;
  struct MoveOnly : Element {
    using Element::Element;
    MoveOnly(MoveOnly&&) = default;
  };
  std::vector<MoveOnly> elements;
  elements.reserve(3);
  for (int i = 0; i < 3; ++i) elements.emplace_back(i);
  const auto number = [](const MoveOnly& element) { return element.number; };
  EXPECT_EQ(values(crochet::run_many(number, std::move(elements))), (std::vector<int>{0, 1, 2}));
}
TEST_F(RunMany, DoesNotMoveOutOfAView) {
  std::vector<std::string> owner = {"one", "two"};
  const auto same = [](std::string s) { return s; };
  values(crochet::run_many(same, View<std::string>{owner.data(), owner.data() + 2}));
  EXPECT_EQ(owner, (std::vector<std::string>{"one", "two"}));
}

struct Closure {};
TEST_F(RunMany, EndsEveryClosureAndElement) {
  using Captured = Tracked<Closure>;
  {
    const std::vector<Captured> elements(10);
    auto results = crochet::run_many([c = Captured(1)](const Captured& e) { return c.number + e.number; }, elements);
    for (auto& result : results) result.join(kKillTimer);
    EXPECT_EQ(Captured::alive, 10) << "the caller's elements";
  }
  EXPECT_EQ(Captured::alive, 0);
}

struct Third {};
struct FailsThird : Tracked<Third> {
  using Tracked::Tracked;
  FailsThird(const FailsThird& other) : Tracked(other) {
    if (other.number == 3) throw std::length_error("copied");
  }
};
TEST_F(RunMany, RunsNothingAndKeepsNothingWhenPreparingOneFails) {
  std::atomic<int> runs{0};
  {
    std::deque<FailsThird> elements;
    for (const int n : {1, 2, 3, 4}) elements.emplace_back(n);
    EXPECT_THROW(crochet::run_many([&runs, c = Tracked<Third>()](const FailsThird&) { ++runs; }, elements),
                 std::length_error);
    EXPECT_EQ(Tracked<Third>::alive, 4) << "the caller's elements";
  }
  EXPECT_EQ(Tracked<Third>::alive, 0);
  crochet::run([] {}).wait();
  EXPECT_EQ(runs, 0);
}
struct Large {};
struct LargeAndAligned : Tracked<Large> {
  using Tracked::Tracked;
  alignas(64) char rest[500] = {};
};
TEST_F(RunMany, PlacesLargeAndOverAlignedElements) {
  std::vector<LargeAndAligned> elements;
  for (int i = 0; i < 5; ++i) elements.emplace_back(i);
  const auto aligned = [](const LargeAndAligned& element) {
    return reinterpret_cast<std::uintptr_t>(&element) % 64 == 0;
  };
  for (const bool is : values(crochet::run_many(aligned, std::move(elements)))) EXPECT_TRUE(is);
}

TEST_F(RunMany, RunsThemOnALoopOfItsOwn) {
  const crochet::loop other;
  crochet_loop* const wanted = other.handle();
  for (auto& here : other.run_many([](int) { return crochet_current_loop(); }, std::array{1, 2}))
    EXPECT_EQ(here.wait(), wanted);
}
TEST_F(RunMany, VisitsAnObjectOnALoop) {
  struct Account {
    int balance = 0;
    int deposit(int amount) { return balance += amount; }
  };
  const crochet::loop_owned<Account> account;
  EXPECT_EQ(values(account.run_many(&Account::deposit, std::array{1, 2, 3})), (std::vector<int>{1, 3, 6}));
  EXPECT_EQ(values(account.run_many([](Account& a, int n) { return a.balance * n; }, std::array{1, 2})),
            (std::vector<int>{6, 12}));
}

struct Refused {};
TEST_F(RunMany, OnAStoppedLoopIsRefusedAndSafeToRepeat) {
  const crochet::loop other;
  EXPECT_EQ(other.stop(1s), crochet::stop_outcome::ended);
  try {
    other.run_many([](const Tracked<Refused>&) {}, std::vector<Tracked<Refused>>(3));
    FAIL();
  } catch (const crochet::loop_stopped& stopped) {
    EXPECT_TRUE(stopped.never_started());
  }
  EXPECT_EQ(Tracked<Refused>::alive, 0);
}
// A range that stops the loop before its last element.
TEST_F(RunMany, OfALoopThatStopsMeanwhileRunsNothing) {
  const crochet::loop other;
  struct Stops : Tracked<Refused> {
    using Tracked::Tracked;
    const crochet::loop* loop = nullptr;
    Stops(const Stops& from) : Tracked(from), loop(from.loop) {
      if (loop != nullptr) loop->stop(1s);
    }
  };
  std::atomic<int> runs{0};
  {
    std::deque<Stops> elements;
    for (const int n : {1, 2, 3}) elements.emplace_back(n);
    elements.back().loop = &other;
    EXPECT_THROW(other.run_many([&runs](const Stops&) { ++runs; }, elements), crochet::loop_stopped);
  }
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(Tracked<Refused>::alive, 0);
}

}  // namespace
}  // namespace hpp
