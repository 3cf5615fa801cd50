// SPDX-License-Identifier: MIT
// What a loop counts, and the line it writes at its end: crochet_loop_counter(), crochet_loop_counter_name().
#include <gtest/gtest.h>
#include <uv.h>

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {
namespace {

class LoopCounter : public ShutDownAfterwards {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_loop_new(nullptr, loop_.out()), CROCHET_OK); }

  std::uint64_t counted(const char* name) {
    std::uint64_t count = 0;
    EXPECT_EQ(crochet_loop_counter(loop_.get(), name, &count), CROCHET_OK) << name;
    return count;
  }

  OwnedLoop loop_;
};

TEST_F(LoopCounter, CountsWhatBecameOfCalls) {
  PROVOKES(crochet_loop_counter, CROCHET_OK);
  OwnedResult cancelled, not_run;
  LogCapture log;
  {
    EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);
    BlockedLoop blocked(loop_.get());  // the second that is run
    EXPECT_EQ(crochet_run(loop_.get(), resolve_null, nullptr, nullptr, cancelled.out()), CROCHET_OK);
    EXPECT_EQ(crochet_run(loop_.get(), resolve_null, nullptr, nullptr, not_run.out()), CROCHET_OK);
    EXPECT_EQ(crochet_run(loop_.get(), resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(cancelled.get(), nullptr), CROCHET_OK);
    EXPECT_EQ(counted("calls_cancelled"), 1u);
    EXPECT_EQ(counted("calls_run"), 2u);
    EXPECT_EQ(counted("calls_not_run"), 0u);
  }
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(counted("calls_run") + counted("calls_not_run") + counted("calls_cancelled"), 5u);
  EXPECT_EQ(counted("calls_cancelled"), 1u);
  EXPECT_EQ(log.stop(), "") << "nothing that needs attention";
}

TEST_F(LoopCounter, CountsCallsWhoseArgumentIsTheirLoop) {
  EXPECT_EQ(crochet_wait_for(loop_.get(), resolve_null, loop_.get(), nullptr, kForever, nullptr), CROCHET_OK);
  EXPECT_EQ(counted("calls_run"), 1u);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
}

TEST_F(LoopCounter, CountsWhatNeverRanBecauseOfTheStop) {
  OwnedResult first, second;
  {
    BlockedLoop blocked(loop_.get());
    EXPECT_EQ(crochet_run(loop_.get(), resolve_null, nullptr, nullptr, first.out()), CROCHET_OK);
    OwnedCall after;
    EXPECT_EQ(crochet_call_new(loop_.get(), 0, after.out()), CROCHET_OK);
    EXPECT_EQ(crochet_call_set_after(after.get(), first.get()), CROCHET_OK);
    EXPECT_EQ(crochet_call_run(after.release(), resolve_null, nullptr, second.out()), CROCHET_OK);
    std::thread stopper([this] { EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK); });
    EXPECT_EQ(crochet_result_wait(first.get(), kForever), CROCHET_ESTOPPED);
    blocked.let_go();
    stopper.join();
  }
  EXPECT_EQ(crochet_result_status(second.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(counted("calls_run"), 1u);
  EXPECT_EQ(counted("calls_not_run"), 2u);
  EXPECT_EQ(counted("calls_cancelled"), 0u);
}

TEST_F(LoopCounter, DoesNotCountWhatWasRefusedOrIsTheLibrarysOwn) {
  constexpr int kAtStop = 200;  // enough for the library to look after them by a call of its own
  std::atomic<std::uint64_t> accepted{0};
  for (int i = 0; i < kAtStop; ++i) {
    OwnedCall call;
    ASSERT_EQ(crochet_call_new(loop_.get(), 0, call.out()), CROCHET_OK);
    ASSERT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
    ASSERT_EQ(crochet_call_run(call.release(), resolve_null, nullptr, nullptr), CROCHET_OK);
    ++accepted;
  }
  ASSERT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);
  ++accepted;
  // Others call while it stops.
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([this, &accepted] {
      while (crochet_run(loop_.get(), resolve_null, nullptr, nullptr, nullptr) == CROCHET_OK) ++accepted;
    });
  }
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(counted("calls_run") + counted("calls_not_run") + counted("calls_cancelled") + counted("calls_expired"),
            accepted);
}

