// SPDX-License-Identifier: MIT
// A process that is exiting: what an exit handler that runs after the library's own may expect, and what becomes of
// child processes. The test's own process never uses the library.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/commands.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/durations.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {
namespace {

// Uses the library in a child, leaves it by exit(), and runs `body` in an exit handler that was registered before the
// library was first used, hence is called after the library's own.
void set_up_and_run() {
  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}
int status_of_exit_handler(void (*body)(), void (*use)()) {
  static void (*to_do)();
  to_do = body;
  return status_of_child(
      [use] {
        const int code = std::atexit([] {
          const int before = failed_expectations();
          to_do();
          std::fflush(nullptr);
          _exit(failed_expectations() == before ? 0 : kHasFailed);
        });
        EXPECT_EQ(code, 0);
        use();
      },
      [](int) { std::exit(kHasFailed); });
}

void in_exit_handler(void (*body)(), void (*use)() = set_up_and_run) {
  EXPECT_EQ(status_of_exit_handler(body, use), 0);
}

TEST(ProcessExit, RefusesLoops) {
  PROVOKES(crochet_setup, CROCHET_ESTOPPED);
  PROVOKES(crochet_no_setup, CROCHET_ESTOPPED);
  PROVOKES(crochet_loop_new, CROCHET_ESTOPPED);
  PROVOKES(crochet_loop_adopt, CROCHET_ESTOPPED);
  in_exit_handler([] {
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_ESTOPPED);
    OwnedLoop loop;
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_ESTOPPED);
    EXPECT_EQ(loop.get(), nullptr);
    uv_loop_t uv;
    EXPECT_EQ(uv_loop_init(&uv), 0);
    EXPECT_EQ(crochet_no_setup(&uv, nullptr), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_loop_adopt(&uv, nullptr, loop.out()), CROCHET_ESTOPPED);
    EXPECT_EQ(loop.get(), nullptr);
    EXPECT_EQ(uv_loop_close(&uv), 0);
  });
}

TEST(ProcessExit, RefusesCallsAndDropsWhatTheyOwn) {
  in_exit_handler([] {
    DropCounter drops;
    OwnedResult result;
    OwnedCall call;
    OwnedDeferred deferred;
    EXPECT_EQ(crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, result.out()), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_wait_for(nullptr, resolve_null, drops.pointer(), DropCounter::drop, kForever, result.out()),
              CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_deferred_new(nullptr, drops.pointer(), DropCounter::drop, deferred.out(), nullptr),
              CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_call_new(nullptr, 8, call.out()), CROCHET_ESTOPPED);
    EXPECT_EQ(drops.count(), 3);
  });
}

TEST(ProcessExit, RefusesCallsAlsoWhereThereNeverWasALoop) {
  in_exit_handler([] { EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED); },
                  [] {
                    EXPECT_EQ(crochet_stash_limits(1, kForever), CROCHET_OK);
                    EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ENOTSETUP);
                  });
}

TEST(ProcessExit, RefusesTheWatchdogAndListsNoLoop) {
  PROVOKES(crochet_watchdog_start, CROCHET_ESTOPPED);
  in_exit_handler([] {
    EXPECT_EQ(crochet_watchdog_start(1), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK);
    EXPECT_EQ(crochet_dump(
                  nullptr, CROCHET_DUMP_JSON,
                  [](void*, const char* bytes, std::size_t length) {
                    EXPECT_EQ(std::string(bytes, length).find("{\"loop\""), std::string::npos);
                    return 0;
                  },
                  nullptr),
              CROCHET_OK);
  });
}

TEST(ProcessExit, HasNothingToShutDown) {
  in_exit_handler([] { EXPECT_EQ(crochet_shutdown(0), CROCHET_OK); });
}

TEST(ProcessExit, KeepsItsOwnStatus) {
  EXPECT_EQ(status_of_child(
                [] {
                  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
                  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
                },
                [](int failed) { std::exit(failed == 0 ? 42 : kHasFailed); }),
            42);
}

