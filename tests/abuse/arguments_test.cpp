// SPDX-License-Identifier: MIT
// Abuse of arguments and handles: rows A1 to A8. (A9 starts a counter just below its bound and is a unit test.)
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/at_once.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }

template <typename Handle>
Handle* garbage() {
  static std::max_align_t somewhere;
  return reinterpret_cast<Handle*>(&somewhere);
}

// ---- A1: NULL for each pointer argument that the header does not mark as "may be NULL", one at a time.

struct Good {
  Pending pending;
  OwnedResult ready = ended(CROCHET_OK);
  OwnedOptions options;
  OwnedLoop loop;
  Owned<crochet_command, crochet_command_free> command;

  Good() {
    EXPECT_EQ(crochet_command_new("true", command.out()), CROCHET_OK);
    EXPECT_EQ(crochet_options_new(options.out()), CROCHET_OK);
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  }
  ~Good() { EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK); }
};

struct NullArgument {
  const char* what;
  std::function<int(Good&, DropCounter&)> call;
  int drops;  // how often what was passed must have been dropped
};

// What a function with an out-parameter returned, which must have been set to NULL or 0.
template <typename Out>
int cleared(int code, const Out& out) {
  EXPECT_EQ(out, Out{});
  return code;
}

OwnedCall prepared() {
  OwnedCall call;
  EXPECT_EQ(crochet_call_new(nullptr, 8, call.out()), CROCHET_OK);
  return call;
}

