// SPDX-License-Identifier: MIT
// The watchdog: crochet_watchdog_start(), crochet_watchdog_stop(). Each blocked callback stays so until the test has
// seen the report: what is seen was written meanwhile.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/dumped.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_lines.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

// Whoever looks for the name of a function finds it later.
static std::atomic<contract::Gate*> name_sought{nullptr};
static std::atomic<contract::Gate*> name_found{nullptr};

// In place of the system's, for the library too.
extern "C" int dladdr(const void* address, Dl_info* info) noexcept {
  static const auto systems = reinterpret_cast<decltype(&dladdr)>(dlsym(RTLD_NEXT, "dladdr"));
  if (contract::Gate* const sought = name_sought.exchange(nullptr)) {
    contract::Gate* const found = name_found;
    sought->open();
    found->wait();
  }
  return systems(address, info);
}

namespace contract {
namespace {

constexpr std::int64_t kShort = 2 * kMillisecond;

class WatchdogTest : public WithDefaultLoop {
 protected:
  void SetUp() override {
    WithDefaultLoop::SetUp();
    ASSERT_EQ(crochet_watchdog_start(kShort), CROCHET_OK);
  }
  void TearDown() override {
    EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK);
    WithDefaultLoop::TearDown();
  }

  LogLines log_;
};

// A callback stands in it until it may leave.
struct Door {
  Gate entered, leave, left;
  ~Door() { left.wait(); }
  static void stand_in(crochet_deferred*, void* arg) {
    auto* const door = static_cast<Door*>(arg);
    door->entered.open();
    door->leave.wait();
    door->left.open();
  }
};

// The next time, once.
struct NameSought {
  Gate begun, may_end;
  NameSought() {
    name_found = &may_end;
    name_sought = &begun;
  }
  void end() { may_end.open(); }
};

OwnedResult stuck_in(Door& door, const char* label, crochet_loop* loop = nullptr) {
  OwnedCall call;
  OwnedResult result;
  EXPECT_EQ(crochet_call_new(loop, sizeof(Door*), call.out()), CROCHET_OK);
  EXPECT_EQ(crochet_call_set_label(call.get(), label), CROCHET_OK);
  *static_cast<Door**>(crochet_call_storage(call.get())) = &door;
  const auto stand = [](crochet_deferred* deferred, void* storage) {
    Door::stand_in(deferred, *static_cast<Door**>(storage));
    crochet_resolve(deferred, nullptr, nullptr);
  };
  EXPECT_EQ(crochet_call_run(call.release(), stand, nullptr, result.out()), CROCHET_OK);
  door.entered.wait();
  return result;
}

std::uint64_t times_blocked() {
  std::uint64_t count = 0;
  EXPECT_EQ(crochet_loop_counter(nullptr, "times_blocked", &count), CROCHET_OK);
  return count;
}

TEST_F(WatchdogTest, NamesTheCallWhileItBlocksAndCountsWhatWaitsBehindIt) {
  PROVOKES(crochet_watchdog_start, CROCHET_OK);
  PROVOKES(crochet_watchdog_stop, CROCHET_OK);
  Door door;
  const OwnedResult result = stuck_in(door, "bad manners");
  std::array<OwnedResult, 3> behind;
  for (OwnedResult& one : behind) {
    ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, one.out()), CROCHET_OK);
  }
  // Again and again, so that the last ones count all that was queued after the first.
  std::string told;
  while (told.find("; 3 calls wait behind it") == std::string::npos) {
    told = log_.until("still blocked by \"bad manners\" (api-watchdog+0x");
  }
  EXPECT_TRUE(std::regex_search(
      told, std::regex("loop \"crochet\" is .*: for \\d+\\.\\d{3} s at least; 3 calls wait behind it")))
      << told;
  EXPECT_EQ(log_.level_of(told), CROCHET_LOG_WARNING);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EPENDING) << "it was told while it blocked";
  EXPECT_GE(times_blocked(), 1u);
  door.leave.open();
  const std::string over = log_.until("loop \"crochet\" goes on: it was blocked by \"bad manners\" (api-watchdog+0x");
  EXPECT_TRUE(std::regex_search(over, std::regex("for about \\d+\\.\\d{3} s$"))) << over;
}

TEST_F(WatchdogTest, NamesTheFunctionOfACallWithoutALabel) {
  Door door;
  ASSERT_EQ(crochet_run(nullptr, Door::stand_in, &door, nullptr, nullptr), CROCHET_OK);
  door.entered.wait();
  const std::string told = log_.until("is blocked by api-watchdog+0x");
  EXPECT_NE(told.find("0 calls wait"), std::string::npos) << told;
  door.leave.open();
}

