// SPDX-License-Identifier: MIT
// A process that is exiting: what an exit handler that runs after the library's own may expect.
#include <gtest/gtest.h>
#include <unistd.h>
#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {
namespace {

// Uses the library in a child, leaves it by exit(), and runs `body` in an exit handler that was registered before the
// library was first used, hence is called after the library's own.
int status_of_exit_handler(void (*body)()) {
  static void (*to_do)();
  to_do = body;
  return status_of_child(
      [] {
        const int code = std::atexit([] {
          const int before = failed_expectations();
          to_do();
          std::fflush(nullptr);
          _exit(failed_expectations() == before ? 0 : kHasFailed);
        });
        EXPECT_EQ(code, 0);
        EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
        EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      },
      [](int) { std::exit(kHasFailed); });
}

void in_exit_handler(void (*body)()) { EXPECT_EQ(status_of_exit_handler(body), 0); }

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

}  // namespace
}  // namespace contract