const std::vector<NullArgument>& null_arguments() {
  static const std::vector<NullArgument> all = {
      {"crochet_getaddrinfo(node, service)",
       [](Good&, DropCounter&) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_getaddrinfo(nullptr, nullptr, nullptr, 0, 0, 0, 0, &result);
         return cleared(code, result);
       },
       0},
      {"crochet_getnameinfo(address)",
       [](Good&, DropCounter&) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_getnameinfo(nullptr, nullptr, 16, 0, &result);
         return cleared(code, result);
       },
       0},
      {"crochet_getnameinfo_text(address)",
       [](Good&, DropCounter&) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_getnameinfo_text(nullptr, nullptr, 80, 0, &result);
         return cleared(code, result);
       },
       0},
      {"crochet_command_new(file)",
       [](Good&, DropCounter&) {
         crochet_command* command = garbage<crochet_command>();
         const int code = crochet_command_new(nullptr, &command);
         return cleared(code, command);
       },
       0},
      {"crochet_command_new(out_command)", [](Good&, DropCounter&) { return crochet_command_new("true", nullptr); }, 0},
      {"crochet_command_set_arguments(command)",
       [](Good&, DropCounter&) { return crochet_command_set_arguments(nullptr, nullptr); }, 0},
      {"crochet_command_add_argument(command)",
       [](Good&, DropCounter&) { return crochet_command_add_argument(nullptr, "x"); }, 0},
      {"crochet_command_add_argument(argument)",
       [](Good& good, DropCounter&) { return crochet_command_add_argument(good.command.get(), nullptr); }, 0},
      {"crochet_command_set_environment(command)",
       [](Good&, DropCounter&) { return crochet_command_set_environment(nullptr, nullptr); }, 0},
      {"crochet_command_set_directory(command)",
       [](Good&, DropCounter&) { return crochet_command_set_directory(nullptr, "/"); }, 0},
      {"crochet_command_set_input(command)",
       [](Good&, DropCounter&) { return crochet_command_set_input(nullptr, "x", 1); }, 0},
      {"crochet_command_set_output_limit(command)",
       [](Good&, DropCounter&) { return crochet_command_set_output_limit(nullptr, 1); }, 0},
      {"crochet_command_set_kill_after(command)",
       [](Good&, DropCounter&) { return crochet_command_set_kill_after(nullptr, 1); }, 0},
      {"crochet_command_set_linger(command)",
       [](Good&, DropCounter&) { return crochet_command_set_linger(nullptr, 1); }, 0},
      {"crochet_command_run(command)",
       [](Good&, DropCounter&) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_command_run(nullptr, nullptr, &result);
         return cleared(code, result);
       },
       0},
      {"crochet_no_setup(uv)", [](Good&, DropCounter&) { return crochet_no_setup(nullptr, nullptr); }, 0},
      {"crochet_options_new(out_options)", [](Good&, DropCounter&) { return crochet_options_new(nullptr); }, 0},
      {"crochet_options_set_thread_name(options)",
       [](Good&, DropCounter&) { return crochet_options_set_thread_name(nullptr, "name"); }, 0},
      {"crochet_options_set_thread_name(name)",
       [](Good& good, DropCounter&) { return crochet_options_set_thread_name(good.options.get(), nullptr); }, 0},
      {"crochet_options_set_keep_alive(options)",
       [](Good&, DropCounter&) { return crochet_options_set_keep_alive(nullptr, 1); }, 0},
      {"crochet_options_set_stack_size(options)",
       [](Good&, DropCounter&) { return crochet_options_set_stack_size(nullptr, 0); }, 0},
      {"crochet_options_set_thread_hooks(options)",
       [](Good&, DropCounter& drops) {
         return crochet_options_set_thread_hooks(nullptr, nullptr, nullptr, drops.pointer(), DropCounter::drop);
       },
       1},
      {"crochet_loop_counter(name)",
       [](Good&, DropCounter&) {
         std::uint64_t count = 7;
         const int code = crochet_loop_counter(nullptr, nullptr, &count);
         return cleared(code, count);
       },
       0},
      {"crochet_loop_counter(out_count)",
       [](Good&, DropCounter&) { return crochet_loop_counter(nullptr, "calls_run", nullptr); }, 0},
      {"crochet_loop_histogram(name)",
       [](Good&, DropCounter&) {
         std::array<std::uint64_t, CROCHET_HISTOGRAM_BUCKETS> counts{7};
         std::uint64_t sum = 7;
         const int code = crochet_loop_histogram(nullptr, nullptr, counts.data(), CROCHET_HISTOGRAM_BUCKETS, &sum);
         return cleared(cleared(code, counts[0]), sum);
       },
       0},
      {"crochet_loop_histogram(out_counts)",
       [](Good&, DropCounter&) {
         std::uint64_t sum = 7;
         const int code = crochet_loop_histogram(nullptr, "run_ns", nullptr, CROCHET_HISTOGRAM_BUCKETS, &sum);
         return cleared(code, sum);
       },
       0},
      {"crochet_loop_histogram(out_sum_ns)",
       [](Good&, DropCounter&) {
         std::array<std::uint64_t, CROCHET_HISTOGRAM_BUCKETS> counts{7};
         const int code = crochet_loop_histogram(nullptr, "run_ns", counts.data(), CROCHET_HISTOGRAM_BUCKETS, nullptr);
         return cleared(code, counts[0]);
       },
       0},
      {"crochet_dump(write)",
       [](Good&, DropCounter&) { return crochet_dump(nullptr, CROCHET_DUMP_TEXT, nullptr, nullptr); }, 0},
      {"crochet_loop_new(out_loop)", [](Good&, DropCounter&) { return crochet_loop_new(nullptr, nullptr); }, 0},
      {"crochet_loop_adopt(uv)",
       [](Good&, DropCounter&) {
         crochet_loop* loop = garbage<crochet_loop>();
         const int code = crochet_loop_adopt(nullptr, nullptr, &loop);
         return cleared(code, loop);
       },
       0},
      {"crochet_loop_adopt(out_loop)",
       [](Good&, DropCounter&) {
         HostLoop host;
         return crochet_loop_adopt(host.uv(), nullptr, nullptr);
       },
       0},
      {"crochet_loop_stop(loop)", [](Good&, DropCounter&) { return crochet_loop_stop(nullptr, 0); }, 0},
      {"crochet_run(fn)",
       [](Good&, DropCounter& drops) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_run(nullptr, nullptr, drops.pointer(), DropCounter::drop, &result);
         return cleared(code, result);
       },
       1},
      {"crochet_wait_for(fn)",
       [](Good&, DropCounter& drops) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_wait_for(nullptr, nullptr, drops.pointer(), DropCounter::drop, kForever, &result);
         return cleared(code, result);
       },
       1},
      {"crochet_call_new(out_call)", [](Good&, DropCounter&) { return crochet_call_new(nullptr, 8, nullptr); }, 0},
      {"crochet_call_set_label(call)", [](Good&, DropCounter&) { return crochet_call_set_label(nullptr, "label"); }, 0},
      {"crochet_call_set_label(label)",
       [](Good&, DropCounter&) { return crochet_call_set_label(prepared().get(), nullptr); }, 0},
      {"crochet_call_set_after(call)",
       [](Good& good, DropCounter&) { return crochet_call_set_after(nullptr, good.ready.get()); }, 0},
      {"crochet_call_set_after(result)",
       [](Good&, DropCounter&) { return crochet_call_set_after(prepared().get(), nullptr); }, 0},
      {"crochet_call_set_at_stop(call)", [](Good&, DropCounter&) { return crochet_call_set_at_stop(nullptr); }, 0},
      {"crochet_call_set_delay_ns(call)", [](Good&, DropCounter&) { return crochet_call_set_delay_ns(nullptr, 1); }, 0},
      {"crochet_call_set_deadline_ns(call)",
       [](Good&, DropCounter&) { return crochet_call_set_deadline_ns(nullptr, 1); }, 0},
      {"crochet_sleep(out_result)", [](Good&, DropCounter&) { return crochet_sleep(nullptr, 1, nullptr); }, 0},
      {"crochet_every(fn)",
       [](Good&, DropCounter& drops) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_every(nullptr, 0, 1, nullptr, drops.pointer(), DropCounter::drop, &result);
         return cleared(code, result);
       },
       1},
      {"crochet_call_run(call)",
       [](Good&, DropCounter&) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_call_run(nullptr, never, nullptr, &result);
         return cleared(code, result);
       },
       0},
      {"crochet_call_run(fn)",
       [](Good&, DropCounter& drops) {
         OwnedCall call;
         EXPECT_EQ(crochet_call_new(nullptr, sizeof(void*), call.out()), CROCHET_OK);
         *static_cast<void**>(crochet_call_storage(call.get())) = drops.pointer();
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_call_run(
             call.release(), nullptr, [](void* storage) { DropCounter::drop(*static_cast<void**>(storage)); }, &result);
         return cleared(code, result);
       },
       1},
      {"crochet_result_wait(result)", [](Good&, DropCounter&) { return crochet_result_wait(nullptr, kForever); }, 0},
      {"crochet_result_wait_interruptible(result)",
       [](Good&, DropCounter&) { return crochet_result_wait_interruptible(nullptr, kForever); }, 0},
      {"crochet_result_status(result)", [](Good&, DropCounter&) { return crochet_result_status(nullptr); }, 0},
      {"crochet_result_take(result)",
       [](Good&, DropCounter&) {
         void* value = garbage<void*>();
         crochet_drop_fn* drop = DropCounter::drop;
         const int code = crochet_result_take(nullptr, &value, &drop);
         EXPECT_EQ(drop, nullptr);
         return cleared(code, value);
       },
       0},
      {"crochet_result_take(out_value)",
       [](Good& good, DropCounter&) {
         crochet_drop_fn* drop = DropCounter::drop;
         const int code = crochet_result_take(good.ready.get(), nullptr, &drop);
         EXPECT_EQ(drop, nullptr);
         void* value = nullptr;
         EXPECT_EQ(crochet_result_take(good.ready.get(), &value, nullptr), CROCHET_OK);  // it was not taken
         return code;
       },
       0},
      {"crochet_result_cancel(result)",
       [](Good&, DropCounter&) {
         int outcome = CROCHET_CANCEL_TOO_LATE;
         const int code = crochet_result_cancel(nullptr, &outcome);
         return cleared(code, outcome);
       },
       0},
      {"crochet_result_join(result)", [](Good&, DropCounter&) { return crochet_result_join(nullptr, kForever); }, 0},
      {"crochet_result_interrupt(result)", [](Good&, DropCounter&) { return crochet_result_interrupt(nullptr); }, 0},
      {"crochet_result_stash(result)",
       [](Good&, DropCounter&) {
         std::uint64_t uid = 1;
         const int code = crochet_result_stash(nullptr, 1, &uid);
         return cleared(code, uid);
       },
       0},
      {"crochet_result_stash(out_uid)",
       [](Good& good, DropCounter&) { return crochet_result_stash(good.ready.get(), 1, nullptr); }, 0},
      {"crochet_retrieve_result(out_result)",
       [](Good&, DropCounter&) { return crochet_retrieve_result(1, 1, nullptr); }, 0},
      {"crochet_deferred_new(out_deferred)",
       [](Good&, DropCounter& drops) {
         crochet_result* result = garbage<crochet_result>();
         const int code = crochet_deferred_new(nullptr, drops.pointer(), DropCounter::drop, nullptr, &result);
         return cleared(code, result);
       },
       1},
      {"crochet_resolve(deferred)",
       [](Good&, DropCounter& drops) { return crochet_resolve(nullptr, drops.pointer(), DropCounter::drop); }, 1},
      {"crochet_reject(deferred)", [](Good&, DropCounter&) { return crochet_reject(nullptr, -1, "why"); }, 0},
      {"crochet_reject_with(deferred)",
       [](Good&, DropCounter& drops) {
         return crochet_reject_with(nullptr, -1, "why", 1, drops.pointer(), DropCounter::drop);
       },
       1},
      {"crochet_deferred_on_cancel(deferred)",
       [](Good&, DropCounter& drops) {
         return crochet_deferred_on_cancel(nullptr, never, drops.pointer(), DropCounter::drop);
       },
       1},
      {"crochet_error_code(error)", [](Good&, DropCounter&) { return crochet_error_code(nullptr); }, 0},
  };
  return all;
}