// ---- The loop's thread ends without a stop, or the process does on it

// Does not obey, and keeps the writing end of a pipe open: its end is the pipe's.
class Stubborn {
 public:
  Stubborn() : end_(open(pipe_.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) { EXPECT_GE(end_, 0); }
  Stubborn(const Stubborn&) = delete;
  Stubborn& operator=(const Stubborn&) = delete;
  ~Stubborn() { close(end_); }

  OwnedCommand command() const { return shell("trap '' TERM; exec 3>$1; echo >&3; exec sleep 1000", {pipe_.path()}); }
  void wait_until_it_runs() const { EXPECT_EQ(next(), 1); }
  bool ends() const { return next() == 0; }

 private:
  ssize_t next() const {
    pollfd readable{end_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(kKillTimer / kMillisecond)) != 1) return -1;
    char byte = 0;
    return read(end_, &byte, 1);
  }
  Fifo pipe_;
  int end_;
};

constexpr int kOwnStatus = 42;
// Behind the library's own exit handler, before the leak check: what is exited in the middle of is not given back.
void leave_behind_the_library() {
  EXPECT_EQ(std::atexit([] { _exit(kOwnStatus); }), 0);
}
void exit_if_all_held(int failed) {
  if (failed != 0) _exit(kHasFailed);
  std::exit(kHasFailed);
}

// Nobody would ever turn the loop again, and the child went on for ever.
TEST(ProcessAtExit, IsKilledWhenTheThreadThatRanTheLoopLeavesMain) {
  const Stubborn stubborn;
  EXPECT_EQ(status_of_child(
                [&] {
                  leave_behind_the_library();
                  static uv_loop_t* const uv = new uv_loop_t;
                  ASSERT_EQ(uv_loop_init(uv), 0);
                  ASSERT_EQ(crochet_no_setup(uv, nullptr), CROCHET_OK);
                  ASSERT_EQ(crochet_command_run(stubborn.command().get(), nullptr, nullptr), CROCHET_OK);
                  bool has_begun = false;  // it is set by the call after that
                  const auto tell = [](crochet_deferred* deferred, void* flag) {
                    *static_cast<bool*>(flag) = true;
                    crochet_resolve(deferred, nullptr, nullptr);
                  };
                  ASSERT_EQ(crochet_run(nullptr, tell, &has_begun, nullptr, nullptr), CROCHET_OK);
                  while (!has_begun) uv_run(uv, UV_RUN_ONCE);
                  stubborn.wait_until_it_runs();
                },
                exit_if_all_held),
            kOwnStatus);
  EXPECT_TRUE(stubborn.ends());
}

TEST(ProcessAtExit, IsKilledWhenACallbackExits) {
  const Stubborn stubborn;
  EXPECT_EQ(status_of_child([&] {
              leave_behind_the_library();
              ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
              ASSERT_EQ(crochet_command_run(stubborn.command().get(), nullptr, nullptr), CROCHET_OK);
              stubborn.wait_until_it_runs();
              const auto leave = [](crochet_deferred*, void*) { std::exit(kHasFailed); };
              ASSERT_EQ(crochet_run(nullptr, leave, nullptr, nullptr, nullptr), CROCHET_OK);
              for (;;) pause();
            }),
            kOwnStatus);
  EXPECT_TRUE(stubborn.ends());
}

TEST(ProcessAtExit, IsKilledWhenACallbackEndsTheThread) {
  in_child([] {
    const Stubborn stubborn;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = started(stubborn.command());
    stubborn.wait_until_it_runs();
    const auto leave = [](crochet_deferred*, void*) { pthread_exit(nullptr); };
    ASSERT_EQ(crochet_run(nullptr, leave, nullptr, nullptr, nullptr), CROCHET_OK);
    EXPECT_TRUE(stubborn.ends());
    EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

}  // namespace
}  // namespace contract
