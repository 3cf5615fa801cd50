// SPDX-License-Identifier: MIT
// Settling, cancelling and stopping race each other: every coroutine ends once, on its loop's thread, and nothing is
// left.
#include <latch>
#include <vector>

#include "crochet_coro.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace coro {
namespace {

using namespace hpp;
using crochet::deferred;
using crochet::eventual_result;
using crochet::task;

constexpr int kRounds = contract::kSanitized ? 60 : 300;
constexpr int kCoroutines = 24;

struct Tag;
using T = Tracked<Tag>;

struct Round {
  crochet::loop loop;
  std::vector<deferred<int>> sources;
  std::vector<eventual_result<int>> lent;
  std::vector<eventual_result<int>> results;

  // Each awaits in another way, one coroutine in another.
  task<int> innermost(int i) {
    const T local;
    auto& source = lent[static_cast<std::size_t>(i)];
    switch (i % 4) {
      case 0: co_return co_await source;
      case 1: co_return co_await source.share();
      case 2: co_return co_await crochet::shielded(source);
      default: {
        deferred<int> mine = sources[static_cast<std::size_t>(i)];
        co_return co_await std::move(mine);
      }
    }
  }
  task<int> outer(int i, const crochet_loop* home) {
    const T local;
    int sum = 0;
    try {
      sum += co_await innermost(i);
    } catch (const crochet::call_error&) {
      if (i % 3 == 0) throw;
      sum += 1;
    }
    EXPECT_EQ(crochet_current_loop(), home);
    if (i % 5 == 0) sum += co_await crochet::shielded(loop.run([] { return 1; }));
    if (i % 7 == 0) co_await crochet::sleep(1ms);
    co_return sum;
  }
};

void race(bool settle, bool cancel, bool stop) {
  for (int k = 0; k < kRounds; ++k) {
    {
      Round round;
      for (int i = 0; i < kCoroutines; ++i) {
        round.sources.emplace_back();
        if (i % 2 == 0) {
          EXPECT_TRUE(round.sources.back().on_cancel([](const deferred<int>& d) { d.reject(CROCHET_ECANCELED); }));
        }
        round.lent.push_back(round.sources.back().result());
      }
      for (int i = 0; i < kCoroutines; ++i) {
        round.results.push_back(round.loop.run([&round, i, arg = T()] { return round.outer(i, round.loop.handle()); }));
      }
      std::latch start(4);
      std::thread settler([&] {
        start.arrive_and_wait();
        for (int i = 0; settle && i < kCoroutines; ++i) round.sources[static_cast<std::size_t>(i)].resolve(i);
      });
      std::thread canceller([&] {
        start.arrive_and_wait();
        for (int i = kCoroutines; cancel && i-- > 0;) round.results[static_cast<std::size_t>(i)].cancel();
      });
      std::thread stopper([&] {
        start.arrive_and_wait();
        if (stop) {
          EXPECT_EQ(round.loop.stop(k % 2 == 0 ? 0s : 1s), crochet::stop_outcome::ended);
        }
      });
      start.arrive_and_wait();
      settler.join();
      canceller.join();
      stopper.join();
      if (!stop) {
        for (auto& source : round.sources) source.resolve(0);
      }
      for (auto& result : round.results) {
        EXPECT_TRUE(result.ready(kKillTimer));
        result.join(kKillTimer);
      }
      round.loop.stop(1s);
      EXPECT_EQ(round.loop.counter("calls_held"), 0U);
    }
    ASSERT_EQ(T::alive, 0) << "in round " << k;
  }
}

class StormOfCoroutines : public WithLoop {};

TEST_F(StormOfCoroutines, SettledAndCancelled) { race(true, true, false); }
TEST_F(StormOfCoroutines, SettledAndStopped) { race(true, false, true); }
TEST_F(StormOfCoroutines, CancelledAndStopped) { race(false, true, true); }
TEST_F(StormOfCoroutines, SettledCancelledAndStopped) { race(true, true, true); }

}  // namespace
}  // namespace coro
