// SPDX-License-Identifier: MIT
// A completion queue under load: many results of two loops, watched by several threads, polled for by two. Each is
// handed out once, taken back once, or let go by the closing, and nothing is left.
//
//   completions_stress [COMPLETIONS]        after GoogleTest's own arguments; 200,000 at first
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "crochet.h"

namespace stress {
namespace {

long completions = 200'000;

constexpr int kWatchers = 3;
constexpr int kPollers = 2;
constexpr long kOutstanding = 1024;  // of each watcher, so that there is memory for any number

class CompletionStress : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ASSERT_EQ(crochet_loop_new(nullptr, &other_), CROCHET_OK);
    ASSERT_EQ(crochet_completion_queue_new(&queue_), CROCHET_OK);
    ASSERT_EQ(crochet_completion_queue_descriptor(queue_, &descriptor_), CROCHET_OK);
  }
  void TearDown() override {
    crochet_completion_queue_release(queue_);
    crochet_loop_release(other_);
    EXPECT_EQ(crochet_shutdown(1'000'000'000), CROCHET_OK);
  }

  // Hands out what is there, whenever it is readable, until the queue is closed and empty.
  void poll_until_over() {
    std::array<crochet_result*, 64> results;
    std::array<std::uint64_t, 64> tags;
    for (;;) {
      pollfd looked_at = {descriptor_, POLLIN, 0};
      ASSERT_EQ(poll(&looked_at, 1, -1), 1);
      std::size_t count = 0;
      if (crochet_completion_queue_drain(queue_, results.size(), results.data(), tags.data(), &count) ==
          CROCHET_ECLOSED) {
        return;
      }
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_NE(crochet_result_status(results[i]), CROCHET_EPENDING);
        crochet_result_release(results[i]);
        ++handed_out_[tags[i]];
        outstanding_[tags[i] % kWatchers].fetch_sub(1, std::memory_order_relaxed);
      }
    }
  }

  // The calls whose number leaves this rest: made, watched, and one in seven taken back if it is not too late.
  void make_and_watch(std::uint64_t rest) {
    const auto resolve = [](crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); };
    for (std::uint64_t i = rest; i < static_cast<std::uint64_t>(completions); i += kWatchers) {
      while (outstanding_[rest].load(std::memory_order_relaxed) >= kOutstanding) std::this_thread::yield();
      crochet_result* result = nullptr;
      ASSERT_EQ(crochet_run(i % 2 == 0 ? nullptr : other_, resolve, nullptr, nullptr, &result), CROCHET_OK);
      outstanding_[rest].fetch_add(1, std::memory_order_relaxed);
      ASSERT_EQ(crochet_completion_queue_watch(queue_, result, i), CROCHET_OK);
      if (i % 7 == 0 && crochet_completion_queue_unwatch(queue_, result) == CROCHET_OK) {
        ++handed_out_[i];
        ++taken_back_;
        outstanding_[rest].fetch_sub(1, std::memory_order_relaxed);
      }
      crochet_result_release(result);
    }
  }

  crochet_loop* other_ = nullptr;
  crochet_completion_queue* queue_ = nullptr;
  int descriptor_ = -1;
  std::vector<std::atomic<int>> handed_out_ = std::vector<std::atomic<int>>(static_cast<std::size_t>(completions));
  std::array<std::atomic<long>, kWatchers> outstanding_{};
  std::atomic<long> taken_back_{0};
};

TEST_F(CompletionStress, HandsOutEachOnce) {
  std::vector<std::thread> pollers, watchers;
  for (int i = 0; i < kPollers; ++i) pollers.emplace_back([this] { poll_until_over(); });
  for (std::uint64_t i = 0; i < kWatchers; ++i) watchers.emplace_back([this, i] { make_and_watch(i); });
  for (std::thread& watcher : watchers) watcher.join();
  // What is on its way settles before: closing lets go only of what is not settled.
  for (crochet_loop* loop : {static_cast<crochet_loop*>(nullptr), other_}) {
    const auto resolve = [](crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); };
    ASSERT_EQ(crochet_wait_for(loop, resolve, nullptr, nullptr, CROCHET_FOREVER, nullptr), CROCHET_OK);
  }
  EXPECT_EQ(crochet_completion_queue_close(queue_), CROCHET_OK);
  for (std::thread& poller : pollers) poller.join();
  for (const std::atomic<int>& times : handed_out_) ASSERT_EQ(times, 1);
  std::printf("%ld completions, %ld of them taken back\n", completions, taken_back_.load());
}

}  // namespace
}  // namespace stress

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) stress::completions = std::atol(argv[1]);
  return RUN_ALL_TESTS();
}