TEST(AbuseA1, EachNullArgumentIsRefusedWithoutASideEffectButTheDrop) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (const NullArgument& argument : null_arguments()) {
      SCOPED_TRACE(argument.what);
      Good good;
      DropCounter drops;
      EXPECT_EQ(argument.call(good, drops), CROCHET_EINVAL);
      EXPECT_EQ(drops.count(), argument.drops);
      EXPECT_EQ(crochet_result_status(good.pending.result.get()), CROCHET_EPENDING);
      EXPECT_EQ(crochet_current_loop(), nullptr);
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      EXPECT_EQ(on_loop(good.loop.get(), [] {}), CROCHET_OK);
    }
  });
}

TEST(AbuseA1, FunctionsWithoutAStatusAnswerNullZeroOrNothing) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_loop_retain(nullptr), nullptr);
    EXPECT_EQ(crochet_call_storage(nullptr), nullptr);
    EXPECT_EQ(crochet_result_value(nullptr), nullptr);
    EXPECT_EQ(crochet_result_error(nullptr), nullptr);
    EXPECT_EQ(crochet_result_retain(nullptr), nullptr);
    EXPECT_EQ(crochet_deferred_is_cancelled(nullptr), 0);
    EXPECT_EQ(crochet_deferred_loop(nullptr), nullptr);
    EXPECT_EQ(crochet_deferred_retain(nullptr), nullptr);
    EXPECT_STREQ(crochet_error_message(nullptr), "");
    EXPECT_STREQ(crochet_error_label(nullptr), "");
    EXPECT_EQ(crochet_error_payload(nullptr, 1), nullptr);
  });
}

