// SPDX-License-Identifier: MIT
// What becomes of a coroutine whose loop stops, is stuck or loses its thread, or whose process forks.
#include <pthread.h>

#include <memory>
#include <optional>
#include <string>

#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "crochet_coro.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace coro {
namespace {

using namespace hpp;
using crochet::deferred;
using crochet::eventual_result;
using crochet::loop;
using crochet::stop_outcome;
using crochet::task;

// Tells on which thread it ended, and how often.
struct Local {
  struct Log {
    std::atomic<int> ended{0};
    std::thread::id where;
  };
  Log* log;
  explicit Local(Log& l) : log(&l) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() {
    ++log->ended;
    log->where = std::this_thread::get_id();
  }
};

void settle_down(const loop& on) {
  on.run([] {}).wait();
}
std::thread::id home_of(const loop& on) {
  return on.run([] { return std::this_thread::get_id(); }).wait();
}

class StopOfACoroutine : public WithLoop {
 protected:
  std::optional<loop> loop_;
  std::optional<deferred<int>> never_;  // of the default loop
  Local::Log log_;

  void SetUp() override {
    WithLoop::SetUp();
    loop_.emplace();
    never_.emplace();
  }
  void TearDown() override {
    never_.reset();
    loop_.reset();
    WithLoop::TearDown();
  }

