// SPDX-License-Identifier: MIT
// deferred<T>: made in a function, returned, settled later. The outer call is the one whose function returned it.
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

class Deferred : public WithLoop {
 protected:
  // A call that returned `inner`, and has run.
  template <class T>
  static eventual_result<T> returning(deferred<T> inner) {
    auto outer = crochet::run([inner = std::move(inner)] { return inner; });
    crochet::run([] {}).wait();
    return outer;
  }
  template <class T>
  static void let_go(deferred<T>& one) {
    const deferred<T> gone = std::move(one);
  }
};

TEST_F(Deferred, SettlesTheCallLaterFromAnyThread) {
  deferred<std::string> source;
  auto result = returning(source);
  static_assert(std::is_same_v<decltype(result), eventual_result<std::string>>);
  EXPECT_FALSE(result.ready());
  std::thread([&source] { EXPECT_TRUE(source.resolve("later")); }).join();
  EXPECT_EQ(result.wait(), "later");
}
TEST_F(Deferred, MayBeSettledBeforeItIsReturned) {
  auto value = crochet::run([] {
    deferred<int> d;
    d.resolve(1);
    return d;
  });
  EXPECT_EQ(value.wait(), 1);
  auto failure = crochet::run([] {
    deferred<int> d;
    d.reject(std::domain_error("at once"));
    return d;
  });
  EXPECT_THROW(failure.wait(), std::domain_error);
}
TEST_F(Deferred, MayBeSettledWhileItIsReturned) {
  for (int i = 0; i < 200; ++i) {
    std::thread settler;
    auto result = crochet::run([&settler, i] {
      deferred<int> d;
      settler = std::thread([d, i] { d.resolve(i); });
      return d;
    });
    EXPECT_EQ(result.wait(), i);
    settler.join();
    result.join(kKillTimer);
  }
}
TEST_F(Deferred, CarriesNothing) {
  deferred<void> source;
  auto result = returning(source);
  EXPECT_TRUE(source.resolve());
  result.wait();
}
TEST_F(Deferred, CarriesMoveOnlyOverAlignedAndImmovableValues) {
  deferred<std::unique_ptr<int>> owning;
  auto owned = returning(owning);
  owning.resolve(std::make_unique<int>(3));
  EXPECT_EQ(*std::move(owned).wait(), 3);

  deferred<OverAligned> aligning;
  auto aligned = returning(aligning);
  aligning.resolve(4);
  EXPECT_TRUE(aligned.wait().aligned());

  deferred<NotMovable> fixing;
  auto fixed = returning(fixing);
  fixing.resolve(5);
  EXPECT_EQ(fixed.wait().number, 5);
}