TEST(AbuseA1, WhatMayBeNullMayBeNull) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    crochet_options_free(nullptr);
    crochet_loop_release(nullptr);
    crochet_call_discard(nullptr);
    crochet_result_release(nullptr);
    crochet_deferred_release(nullptr);
    EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_wait_for(nullptr, resolve_null, nullptr, nullptr, kForever, nullptr), CROCHET_OK);
    OwnedCall call;
    ASSERT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_OK);
    EXPECT_EQ(crochet_call_run(call.release(), resolve_null, nullptr, nullptr), CROCHET_OK);
    OwnedDeferred deferred;
    ASSERT_EQ(crochet_deferred_new(nullptr, nullptr, nullptr, deferred.out(), nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_deferred_on_cancel(deferred.get(), nullptr, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_reject_with(deferred.get(), -1, nullptr, 0, nullptr, nullptr), CROCHET_OK);
    Pending value;
    EXPECT_EQ(crochet_resolve(value.deferred.get(), nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(value.result.get(), nullptr), CROCHET_OK);
    void* taken = nullptr;
    EXPECT_EQ(crochet_result_take(value.result.get(), &taken, nullptr), CROCHET_OK);
  });
}

// ---- A2: times (the C part)

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(AbuseA2, ZeroLooksAndBadNegativesAreRefused) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Pending call;
    using Wait = int (*)(crochet_result*, std::int64_t);
    for (const Wait wait : {&crochet_result_wait, &crochet_result_wait_interruptible, &crochet_result_join}) {
      EXPECT_EQ(wait(call.result.get(), 0), CROCHET_ETIMEDOUT);
      EXPECT_EQ(wait(call.result.get(), -2), CROCHET_EINVAL);
      EXPECT_EQ(wait(call.result.get(), kMin), CROCHET_EINVAL);
    }
    for (const std::int64_t bad : {std::int64_t{-2}, kMin}) {
      EXPECT_EQ(crochet_wait_for(nullptr, never, nullptr, nullptr, bad, nullptr), CROCHET_EINVAL);
      EXPECT_EQ(crochet_stash_limits(1, bad), CROCHET_EINVAL);
      EXPECT_EQ(crochet_shutdown(bad), CROCHET_EINVAL);
    }
    EXPECT_EQ(crochet_shutdown(kForever), CROCHET_EINVAL);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
}

