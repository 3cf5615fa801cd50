// SPDX-License-Identifier: MIT
// Scenarios of bindings/conformance/scenarios.toml that crochet.hpp's own tests have no reason to show.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/sanitizers.hpp"
#include "hpp/support/with_loop.hpp"

namespace {
bool leaves_things_behind = false;  // what the parent had at the fork, and what is held on purpose
}

// The leak sanitizer asks this.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return leaves_things_behind ? 1 : 0; }

namespace hpp {
namespace {

using contract::Gate;
using contract::LogCapture;
using contract::status_of_child;

class ConformanceCpp : public WithLoop {
 protected:
  static std::uint64_t unsettled() {
    std::uint64_t count = 0;
    EXPECT_EQ(crochet_loop_counter(nullptr, "calls_unsettled", &count), CROCHET_OK);
    return count;
  }
};

TEST_F(ConformanceCpp, NothingIsLeftAfterWaitsThatFailed) {
  const auto held = std::make_shared<int>(0);
  for (int round = 0; round < 50; ++round) {
    EXPECT_THROW(crochet::run([held]() -> int { throw std::range_error("of the function"); }).wait(), std::range_error);
    const crochet::deferred<void> never;
    auto late = crochet::run([never, held] { return never; });
    EXPECT_THROW(late.wait(1ms), crochet::timeout_error);
    late.cancel();
    auto ready = crochet::run([held] { return 1; });
    ready.join(kKillTimer);
    EXPECT_EQ(crochet::run([&ready] { return code_of([&ready] { ready.wait(); }); }).wait(), CROCHET_EDEADLK);
  }
  crochet::run([] {}).join(kKillTimer);
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(unsettled(), 0U);
}

TEST_F(ConformanceCpp, NothingKeepsAFailureAndArgumentsThatEverybodyLetGo) {
  struct Failure : std::runtime_error {
    explicit Failure(std::shared_ptr<int> with) : std::runtime_error("failed"), kept(std::move(with)) {}
    std::shared_ptr<int> kept;
  };
  const auto held = std::make_shared<int>(0);
  {
    auto result = crochet::run([](const std::shared_ptr<int>& mine) { throw Failure(mine); }, held);
    result.join(kKillTimer);
    EXPECT_GT(held.use_count(), 1) << "by the failure";
    EXPECT_THROW(result.wait(), Failure);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(ConformanceCpp, OfEightWhoRetrieveOneNumberOneGetsIt) {
  const std::uint64_t uid = crochet::run([] { return 1; }).stash();
  std::atomic<int> got{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const int code = code_of([&] { got += crochet::retrieve_result<int>(uid).wait(); });
      EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ENOENT) << code;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got, 1);
}

TEST_F(ConformanceCpp, AStashThatIsFullRefusesAndTheResultStaysTheCallers) {
  crochet::stash_limits(1, {});
  auto first = crochet::run([] { return 1; });
  auto second = crochet::run([] { return 2; });
  const std::uint64_t uid = first.stash();
  EXPECT_EQ(code_of([&] { second.stash(); }), CROCHET_ENOSPC);
  EXPECT_EQ(second.wait(), 2);
  EXPECT_EQ(crochet::retrieve_result<int>(uid).wait(), 1);
  crochet::stash_limits(65536, {});
}

TEST_F(ConformanceCpp, AStashedFailureThatNobodySawIsLoggedOnceByTheStop) {
  LogCapture capture;
  std::uint64_t uid = 0;
  {
    auto result = crochet::run([] { throw std::range_error("stashed and forgotten"); });
    result.join(kKillTimer);
    uid = result.stash();
  }
  EXPECT_EQ(crochet::shutdown(10s), crochet::stop_outcome::ended);
  EXPECT_EQ(LogCapture::occurrences(capture.stop(), "stashed and forgotten"), 1);
  EXPECT_EQ(code_of([uid] { crochet::retrieve_result<void>(uid); }), CROCHET_ENOENT);
}

TEST_F(ConformanceCpp, ARecurringCallEndsAsStopped) {
  const auto recurring = crochet::every(1ms, [] {});
  EXPECT_EQ(crochet::shutdown(10s), crochet::stop_outcome::ended);
  EXPECT_THROW(recurring.wait(), crochet::loop_stopped);
  EXPECT_THROW((void)crochet::every(1ms, [] {}), crochet::loop_stopped);
}

TEST_F(ConformanceCpp, ASinkThatIsStuckDoesNotHoldTheLoopUp) {
  Gate entered;
  Gate leave;
  auto sink = crochet::add_log_sink(crochet::log_level::warning, [&](const crochet::log_record&) {
    entered.open();
    leave.wait();
  });
  crochet::run([] { crochet_log(CROCHET_LOG_WARNING, "test", "one", 3); }).wait(kKillTimer);
  entered.wait();
  const auto log_more = [] {
    for (int i = 0; i < 5; ++i) crochet_log(CROCHET_LOG_WARNING, "test", "more", 4);
    return true;
  };
  EXPECT_TRUE(crochet::run(log_more).wait(kKillTimer));
  leave.open();
  sink.remove();
  EXPECT_EQ(crochet_log_flush(CROCHET_FOREVER), CROCHET_OK) << "the sink refers to this test";
}

TEST_F(ConformanceCpp, AForkedChildIsRefusedUntilItsOwnSetupAndTheParentNoticesNothing) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  const crochet::deferred<int> source;
  auto pending = crochet::run([source] { return source; });
  auto ready = crochet::run([] { return 1; });
  ready.join(kKillTimer);
  const std::uint64_t uid = crochet::run([] { return 2; }).stash();
  contract::in_child([&] {
    EXPECT_EQ(code_of([] { crochet::run([] {}); }), CROCHET_EFORKED);
    EXPECT_EQ(code_of([&] { ready.wait(); }), CROCHET_EFORKED);
    EXPECT_EQ(code_of([&] { pending.wait(); }), CROCHET_EFORKED);
    EXPECT_EQ(code_of([&] { pending.cancel(); }), CROCHET_EFORKED);
    EXPECT_EQ(code_of([&] { crochet::retrieve_result<int>(uid); }), CROCHET_EFORKED);
    crochet::setup();
    EXPECT_EQ(crochet::run([] { return 3; }).wait(), 3);
    EXPECT_EQ(code_of([&] { ready.wait(); }), CROCHET_EFORKED);
    EXPECT_EQ(code_of([&] { crochet::retrieve_result<int>(uid); }), CROCHET_ENOENT);
    crochet::shutdown(10s);
  });
  source.resolve(4);
  EXPECT_EQ(pending.wait(), 4);
  EXPECT_EQ(ready.wait(), 1);
  EXPECT_EQ(crochet::retrieve_result<int>(uid).wait(), 2);
}

TEST_F(ConformanceCpp, WorkersThatAreForkedAfterSetupSetUpForThemselves) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  const auto pid = crochet::wait_for(kKillTimer, [] { return getpid(); });
  EXPECT_EQ(pid(), getpid());
  for (int i = 0; i < 4; ++i) {
    contract::in_child([&] {
      crochet::setup();
      EXPECT_EQ(pid(), getpid());
      crochet::shutdown(10s);
    });
  }
  EXPECT_EQ(pid(), getpid());
}

TEST_F(ConformanceCpp, AChildForkedOnTheLoopCannotSetUp) {
  const auto fork_there = [] {
    return status_of_child([] { EXPECT_EQ(code_of([] { crochet::setup(); }), CROCHET_EFORKED); });
  };
  EXPECT_EQ(crochet::run(fork_there).wait(), 0);
}

// In a child of its own, which leaves by exit() with this status.
constexpr int kOwnStatus = 7;

int status_of_exit(const std::function<void()>& body) {
  return status_of_child(body, [](int failed) {
    leaves_things_behind = true;
    std::exit(failed == 0 ? kOwnStatus : failed);
  });
}

TEST(ConformanceCppAtExit, AProcessWithPendingCallsExitsWithItsOwnStatus) {
  const auto body = [] {
    crochet::setup();
    static auto* const never = new crochet::deferred<void>;
    static auto* const pending = new crochet::eventual_result<void>(crochet::run([] { return *never; }));
    static auto* const recurring = new crochet::eventual_result<void>(crochet::every(1ms, [] {}));
    for (int i = 0; i < 1000; ++i) crochet::run([] {});
    std::thread([] { EXPECT_THROW(pending->wait(), crochet::loop_stopped); }).detach();
    EXPECT_FALSE(recurring->ready());
  };
  EXPECT_EQ(status_of_exit(body), kOwnStatus);
}

TEST(ConformanceCppAtExit, AProcessWithAStuckCallbackExitsWithItsOwnStatus) {
  const auto body = [] {
    crochet::setup();
    static Gate entered;
    static auto* const stuck = new crochet::eventual_result<void>(crochet::run([] {
      entered.open();
      for (;;) pause();
    }));
    entered.wait();
    std::thread([] { EXPECT_THROW(stuck->wait(), crochet::loop_stopped); }).detach();
  };
  EXPECT_EQ(status_of_exit(body), kOwnStatus);
}

}  // namespace
}  // namespace hpp
