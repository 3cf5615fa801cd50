// SPDX-License-Identifier: MIT
// Exceptions on their way from a function to who waits; and what passes through.
#include <pthread.h>
#include <unwind.h>
#include <uv.h>

#include <string>
#include <vector>

#include "api/support/log_capture.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

class AbuseD1 : public WithLoop {
 protected:
  void TearDown() override {
    EXPECT_EQ(crochet::run([] { return 1; }).wait(), 1) << "the loop lives";
    WithLoop::TearDown();
  }
};

TEST_F(AbuseD1, AStandardExceptionIsTheFailure) {
  auto result = crochet::run([]() -> int { throw std::out_of_range("row 7"); });
  try {
    result.wait();
    FAIL();
  } catch (const std::out_of_range& e) {
    EXPECT_STREQ(e.what(), "row 7");
  }
  EXPECT_EQ(crochet_result_status(result.handle()), CROCHET_EFAILED);
  EXPECT_STREQ(crochet_error_message(crochet_result_error(result.handle())), "row 7") << "for other languages";
}
TEST_F(AbuseD1, AnIntIsTheFailure) {
  auto result = crochet::run([] { throw 42; });
  try {
    result.wait();
    FAIL();
  } catch (int n) {
    EXPECT_EQ(n, 42);
  }
}

// As another language's runtime would throw it.
void throw_foreign() {
  static _Unwind_Exception foreign;
  foreign = {};
  foreign.exception_class = 0x464f524549474e00;  // "FOREIGN"
  foreign.exception_cleanup = [](_Unwind_Reason_Code, _Unwind_Exception*) {};
  _Unwind_RaiseException(&foreign);
}
TEST_F(AbuseD1, AForeignExceptionIsAFailure) {
  auto result = crochet::run(throw_foreign);
  EXPECT_THROW(result.wait(), crochet::failed_error);
  EXPECT_EQ(code_of([&] { result.wait(); }), CROCHET_EFAILED);
}

struct Shared : std::runtime_error {
  using std::runtime_error::runtime_error;
  mutable int touched = 0;
};
TEST_F(AbuseD1, WaitersGetTheSameObject) {
  const void* thrown = nullptr;
  auto result = crochet::run([&thrown] {
    try {
      throw Shared("one");
    } catch (const Shared& e) {
      thrown = &e;
      throw;
    }
  });
  const void* caught[2] = {};
  for (const void*& at : caught) {
    try {
      result.wait();
    } catch (const Shared& e) {
      at = &e;
    }
  }
  EXPECT_NE(thrown, nullptr);
  EXPECT_EQ(caught[0], thrown);
  EXPECT_EQ(caught[1], thrown);
}
TEST_F(AbuseD1, ManyThreadsAreThrownOneException) {
  for (int round = 0; round < 50; ++round) {
    auto result = crochet::run([] { throw Shared("for all"); });
    std::vector<std::thread> waiters;
    std::atomic<int> caught{0};
    for (int i = 0; i < 4; ++i) {
      waiters.emplace_back([&caught, mine = result.share()] {
        try {
          mine.wait();
        } catch (const Shared& e) {
          if (std::string(e.what()) == "for all") ++caught;
        }
      });
    }
    result = {};
    for (std::thread& waiter : waiters) waiter.join();
    EXPECT_EQ(caught, 4);
  }
}
TEST_F(AbuseD1, TheExceptionOutlivesTheResult) {
  auto result = crochet::run([] { throw Shared("kept"); });
  result.join(kKillTimer);
  const std::exception_ptr failure = result.original_failure();
  result = {};
  EXPECT_THROW(std::rethrow_exception(failure), Shared);
}

class Exceptions : public WithLoop {};