TEST(AbuseA2, HugeTimesNeverComeToAnEndAtOnce) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    // 2^32 ms: what a 32-bit number of milliseconds makes nothing of. The others: what overflows when added to a clock.
    for (const std::int64_t huge :
         {kForever, kMax, kMax - 1, kMax / 2, (std::int64_t{1} << 32) * kMillisecond, std::int64_t{1} << 62}) {
      Pending call;
      std::thread settler([&] {
        // Comes when the waiter is asleep; a wait that returned at once would have returned CROCHET_ETIMEDOUT by now.
        EXPECT_EQ(crochet_result_wait(call.result.get(), 10 * kMillisecond), CROCHET_ETIMEDOUT);
        EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
        call.deferred.reset();
      });
      EXPECT_EQ(crochet_result_wait(call.result.get(), huge), CROCHET_OK);
      EXPECT_EQ(crochet_result_join(call.result.get(), huge), CROCHET_OK);
      settler.join();
      EXPECT_EQ(crochet_wait_for(nullptr, resolve_null, nullptr, nullptr, huge, nullptr), CROCHET_OK);
    }
  });
}

TEST(AbuseA2, AHugeGraceAndAHugeTimeToLiveSaturate) {
  in_own_process([] {
    EXPECT_EQ(crochet_stash_limits(10, kMax), CROCHET_OK);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    std::uint64_t uid = 0;
    EXPECT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    OwnedResult back;
    EXPECT_EQ(crochet_retrieve_result(uid, 1, back.out()), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kMax), CROCHET_OK);
  });
}

// ---- A3: use after the last release

