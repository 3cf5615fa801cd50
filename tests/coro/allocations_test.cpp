// SPDX-License-Identifier: MIT
// What a coroutine allocates, and what becomes of it when each of its allocations fails in turn.
#include "api/failing_malloc.hpp"

#include <limits>
#include <new>
#include <optional>

#include "crochet_coro.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace coro {
namespace {

using namespace hpp;
using crochet::deferred;
using crochet::eventual_result;
using crochet::task;

struct Tag;
using T = Tracked<Tag>;

class AllocationsOfACoroutine : public WithLoop {
 protected:
  // Those of the loop's thread fail but the first `allowed`.
  void fail_after(long allowed) {
    crochet::run([this, allowed] { failing_.emplace(allowed); }).wait();
  }
  void fail_no_more() {
    crochet::run([this] { failing_.reset(); }).wait();
  }
  std::optional<contract::FailingAllocations> failing_;
};

task<int> add(int a, int b) {
  const T local;
  co_return a + b;
}
task<int> several(eventual_result<int>& lent) {
  const T local;
  int sum = co_await lent;
  sum += co_await crochet::run([] { return 2; });
  sum += co_await add(3, 4);
  co_return sum;
}

TEST_F(AllocationsOfACoroutine, AreItsFrameAndThoseOfItsValueAndWaits) {
  SKIP_WITHOUT_OWN_MALLOC();
  const auto fewest = [](auto one_call) {
    long least = std::numeric_limits<long>::max();
    for (int i = 0; i < 200; ++i) {
      const long before = contract::allocations();
      one_call();
      crochet::run([] {}).wait();
      least = std::min(least, contract::allocations() - before);
    }
    return least;
  };
  EXPECT_LE(fewest([] { crochet::run(add, 1, 2).wait(); }), 3) << "the frame, and what the hook needs";
  auto lent = crochet::run([] { return 1; });
  lent.wait();
  const auto await_ready = [&lent]() -> task<int> { co_return co_await lent + co_await lent + co_await lent; };
  EXPECT_LE(fewest([&] { crochet::run(await_ready).wait(); }), 3) << "nothing for what is there already";
}
TEST_F(AllocationsOfACoroutine, ThatFailFailItAndLeaveNothing) {
  SKIP_WITHOUT_OWN_MALLOC();
  bool went_through = false;
  int failed = 0;
  for (long allowed = 0; !went_through; ++allowed) {
    deferred<int> d;
    auto lent = d.result();
    fail_after(allowed);
    auto result = crochet::run(several, std::ref(lent));
    crochet::run([] {}).wait();
    d.resolve(1);
    ASSERT_TRUE(result.ready(kKillTimer));
    fail_no_more();
    try {
      EXPECT_EQ(result.wait(), 10);
      went_through = true;
    } catch (const std::bad_alloc&) {
      ++failed;
    } catch (const crochet::error& e) {
      EXPECT_TRUE(e.code() == CROCHET_ENOMEM || e.code() == CROCHET_EFAILED) << "a bad_alloc that could not be kept";
      ++failed;
    }
    result.join(kKillTimer);
    ASSERT_EQ(T::alive, 0);
    ASSERT_LT(allowed, 1000);
  }
  EXPECT_GE(failed, 2);
}
TEST_F(AllocationsOfACoroutine, ThatFailInACancelStillEndIt) {
  SKIP_WITHOUT_OWN_MALLOC();
  for (long allowed = 0; allowed < 6; ++allowed) {
    deferred<int> never;
    auto lent = never.result();
    auto result = crochet::run([&lent]() -> task<int> {
      const T local;
      co_return co_await lent;
    });
    crochet::run([] {}).wait();
    ASSERT_EQ(T::alive, 1);
    fail_after(allowed);
    result.cancel();
    ASSERT_TRUE(result.ready(kKillTimer));
    fail_no_more();
    EXPECT_ANY_THROW(result.wait()) << "cancelled_error, or there was no memory for one";
    ASSERT_EQ(T::alive, 0);
    never.resolve(0);
  }
}

}  // namespace
}  // namespace coro
