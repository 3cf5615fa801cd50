// SPDX-License-Identifier: MIT
// setup and its kin, and the class loop.
#include <pthread.h>
#include <uv.h>

#include <string>

#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using crochet::stop_outcome;

class Setup : public ShutDownAfterwards {};

std::string thread_name() {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

TEST_F(Setup, MayBeCalledAgain) {
  crochet::setup();
  crochet::setup();
  EXPECT_EQ(crochet::run([] { return 1; }).wait(), 1);
}
TEST_F(Setup, TakesOptions) {
  crochet::setup({"stitch"});
  EXPECT_EQ(crochet::run(thread_name).wait(), "stitch");
}
TEST_F(Setup, TakesThreadHooksAndAStackSize) {
  struct Seen {
    int first = 0, last = 0;
  } seen;
  crochet::options how;
  how.stack_size = 1024 * 1024;
  how.first = [](void* arg) { return ++static_cast<Seen*>(arg)->first, CROCHET_OK; };
  how.last = [](void* arg) { return ++static_cast<Seen*>(arg)->last, CROCHET_OK; };
  how.hooks_argument = &seen;
  crochet::setup(how);
  EXPECT_EQ(seen.first, 1);
  EXPECT_EQ(crochet::shutdown(1s), stop_outcome::ended);
  EXPECT_EQ(seen.last, 1);
  how.stack_size = 1;
  EXPECT_EQ(code_of([&how] { crochet::setup(how); }), CROCHET_EINVAL);
}
TEST_F(Setup, NoSetupRunsOnTheHostsLoop) {
  uv_loop_t uv;
  ASSERT_EQ(uv_loop_init(&uv), 0);
  crochet::no_setup(&uv);
  EXPECT_TRUE(on_loop());
  auto result = crochet::run([] { return 1; });
  EXPECT_FALSE(result.ready());
  uv_run(&uv, UV_RUN_NOWAIT);
  EXPECT_EQ(result.value(), 1);
  EXPECT_EQ(code_of([&] { crochet::no_setup(&uv); }), CROCHET_EALREADY);
  EXPECT_EQ(crochet::shutdown(0s), stop_outcome::in_progress);
  while (uv_run(&uv, UV_RUN_DEFAULT) != 0) continue;
  EXPECT_EQ(uv_loop_close(&uv), 0);
}
TEST_F(Setup, ShutdownWithNothingToStopDoesNothing) { EXPECT_EQ(crochet::shutdown(0s), stop_outcome::ended); }
TEST_F(Setup, ShutdownOnALoopIsARequest) {
  crochet::setup();
  auto asked = crochet::run([] { return crochet::shutdown(0s); });
  EXPECT_EQ(asked.wait(), stop_outcome::in_progress);
}
TEST_F(Setup, StashLimitsAreSet) {
  crochet::stash_limits(10, 1h);
  EXPECT_EQ(code_of([] { crochet::stash_limits(10, 0s); }), CROCHET_EINVAL);
  crochet::stash_limits(65536);
}

class Loop : public WithLoop {};

TEST_F(Loop, TellsWhatItCounted) {
  const crochet::loop one;
  one.run([] {}).wait();
  EXPECT_EQ(one.counter("calls_run"), 1u);
  EXPECT_EQ(code_of([&one] { one.counter("calls"); }), CROCHET_ENOENT);
}
TEST_F(Loop, IsMoveOnlyAndSmall) {
  static_assert(!std::is_copy_constructible_v<crochet::loop> && std::is_move_constructible_v<crochet::loop>);
  static_assert(sizeof(crochet::loop) <= 2 * sizeof(void*));
}
TEST_F(Loop, RunsOnAThreadOfItsOwn) {
  const crochet::loop named({"needle"});
  EXPECT_EQ(named.run(thread_name).wait(), "needle");
  EXPECT_EQ(named.run([] { return crochet_current_loop(); }).wait(), named.handle());
}
TEST_F(Loop, MaySpin) {
  crochet::options how;
  how.loop_spin = 50us;
  how.wait_spin = crochet::spin_measured;
  const crochet::loop spinning(how);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(spinning.run([i] { return i; }).wait(), i);
  how.wait_spin = -1ns;
  EXPECT_EQ(code_of([&how] { crochet::loop refused(how); }), CROCHET_EINVAL);
}
TEST_F(Loop, StopsWithAKnownOutcome) {
  const crochet::loop other;
  EXPECT_EQ(other.run([&other] { return other.stop(0s); }).wait(), stop_outcome::in_progress);
  EXPECT_EQ(other.stop(1s), stop_outcome::ended);
  EXPECT_EQ(other.stop(1s), stop_outcome::ended);
  EXPECT_THROW(other.run([] {}), crochet::loop_stopped);
  EXPECT_EQ(code_of([&] { other.stop({}); }), CROCHET_EINVAL);
}
TEST_F(Loop, AdoptsTheHostsLoop) {
  std::thread host([] {
    uv_loop_t uv;
    ASSERT_EQ(uv_loop_init(&uv), 0);
    {
      const crochet::loop adopted(&uv, {"", true});
      auto result = adopted.run([] { return crochet_current_uv(); });
      uv_run(&uv, UV_RUN_NOWAIT);
      EXPECT_EQ(result.value(), &uv);
      EXPECT_EQ(adopted.stop(0s), stop_outcome::in_progress);
      while (uv_run(&uv, UV_RUN_DEFAULT) != 0) continue;
    }
    EXPECT_EQ(uv_loop_close(&uv), 0);
  });
  host.join();
}
TEST_F(Loop, MovedFromIsNotTheDefaultLoop) {
  crochet::loop first;
  const crochet::loop second = std::move(first);
  EXPECT_EQ(code_of([&] { first.run([] {}); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { first.run_in_loop([] {})(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { first.wait_for(1s, [] {})(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { first.stop(1s); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { const crochet::deferred<int> d(first); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { crochet::run([] {}).then(first, [] {}); }), CROCHET_EINVAL);
  EXPECT_EQ(second.run([] { return 1; }).wait(), 1);
}
TEST_F(Loop, DestroyingItAsksItToStop) {
  crochet::eventual_result<int> pending;
  {
    const crochet::loop other;
    crochet::deferred<int> source(other);
    pending = other.run([source] { return source; });
    other.run([] {}).wait();
  }
  EXPECT_THROW(pending.wait(), crochet::call_error);
}

}  // namespace
}  // namespace hpp