// Every use of a stale result is refused, and changes nothing.
void expect_result_refused(crochet_result* stale) {
  EXPECT_EQ(crochet_result_wait(stale, kForever), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_wait_interruptible(stale, kForever), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_join(stale, kForever), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_status(stale), CROCHET_EINVAL);
  void* value = nullptr;
  EXPECT_EQ(crochet_result_take(stale, &value, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_cancel(stale, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_interrupt(stale), CROCHET_EINVAL);
  std::uint64_t uid = 0;
  EXPECT_EQ(crochet_result_stash(stale, 1, &uid), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_value(stale), nullptr);
  EXPECT_EQ(crochet_result_error(stale), nullptr);
  EXPECT_EQ(crochet_result_retain(stale), nullptr);
  crochet_result_release(stale);
  crochet_result_release(stale);
}

void expect_deferred_refused(crochet_deferred* stale) {
  DropCounter drops;
  EXPECT_EQ(crochet_resolve(stale, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(crochet_reject(stale, -1, "why"), CROCHET_EINVAL);
  EXPECT_EQ(crochet_reject_with(stale, -1, "why", 1, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(crochet_deferred_on_cancel(stale, never, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(drops.count(), 3);
  EXPECT_EQ(crochet_deferred_is_cancelled(stale), 0);
  EXPECT_EQ(crochet_deferred_loop(stale), nullptr);
  EXPECT_EQ(crochet_deferred_retain(stale), nullptr);
  crochet_deferred_release(stale);
  crochet_deferred_release(stale);
}

TEST(AbuseA3, AReleasedHandleIsRefusedByEveryFunction) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    expect_result_refused(stale_result());
    expect_deferred_refused(stale_deferred());
    crochet_loop* const loop = stale_loop();
    DropCounter drops;
    EXPECT_EQ(crochet_run(loop, never, drops.pointer(), DropCounter::drop, nullptr), CROCHET_EINVAL);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_loop_stop(loop, 0), CROCHET_EINVAL);
    EXPECT_EQ(crochet_loop_retain(loop), nullptr);
    crochet_loop_release(loop);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  });
}

TEST(AbuseA3, AStaleHandleDoesNotReachTheNextCallInItsPlace) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    // The next lives of the slot, each looked at through the first one's handles. One generation of 32 comes again.
    constexpr int kLives = 31 * 32;
    crochet_result* const stale_one = stale_result();
    crochet_deferred* const stale_other = stale_deferred();
    int reached = 0;
    int reached_other = 0;
    for (int life = 0; life < kLives; ++life) {
      Pending call;
      const int seen = crochet_result_status(stale_one);
      if (seen != CROCHET_EINVAL) {
        EXPECT_EQ(seen, CROCHET_EPENDING);
        ++reached;
      }
      crochet_deferred* const other = crochet_deferred_retain(stale_other);
      if (other != nullptr) {
        crochet_deferred_release(other);
        ++reached_other;
      }
      EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    }
    EXPECT_LE(reached, kLives / 32 + 1);
    EXPECT_LE(reached_other, kLives / 32 + 1);
  });
}

TEST(AbuseA3, AForgottenRetainIsRefusedWhenTheFunctionsReturnTookTheDeferredAway) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    crochet_deferred* borrowed = nullptr;
    OwnedResult result;
    ASSERT_EQ(run(
                  nullptr, [&borrowed](crochet_deferred* deferred) { borrowed = deferred; }, result.out()),
              CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EBROKEN);
    // The caller still holds the result: the slot is the call's, but nobody's deferred any more.
    DropCounter value;
    EXPECT_NE(crochet_resolve(borrowed, value.pointer(), DropCounter::drop), CROCHET_OK);
    EXPECT_EQ(value.count(), 1);
    EXPECT_EQ(crochet_deferred_retain(borrowed), nullptr);
    crochet_deferred_release(borrowed);
    EXPECT_NE(crochet_result_error(result.get()), nullptr);
    result.reset();
    expect_deferred_refused(borrowed);
  });
}

TEST(AbuseA3, StaleUsesByManyThreadsHarmNobody) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    std::atomic<crochet_result*> stale{stale_result()};
    std::atomic<bool> done{false};
    constexpr int kLives = 20000;
    at_once(4, [&](int thread) {
      if (thread == 0) {  // lives go by
        int taken_away = 0;
        for (int i = 0; i < kLives; ++i) {
          OwnedResult result;
          ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
          // A thread that stood still for 32 lives meets its handle's generation again, and may give this one back.
          const int code = crochet_result_wait(result.get(), kForever);
          if (code == CROCHET_EINVAL) ++taken_away;
          else EXPECT_EQ(code, CROCHET_OK);
          stale = result.get();
        }
        EXPECT_LE(taken_away, kLives / 32);
        done = true;
        return;
      }
      while (!done) {  // and others look at what was released, or is about to be
        crochet_result* const handle = stale;
        crochet_result_status(handle);
        crochet_result* const mine = crochet_result_retain(handle);
        if (mine != nullptr) crochet_result_release(mine);
      }
    });
  });
}

// ---- A4: settling twice