TEST_F(WatchdogTest, NamesTheFunctionOfACallWhoseLabelIsEmpty) {
  Door door;
  const OwnedResult result = stuck_in(door, "");
  log_.until("is blocked by api-watchdog+0x");
  door.leave.open();
}

// The name that it has found is another call's by then.
TEST_F(WatchdogTest, SaysNothingOfACallThatGoesOnWhileItsNameIsSought) {
  for (const bool another_runs : {false, true}) {
    SCOPED_TRACE(another_runs);
    Door door, next;
    NameSought sought;
    OwnedResult result = stuck_in(door, "gone by then"), another;
    sought.begun.wait();
    door.leave.open();
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    result.reset();  // the next one may lie where it lay
    if (another_runs) {
      another = stuck_in(next, "the next");
    } else {
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      next.left.open();
    }
    sought.end();
    log_.until("goes on: it was blocked by \"gone by then\"");
    next.leave.open();
  }
  for (const std::string& line : log_.all()) EXPECT_EQ(line.find(" is blocked by \"gone"), std::string::npos) << line;
}

TEST_F(WatchdogTest, IsLeftBehindWhenTheDynamicLinkerKeepsIt) {
  Door door;
  NameSought sought;
  const OwnedResult result = stuck_in(door, "slow to be named");
  sought.begun.wait();
  EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK);
  sought.end();
  log_.until("is blocked by \"slow to be named\"");
  door.leave.open();
}

TEST_F(WatchdogTest, TellsAnOnCancelHookAndADropByTheirCall) {
  for (const bool in_hook : {true, false}) {
    SCOPED_TRACE(in_hook);
    Door door;
    if (in_hook) {
      Pending pending;
      ASSERT_EQ(crochet_deferred_on_cancel(pending.deferred.get(), Door::stand_in, &door, nullptr), CROCHET_OK);
      ASSERT_EQ(crochet_result_cancel(pending.result.get(), nullptr), CROCHET_OK);
      door.entered.wait();
      log_.until("is blocked by a call without a function");
      door.leave.open();
      EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);
    } else {
      ASSERT_EQ(crochet_run(
                    nullptr, leave_unsettled, &door, [](void* arg) { Door::stand_in(nullptr, arg); }, nullptr),
                CROCHET_OK);
      door.entered.wait();
      log_.until("is blocked by api-watchdog+0x");
      door.leave.open();
    }
    log_.until("goes on");
  }
}

TEST_F(WatchdogTest, TellsACallbackOfALibuvHandle) {
  // A timer's turn comes before the poll, a descriptor's in it.
  for (const bool by_timer : {true, false}) {
    SCOPED_TRACE(by_timer);
    Door door;
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    static union {
      uv_timer_t timer;
      uv_poll_t poll;
      uv_handle_t any;
    } handle;
    ASSERT_EQ(on_loop(nullptr,
                      [&] {
                        if (by_timer) {
                          uv_timer_init(crochet_current_uv(), &handle.timer);
                          handle.any.data = &door;
                          uv_timer_start(
                              &handle.timer, [](uv_timer_t* t) { Door::stand_in(nullptr, t->data); }, 0, 0);
                        } else {
                          uv_poll_init(crochet_current_uv(), &handle.poll, ends[0]);
                          handle.any.data = &door;
                          uv_poll_start(&handle.poll, UV_READABLE, [](uv_poll_t* p, int, int) {
                            uv_poll_stop(p);
                            Door::stand_in(nullptr, p->data);
                          });
                        }
                      }),
              CROCHET_OK);
    ASSERT_EQ(write(ends[1], "x", 1), 1);
    door.entered.wait();
    log_.until("is blocked by a callback of a libuv handle");
    door.leave.open();
    log_.until("goes on");
    Gate closed;
    ASSERT_EQ(on_loop(nullptr,
                      [&] {
                        handle.any.data = &closed;
                        uv_close(&handle.any, [](uv_handle_t* h) { static_cast<Gate*>(h->data)->open(); });
                      }),
              CROCHET_OK);
    closed.wait();
    close(ends[0]);
    close(ends[1]);
  }
}

TEST_F(WatchdogTest, TellsAnAdoptedLoopThatCallsWaitForInVain) {
  HostLoop host;
  OwnedLoop loop;
  Gate adopted, told;
  std::thread owner([&] {
    ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
    adopted.open();
    told.wait();
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
    EXPECT_EQ(host.run(), 0);
  });
  adopted.wait();
  ASSERT_EQ(crochet_run(loop.get(), resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
  log_.until("is blocked by a callback of the host's own, or nobody runs it");
  told.open();
  owner.join();
}

TEST_F(WatchdogTest, MayBeChangedStoppedAndStartedAgain) {
  EXPECT_EQ(crochet_watchdog_start(INT64_MAX), CROCHET_OK);
  EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK);
  EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK);
  Door door;
  const OwnedResult result = stuck_in(door, "one more");
  EXPECT_EQ(crochet_watchdog_start(INT64_MAX), CROCHET_OK);  // sleeps for long,
  EXPECT_EQ(crochet_watchdog_start(kShort), CROCHET_OK);     // and is woken
  log_.until("is blocked by \"one more\"");
  door.leave.open();
}

