// SPDX-License-Identifier: MIT
// Spinning: a loop and waiters that look for a while before they sleep do all that others do.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr int64_t kLong = 100 * CROCHET_MILLISECOND;

class SpinTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_options_new(options_.out()), CROCHET_OK); }
  void TearDown() override {
    loop_.reset();
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  }
  void start(int64_t loop_spin_ns, int64_t wait_spin_ns) {
    ASSERT_EQ(crochet_options_set_spin(options_.get(), loop_spin_ns, wait_spin_ns), CROCHET_OK);
    ASSERT_EQ(crochet_loop_new(options_.get(), loop_.out()), CROCHET_OK);
  }
  int call_and_wait(int64_t timeout_ns = CROCHET_FOREVER) {
    return crochet_wait_for(
        loop_.get(), [](crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); }, nullptr,
        nullptr, timeout_ns, nullptr);
  }

  OwnedOptions options_;
  OwnedLoop loop_;
};

TEST_F(SpinTest, RefusesNegativeTimesAndNoOptions) {
  PROVOKES(crochet_options_set_spin, CROCHET_OK);
  EXPECT_EQ(crochet_options_set_spin(options_.get(), CROCHET_SPIN_MEASURED, 0), CROCHET_OK);
  PROVOKES(crochet_options_set_spin, CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_spin(nullptr, 0, 0), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_spin(options_.get(), -1, 0), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_spin(options_.get(), 0, -1), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_spin(options_.get(), 0, -3), CROCHET_EINVAL);
}

class SpinOf : public SpinTest, public testing::WithParamInterface<std::array<int64_t, 2>> {};

TEST_P(SpinOf, RunsEveryCallOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 500;
  start(GetParam()[0], GetParam()[1]);
  std::vector<std::thread> threads;
  std::atomic<int> waited{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kCalls; ++i) waited += call_and_wait() == CROCHET_OK ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(waited, kThreads * kCalls);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
}

TEST_P(SpinOf, EndsAWaitWithATimeout) {
  start(GetParam()[0], GetParam()[1]);
  OwnedDeferred deferred;
  OwnedResult result;
  ASSERT_EQ(crochet_deferred_new(loop_.get(), nullptr, nullptr, deferred.out(), result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), 0), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_result_wait(result.get(), CROCHET_MILLISECOND), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_result_interrupt(result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), CROCHET_FOREVER), CROCHET_EINTR);
  std::thread settler([&] { EXPECT_EQ(crochet_resolve(deferred.get(), nullptr, nullptr), CROCHET_OK); });
  EXPECT_EQ(crochet_result_wait(result.get(), CROCHET_FOREVER), CROCHET_OK);
  settler.join();
}

TEST_P(SpinOf, ServesTimersAndDescriptors) {
  start(GetParam()[0], GetParam()[1]);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  struct Handles {
    uv_timer_t timer;
    uv_poll_t poll;
    Gate timed, readable, closed;
    int open = 2;
    void closed_one() {
      if (--open == 0) closed.open();
    }
  } handles;
  EXPECT_EQ(on_loop(loop_.get(),
                    [&] {
                      uv_timer_init(crochet_current_uv(), &handles.timer);
                      uv_poll_init(crochet_current_uv(), &handles.poll, ends[0]);
                      handles.timer.data = handles.poll.data = &handles;
                      uv_timer_start(
                          &handles.timer, [](uv_timer_t* t) { static_cast<Handles*>(t->data)->timed.open(); }, 1, 0);
                      uv_poll_start(&handles.poll, UV_READABLE, [](uv_poll_t* p, int, int) {
                        uv_poll_stop(p);
                        static_cast<Handles*>(p->data)->readable.open();
                      });
                    }),
            CROCHET_OK);
  handles.timed.wait();
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  handles.readable.wait();
  EXPECT_EQ(on_loop(loop_.get(),
                    [&] {
                      const auto closed = [](uv_handle_t* h) { static_cast<Handles*>(h->data)->closed_one(); };
                      uv_close(reinterpret_cast<uv_handle_t*>(&handles.timer), closed);
                      uv_close(reinterpret_cast<uv_handle_t*>(&handles.poll), closed);
                    }),
            CROCHET_OK);
  handles.closed.wait();
  close(ends[0]);
  close(ends[1]);
}

TEST_P(SpinOf, StopsWhileItSpins) {
  start(GetParam()[0], GetParam()[1]);
  EXPECT_EQ(call_and_wait(), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
  EXPECT_EQ(call_and_wait(), CROCHET_ESTOPPED);
}

INSTANTIATE_TEST_SUITE_P(Times, SpinOf,
                         testing::Values(std::array<int64_t, 2>{0, 0}, std::array<int64_t, 2>{kLong, 0},
                                         std::array<int64_t, 2>{0, kLong}, std::array<int64_t, 2>{kLong, kLong},
                                         std::array<int64_t, 2>{1, 1}, std::array<int64_t, 2>{INT64_MAX, INT64_MAX},
                                         std::array<int64_t, 2>{CROCHET_SPIN_MEASURED, CROCHET_SPIN_MEASURED},
                                         std::array<int64_t, 2>{CROCHET_SPIN_MEASURED, 0}));

TEST_F(SpinTest, OfAnAdoptedLoopIsTheWaitersOnly) {
  HostLoop host;
  ASSERT_EQ(crochet_options_set_spin(options_.get(), CROCHET_SPIN_MEASURED, CROCHET_SPIN_MEASURED), CROCHET_OK);
  ASSERT_EQ(crochet_loop_adopt(host.uv(), options_.get(), loop_.out()), CROCHET_OK);
  std::thread caller([this] {
    for (int i = 0; i < 100; ++i) EXPECT_EQ(call_and_wait(), CROCHET_OK);
    EXPECT_EQ(on_loop(loop_.get(), [this] { EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_EINPROGRESS); }),
              CROCHET_OK);
  });
  EXPECT_EQ(uv_run(host.uv(), UV_RUN_DEFAULT), 0);
  caller.join();
}

}  // namespace
}  // namespace contract