TEST(AbuseA4, OfResolveAndRejectFromTwoThreadsOneWins) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    constexpr int kRounds = 2000;
    std::vector<Pending> calls(kRounds);
    std::vector<DropCounter> values(kRounds), payloads(kRounds);
    std::vector<std::array<int, 2>> codes(kRounds);
    std::array<std::atomic<int>, 2> at{};
    at_once(2, [&](int thread) {
      const std::size_t side = static_cast<std::size_t>(thread);
      for (int i = 0; i < kRounds; ++i) {
        const std::size_t n = static_cast<std::size_t>(i);
        at[side] = i;
        while (at[1 - side] < i) sched_yield();  // side by side, so that they race
        codes[n][side] = thread == 0 ? crochet_resolve(calls[n].deferred.get(), values[n].pointer(), DropCounter::drop)
                                     : crochet_reject_with(calls[n].deferred.get(), -1, "why", 1, payloads[n].pointer(),
                                                           DropCounter::drop);
      }
    });
    for (int i = 0; i < kRounds; ++i) {
      const std::size_t n = static_cast<std::size_t>(i);
      const bool resolved = codes[n][0] == CROCHET_OK;
      EXPECT_EQ(codes[n][resolved ? 1 : 0], CROCHET_EALREADY);
      EXPECT_EQ(codes[n][resolved ? 0 : 1], CROCHET_OK);
      EXPECT_EQ(crochet_result_status(calls[n].result.get()), resolved ? CROCHET_OK : CROCHET_EFAILED);
      EXPECT_EQ(values[n].count(), resolved ? 0 : 1);
      EXPECT_EQ(payloads[n].count(), resolved ? 1 : 0);
      crochet_result_error(calls[n].result.get());
    }
    calls.clear();
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_EQ(values[static_cast<std::size_t>(i)].count(), 1);
      EXPECT_EQ(payloads[static_cast<std::size_t>(i)].count(), 1);
    }
  });
}

TEST(AbuseA4, TheSecondSettlingLosesAndItsValueIsDestroyedOnce) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    DropCounter first, second;
    {
      Pending call;
      EXPECT_EQ(crochet_resolve(call.deferred.get(), first.pointer(), DropCounter::drop), CROCHET_OK);
      EXPECT_EQ(crochet_resolve(call.deferred.get(), second.pointer(), DropCounter::drop), CROCHET_EALREADY);
      EXPECT_EQ(crochet_reject(call.deferred.get(), -1, nullptr), CROCHET_EALREADY);
      EXPECT_EQ(first.count(), 0);
    }
    EXPECT_EQ(first.count(), 1);
    EXPECT_EQ(second.count(), 1);
  });
}

// ---- A5: every reference dropped unsettled

TEST(AbuseA5, LastReferenceDroppedGivesBroken) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Pending call;
    std::vector<OwnedDeferred> more;
    for (int i = 0; i < 100; ++i) more.emplace_back(crochet_deferred_retain(call.deferred.get()));
    std::thread dropper([&] {
      call.deferred.reset();
      more.clear();
    });
    at_once(4, [&](int) { EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_EBROKEN); });
    dropper.join();
    EXPECT_EQ(crochet_error_code(crochet_result_error(call.result.get())), CROCHET_EBROKEN);
    EXPECT_EQ(crochet_result_join(call.result.get(), 0), CROCHET_OK);
  });
}

// ---- A6: eight takers

TEST(AbuseA6, OfEightTakersOneWins) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (int round = 0; round < 200; ++round) {
      Pending call;
      DropCounter value;
      ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
      std::atomic<int> winners{0};
      at_once(8, [&](int) {
        void* taken = nullptr;
        crochet_drop_fn* drop = nullptr;
        const int code = crochet_result_take(call.result.get(), &taken, &drop);
        if (code == CROCHET_OK) {
          EXPECT_EQ(taken, value.pointer());
          drop(taken);
          ++winners;
        } else {
          EXPECT_EQ(code, CROCHET_ETAKEN);
          EXPECT_EQ(taken, nullptr);
          EXPECT_EQ(drop, nullptr);
        }
      });
      EXPECT_EQ(winners, 1);
      EXPECT_EQ(value.count(), 1);
    }
  });
}