TEST_F(WatchdogTest, MayBeStoppedOnALoopsThread) {
  PROVOKES(crochet_watchdog_stop, CROCHET_EINPROGRESS);
  EXPECT_EQ(on_loop(nullptr,
                    [] {
                      EXPECT_EQ(crochet_watchdog_stop(), CROCHET_EINPROGRESS);
                      EXPECT_EQ(crochet_watchdog_stop(), CROCHET_EINPROGRESS) << "there is none any more";
                      EXPECT_EQ(crochet_watchdog_start(kShort), CROCHET_OK);
                    }),
            CROCHET_OK);
}

// A thread that was ended before it had begun must not take the next one's part as well.
TEST_F(WatchdogTest, StartedAndStoppedInAHurryIsOneAndNotTwo) {
  Door door;
  const OwnedResult result = stuck_in(door, "hurried");
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK);
    EXPECT_EQ(crochet_watchdog_start(kShort), CROCHET_OK);
  }
  log_.until("is blocked by \"hurried\"");
  log_.until("is still blocked by \"hurried\"");
  door.leave.open();
  log_.until("it was blocked by \"hurried\"");
  EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK);  // joined: it says nothing more
  EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
  int ends = 0;
  for (const std::string& line : log_.all()) ends += line.find("it was blocked by \"hurried\"") != std::string::npos;
  EXPECT_EQ(ends, 1);
}

TEST_F(WatchdogTest, NamesADelayedCall) {
  Door door;
  OwnedCall call;
  ASSERT_EQ(crochet_call_new(nullptr, sizeof(Door*), call.out()), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_label(call.get(), "a delayed one"), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_delay_ns(call.get(), kMillisecond), CROCHET_OK);
  *static_cast<Door**>(crochet_call_storage(call.get())) = &door;
  const auto stand = [](crochet_deferred* deferred, void* storage) {
    Door::stand_in(deferred, *static_cast<Door**>(storage));
  };
  ASSERT_EQ(crochet_call_run(call.release(), stand, nullptr, nullptr), CROCHET_OK);
  log_.until("is blocked by \"a delayed one\"");
  EXPECT_NE(dumped(nullptr, CROCHET_DUMP_TEXT).find("a delayed one"), std::string::npos);
  door.leave.open();
}

TEST_F(WatchdogTest, WatchesFurtherLoopsAndThoseOfALaterSetup) {
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  OwnedOptions options;
  ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
  ASSERT_EQ(crochet_options_set_thread_name(options.get(), "another"), CROCHET_OK);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(options.get(), loop.out()), CROCHET_OK);
  Door here, there;
  const OwnedResult first = stuck_in(here, "here");
  const OwnedResult second = stuck_in(there, "there", loop.get());
  log_.until("loop \"crochet\" is blocked by \"here\"");
  log_.until("loop \"another\" is blocked by \"there\"");
  here.leave.open();
  there.leave.open();
  EXPECT_EQ(crochet_result_wait(first.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(second.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_OK);
}

TEST(WatchdogWithoutSetup, IsOnForTheNextLoopAndRefusesWhatIsNoTime) {
  PROVOKES(crochet_watchdog_start, CROCHET_EINVAL);
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
    EXPECT_EQ(crochet_watchdog_start(wrong), CROCHET_EINVAL);
  }
  EXPECT_EQ(crochet_watchdog_start(kShort), CROCHET_OK);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  {
    LogLines log;
    Door door;
    const OwnedResult result = stuck_in(door, "the first");
    log.until("is blocked by \"the first\"");
    door.leave.open();
  }
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK);
}

TEST_F(WatchdogTest, IsRefusedInAForkedChildUntilSetupAndWatchesThereThen) {
  PROVOKES(crochet_watchdog_start, CROCHET_EFORKED);
  PROVOKES(crochet_watchdog_stop, CROCHET_EFORKED);
  SKIP_UNDER_THREAD_SANITIZER("can't start threads in a child that was forked beside others");
  in_child([] {
    EXPECT_EQ(crochet_watchdog_start(kShort), CROCHET_EFORKED);
    EXPECT_EQ(crochet_watchdog_stop(), CROCHET_EFORKED);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      LogLines log;
      Door door;
      const OwnedResult result = stuck_in(door, "in the child");
      log.until("is blocked by \"in the child\"");
      door.leave.open();
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

}  // namespace
}  // namespace contract
