// SPDX-License-Identifier: MIT
// eventual_result<T>: the caller's side of a call.
#include <memory>
#include <string>
#include <vector>

#include "api/support/log_capture.hpp"
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using crochet::cancel_outcome;
using crochet::deferred;
using crochet::eventual_result;

class EventualResult : public WithLoop {};

TEST_F(EventualResult, IsMoveOnlyAndSmall) {
  using Result = eventual_result<std::string>;
  static_assert(!std::is_copy_constructible_v<Result> && !std::is_copy_assignable_v<Result>);
  static_assert(std::is_nothrow_move_constructible_v<Result> && std::is_nothrow_move_assignable_v<Result>);
  static_assert(sizeof(Result) <= 2 * sizeof(void*));
}
TEST_F(EventualResult, RefusesEverythingWhenItIsEmpty) {
  eventual_result<int> empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(code_of([&] { empty.wait(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.value(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.take(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.ready(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.ready(0s); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.cancel(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.join(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.interrupt(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.stash(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { empty.then([](int) {}); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { std::move(empty).then([](int) {}); }), CROCHET_EINVAL);
  EXPECT_EQ(empty.original_failure(), nullptr);
  EXPECT_FALSE(empty.share());
}

TEST_F(EventualResult, WaitThrowsTimeoutErrorAndMayBeRepeated) {
  auto blocker = std::make_unique<Blocker>();
  auto result = crochet::run([] { return 7; });
  EXPECT_THROW(result.wait(1ms), crochet::timeout_error);
  EXPECT_THROW(std::move(result).wait(1ms), crochet::wait_error);
  EXPECT_FALSE(result.ready());
  EXPECT_FALSE(result.ready(1ms));
  blocker.reset();
  EXPECT_TRUE(result.ready(kKillTimer));
  EXPECT_TRUE(result.ready());
  EXPECT_EQ(result.wait(0s), 7) << "what is there is there";
}
TEST_F(EventualResult, ManyThreadsWaitForOne) {
  deferred<std::string> source;
  const auto result = source.result();
  std::atomic<int> seen{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 8; ++i) waiters.emplace_back([&] { seen += result.wait() == "for all" ? 1 : 0; });
  EXPECT_TRUE(source.resolve("for all"));
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(seen, 8);
}
TEST_F(EventualResult, InterruptEndsAWait) {
  const Blocker blocker;
  auto result = crochet::run([] {});
  result.interrupt();
  EXPECT_THROW(result.wait(), crochet::interrupted_error);
  result.interrupt();
  EXPECT_THROW(result.ready(kKillTimer), crochet::interrupted_error);
  EXPECT_THROW(result.wait(1ms), crochet::timeout_error);
}
TEST_F(EventualResult, BlocksNoLoop) {
  auto other = crochet::run([] { return 3; });
  other.join(kKillTimer);
  auto codes = crochet::run([&other] {
    return std::vector<int>{code_of([&] { other.wait(); }), code_of([&] { other.wait(0s); }),
                            code_of([&] { other.ready(1s); }), code_of([&] { other.join(); })};
  });
  EXPECT_EQ(codes.wait(), std::vector<int>(4, CROCHET_EDEADLK));
}
TEST_F(EventualResult, LooksAndTakesOnALoop) {
  auto first = crochet::run([] { return std::string("there"); });
  first.join(kKillTimer);
  auto seen = crochet::run([&first] {
    const std::string lent = first.ready() ? first.value() : "";
    return lent + first.take();
  });
  EXPECT_EQ(seen.wait(), "therethere");
}

TEST_F(EventualResult, ValueOfAPendingOneIsAnError) {
  const Blocker blocker;
  auto result = crochet::run([] { return 1; });
  EXPECT_EQ(code_of([&] { result.value(); }), CROCHET_EPENDING);
  EXPECT_EQ(code_of([&] { result.take(); }), CROCHET_EPENDING);
}
TEST_F(EventualResult, IsTakenOnce) {
  auto result = crochet::run([] { return std::make_unique<int>(1); });
  EXPECT_EQ(*std::move(result).wait(), 1);
  EXPECT_EQ(code_of([&] { result.take(); }), CROCHET_ETAKEN);
  EXPECT_EQ(code_of([&] { result.wait(); }), CROCHET_ETAKEN);
  EXPECT_TRUE(result.ready());
}
TEST_F(EventualResult, TakeOfAFailureThrowsIt) {
  auto result = crochet::run([]() -> int { throw std::domain_error("no"); });
  result.join(kKillTimer);
  EXPECT_THROW(result.take(), std::domain_error);
  EXPECT_THROW(result.value(), std::domain_error);
}

struct Shared {};
TEST_F(EventualResult, CopiesWhereItIsShared) {
  using Value = Tracked<Shared>;
  auto first = crochet::run([] { return Value(4); });
  auto second = first.share();
  const Value& lent = first.wait();
  EXPECT_EQ(std::move(second).wait().number, 4);
  EXPECT_EQ(second.take().number, 4);
  EXPECT_EQ(std::move(first).wait().number, 4);
  EXPECT_EQ(lent.number, 4) << "nobody took it";
  EXPECT_EQ(Value::alive, 1);
}
TEST_F(EventualResult, GivesAMoveOnlyValueToTheFirstTakerOfAll) {
  auto first = crochet::run([] { return std::make_unique<int>(1); });
  auto second = first.share();
  EXPECT_EQ(*std::move(second).wait(), 1);
  EXPECT_EQ(code_of([&] { std::move(first).wait(); }), CROCHET_ETAKEN);
}
TEST_F(EventualResult, EndsWithItsLastHandle) {
  struct Tag {};
  auto first = crochet::run([] { return Tracked<Tag>(1); });
  auto second = first.share();
  first.join(kKillTimer);
  first = {};
  EXPECT_EQ(second.value().number, 1);
  second = {};
  EXPECT_EQ(Tracked<Tag>::alive, 0);
}

TEST_F(EventualResult, ReadyNeitherThrowsNorObserves) {
  contract::LogCapture log;
  {
    auto result = crochet::run([] { throw std::runtime_error("unobserved"); });
    EXPECT_TRUE(result.ready(kKillTimer));
    EXPECT_TRUE(result.ready());
    result.join(kKillTimer);
  }
  EXPECT_EQ(contract::LogCapture::occurrences(log.stop(), "unobserved"), 1);
}
TEST_F(EventualResult, OriginalFailureObserves) {
  contract::LogCapture log;
  {
    auto result = crochet::run([] { throw std::runtime_error("observed"); });
    EXPECT_TRUE(result.ready(kKillTimer));
    EXPECT_THROW(std::rethrow_exception(result.original_failure()), std::runtime_error);
    result.join(kKillTimer);
  }
  EXPECT_EQ(log.stop(), "");
}
TEST_F(EventualResult, HasNoOriginalFailureWhenThereIsAValueOrNothingYet) {
  auto value = crochet::run([] { return 1; });
  value.wait();
  EXPECT_EQ(value.original_failure(), nullptr);
  const Blocker blocker;
  EXPECT_EQ(crochet::run([] {}).original_failure(), nullptr);
}

TEST_F(EventualResult, CancelTellsThatItNeverRan) {
  std::atomic<bool> ran{false};
  {
    const Blocker blocker;
    auto result = crochet::run([&ran] { ran = true; });
    EXPECT_EQ(result.cancel(), cancel_outcome::not_run);
    EXPECT_THROW(result.wait(), crochet::cancelled_error);
    EXPECT_EQ(result.cancel(), cancel_outcome::too_late);
    result.join(kKillTimer);
    EXPECT_THROW(std::rethrow_exception(result.original_failure()), crochet::cancelled_error);
  }
  EXPECT_FALSE(ran);
}
TEST_F(EventualResult, CancelTellsThatItCameTooLate) {
  auto result = crochet::run([] { return 1; });
  result.wait();
  EXPECT_EQ(result.cancel(), cancel_outcome::too_late);
  EXPECT_EQ(result.wait(), 1);
}
TEST_F(EventualResult, CancelOfARunningFunctionSettlesAtOnceAndJoinWaitsForTheFunction) {
  contract::Gate entered;
  contract::Gate leave;
  std::atomic<bool> left{false};
  auto result = crochet::run([&] {
    entered.open();
    leave.wait();
    left = true;
  });
  entered.wait();
  EXPECT_EQ(result.cancel(), cancel_outcome::requested);
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  EXPECT_THROW(result.join(1ms), crochet::timeout_error);
  leave.open();
  result.join(kKillTimer);
  EXPECT_TRUE(left) << "what it referred to may be freed now";
}
TEST_F(EventualResult, DestroyingItNeitherWaitsNorCancels) {
  std::atomic<bool> ran{false};
  {
    const Blocker blocker;
    crochet::run([&ran] { ran = true; });
  }
  crochet::run([] {}).wait();
  EXPECT_TRUE(ran);
}

TEST_F(EventualResult, GoesToAndFromC) {
  auto result = crochet::run([] { return 5; });
  EXPECT_EQ(crochet_result_wait(result.handle(), CROCHET_FOREVER), CROCHET_OK);
  EXPECT_EQ(*static_cast<const int*>(crochet_result_value(result.handle())), 5);
  const eventual_result<int> again(crochet_result_retain(result.handle()));
  EXPECT_EQ(again.wait(), 5);
}
TEST_F(EventualResult, EndsWithTheLoop) {
  auto result = crochet::run([] { return deferred<int>(); });
  result.join(kKillTimer);
  deferred<int> kept;
  auto pending = crochet::run([&kept] { return kept; });
  auto blocker = std::make_unique<Blocker>();
  auto queued = crochet::run([] { return 1; });
  std::thread stopper([] { EXPECT_EQ(crochet::shutdown(0s), crochet::stop_outcome::ended); });
  while (code_of([] { crochet::run([] {}); }) == CROCHET_OK) std::this_thread::yield();
  blocker->let_go();
  stopper.join();
  EXPECT_THROW(result.wait(), crochet::broken_error);
  EXPECT_THROW(pending.wait(), crochet::loop_stopped);
  try {
    pending.wait();
  } catch (const crochet::loop_stopped& e) {
    EXPECT_FALSE(e.never_started());
  }
  try {
    queued.wait();
    FAIL();
  } catch (const crochet::loop_stopped& e) {
    EXPECT_TRUE(e.never_started());
  }
  EXPECT_THROW(pending.join(kKillTimer), crochet::loop_stopped) << "a deferred is still held";
}

// std::vector says that it can be copied, whatever it holds.
TEST_F(EventualResult, OfAContainerOfWhatCantBeCopiedIsMovedOut) {
  auto result = crochet::run([] {
    std::vector<std::unique_ptr<int>> values;
    values.push_back(std::make_unique<int>(5));
    return values;
  });
  EXPECT_EQ(*result.wait().at(0), 5);
  EXPECT_EQ(*std::move(result).wait().at(0), 5);
}

}  // namespace
}  // namespace hpp
