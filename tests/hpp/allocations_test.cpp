// SPDX-License-Identifier: MIT
// What a call made through crochet.hpp allocates once everything is warm: nothing, when its value is settled inside the
// function. Counted over the whole process, the loop's thread included.
#include "api/failing_malloc.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

constexpr int kCalls = 1000;

class Allocations : public WithLoop {
 protected:
  // How many allocations kCalls of one_call() need, when as many were made before. The fewest of a few times: when the
  // loop's thread stands still before it gives a call back, one more call is outstanding than ever before.
  template <class Call>
  static long when_warm(const Call& one_call) {
    constexpr int kTimes = 5;
    long fewest = std::numeric_limits<long>::max();
    for (int i = 0; i < 2 * kCalls; ++i) one_call();
    for (int time = 0; time < kTimes; ++time) {
      const long before = contract::allocations();
      for (int i = 0; i < kCalls; ++i) one_call();
      fewest = std::min(fewest, contract::allocations() - before);
    }
    return fewest;
  }
};

using Captured = std::array<char, 48>;
struct Value {
  long a, b;
};
static_assert(sizeof(Value) == 16);

TEST_F(Allocations, AreNoneForAClosureOf48BytesAndAValueOf16) {
  SKIP_WITHOUT_OWN_MALLOC();
  const Captured captured{};
  const auto f = [captured] { return Value{captured[0], 1}; };
  static_assert(sizeof(f) == 48);
  EXPECT_EQ(when_warm([&] { EXPECT_EQ(crochet::run(f).wait().b, 1); }), 0);
  static_assert(crochet::detail::frame<crochet::detail::bound<std::decay_t<decltype(f)>>>::size() == 64,
                "the smallest storage that the library pools");
}
TEST_F(Allocations, AreNoneForArguments) {
  SKIP_WITHOUT_OWN_MALLOC();
  const auto add = crochet::run_in_loop([](long a, long b, long c, long d) { return Value{a + b, c + d}; });
  EXPECT_EQ(when_warm([&] { EXPECT_EQ(add(1L, 2L, 3L, 4L).wait().b, 7); }), 0);
}
TEST_F(Allocations, AreNoneForACorkAndFunctionsOfOnePointer) {
  SKIP_WITHOUT_OWN_MALLOC();
  long runs = 0;
  EXPECT_EQ(when_warm([&] {
              {
                crochet::cork cork;
                for (int i = 0; i < 3; ++i) cork.run([&runs] { ++runs; });
              }
              crochet::run([] {}).wait();
            }),
            0);
  EXPECT_EQ(runs % 3, 0);
}
TEST_F(Allocations, AreNoneForNothing) {
  SKIP_WITHOUT_OWN_MALLOC();
  EXPECT_EQ(when_warm([] { crochet::run([] {}).wait(); }), 0);
}
TEST_F(Allocations, AreNoneForAWaitThatHasATimeAndForADecoratedFunction) {
  SKIP_WITHOUT_OWN_MALLOC();
  const auto patient = crochet::wait_for(kKillTimer, [](int n) { return n + 1; });
  EXPECT_EQ(when_warm([&] { EXPECT_EQ(patient(1), 2); }), 0);
}
TEST_F(Allocations, AreNoneForALargerClosure) {
  SKIP_WITHOUT_OWN_MALLOC();
  const std::array<char, 300> captured{};
  EXPECT_EQ(when_warm([&] { EXPECT_EQ(crochet::run([captured] { return Value{captured[0], 1}; }).wait().b, 1); }), 0);
}
TEST_F(Allocations, AreNoneForAnObjectOnTheLoop) {
  SKIP_WITHOUT_OWN_MALLOC();
  const crochet::loop_owned<std::string> owned(std::in_place, "text");
  EXPECT_EQ(when_warm([&] { EXPECT_EQ(owned.run([](std::string& s) { return s.size(); }).wait(), 4U); }), 0);
}
TEST_F(Allocations, OfADeferredAreItsStateAndItsValueAndWhenItIsPendingTheHookToo) {
  SKIP_WITHOUT_OWN_MALLOC();
  const auto at_once = crochet::run_in_loop([] {
    crochet::deferred<int> d;
    d.resolve(1);
    return d;
  });
  EXPECT_EQ(when_warm([&] { EXPECT_EQ(at_once().wait(), 1); }), 2 * kCalls);
  const auto later = crochet::run_in_loop([] {
    crochet::deferred<int> d;
    crochet::run([d] { d.resolve(2); });
    return d;
  });
  EXPECT_LE(when_warm([&] { EXPECT_EQ(later().wait(), 2); }),
            6 * kCalls);  // those two; four side records and hooks of the library
}

}  // namespace
}  // namespace hpp
