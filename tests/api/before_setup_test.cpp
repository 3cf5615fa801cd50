// SPDX-License-Identifier: MIT
// A process that has never set the library up: no test of this program may. Each uses a child, to leave nothing behind.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "api/provokes.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {
namespace {

void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }

TEST(BeforeSetup, CallsToTheDefaultLoopAreRefusedAndDropWhatTheyOwn) {
  PROVOKES(crochet_run, CROCHET_ENOTSETUP);
  PROVOKES(crochet_wait_for, CROCHET_ENOTSETUP);
  PROVOKES(crochet_call_new, CROCHET_ENOTSETUP);
  PROVOKES(crochet_deferred_new, CROCHET_ENOTSETUP);
  PROVOKES(crochet_cork_new, CROCHET_ENOTSETUP);
  PROVOKES(crochet_sleep, CROCHET_ENOTSETUP);
  PROVOKES(crochet_every, CROCHET_ENOTSETUP);
  in_child([] {
    DropCounter drops;
    crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_run(nullptr, never, drops.pointer(), DropCounter::drop, &result), CROCHET_ENOTSETUP);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 1);

    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_wait_for(nullptr, never, drops.pointer(), DropCounter::drop, kForever, &result),
              CROCHET_ENOTSETUP);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 2);

    crochet_call* call = reinterpret_cast<crochet_call*>(&drops);
    EXPECT_EQ(crochet_call_new(nullptr, 8, &call), CROCHET_ENOTSETUP);
    EXPECT_EQ(call, nullptr);

    crochet_cork* cork = reinterpret_cast<crochet_cork*>(&drops);
    EXPECT_EQ(crochet_cork_new(nullptr, &cork), CROCHET_ENOTSETUP);
    EXPECT_EQ(cork, nullptr);

    result = reinterpret_cast<crochet_result*>(&drops);
    crochet_deferred* deferred = reinterpret_cast<crochet_deferred*>(&drops);
    EXPECT_EQ(crochet_deferred_new(nullptr, drops.pointer(), DropCounter::drop, &deferred, &result), CROCHET_ENOTSETUP);
    EXPECT_EQ(deferred, nullptr);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 3);

    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_sleep(nullptr, 1, &result), CROCHET_ENOTSETUP);
    EXPECT_EQ(result, nullptr);
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_every(
                  nullptr, 0, 1, [](crochet_deferred*, void*, std::uint64_t) { ADD_FAILURE() << "it was called"; },
                  drops.pointer(), DropCounter::drop, &result),
              CROCHET_ENOTSETUP);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 4);
  });
}

TEST(BeforeSetup, ReadyMadeOperationsAreRefused) {
  PROVOKES(crochet_getaddrinfo, CROCHET_ENOTSETUP);
  PROVOKES(crochet_getnameinfo, CROCHET_ENOTSETUP);
  PROVOKES(crochet_getnameinfo_text, CROCHET_ENOTSETUP);
  PROVOKES(crochet_command_run, CROCHET_ENOTSETUP);
  in_child([] {
    OwnedResult result;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    EXPECT_EQ(crochet_getaddrinfo(nullptr, "127.0.0.1", nullptr, 0, 0, 0, 0, result.out()), CROCHET_ENOTSETUP);
    EXPECT_EQ(crochet_getnameinfo(nullptr, &address, sizeof address, 0, result.out()), CROCHET_ENOTSETUP);
    EXPECT_EQ(crochet_getnameinfo_text(nullptr, "127.0.0.1", 80, 0, result.out()), CROCHET_ENOTSETUP);
    crochet_command* command = nullptr;
    ASSERT_EQ(crochet_command_new("true", &command), CROCHET_OK);
    EXPECT_EQ(crochet_command_run(command, nullptr, result.out()), CROCHET_ENOTSETUP);
    crochet_command_free(command);
    EXPECT_EQ(result.get(), nullptr);
  });
}

TEST(BeforeSetup, AFurtherLoopWorksAndIsNotTheDefaultLoop) {
  in_child([] {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_run(nullptr, never, nullptr, nullptr, nullptr), CROCHET_ENOTSETUP);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  });
}

TEST(BeforeSetup, ShutdownHasNothingToDo) {
  in_child([] {
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  });
}

TEST(BeforeSetup, TheWatchdogHasNothingToStop) {
  in_child([] { EXPECT_EQ(crochet_watchdog_stop(), CROCHET_OK); });
}

TEST(BeforeSetup, TheLimitsOfTheStashMayBeSetAndHold) {
  in_child([] {
    EXPECT_EQ(crochet_stash_limits(0, kForever), CROCHET_OK);
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result;
    ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
    std::uint64_t uid = 1;
    EXPECT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_ENOSPC);
    EXPECT_EQ(uid, 0u);
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  });
}

}  // namespace
}  // namespace contract