TEST_F(Exceptions, AnErrorKeepsItsCode) {
  auto result = crochet::run([] { throw crochet::failed_error(UV_EHOSTUNREACH, "no way"); });
  EXPECT_EQ(code_of([&] { result.wait(); }), UV_EHOSTUNREACH);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.handle())), UV_EHOSTUNREACH) << "for other languages";
}
TEST_F(Exceptions, AFailureFromCIsAFailedErrorWithCodeAndText) {
  crochet_result* raw = nullptr;
  ASSERT_EQ(crochet_run(
                nullptr, [](crochet_deferred* d, void*) { crochet_reject(d, UV_ECONNREFUSED, nullptr); }, nullptr,
                nullptr, &raw),
            CROCHET_OK);
  const crochet::eventual_result<void> result(raw);
  try {
    result.wait();
    FAIL();
  } catch (const crochet::failed_error& e) {
    EXPECT_EQ(e.code(), UV_ECONNREFUSED);
    EXPECT_STREQ(e.what(), uv_strerror(UV_ECONNREFUSED));
  }
}
TEST_F(Exceptions, AFunctionsOwnTimeoutIsNotTheWaits) {
  auto result = crochet::run([] { throw crochet::timeout_error(CROCHET_ETIMEDOUT); });
  try {
    result.wait(kKillTimer);
    FAIL();
  } catch (const crochet::wait_error&) {
    FAIL() << "the call is over";
  } catch (const crochet::failed_error& e) {
    EXPECT_EQ(e.code(), CROCHET_ETIMEDOUT);
  }
  EXPECT_THROW(std::rethrow_exception(result.original_failure()), crochet::timeout_error);
}
TEST_F(Exceptions, ALoopThatWaitsInsideFailsTheCall) {
  auto result = crochet::run([] { crochet::run([] {}).wait(); });
  EXPECT_THROW(result.wait(), crochet::failed_error);
  EXPECT_EQ(code_of([&] { result.wait(); }), CROCHET_EDEADLK);
}
TEST_F(Exceptions, TheLabelIsNamed) {
  const auto fetch = crochet::run_in_loop([]() -> crochet::deferred<int> { return {}; }, "fetch");
  auto result = fetch();
  try {
    result.wait();
    FAIL();
  } catch (const crochet::broken_error& e) {
    EXPECT_EQ(std::string(e.what()).find("fetch: "), 0U) << e.what();
  }
}
TEST_F(Exceptions, HierarchyTellsTheWaitFromTheCall) {
  static_assert(std::is_base_of_v<crochet::error, crochet::wait_error> &&
                std::is_base_of_v<crochet::error, crochet::call_error>);
  static_assert(!std::is_base_of_v<crochet::call_error, crochet::timeout_error>);
  static_assert(std::is_base_of_v<crochet::wait_error, crochet::timeout_error>);
  static_assert(std::is_base_of_v<crochet::wait_error, crochet::interrupted_error>);
  static_assert(std::is_base_of_v<crochet::wait_error, crochet::deadlock_error>);
  static_assert(std::is_base_of_v<crochet::call_error, crochet::failed_error>);
  static_assert(std::is_base_of_v<crochet::call_error, crochet::cancelled_error>);
  static_assert(std::is_base_of_v<crochet::call_error, crochet::loop_stopped>);
  static_assert(std::is_base_of_v<crochet::call_error, crochet::broken_error>);
  static_assert(std::is_nothrow_copy_constructible_v<crochet::failed_error>);
}

TEST_F(Exceptions, ThatNobodyLooksAtAreLoggedOnce) {
  contract::LogCapture log;
  {
    auto result = crochet::run([] { throw Shared("seen by nobody"); });
    result.join(kKillTimer);
    EXPECT_TRUE(result.ready());
  }
  const std::string text = log.stop();
  EXPECT_EQ(contract::LogCapture::occurrences(text, "seen by nobody"), 1) << text;
}
TEST_F(Exceptions, ThatWereThrownAreNotLogged) {
  contract::LogCapture log;
  {
    auto result = crochet::run([] { throw Shared("seen"); });
    EXPECT_THROW(result.wait(), Shared);
  }
  EXPECT_EQ(log.stop(), "");
}

struct ThrowsWhenDestroyed {
  ThrowsWhenDestroyed() = default;
  ThrowsWhenDestroyed(ThrowsWhenDestroyed&& other) noexcept : armed(std::exchange(other.armed, false)) {}
  ~ThrowsWhenDestroyed() noexcept(false) {
    if (armed) throw std::runtime_error("from a destructor");
  }
  bool armed = true;
};
TEST_F(Exceptions, FromTheDestructorOfAClosureAreLogged) {
  contract::LogCapture log;
  auto result = crochet::run([bomb = ThrowsWhenDestroyed()] { return 3; });
  result.join(kKillTimer);
  EXPECT_EQ(result.wait(), 3);
  const std::string text = log.stop();
  EXPECT_EQ(contract::LogCapture::occurrences(text, "from a destructor"), 1) << text;
}
TEST_F(Exceptions, FromTheDestructorOfAValueAreLogged) {
  contract::LogCapture log;
  {
    auto result = crochet::run([] { return ThrowsWhenDestroyed(); });
    result.join(kKillTimer);
  }
  const std::string text = log.stop();
  EXPECT_EQ(contract::LogCapture::occurrences(text, "from a destructor"), 1) << text;
}

// A forced unwind through the function that the library calls: here on a thread of the test's own.
void* leave_by_pthread_exit(void* deferred) {
  static int farewell = 0;
  auto body = [] { pthread_exit(&farewell); };
  using Frame = crochet::detail::frame<decltype(body)>;
  alignas(std::max_align_t) std::byte storage[sizeof(Frame)];
  ::new (static_cast<void*>(storage)) Frame(body);
  Frame::call(static_cast<crochet_deferred*>(deferred), storage);
  return nullptr;
}
TEST_F(Exceptions, LetAForcedUnwindPass) {
  crochet_deferred* deferred = nullptr;
  crochet_result* result = nullptr;
  ASSERT_EQ(crochet_deferred_new(nullptr, nullptr, nullptr, &deferred, &result), CROCHET_OK);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, nullptr, leave_by_pthread_exit, deferred), 0);
  void* farewell = nullptr;
  ASSERT_EQ(pthread_join(thread, &farewell), 0);
  EXPECT_NE(farewell, nullptr) << "the thread has ended as it wished";
  EXPECT_EQ(crochet_result_status(result), CROCHET_EPENDING) << "nothing was caught";
  crochet_resolve(deferred, nullptr, nullptr);
  crochet_deferred_release(deferred);
  crochet_result_release(result);
}

}  // namespace
}  // namespace hpp