  task<int> waits() {
    const Local local(log_);
    deferred<int> mine = *never_;
    co_return co_await std::move(mine);
  }
};

TEST_F(StopOfACoroutine, EndsWhatItWaitsForOnItsOwnThread) {
  const auto home = home_of(*loop_);
  auto result = loop_->run([this] { return waits(); });
  settle_down(*loop_);
  EXPECT_EQ(loop_->stop(0s), stop_outcome::ended);
  EXPECT_THROW(result.wait(), crochet::loop_stopped);
  EXPECT_EQ(crochet_result_status(result.handle()), CROCHET_ESTOPPED);
  EXPECT_EQ(log_.ended, 1);
  EXPECT_EQ(log_.where, home);
  result.join();
  EXPECT_EQ(loop_->counter("calls_held"), 0U);
  EXPECT_TRUE(never_->is_cancelled()) << "what it owned was cancelled, on another loop";
}
TEST_F(StopOfACoroutine, GivesItTimeForNothingMore) {
  std::string seen;
  auto result = loop_->run([&]() -> task<std::string> {
    try {
      co_await waits();
    } catch (const crochet::loop_stopped&) {
      seen += "stopped";
    }
    try {
      co_await loop_->run([] {});
    } catch (const crochet::loop_stopped&) {
      seen += ", refused";
    }
    try {
      co_await crochet::shielded(crochet::run([]() -> task<void> { co_await crochet::sleep(std::chrono::hours(1)); }));
    } catch (const crochet::loop_stopped&) {
      seen += ", no shield";
    }
    co_return seen;
  });
  settle_down(*loop_);
  EXPECT_EQ(loop_->stop(10s), stop_outcome::ended);
  EXPECT_EQ(result.wait(), "stopped, refused, no shield") << "and a value counts";
}
TEST_F(StopOfACoroutine, EndsASleep) {
  auto result = loop_->run([this]() -> task<void> {
    const Local local(log_);
    co_await crochet::sleep(std::chrono::hours(1));
  });
  settle_down(*loop_);
  EXPECT_EQ(loop_->stop(10s), stop_outcome::ended);
  EXPECT_THROW(result.wait(), crochet::loop_stopped);
  EXPECT_EQ(log_.ended, 1);
}
TEST_F(StopOfACoroutine, EndsItAfterACancelThatWasNotAnswered) {
  std::atomic<int> cancels{0};
  EXPECT_TRUE(never_->on_cancel([&cancels] { ++cancels; }));
  auto result = loop_->run([this] { return waits(); });
  settle_down(*loop_);
  result.cancel();
  while (cancels == 0) settle_down(*loop_);
  EXPECT_FALSE(result.ready());
  EXPECT_EQ(loop_->stop(0s), stop_outcome::ended);
  EXPECT_THROW(result.wait(), crochet::cancelled_error) << "who asked first decides";
  EXPECT_EQ(log_.ended, 1);
}
TEST_F(StopOfACoroutine, EndsWhatIsShielded) {
  for (const bool cancelled : {false, true}) {
    loop on;
    never_.emplace();
    log_.ended = 0;
    auto result = on.run([this]() -> task<int> { co_return co_await crochet::shielded(waits()); });
    settle_down(on);
    if (cancelled) {
      result.cancel();
      settle_down(on);
      EXPECT_FALSE(result.ready());
    }
    EXPECT_EQ(on.stop(0s), stop_outcome::ended);
    EXPECT_EQ(code_of([&] { result.wait(); }), cancelled ? CROCHET_ECANCELED : CROCHET_ESTOPPED);
    EXPECT_EQ(log_.ended, 1);
  }
}
TEST_F(StopOfACoroutine, WhileItRunsEndsItsNextWait) {
  contract::Gate entered, leave;
  auto result = loop_->run([&]() -> task<int> {
    const Local local(log_);
    entered.open();
    leave.wait();
    deferred<int> mine = *never_;
    co_return co_await std::move(mine);
  });
  entered.wait();
  crochet::run([this] { EXPECT_EQ(loop_->stop(0s), stop_outcome::in_progress); }).wait();
  leave.open();
  EXPECT_EQ(loop_->stop(0s), stop_outcome::ended);
  EXPECT_THROW(result.wait(), crochet::loop_stopped);
  EXPECT_EQ(crochet_result_status(result.handle()), CROCHET_ESTOPPED);
  EXPECT_EQ(log_.ended, 1);
}
// The call that would resume it is queued, and refused by who stops the loop, on a thread of the host's.
TEST_F(StopOfACoroutine, ThatIsAboutToGoOnGivesItItsValueOnItsOwnThread) {
  const auto home = home_of(*loop_);
  auto result = loop_->run([this] { return waits(); });
  settle_down(*loop_);
  Blocker blocker(*loop_);
  never_->resolve(3);
  crochet::run([this] { loop_->stop(0s); }).wait();
  EXPECT_EQ(log_.ended, 0) << "nobody but its loop's thread touches it";
  blocker.unblock();
  EXPECT_EQ(loop_->stop(0s), stop_outcome::ended);
  EXPECT_EQ(result.wait(), 3);
  EXPECT_EQ(log_.ended, 1);
  EXPECT_EQ(log_.where, home);
}
TEST_F(StopOfACoroutine, ComesWhenItsLoopIsLetGo) {
  auto on = std::make_unique<loop>();
  auto result = on->run([this] { return waits(); });
  settle_down(*on);
  on.reset();
  EXPECT_THROW(result.wait(60s), crochet::loop_stopped) << "a coroutine that waits keeps no loop";
}
TEST_F(StopOfACoroutine, EndsAnObjectAfterTheCoroutinesThatUseIt) {
  struct Object {
    Local::Log& log;
    Local local;
    explicit Object(Local::Log& l) : log(l), local(l) {}
  };
  Local::Log object;
  {
    const crochet::loop_owned<Object> owned(*loop_, std::ref(object));
    auto result = owned.run([this](Object& it) -> task<int> {
      struct Check {
        Object& object;
        ~Check() { EXPECT_EQ(object.log.ended, 0); }
      };
      const Check check{it};
      co_return co_await waits();
    });
    settle_down(*loop_);
    EXPECT_EQ(loop_->stop(0s), stop_outcome::ended);
    EXPECT_THROW(result.wait(), crochet::loop_stopped);
    EXPECT_EQ(log_.ended, 1);
  }
  EXPECT_EQ(object.ended, 1);
}
TEST_F(StopOfACoroutine, IsNoFailureToBeLogged) {
  contract::LogCapture log;
  {
    auto result = loop_->run([this] { return waits(); });
    settle_down(*loop_);
  }
  loop_->stop(0s);
  EXPECT_EQ(contract::LogCapture::occurrences(log.stop(), "nobody looked"), 0);
}

// ---- Where nothing can be done for it ----

class NoHelpForACoroutine : public ShutDownAfterwards {};

TEST_F(NoHelpForACoroutine, WhoseLoopIsStuckButItsWaitersAreFree) {
  contract::in_child([] {
    crochet::setup();
    loop on;
    deferred<int> d;
    Local::Log log;
    auto result = on.run([&, d]() mutable -> task<int> {
      const Local local(log);
      co_return co_await std::move(d);
    });
    settle_down(on);
    contract::Gate entered, never;
    on.run([&] {
      entered.open();
      never.wait();
    });
    entered.wait();
    EXPECT_EQ(on.stop(0s), stop_outcome::stuck);
    EXPECT_THROW(result.wait(), crochet::loop_stopped);
    d.resolve(1);
    EXPECT_EQ(log.ended, 0) << "nobody else's thread may touch it: it is left suspended";
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? contract::kHasFailed : 0);
  });
}
// The same, and the stuck callback comes back in the end.
TEST_F(NoHelpForACoroutine, WhoseLoopWasStuckForTooLong) {
  contract::in_child([] {
    crochet::setup();
    loop on;
    deferred<int> d;
    Local::Log log;
    auto waits = on.run([&, d]() mutable -> task<int> {
      const Local local(log);
      co_return co_await std::move(d);
    });
    contract::Gate entered, leave, left;
    auto blocks = on.run([&]() -> task<void> {
      struct Last {
        contract::Gate& gate;
        ~Last() { gate.open(); }
      };
      const Last last{left};
      const Local local(log);
      entered.open();
      leave.wait();
      deferred<int> mine = d;
      co_await std::move(mine);
    });
    entered.wait();
    EXPECT_EQ(on.stop(0s), stop_outcome::stuck);
    EXPECT_THROW(waits.wait(), crochet::loop_stopped);
    EXPECT_THROW(blocks.wait(), crochet::loop_stopped);
    leave.open();
    left.wait();
    on.stop(10s);  // its thread is joined
    EXPECT_EQ(log.ended, 1) << "what ran has unwound when it came to its next wait; what waited is left";
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? contract::kHasFailed : 0);
  });
}
TEST_F(NoHelpForACoroutine, WhoseThreadEndsButWhatRunsIsUnwound) {
  contract::in_child([] {
    crochet::setup();
    Local::Log inner, outer, other;
    {
      loop on;
      deferred<int> d;
      auto waits = on.run([&, d]() mutable -> task<int> {
        const Local local(other);
        co_return co_await std::move(d);
      });
      settle_down(on);
      auto leave = [&]() -> task<void> {
        const Local local(inner);
        co_await on.run([] {});
        pthread_exit(nullptr);
      };
      auto result = on.run([&]() -> task<void> {
        const Local local(outer);
        co_await leave();
      });
      EXPECT_THROW(result.wait(60s), crochet::loop_stopped);
      EXPECT_THROW(waits.wait(60s), crochet::loop_stopped);
      on.stop(10s);
      EXPECT_EQ(inner.ended, 1);
      EXPECT_EQ(outer.ended, 1) << "those that awaited it, too";
      EXPECT_EQ(other.ended, 0) << "no thread is left that could go on with it";
    }
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? contract::kHasFailed : 0);
  });
}
TEST_F(NoHelpForACoroutine, InAForkedChildWhereNothingGoesOn) {
  crochet::setup();
  deferred<int> d;
  auto result = crochet::run([d]() mutable -> task<int> { co_return co_await std::move(d); });
  crochet::run([] {}).wait();
  contract::in_child([&result, &d] {
    EXPECT_EQ(code_of([&] { result.wait(); }), CROCHET_EFORKED);
    EXPECT_EQ(code_of([&] { result.cancel(); }), CROCHET_EFORKED);
    static_cast<void>(d);
  });
  d.resolve(2);
  EXPECT_EQ(result.wait(), 2) << "the parent notices nothing";
}
TEST_F(NoHelpForACoroutine, ThatForksAndAwaitsInTheChild) {
  crochet::setup();
  auto status = crochet::run([]() -> task<int> {
    const pid_t pid = fork();
    if (pid == 0) {
      int code = 0;
      try {
        co_await crochet::run([] {});
      } catch (const crochet::error& e) {
        code = e.code();
      }
      _exit(code == CROCHET_EFORKED ? 0 : 1);
    }
    co_await crochet::run([] {});
    co_return contract::exit_status(pid);
  });
  EXPECT_EQ(status.wait(), 0);
}

}  // namespace
}  // namespace coro