TEST_F(Deferred, FirstSettlingWins) {
  struct Tag {};
  deferred<Tracked<Tag>> source;
  auto result = returning(source);
  EXPECT_TRUE(source.resolve(1));
  EXPECT_FALSE(source.resolve(2));
  EXPECT_FALSE(source.reject(CROCHET_EFAILED));
  EXPECT_FALSE(source.reject(std::runtime_error("late")));
  EXPECT_EQ(result.wait().number, 1);
  result = {};
  let_go(source);
  crochet::run([] {}).wait();
  EXPECT_EQ(Tracked<Tag>::alive, 0);
}
TEST_F(Deferred, RejectsWithAnExceptionAPointerToOneOrACode) {
  deferred<int> a;
  auto first = returning(a);
  a.reject(std::out_of_range("thrown again"));
  EXPECT_THROW(first.wait(), std::out_of_range);

  deferred<int> b;
  auto second = returning(b);
  const std::exception_ptr failure = std::make_exception_ptr(17);
  b.reject(failure);
  EXPECT_THROW(second.wait(), int);
  EXPECT_EQ(second.original_failure(), failure) << "the same object";

  deferred<int> c;
  auto third = returning(c);
  c.reject(CROCHET_EFAILED, "in so many words");
  try {
    third.wait();
    FAIL();
  } catch (const crochet::failed_error& e) {
    EXPECT_STREQ(e.what(), "in so many words");
  }
}
struct Unmakeable {
  explicit Unmakeable(int) { throw std::length_error("can't be made"); }
};
TEST_F(Deferred, AnExceptionFromTheValuesConstructorIsTheFailure) {
  deferred<Unmakeable> source;
  auto result = returning(source);
  EXPECT_TRUE(source.resolve(1));
  EXPECT_THROW(result.wait(), std::length_error);
}
TEST_F(Deferred, IsBrokenWhenTheLastCopyGoes) {
  auto result = crochet::run([] { return deferred<int>(); });
  EXPECT_THROW(result.wait(), crochet::broken_error);
}
TEST_F(Deferred, RefusesEverythingWhenItWasMovedFrom) {
  deferred<int> source;
  const deferred<int> taken = std::move(source);
  EXPECT_EQ(code_of([&] { source.resolve(1); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { source.reject(-1); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { static_cast<void>(source.on_cancel([] {})); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([&] { source.result(); }), CROCHET_EINVAL);
  EXPECT_FALSE(source.is_cancelled());
  EXPECT_EQ(code_of([&] { crochet::run([d = std::move(source)]() mutable { return std::move(d); }).wait(); }),
            CROCHET_EINVAL);
  EXPECT_TRUE(taken.resolve(1));
}
TEST_F(Deferred, CanBeReturnedOnce) {
  deferred<int> source;
  auto first = returning(source);
  auto second = returning(source);
  EXPECT_THROW(second.wait(), std::logic_error);
  source.resolve(2);
  EXPECT_EQ(first.wait(), 2);
}

TEST_F(Deferred, CancelOfTheOuterCallReachesTheHook) {
  deferred<int> source;
  std::atomic<int> called{0};
  EXPECT_TRUE(source.on_cancel([&called](const deferred<int>& mine) {
    called += on_loop() ? 1 : 100;
    EXPECT_TRUE(mine.is_cancelled());
    EXPECT_TRUE(mine.reject(CROCHET_ECANCELED));
  }));
  auto result = returning(source);
  EXPECT_FALSE(source.is_cancelled());
  EXPECT_EQ(result.cancel(), cancel_outcome::requested);
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  EXPECT_EQ(called, 1);
  EXPECT_EQ(crochet_result_status(result.handle()), CROCHET_ECANCELED);
}
TEST_F(Deferred, HookMayTakeNothingAndMayFinishWithAValue) {
  deferred<std::string> source;
  EXPECT_TRUE(source.on_cancel([source = source.handle()] {
    crochet_resolve(source, new std::string("what there was"), [](void* s) { delete static_cast<std::string*>(s); });
  }));
  auto result = returning(source);
  EXPECT_EQ(result.cancel(), cancel_outcome::requested);
  EXPECT_EQ(result.wait(), "what there was");
}
TEST_F(Deferred, HookThatThrowsFailsTheCall) {
  deferred<int> source;
  EXPECT_TRUE(source.on_cancel([] { throw std::domain_error("from the hook"); }));
  auto result = returning(source);
  result.cancel();
  EXPECT_THROW(result.wait(), std::domain_error);
}
TEST_F(Deferred, HookIsDroppedWhenTheCallIsFinished) {
  struct Tag {};
  deferred<int> source;
  EXPECT_TRUE(source.on_cancel([t = Tracked<Tag>()] {}));
  EXPECT_TRUE(source.on_cancel([t = Tracked<Tag>()] {}));
  EXPECT_EQ(Tracked<Tag>::alive, 1) << "the second has replaced the first";
  auto result = returning(source);
  source.resolve(1);
  let_go(source);
  result.join(kKillTimer);
  EXPECT_EQ(Tracked<Tag>::alive, 0);
}
TEST_F(Deferred, WithoutAHookCancelSettlesIt) {
  deferred<int> source;
  auto result = returning(source);
  EXPECT_EQ(result.cancel(), cancel_outcome::requested);
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  EXPECT_FALSE(source.resolve(1));
}
TEST_F(Deferred, CancelBeforeItIsReturnedReachesIt) {
  contract::Gate entered;
  contract::Gate leave;
  std::atomic<int> called{0};
  auto result = crochet::run([&] {
    deferred<int> d;
    EXPECT_TRUE(d.on_cancel([&called](const deferred<int>& mine) {
      ++called;
      mine.reject(CROCHET_ECANCELED);
    }));
    entered.open();
    leave.wait();
    return d;
  });
  entered.wait();
  EXPECT_EQ(result.cancel(), cancel_outcome::requested);
  EXPECT_THROW(result.wait(), crochet::cancelled_error) << "at once: nothing had been returned yet";
  leave.open();
  result.join(kKillTimer);
  EXPECT_LE(called, 1) << "it may have gone before its hook had its turn";
}
TEST_F(Deferred, OnCancelSaysThatACancelCameFirst) {
  deferred<int> source;
  auto result = source.result();
  result.cancel();
  EXPECT_FALSE(source.on_cancel([] { FAIL(); }));
  EXPECT_TRUE(source.is_cancelled());
}
TEST_F(Deferred, JoinOfTheOuterCallWaitsForTheLastCopy) {
  struct Tag {};
  deferred<int> source;
  EXPECT_TRUE(source.on_cancel([t = Tracked<Tag>()](const deferred<int>& mine) { mine.reject(CROCHET_ECANCELED); }));
  auto result = returning(source);
  result.cancel();
  EXPECT_THROW(result.wait(), crochet::cancelled_error);
  EXPECT_THROW(result.join(5ms), crochet::timeout_error) << "a producer still holds it: libuv may have its memory";
  let_go(source);
  result.join(kKillTimer);
  EXPECT_EQ(Tracked<Tag>::alive, 0);
}

TEST_F(Deferred, KeptByItsMakerHasAResultOfItsOwn) {
  deferred<std::string> source;
  auto result = source.result();
  auto another = source.result();
  source.resolve("both");
  EXPECT_EQ(result.wait(), "both");
  EXPECT_EQ(another.wait(), "both");
}
TEST_F(Deferred, ThatIsForgottenIsNotLogged) {
  contract::LogCapture log;
  { const deferred<int> forgotten; }
  auto thrower = crochet::run([]() -> deferred<int> {
    const deferred<int> forgotten;
    throw std::domain_error("before it was returned");
  });
  EXPECT_THROW(thrower.wait(), std::domain_error);
  auto broken = crochet::run([] { return deferred<int>(); });
  EXPECT_THROW(broken.wait(), crochet::broken_error);
  broken.join(kKillTimer);
  EXPECT_EQ(log.stop(), "");
}
TEST_F(Deferred, FailureThatNobodyLooksAtIsLoggedOnce) {
  contract::LogCapture log;
  {
    auto result = crochet::run([] {
      deferred<int> d;
      d.reject(CROCHET_EFAILED, "unobserved");
      return d;
    });
    result.join(kKillTimer);
    deferred<int> source;
    auto later = returning(source);
    source.reject(std::runtime_error("unobserved"));
    let_go(source);
    later.join(kKillTimer);
  }
  crochet::run([] {}).wait();
  const std::string text = log.stop();
  EXPECT_EQ(contract::LogCapture::occurrences(text, "unobserved"), 2) << text;
}

TEST_F(Deferred, ThatSettlesInTheGraceOfAStopIsNotLost) {
  deferred<std::string> source;
  std::atomic<bool> asked{false};
  EXPECT_TRUE(source.on_cancel([&asked] { asked = true; }));
  auto result = returning(source);
  std::thread stopper([] { EXPECT_EQ(crochet::shutdown(kKillTimer), crochet::stop_outcome::ended); });
  while (!asked) std::this_thread::yield();
  EXPECT_TRUE(source.resolve("just in time"));
  let_go(source);
  stopper.join();
  EXPECT_EQ(result.wait(), "just in time");
}
TEST_F(Deferred, ThatHoldsOutIsStoppedWithItsLoop) {
  deferred<std::string> source;
  auto result = returning(source);
  EXPECT_EQ(crochet::shutdown(0s), crochet::stop_outcome::ended);
  EXPECT_THROW(result.wait(), crochet::loop_stopped);
  EXPECT_FALSE(source.resolve("too late"));
}
TEST_F(Deferred, HookThatRejectsAtAStopIsReportedAsTheStop) {
  deferred<int> source;
  std::atomic<bool> called{false};
  EXPECT_TRUE(source.on_cancel([&called](const deferred<int>& mine) {
    called = true;
    mine.reject(CROCHET_ECANCELED);
  }));
  auto result = returning(source);
  EXPECT_EQ(crochet::shutdown(0s), crochet::stop_outcome::ended);
  EXPECT_TRUE(called);
  EXPECT_THROW(result.wait(), crochet::loop_stopped);
}

class ReturnedResult : public Deferred {};

TEST_F(ReturnedResult, StandsForItsValue) {
  auto outer = crochet::run([] { return crochet::run([] { return std::string("inner"); }); });
  static_assert(std::is_same_v<decltype(outer), eventual_result<std::string>>);
  EXPECT_EQ(outer.wait(), "inner");
  crochet::run([] { return crochet::run([] {}); }).wait();
  EXPECT_EQ(*crochet::run([] { return crochet::run([] { return std::make_unique<int>(1); }); }).wait(), 1);
}
TEST_F(ReturnedResult, StandsForItsFailure) {
  auto outer = crochet::run([] { return crochet::run([] { throw std::domain_error("inner"); }); });
  EXPECT_THROW(outer.wait(), std::domain_error);
}
TEST_F(ReturnedResult, MayComeFromAnotherLoop) {
  const crochet::loop other;
  auto outer = crochet::run([&other] { return other.run([] { return std::this_thread::get_id(); }); });
  EXPECT_EQ(outer.wait(), other.run([] { return std::this_thread::get_id(); }).wait());
}
TEST_F(ReturnedResult, IsCancelledWithTheOuterCall) {
  deferred<int> source;
  std::atomic<int> called{0};
  EXPECT_TRUE(source.on_cancel([&called](const deferred<int>& mine) {
    ++called;
    mine.reject(CROCHET_ECANCELED);
  }));
  auto outer = crochet::run([inner = source.result()]() mutable { return std::move(inner); });
  crochet::run([] {}).wait();
  EXPECT_EQ(outer.cancel(), cancel_outcome::requested);
  EXPECT_THROW(outer.wait(), crochet::cancelled_error);
  EXPECT_EQ(called, 1);
}
TEST_F(ReturnedResult, IsStoppedWithTheLoop) {
  const crochet::loop other;
  deferred<int> source(other);
  auto outer = crochet::run([inner = source.result()]() mutable { return std::move(inner); });
  crochet::run([] {}).wait();
  EXPECT_EQ(crochet::shutdown(0s), crochet::stop_outcome::ended);
  EXPECT_THROW(outer.wait(), crochet::loop_stopped);
}

TEST_F(Deferred, ManyAreSettledByOthersWhileTheyAreReturned) {
  constexpr int kCalls = 2000;
  std::vector<eventual_result<int>> results;
  std::vector<deferred<int>> sources(kCalls);
  results.reserve(kCalls);
  for (int i = 0; i < kCalls; ++i)
    results.push_back(crochet::run([d = sources[static_cast<std::size_t>(i)]] { return d; }));
  std::vector<std::thread> settlers;
  for (int part = 0; part < 2; ++part) {
    settlers.emplace_back([&sources, part] {
      for (std::size_t i = static_cast<std::size_t>(part); i < sources.size(); i += 2) {
        sources[i].resolve(static_cast<int>(i));
        let_go(sources[i]);
      }
    });
  }
  for (int i = 0; i < kCalls; i += 3) results[static_cast<std::size_t>(i)].cancel();
  int sum = 0;
  int cancelled = 0;
  for (auto& result : results) {
    try {
      sum += result.wait() >= 0 ? 1 : 0;
    } catch (const crochet::cancelled_error&) {
      ++cancelled;
    }
  }
  for (std::thread& settler : settlers) settler.join();
  sources.clear();
  for (auto& result : results) result.join(kKillTimer);
  EXPECT_EQ(sum + cancelled, kCalls);
}

}  // namespace
}  // namespace hpp