// ---- A7: uids

int retrieved(std::uint64_t uid, std::uint64_t type) {
  crochet_result* result = garbage<crochet_result>();
  const int code = crochet_retrieve_result(uid, type, &result);
  if (code != CROCHET_OK) {
    EXPECT_EQ(result, nullptr);
  }
  if (code == CROCHET_OK) crochet_result_release(result);
  return code;
}

TEST(AbuseA7, WrongUidsAreAllAlike) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    std::uint64_t uid = 0;
    ASSERT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    EXPECT_EQ(retrieved(0, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(static_cast<std::uint64_t>(-1), 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(std::uint64_t{1} << 63, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(uid | std::uint64_t{1} << 63, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(uid ^ 1, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(uid, 2), CROCHET_ETYPE);
    EXPECT_EQ(retrieved(uid, 0), CROCHET_ETYPE);
    EXPECT_EQ(retrieved(uid, 1), CROCHET_OK);
    EXPECT_EQ(retrieved(uid, 1), CROCHET_ENOENT);  // used up
    EXPECT_EQ(retrieved(uid, 2), CROCHET_ENOENT);
  });
}

TEST(AbuseA7, ManyRandomUidsFindNothing) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    for (int i = 0; i < 1000; ++i) {
      std::uint64_t uid = 0;
      ASSERT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    }
    std::mt19937_64 random(4711);
    int found = 0;
    const int tries = kSanitized ? 1'000'000 : 10'000'000;
    for (int i = 0; i < tries; ++i) {
      crochet_result* back = nullptr;
      found += crochet_retrieve_result(random(), 1, &back) == CROCHET_ENOENT ? 0 : 1;
    }
    EXPECT_EQ(found, 0);
  });
}

TEST(AbuseA7, AUidFromBeforeAShutdownIsWrongToo) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    std::uint64_t uid = 0;
    ASSERT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    ASSERT_EQ(crochet_shutdown(0), CROCHET_OK);
    EXPECT_EQ(retrieved(uid, 1), CROCHET_ENOENT);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(retrieved(uid, 1), CROCHET_ENOENT);
    EXPECT_EQ(retrieved(uid, 2), CROCHET_ENOENT);
  });
}

// ---- A8: reject messages

std::string message_of(const char* message) {
  Pending call;
  EXPECT_EQ(crochet_reject(call.deferred.get(), -1, message), CROCHET_OK);
  return crochet_error_message(crochet_result_error(call.result.get()));
}

TEST(AbuseA8, AMessageOfAMegabyteIsKeptUpToTheBound) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    std::string megabyte(1 << 20, 'x');
    for (std::size_t i = 0; i < megabyte.size(); ++i) megabyte[i] = static_cast<char>('a' + i % 26);
    const std::string kept = message_of(megabyte.c_str());
    EXPECT_LE(kept.size(), 65536u);
    EXPECT_GE(kept.size(), 65535u);
    EXPECT_EQ(kept, megabyte.substr(0, kept.size()));
    const std::string just_fits = megabyte.substr(0, 65535);
    EXPECT_EQ(message_of(just_fits.c_str()), just_fits);
  });
}

TEST(AbuseA8, BytesThatAreNoUtf8AreKeptAsTheyAre) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (const char* bytes : {"\xff\xfe\xfd", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80z", "%s%n{}\n\t\x01"}) {
      EXPECT_EQ(message_of(bytes), bytes);
    }
    LogCapture log;
    {
      Pending unobserved;  // such a text goes through the log, too
      EXPECT_EQ(crochet_reject(unobserved.deferred.get(), -1, "%s%n{}\xff\n\x01 end"), CROCHET_OK);
    }
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
    EXPECT_NE(log.stop().find("%s%n{}"), std::string::npos);
  });
}

TEST(AbuseA8, EmptyAndNullGiveTheCodesOwnMessage) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(message_of(""), crochet_status_message(-1));
    EXPECT_EQ(message_of(nullptr), crochet_status_message(-1));
  });
}

}  // namespace
}  // namespace contract