TEST_F(LoopCounter, CountsAndReportsWhatIsStillHeld) {
  Pending held(loop_.get());
  LogCapture log;
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
  EXPECT_EQ(counted("calls_held"), 1u);
  const std::string& text = log.stop();
  EXPECT_EQ(LogCapture::occurrences(text, "\n"), 1) << text;
  EXPECT_NE(text.find("warning"), std::string::npos) << text;
  EXPECT_NE(text.find("1 are held"), std::string::npos) << text;
}

TEST_F(LoopCounter, CountsAndReportsHandlesThatWereLeftOpen) {
  static uv_timer_t timer;
  EXPECT_EQ(on_loop(loop_.get(), [] { uv_timer_init(crochet_current_uv(), &timer); }), CROCHET_OK);
  LogCapture log;
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_EBUSY);
  EXPECT_EQ(counted("handles_open"), 1u);
  const std::string& text = log.stop();
  EXPECT_EQ(LogCapture::occurrences(text, "\n"), 1) << text;
  EXPECT_NE(text.find("error"), std::string::npos) << text;
  EXPECT_NE(text.find("timer"), std::string::npos) << text;
}

TEST_F(LoopCounter, OfTheDefaultLoopIsAskedForWithNull) {
  PROVOKES(crochet_loop_counter, CROCHET_ENOTSETUP);
  PROVOKES(crochet_loop_counter, CROCHET_ESTOPPED);
  std::uint64_t count = 7;
  EXPECT_EQ(crochet_loop_counter(nullptr, "calls_run", &count), CROCHET_ENOTSETUP);
  EXPECT_EQ(count, 0u);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_loop_counter(nullptr, "calls_run", &count), CROCHET_OK);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(crochet_loop_counter(nullptr, "calls_run", &count), CROCHET_ESTOPPED);
  EXPECT_EQ(count, 0u);
}

TEST_F(LoopCounter, RefusesWhatIsNoNameAndNoPlace) {
  PROVOKES(crochet_loop_counter, CROCHET_EINVAL);
  PROVOKES(crochet_loop_counter, CROCHET_ENOENT);
  std::uint64_t count = 7;
  EXPECT_EQ(crochet_loop_counter(loop_.get(), nullptr, &count), CROCHET_EINVAL);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(crochet_loop_counter(loop_.get(), "calls_run", nullptr), CROCHET_EINVAL);
  for (const char* wrong : {"", "calls", "calls_run ", "CALLS_RUN"}) {
    EXPECT_EQ(crochet_loop_counter(loop_.get(), wrong, &count), CROCHET_ENOENT) << wrong;
  }
}

TEST_F(LoopCounter, HasNamesThatAreAllDifferent) {
  std::set<std::string> names;
  for (std::uint32_t i = 0; const char* name = crochet_loop_counter_name(i); ++i) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(counted(name) == 0 || std::string(name) == "turns" || std::string(name) == "cpu_ns") << name;
  }
  for (const char* name : {"calls_run", "calls_not_run", "calls_cancelled", "calls_expired"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
  EXPECT_EQ(crochet_loop_counter_name(UINT32_MAX), nullptr);
}

TEST_F(LoopCounter, IsForgottenInAForkedChild) {
  PROVOKES(crochet_loop_counter, CROCHET_EFORKED);
  in_child([this] {
    std::uint64_t count = 7;
    EXPECT_EQ(crochet_loop_counter(loop_.get(), "calls_run", &count), CROCHET_EFORKED);
    EXPECT_EQ(crochet_loop_counter(nullptr, "calls_run", &count), CROCHET_EFORKED);
    EXPECT_EQ(count, 0u);
  });
}

}  // namespace
}  // namespace contract
