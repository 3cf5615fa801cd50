// SPDX-License-Identifier: MIT
// Who cancels the result of a coroutine ends what it awaits, and the coroutine decides what comes of that.
#include <string>

#include "api/support/log_capture.hpp"
#include "crochet_coro.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace coro {
namespace {

using namespace hpp;
using crochet::cancel_outcome;
using crochet::deferred;
using crochet::eventual_result;
using crochet::task;

void settle_down() {
  crochet::run([] {}).wait();
}

// A deferred whose cancel is counted, and answered as told.
struct Operation {
  deferred<int> d;
  std::atomic<int> cancels{0};
  enum class Then { kRejects, kResolves, kGoesOn };
  explicit Operation(Then then = Then::kRejects) {
    EXPECT_TRUE(d.on_cancel([this, then](const deferred<int>& it) {
      ++cancels;
      if (then == Then::kRejects) it.reject(CROCHET_ECANCELED);
      if (then == Then::kResolves) it.resolve(5);
    }));
  }
  task<int> value() {
    deferred<int> copy = d;
    co_return co_await std::move(copy);
  }
};

class CancelOfACoroutine : public WithLoop {};

TEST_F(CancelOfACoroutine, EndsItsSleepAndItsLocals) {
  struct Tag;
  using T = Tracked<Tag>;
  auto result = crochet::run([]() -> task<void> {
    const T local;
    co_await crochet::sleep(std::chrono::hours(1));
    ADD_FAILURE() << "it went on";
  });
  settle_down();
  EXPECT_EQ(T::alive, 1);
  EXPECT_EQ(result.cancel(), cancel_outcome::requested);
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  EXPECT_EQ(T::alive, 0);
  EXPECT_EQ(crochet_result_status(result.handle()), CROCHET_ECANCELED) << "as it was asked, and no failure";
}
TEST_F(CancelOfACoroutine, ThatNeverStartedIsNotRun) {
  const Blocker blocker;
  bool ran = false;
  auto result = crochet::run([&ran]() -> task<void> {
    ran = true;
    co_return;
  });
  EXPECT_EQ(result.cancel(), cancel_outcome::not_run);
  EXPECT_FALSE(ran);
}
TEST_F(CancelOfACoroutine, WhileItsFunctionRunsKeepsItFromStarting) {
  contract::Gate entered, leave;
  bool ran = false;
  auto result = crochet::run([&] {
    entered.open();
    leave.wait();
    return [](bool& it) -> task<void> {
      it = true;
      co_return;
    }(ran);
  });
  entered.wait();
  result.cancel();
  leave.open();
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  result.join();
  EXPECT_FALSE(ran);
}
TEST_F(CancelOfACoroutine, ReachesWhatTheInnermostAwaits) {
  Operation operation;
  std::string unwound;
  auto inner = [&](auto& self, int depth) -> task<int> {
    struct Note {
      std::string& text;
      int depth;
      ~Note() { text += std::to_string(depth); }
    };
    const Note note{unwound, depth};
    if (depth == 0) co_return co_await operation.value();
    co_return co_await self(self, depth - 1);
  };
  auto result = crochet::run([&]() -> task<int> { co_return co_await inner(inner, 3); });
  settle_down();
  result.cancel();
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  EXPECT_EQ(operation.cancels, 1);
  EXPECT_EQ(unwound, "0123");
}
TEST_F(CancelOfACoroutine, GoesThroughCallsOfOtherLoops) {
  const crochet::loop left, right;
  Operation operation;
  auto result = crochet::run([&]() -> task<int> {
    co_return co_await left.run(
        [&]() -> task<int> { co_return co_await right.run([&] { return operation.value(); }); });
  });
  while (!operation.d.is_cancelled() &&
         operation.cancels == 0) {  // it may not be there yet: then its parts are not run
    result.cancel();
    if (result.ready(1ms)) break;
  }
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
}
TEST_F(CancelOfACoroutine, WaitsForWhatItOwnsToEnd) {
  Operation operation(Operation::Then::kGoesOn);
  auto result = crochet::run(&Operation::value, std::ref(operation));
  settle_down();
  result.cancel();
  while (operation.cancels == 0) settle_down();
  EXPECT_FALSE(result.ready()) << "the operation was asked, and goes on";
  operation.d.reject(CROCHET_ECANCELED);
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
}
TEST_F(CancelOfACoroutine, LeavesAValueThatCameAllTheSame) {
  Operation operation(Operation::Then::kResolves);
  auto result = crochet::run(&Operation::value, std::ref(operation));
  settle_down();
  result.cancel();
  EXPECT_EQ(result.wait(), 5) << "its own value counts";
}
TEST_F(CancelOfACoroutine, LeavesAnLvalueAlone) {
  Operation operation;
  auto source = operation.d.result();
  auto result = crochet::run([&]() -> task<int> { co_return co_await source; });
  settle_down();
  result.cancel();
  EXPECT_THROW(result.wait(), crochet::cancelled_error) << "only the wait has ended, and at once";
  EXPECT_EQ(operation.cancels, 0);
  operation.d.resolve(4);
  EXPECT_EQ(source.wait(), 4);
}
TEST_F(CancelOfACoroutine, LeavesASharedResultAlone) {
  Operation operation;
  auto source = operation.d.result();
  auto result = crochet::run([&]() -> task<int> { co_return co_await source.share(); });
  settle_down();
  result.cancel();
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  EXPECT_EQ(operation.cancels, 0);
  operation.d.resolve(4);
  EXPECT_EQ(source.wait(), 4);
}
TEST_F(CancelOfACoroutine, LetsNoLaterWaitBegin) {
  Operation first, second;
  int caught = 0;
  auto never_started = [&caught]() -> task<void> {
    ++caught;
    co_return;
  };
  auto ready = crochet::run([] {});
  ready.wait();
  auto result = crochet::run([&]() -> task<int> {
    EXPECT_FALSE(co_await crochet::is_cancelled());
    try {
      co_await first.value();
    } catch (const crochet::cancelled_error&) {
      ++caught;
    }
    EXPECT_TRUE(co_await crochet::is_cancelled());
    try {
      deferred<int> copy = second.d;
      co_await std::move(copy);
    } catch (const crochet::cancelled_error&) {
      ++caught;
    }
    try {
      co_await ready;
    } catch (const crochet::cancelled_error&) {
      ++caught;
    }
    try {
      co_await never_started();
    } catch (const crochet::cancelled_error&) {
      ++caught;
    }
    co_return caught;
  });
  settle_down();
  result.cancel();
  EXPECT_EQ(result.wait(), 4) << "caught, and a value counts";
  while (second.cancels == 0) settle_down();
  EXPECT_EQ(first.cancels, 1);
}
TEST_F(CancelOfACoroutine, LeavesAnotherFailureAsItIs) {
  Operation operation;
  auto result = crochet::run([&]() -> task<int> {
    try {
      co_return co_await operation.value();
    } catch (const crochet::cancelled_error&) {
      throw std::runtime_error("another");
    }
  });
  settle_down();
  result.cancel();
  EXPECT_THROW(result.wait(), std::runtime_error);
}
TEST_F(CancelOfACoroutine, ComesOnce) {
  Operation operation(Operation::Then::kGoesOn);
  auto result = crochet::run(&Operation::value, std::ref(operation));
  settle_down();
  result.cancel();
  result.cancel();
  while (operation.cancels == 0) settle_down();
  result.cancel();
  settle_down();
  EXPECT_EQ(operation.cancels, 1);
  operation.d.resolve(1);
  EXPECT_EQ(result.wait(), 1);
  EXPECT_EQ(result.cancel(), cancel_outcome::too_late);
}
TEST_F(CancelOfACoroutine, DoesNotReachWhatIsShielded) {
  Operation operation;
  auto source = operation.d.result();
  auto result = crochet::run([&]() -> task<int> {
    const int n = co_await crochet::shielded(operation.value());
    EXPECT_TRUE(co_await crochet::is_cancelled());
    EXPECT_EQ(co_await crochet::shielded(source), n) << "not refused either";
    co_await crochet::shielded(crochet::sleep(1ms));
    co_return n;
  });
  settle_down();
  result.cancel();
  settle_down();
  EXPECT_FALSE(result.ready());
  operation.d.resolve(6);
  EXPECT_EQ(result.wait(), 6);
  EXPECT_EQ(operation.cancels, 0);
}
TEST_F(CancelOfACoroutine, LetsACleanUpAwait) {
  Operation operation;
  bool closed = false;
  auto close = [&closed]() -> task<void> {
    co_await crochet::sleep(1ms);
    co_await crochet::run([] {});
    closed = true;
  };
  auto result = crochet::run([&]() -> task<int> {
    std::exception_ptr failure;
    int n = 0;
    try {
      n = co_await operation.value();
    } catch (...) {
      failure = std::current_exception();
    }
    co_await crochet::shielded(close());
    if (failure) std::rethrow_exception(failure);
    co_return n;
  });
  settle_down();
  result.cancel();
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  EXPECT_TRUE(closed);
}
TEST_F(CancelOfACoroutine, OfAnInnerCallIsAFailureLikeAnother) {
  Operation operation;
  auto inner = operation.d.result();
  auto result = crochet::run([&]() -> task<std::string> {
    bool caught = false;
    try {
      co_await inner;
    } catch (const crochet::cancelled_error&) {
      caught = true;  // a handler may not await
    }
    co_return caught && !co_await crochet::is_cancelled() ? "goes on" : "?";
  });
  settle_down();
  inner.cancel();
  EXPECT_EQ(result.wait(), "goes on");
}
TEST_F(CancelOfACoroutine, IsNoFailureToBeLogged) {
  contract::LogCapture log;
  {
    auto result = crochet::run([]() -> task<void> { co_await crochet::sleep(std::chrono::hours(1)); });
    settle_down();
    result.cancel();
    result.join();
  }
  settle_down();
  EXPECT_EQ(contract::LogCapture::occurrences(log.stop(), "nobody looked"), 0);
}

}  // namespace
}  // namespace coro
