// SPDX-License-Identifier: MIT
// Calls that are gathered, and calls that are made at once, by many threads, while their loop stops and another takes
// its place. Every argument is dropped once; what was accepted has run or was counted as not run.
//
//   many_stress [RESTARTS [SEED]]        after GoogleTest's own arguments
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "api/support/closure.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace stress {
namespace {

using contract::kForever;
using contract::kKillTimer;
using contract::kSecond;

long restarts = contract::kSanitized ? 50 : 200;
std::uint64_t seed = 20261127;

constexpr int kThreads = 4;
constexpr std::uint_fast32_t kMost = 24;  // calls at once

struct Sums {
  std::atomic<long> made{0}, accepted{0}, refused{0}, unknown{0}, run{0}, dropped{0}, dropped_twice{0};
};
Sums sums;

// The argument or storage of one call.
struct Item {
  std::atomic<int> drops{0};
  bool on_heap = false;

  static void run(crochet_deferred* deferred, void* item) {
    EXPECT_EQ(static_cast<Item*>(item)->drops, 0);
    sums.run.fetch_add(1, std::memory_order_relaxed);
    crochet_resolve(deferred, nullptr, nullptr);
  }
  static void drop(void* item) {
    auto* here = static_cast<Item*>(item);
    sums.dropped.fetch_add(1, std::memory_order_relaxed);
    if (here->drops.fetch_add(1, std::memory_order_relaxed) != 0) sums.dropped_twice.fetch_add(1);
    if (here->on_heap) delete here;
  }
};

class Maker {
 public:
  explicit Maker(std::uint64_t its_seed) : random_(its_seed) {}
  ~Maker() { crochet_cork_free(cork_); }
  Maker(const Maker&) = delete;
  Maker& operator=(const Maker&) = delete;

  void make_some() {
    if (random_() % 2 == 0) gather();
    else make_at_once();
  }

 private:
  // An old cork is kept for a while when its loop has gone.
  void gather() {
    if (cork_ == nullptr || random_() % 16 == 0) {
      crochet_cork_free(cork_);
      crochet_cork_new(nullptr, &cork_);
      if (cork_ == nullptr) return;
    }
    for (auto i = random_() % kMost; i > 0; --i) {
      auto* item = new Item;
      item->on_heap = true;
      said(crochet_cork_run(cork_, Item::run, item, Item::drop));
    }
    if (random_() % 4 != 0) {
      const int code = crochet_cork_flush(cork_);
      EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ESTOPPED) << code;
    }
  }

  void make_at_once() {
    std::vector<crochet_call*> calls;
    bool last_at_stop = false;
    for (auto i = 1 + random_() % kMost; i > 0; --i) {
      crochet_call* call = nullptr;
      if (crochet_call_new(nullptr, sizeof(Item), &call) != CROCHET_OK) continue;
      new (crochet_call_storage(call)) Item;
      last_at_stop = random_() % 16 == 0;
      if (last_at_stop) crochet_call_set_at_stop(call);
      calls.push_back(call);
    }
    const bool forgotten = random_() % 2 == 0;
    std::vector<crochet_result*> results(calls.size());
    const int code =
        crochet_call_run_many(calls.data(), calls.size(), Item::run, Item::drop, forgotten ? nullptr : results.data());
    EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ESTOPPED) << code;
    // Forgotten ones that were not all accepted: which, only the loops know.
    if (forgotten) {
      sums.made.fetch_add(static_cast<long>(calls.size()), std::memory_order_relaxed);
      if (code == CROCHET_OK) sums.accepted.fetch_add(static_cast<long>(calls.size()), std::memory_order_relaxed);
      else sums.unknown.fetch_add(static_cast<long>(calls.size()), std::memory_order_relaxed);
      return;
    }
    const bool cancels = random_() % 4 == 0;
    // So that no thread is far ahead of the loop. (Who waits for an at-stop call waits for the stop.)
    if (!results.empty() && results.back() != nullptr && !last_at_stop) crochet_result_wait(results.back(), kKillTimer);
    for (crochet_result* result : results) {
      said(result != nullptr ? CROCHET_OK : CROCHET_ESTOPPED);
      if (cancels) crochet_result_cancel(result, nullptr);
      crochet_result_error(result);
      crochet_result_release(result);
    }
  }

  static void said(int code) {
    EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ESTOPPED) << code;
    sums.made.fetch_add(1, std::memory_order_relaxed);
    (code == CROCHET_OK ? sums.accepted : sums.refused).fetch_add(1, std::memory_order_relaxed);
  }

  std::minstd_rand random_;
  crochet_cork* cork_ = nullptr;
};

std::uint64_t counted(const contract::OwnedLoop& loop, const char* name) {
  std::uint64_t count = 0;
  EXPECT_EQ(crochet_loop_counter(loop.get(), name, &count), CROCHET_OK);
  return count;
}

TEST(ManyStress, OfCorksAndCallsMadeAtOnceWhileLoopsComeAndGo) {
  std::atomic<bool> done{false};
  std::atomic<long> rounds{0};
  std::vector<contract::OwnedLoop> loops;
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Maker maker(seed + static_cast<std::uint64_t>(i) * 1000003);
      while (!done) {
        maker.make_some();
        ++rounds;
      }
    });
  }
  for (long i = 0; i < restarts; ++i) {
    loops.emplace_back();  // all are held, so that none forgets its counts
    EXPECT_EQ(
        contract::on_loop(nullptr, [&loops] { *loops.back().out() = crochet_loop_retain(crochet_current_loop()); }),
        CROCHET_OK);
    const long enough = rounds + i % 7 * 20;
    while (rounds < enough) sched_yield();
    EXPECT_EQ(crochet_shutdown(i % 2 * kSecond), CROCHET_OK);
    if (i + 1 < restarts) {
      EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    }
  }
  done = true;
  for (std::thread& thread : threads) thread.join();  // which frees their corks

  long run = 0, never = 0;
  for (const contract::OwnedLoop& loop : loops) {
    run += static_cast<long>(counted(loop, "calls_run"));
    never += static_cast<long>(counted(loop, "calls_not_run") + counted(loop, "calls_cancelled"));
  }
  std::printf("%ld made, %ld accepted, %ld refused, %ld one or the other; %ld run, %ld not; %ld dropped\n",
              sums.made.load(), sums.accepted.load(), sums.refused.load(), sums.unknown.load(), run, never,
              sums.dropped.load());
  EXPECT_EQ(sums.dropped, sums.made);
  EXPECT_EQ(sums.dropped_twice, 0);
  EXPECT_EQ(run, sums.run + restarts) << "and those that fetched the loops' handles";
  EXPECT_GE(run + never - restarts, sums.accepted);
  EXPECT_LE(run + never - restarts, sums.accepted + sums.unknown);
  EXPECT_GT(sums.refused, 0);
  EXPECT_GT(never, 0);
}

}  // namespace
}  // namespace stress

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) stress::restarts = std::atol(argv[1]);
  if (argc > 2) stress::seed = std::strtoull(argv[2], nullptr, 10);
  if (stress::restarts <= 0) {
    std::fprintf(stderr, "usage: many_stress [RESTARTS [SEED]]\n");
    return 2;
  }
  std::printf("%ld restarts, seed %llu\n", stress::restarts, static_cast<unsigned long long>(stress::seed));
  return RUN_ALL_TESTS();
}
