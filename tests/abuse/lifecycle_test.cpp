// SPDX-License-Identifier: MIT
// Abuse of the lifecycle: rows B1 and B2.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>

#include "abuse/own_process.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }

// ---- B1: every function before setup. Handles there are none yet, but for options: NULL stands for them.

TEST(AbuseB1, FunctionsThatNeedTheDefaultLoopSaySo) {
  in_own_process([] {
    DropCounter drops;
    OwnedResult result;
    OwnedCall call;
    OwnedDeferred deferred;
    EXPECT_EQ(crochet_run(nullptr, never, drops.pointer(), DropCounter::drop, result.out()), CROCHET_ENOTSETUP);
    EXPECT_EQ(crochet_wait_for(nullptr, never, drops.pointer(), DropCounter::drop, 0, result.out()), CROCHET_ENOTSETUP);
    EXPECT_EQ(crochet_call_new(nullptr, 8, call.out()), CROCHET_ENOTSETUP);
    EXPECT_EQ(crochet_deferred_new(nullptr, drops.pointer(), DropCounter::drop, deferred.out(), result.out()),
              CROCHET_ENOTSETUP);
    EXPECT_EQ(drops.count(), 3);
  });
}

TEST(AbuseB1, FunctionsThatNeedAHandleRefuse) {
  in_own_process([] {
    void* value = nullptr;
    std::uint64_t uid = 0;
    OwnedResult result;
    DropCounter drops;
    EXPECT_EQ(crochet_loop_stop(nullptr, 0), CROCHET_EINVAL);
    EXPECT_EQ(crochet_call_set_label(nullptr, "label"), CROCHET_EINVAL);
    EXPECT_EQ(crochet_call_set_after(nullptr, nullptr), CROCHET_EINVAL);
    EXPECT_EQ(crochet_call_set_at_stop(nullptr), CROCHET_EINVAL);
    EXPECT_EQ(crochet_call_run(nullptr, never, nullptr, result.out()), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_wait(nullptr, kForever), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_wait_interruptible(nullptr, kForever), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_status(nullptr), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_take(nullptr, &value, nullptr), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_cancel(nullptr, nullptr), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_join(nullptr, kForever), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_interrupt(nullptr), CROCHET_EINVAL);
    EXPECT_EQ(crochet_result_stash(nullptr, 1, &uid), CROCHET_EINVAL);
    EXPECT_EQ(crochet_resolve(nullptr, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
    EXPECT_EQ(crochet_reject(nullptr, -1, nullptr), CROCHET_EINVAL);
    EXPECT_EQ(crochet_reject_with(nullptr, -1, nullptr, 1, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
    EXPECT_EQ(crochet_deferred_on_cancel(nullptr, never, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
    EXPECT_EQ(drops.count(), 3);
    EXPECT_EQ(crochet_error_code(nullptr), CROCHET_EINVAL);
  });
}

TEST(AbuseB1, TheRestAnswersNeutrallyOrWorks) {
  in_own_process([] {
    EXPECT_EQ(crochet_current_loop(), nullptr);
    EXPECT_EQ(crochet_current_uv(), nullptr);
    EXPECT_EQ(crochet_loop_retain(nullptr), nullptr);
    crochet_loop_release(nullptr);
    EXPECT_EQ(crochet_call_storage(nullptr), nullptr);
    crochet_call_discard(nullptr);
    EXPECT_EQ(crochet_result_value(nullptr), nullptr);
    EXPECT_EQ(crochet_result_error(nullptr), nullptr);
    EXPECT_EQ(crochet_result_retain(nullptr), nullptr);
    crochet_result_release(nullptr);
    EXPECT_EQ(crochet_deferred_is_cancelled(nullptr), 0);
    EXPECT_EQ(crochet_deferred_loop(nullptr), nullptr);
    EXPECT_EQ(crochet_deferred_retain(nullptr), nullptr);
    crochet_deferred_release(nullptr);
    EXPECT_STREQ(crochet_error_message(nullptr), "");
    EXPECT_STREQ(crochet_error_label(nullptr), "");
    EXPECT_EQ(crochet_error_payload(nullptr, 1), nullptr);
    EXPECT_STREQ(crochet_status_name(CROCHET_OK), "CROCHET_OK");
    EXPECT_STRNE(crochet_status_message(CROCHET_OK), "");
    EXPECT_NE(crochet_version(), 0u);
    OwnedResult result;
    EXPECT_EQ(crochet_retrieve_result(1, 1, result.out()), CROCHET_ENOENT);
    OwnedOptions options;
    EXPECT_EQ(crochet_options_new(options.out()), CROCHET_OK);
    EXPECT_EQ(crochet_options_set_thread_name(options.get(), "name"), CROCHET_OK);
    EXPECT_EQ(crochet_options_set_keep_alive(options.get(), 0), CROCHET_OK);
    EXPECT_EQ(crochet_stash_limits(10, kForever), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  });
}

// ---- B2: many setups

TEST(AbuseB2, SetupFromSixtyFourThreadsAtOnceMakesOneLoop) {
  in_own_process([] {
    constexpr int kThreads = 64;
    std::array<crochet_loop*, kThreads> loops{};
    at_once(kThreads, [&loops](int i) {
      EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
      EXPECT_EQ(on_loop(nullptr, [&] { loops[static_cast<std::size_t>(i)] = crochet_current_loop(); }), CROCHET_OK);
    });
    EXPECT_NE(loops[0], nullptr);
    for (crochet_loop* loop : loops) EXPECT_EQ(loop, loops[0]);
  });
}

// Pages of the address space, and bytes in use on the heap.
struct Memory {
  long pages = 0;
  std::size_t heap = 0;

  static Memory now() {
    Memory memory;
    std::ifstream("/proc/self/statm") >> memory.pages;
    memory.heap = mallinfo2().uordblks;
    return memory;
  }
};

TEST(AbuseB2, AThousandCyclesOfSetupAndShutdownLeaveNothing) {
  in_own_process([] {
    constexpr int kWarmUp = 100;
    constexpr int kCycles = 1000;
    const std::size_t threads = names_in("/proc/self/task").size();
    Memory warm;
    std::set<std::string> descriptors;
    for (int i = 0; i < kCycles; ++i) {
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      ASSERT_EQ(crochet_wait_for(nullptr, resolve_null, nullptr, nullptr, kForever, nullptr), CROCHET_OK);
      ASSERT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      if (i + 1 == kWarmUp) {
        expect_no_thread_but(threads);
        descriptors = names_in("/proc/self/fd");
        warm = Memory::now();
      }
    }
    expect_no_thread_but(threads);
    EXPECT_EQ(names_in("/proc/self/fd"), descriptors);
    if (kSanitized) return;  // their memory is another; the address sanitizer looks for leaks itself
    const Memory end = Memory::now();
    // Flat: less than sixteen bytes a cycle would be less than the smallest block.
    EXPECT_LT(end.heap, warm.heap + 16 * (kCycles - kWarmUp));
    EXPECT_LT(end.pages, warm.pages + 64);
  });
}

}  // namespace
}  // namespace contract
