// SPDX-License-Identifier: MIT
// Each function that may run out of memory, while allocations fail. A child each, so that no pool is filled before.
#include <gtest/gtest.h>
#include <uv.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/failing_malloc.hpp"
#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {
namespace {

// Repeats `call` until it returns something else than CROCHET_OK: pools last for a while.
template <typename Call>  // no std::function: that would allocate
int until_refused(int attempts, const Call& call) {
  for (int i = 0; i < attempts; ++i) {
    const int code = call();
    if (code != CROCHET_OK) return code;
  }
  return CROCHET_OK;
}

// Every failure must be a code that says so, the first one CROCHET_ENOMEM. Where libuv or the system ran out, its own
// code is passed on.
template <class Start>
void fail_in_turn(const Start& start) {
  contract::fail_in_turn(start, [](int code, long allowed) {
    if (allowed == 0) {
      EXPECT_EQ(code, CROCHET_ENOMEM);
    }
    EXPECT_TRUE(code == CROCHET_ENOMEM || code == UV_ENOMEM || code == UV_EAGAIN)
        << crochet_status_name(code) << " after " << allowed << " allocations";
  });
}

// Loops of the library's own fail at its own first allocation only: where libuv 1.44 finds none while it makes a loop,
// libuv aborts, whoever asks.
int without_memory(const std::function<int()>& start) {
  const FailingAllocations none;
  return start();
}

// ---- The log: what needs memory is the first message of all, and each sink

TEST(OutOfMemory, TheFirstMessageMayBeRetried) {
  PROVOKES(crochet_log, CROCHET_ENOMEM);
  in_child([] {
    SKIP_WITHOUT_OWN_MALLOC();
    EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_CRITICAL), CROCHET_OK);
    fail_in_turn([] { return crochet_log(CROCHET_LOG_CRITICAL, "test", "x", 1); });
  });
}

TEST(OutOfMemory, ASinkIsNotAddedAndDropsWhatItOwns) {
  PROVOKES(crochet_log_add_function, CROCHET_ENOMEM);
  PROVOKES(crochet_log_add_stderr, CROCHET_ENOMEM);
  PROVOKES(crochet_log_add_file, CROCHET_ENOMEM);
  PROVOKES(crochet_log_add_syslog, CROCHET_ENOMEM);
  in_child([] {
    SKIP_WITHOUT_OWN_MALLOC();
    const auto ignore = [](void*, const crochet_log_record*) {};
    DropCounter drops;
    int failures = -1;
    fail_in_turn([&] {
      ++failures;
      return crochet_log_add_function(0, ignore, drops.pointer(), DropCounter::drop, nullptr);
    });
    EXPECT_EQ(drops.count(), failures);
    fail_in_turn([] { return crochet_log_add_stderr(0, nullptr); });
    fail_in_turn([] { return crochet_log_add_file(0, "/dev/null", 1000, 3, nullptr); });
    fail_in_turn([] { return crochet_log_add_syslog(0, "a name that is too long to be kept in place", 0, nullptr); });
    fail_in_turn([] { return crochet_log_add_syslog(0, nullptr, 0, nullptr); });
  });
}

TEST(OutOfMemory, TheFirstRemovalMayBeRetried) {
  PROVOKES(crochet_log_remove, CROCHET_ENOMEM);
  in_child([] {
    SKIP_WITHOUT_OWN_MALLOC();
    fail_in_turn([] { return crochet_log_remove(CROCHET_LOG_DEFAULT_SINK); });
  });
}

// ---- Loops and calls

TEST(OutOfMemory, SetupMayBeRetried) {
  PROVOKES(crochet_setup, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    EXPECT_EQ(without_memory([] { return crochet_setup(nullptr); }), CROCHET_ENOMEM);
    EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ENOTSETUP);
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, NoSetupMayBeRetried) {
  PROVOKES(crochet_no_setup, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    HostLoop host;
    fail_in_turn([&] { return crochet_no_setup(host.uv(), nullptr); });
    EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
    EXPECT_EQ(host.run(), 0);
    EXPECT_EQ(host.close(), 0);
  });
}

TEST(OutOfMemory, LoopNewMayBeRetried) {
  PROVOKES(crochet_loop_new, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    for (int i = 0; i < 2; ++i) {  // the first one of the process, and a further one
      OwnedLoop loop;
      OwnedLoop former;
      EXPECT_EQ(without_memory([&] { return crochet_loop_new(nullptr, loop.out()); }), CROCHET_ENOMEM);
      EXPECT_EQ(loop.get(), nullptr);
      EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
      EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
      former = std::move(loop);
      EXPECT_EQ(without_memory([&] { return crochet_loop_new(nullptr, loop.out()); }), CROCHET_ENOMEM);
      EXPECT_EQ(loop.get(), nullptr);
      EXPECT_EQ(crochet_loop_stop(former.get(), 0), CROCHET_OK);
    }
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  });
}

TEST(OutOfMemory, LoopAdoptMayBeRetried) {
  PROVOKES(crochet_loop_adopt, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    HostLoop host;
    OwnedLoop loop;
    fail_in_turn([&] { return crochet_loop_adopt(host.uv(), nullptr, loop.out()); });
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
    EXPECT_EQ(host.run(), 0);
    EXPECT_EQ(host.close(), 0);
  });
}

TEST(OutOfMemory, OptionsAndLimitsAreRefused) {
  PROVOKES(crochet_options_new, CROCHET_ENOMEM);
  PROVOKES(crochet_stash_limits, CROCHET_ENOMEM);
  PROVOKES(crochet_watchdog_start, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    crochet_options* options = reinterpret_cast<crochet_options*>(&options);
    int options_code, limits_code, watchdog_code;
    {
      const FailingAllocations all;
      options_code = crochet_options_new(&options);
      limits_code = crochet_stash_limits(10, kForever);
      watchdog_code = crochet_watchdog_start(kSecond);
    }
    EXPECT_EQ(options_code, CROCHET_ENOMEM);
    EXPECT_EQ(options, nullptr);
    EXPECT_EQ(limits_code, CROCHET_ENOMEM);
    EXPECT_EQ(watchdog_code, CROCHET_ENOMEM);
    EXPECT_EQ(crochet_stash_limits(10, kForever), CROCHET_OK);
  });
}

// It needs none but for ages, which it does without.
TEST(OutOfMemory, AListingIsComplete) {
  SKIP_WITHOUT_OWN_MALLOC();
  const auto list = [](int format, const char* expected) {
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      Pending pending;
      static char text[65536];
      static std::size_t length = 0;
      int code;
      {
        const FailingAllocations all;
        code = crochet_dump(
            nullptr, format,
            [](void*, const char* bytes, std::size_t count) {
              std::memcpy(text + length, bytes, count);
              length += count;
              return 0;
            },
            nullptr);
      }
      EXPECT_EQ(code, CROCHET_OK);
      EXPECT_NE(std::strstr(text, expected), nullptr) << text;
      EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  };
  in_child([&] { list(CROCHET_DUMP_JSON, "\"state\":\"pending\",\"label\""); });
  in_child([&] { list(CROCHET_DUMP_TEXT, ": pending; 2 references"); });
}

TEST(OutOfMemory, ThreadHooksAreRefusedAndDropTheirArgument) {
  PROVOKES(crochet_options_set_thread_hooks, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    OwnedOptions options;
    DropCounter drops;
    ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
    const FailingAllocations all;
    EXPECT_EQ(crochet_options_set_thread_hooks(options.get(), nullptr, nullptr, drops.pointer(), DropCounter::drop),
              CROCHET_ENOMEM);
    EXPECT_EQ(drops.count(), 1);
  });
}

TEST(OutOfMemory, CallsAreRefusedAndDropWhatTheyOwn) {
  PROVOKES(crochet_run, CROCHET_ENOMEM);
  PROVOKES(crochet_wait_for, CROCHET_ENOMEM);
  PROVOKES(crochet_call_new, CROCHET_ENOMEM);
  PROVOKES(crochet_deferred_new, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      BlockedLoop block;
      DropCounter drops;
      crochet_result* run_result = reinterpret_cast<crochet_result*>(&drops);
      crochet_result* wait_result = run_result;
      crochet_result* deferred_result = run_result;
      crochet_call* call = reinterpret_cast<crochet_call*>(&drops);
      crochet_deferred* deferred = reinterpret_cast<crochet_deferred*>(&drops);
      int exhausted, run_code, wait_code, call_code, deferred_code;
      {
        const FailingAllocations all;
        exhausted =
            until_refused(1 << 22, [] { return crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr); });
        run_code = crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, &run_result);
        wait_code = crochet_wait_for(nullptr, resolve_null, drops.pointer(), DropCounter::drop, kForever, &wait_result);
        call_code = crochet_call_new(nullptr, 0, &call);
        deferred_code = crochet_deferred_new(nullptr, drops.pointer(), DropCounter::drop, &deferred, &deferred_result);
      }
      EXPECT_EQ(exhausted, CROCHET_ENOMEM);
      EXPECT_EQ(run_code, CROCHET_ENOMEM);
      EXPECT_EQ(run_result, nullptr);
      EXPECT_EQ(wait_code, CROCHET_ENOMEM);
      EXPECT_EQ(wait_result, nullptr);
      EXPECT_EQ(call_code, CROCHET_ENOMEM);
      EXPECT_EQ(call, nullptr);
      EXPECT_EQ(deferred_code, CROCHET_ENOMEM);
      EXPECT_EQ(deferred, nullptr);
      EXPECT_EQ(deferred_result, nullptr);
      EXPECT_EQ(drops.count(), 3);
    }
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, ACallThatIsRefusedTakesNoRoomInTheQueue) {
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    constexpr int kLimit = 1 << 16;
    OwnedOptions options;
    ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
    ASSERT_EQ(crochet_options_set_queue_limit(options.get(), kLimit, 0), CROCHET_OK);
    ASSERT_EQ(crochet_setup(options.get()), CROCHET_OK);
    {
      BlockedLoop block;
      int accepted = 0, without_memory;
      const auto make = [&accepted] {
        const int code = crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr);
        accepted += code == CROCHET_OK ? 1 : 0;
        return code;
      };
      {
        const FailingAllocations all;
        without_memory = until_refused(kLimit, make);
      }
      EXPECT_EQ(without_memory, CROCHET_ENOMEM);
      EXPECT_EQ(until_refused(kLimit, make), CROCHET_EAGAIN);
      EXPECT_EQ(accepted, kLimit);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, CorksAreRefusedAndKeepWhatTheyHave) {
  PROVOKES(crochet_cork_new, CROCHET_ENOMEM);
  PROVOKES(crochet_cork_run, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    static int runs = 0;
    const auto count = [](crochet_deferred*, void*) { ++runs; };
    DropCounter drops;
    std::vector<crochet_cork*> corks(20000);
    ASSERT_EQ(crochet_cork_new(nullptr, &corks[0]), CROCHET_OK);
    std::size_t next = 1;
    int gathered = -1, new_code, run_code;
    {
      const FailingAllocations all;
      new_code = until_refused(20000 - 1, [&] { return crochet_cork_new(nullptr, &corks[next++]); });
      run_code = until_refused(100000, [&] {
        ++gathered;
        return crochet_cork_run(corks[0], count, drops.pointer(), DropCounter::drop);
      });
    }
    EXPECT_EQ(new_code, CROCHET_ENOMEM);
    EXPECT_EQ(corks[next - 1], nullptr);
    EXPECT_EQ(run_code, CROCHET_ENOMEM);
    EXPECT_EQ(drops.count(), 1);
    for (crochet_cork* cork : corks) crochet_cork_free(cork);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(runs, gathered);
    EXPECT_EQ(drops.count(), gathered + 1);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, LargeStorageIsRefused) {
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    OwnedCall call;
    int code;
    {
      const FailingAllocations all;
      code = crochet_call_new(nullptr, 1000000, call.out());
    }
    EXPECT_EQ(code, CROCHET_ENOMEM);
    EXPECT_EQ(call.get(), nullptr);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, CompletionQueuesAreRefusedAndLoseNothing) {
  PROVOKES(crochet_completion_queue_new, CROCHET_ENOMEM);
  PROVOKES(crochet_completion_queue_watch, CROCHET_ENOMEM);
  PROVOKES(crochet_wait_any, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      std::vector<Pending> calls(20000);
      crochet_completion_queue* queue = nullptr;
      crochet_completion_queue* none = queue;
      ASSERT_EQ(crochet_completion_queue_new(&queue), CROCHET_OK);
      std::size_t watched = 0, index = 9;
      int new_code, watch_code, any_code;
      crochet_result* const results[] = {calls.back().result.get()};
      {
        const FailingAllocations all;
        new_code = crochet_completion_queue_new(&none);
        any_code = crochet_wait_any(results, 1, kForever, &index);
        watch_code = until_refused(20000, [&] {
          const int code = crochet_completion_queue_watch(queue, calls[watched].result.get(), watched);
          if (code == CROCHET_OK) ++watched;
          return code;
        });
      }
      EXPECT_EQ(new_code, CROCHET_ENOMEM);
      EXPECT_EQ(none, nullptr);
      EXPECT_EQ(any_code, CROCHET_ENOMEM);
      EXPECT_EQ(index, 1u);
      EXPECT_EQ(watch_code, CROCHET_ENOMEM);
      // With each allocation failing in turn, and nothing changed.
      for (long allowed = 0;; ++allowed) {
        int code;
        {
          const FailingAllocations rest(allowed);
          code = crochet_completion_queue_watch(queue, calls[watched].result.get(), watched);
        }
        if (code == CROCHET_OK) break;
        ASSERT_EQ(code, CROCHET_ENOMEM);
      }
      ++watched;
      {
        const FailingAllocations all;
        for (Pending& call : calls) crochet_resolve(call.deferred.get(), nullptr, nullptr);
      }
      crochet_result* result = nullptr;
      while (crochet_completion_queue_next(queue, 0, &result, nullptr) == CROCHET_OK) {
        crochet_result_release(result);
        --watched;
      }
      EXPECT_EQ(watched, 0u);
      crochet_completion_queue_release(queue);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, LabelsAndAftersAreRefused) {
  PROVOKES(crochet_call_set_label, CROCHET_ENOMEM);
  PROVOKES(crochet_call_set_after, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      std::vector<OwnedCall> labelled(20000), afters(20000);
      std::vector<Pending> before(20000);
      for (OwnedCall& call : labelled) ASSERT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_OK);
      for (OwnedCall& call : afters) ASSERT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_OK);
      std::size_t next = 0;
      std::size_t next_after = 0;
      int label_code, after_code;
      {
        const FailingAllocations all;
        label_code = until_refused(20000, [&] { return crochet_call_set_label(labelled[next++].get(), "label"); });
        after_code = until_refused(20000, [&] {
          const int code = crochet_call_set_after(afters[next_after].get(), before[next_after].result.get());
          ++next_after;
          return code;
        });
      }
      EXPECT_EQ(label_code, CROCHET_ENOMEM);
      EXPECT_EQ(after_code, CROCHET_ENOMEM);
      // Nothing changed: the last one tried may be set now.
      EXPECT_EQ(crochet_call_set_label(labelled[next - 1].get(), "label"), CROCHET_OK);
      EXPECT_EQ(crochet_call_set_after(afters[next_after - 1].get(), before[next_after - 1].result.get()), CROCHET_OK);
      for (Pending& call : before) crochet_resolve(call.deferred.get(), nullptr, nullptr);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, DelaysAndDeadlinesAreRefusedBeforeTheCallIsMade) {
  PROVOKES(crochet_call_set_delay_ns, CROCHET_ENOMEM);
  PROVOKES(crochet_call_set_deadline_ns, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (const auto set : {&crochet_call_set_delay_ns, &crochet_call_set_deadline_ns}) {
      OwnedCall call;
      ASSERT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_OK);
      fail_in_turn([&] { return set(call.get(), 1000 * kSecond); });
      crochet_result* result = nullptr;
      int code;
      {
        const FailingAllocations all;
        code = set(call.get(), kMillisecond);  // what it has is enough
        if (code == CROCHET_OK) code = crochet_call_run(call.release(), resolve_null, nullptr, &result);
      }
      EXPECT_EQ(code, CROCHET_OK);
      EXPECT_EQ(crochet_result_join(result, kForever), CROCHET_OK);
      crochet_result_error(result);
      crochet_result_release(result);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, SleepsAreRefused) {
  PROVOKES(crochet_sleep, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedResult result;
    fail_in_turn([&] {
      const int code = crochet_sleep(nullptr, 1, result.out());
      EXPECT_EQ(code == CROCHET_OK, result.get() != nullptr);
      return code;
    });
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, WhatRecursIsRefusedAndDropsWhatItOwns) {
  PROVOKES(crochet_every, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    DropCounter drops;
    int failures = -1;
    crochet_result* result = nullptr;
    fail_in_turn([&] {
      ++failures;
      const int code = crochet_every(
          nullptr, 1000 * kSecond, 1, [](crochet_deferred*, void*, std::uint64_t) {}, drops.pointer(),
          DropCounter::drop, &result);
      EXPECT_EQ(code == CROCHET_OK, result != nullptr);
      return code;
    });
    EXPECT_EQ(drops.count(), failures);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(drops.count(), failures + 1);
    crochet_result_release(result);
  });
}

TEST(OutOfMemory, WhatRecursFailsWithoutMemoryForTheNextRound) {
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (const bool is_settled : {true, false}) {
      struct Rounds {
        std::unique_ptr<FailingAllocations> none;
        OwnedDeferred held;
        bool is_settled;
      } rounds{nullptr, {}, is_settled};
      OwnedResult result;
      ASSERT_EQ(crochet_every(
                    nullptr, 0, 1,
                    [](crochet_deferred* deferred, void* arg, std::uint64_t) {
                      auto* self = static_cast<Rounds*>(arg);
                      if (self->is_settled) crochet_resolve(deferred, nullptr, nullptr);
                      else self->held.reset(crochet_deferred_retain(deferred));
                      self->none = std::make_unique<FailingAllocations>();
                    },
                    &rounds, nullptr, result.out()),
                CROCHET_OK);
      EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_EFAILED);
      EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_ENOMEM);
      EXPECT_EQ(on_loop(nullptr, [&rounds] { rounds.none.reset(); }), CROCHET_OK);
      crochet_resolve(rounds.held.get(), nullptr, nullptr);
      rounds.held.reset();
      EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, HooksAreRefusedAndDropWhatTheyOwn) {
  PROVOKES(crochet_deferred_on_cancel, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      const auto hook = [](crochet_deferred*, void*) {};
      std::vector<Pending> calls(20000);
      DropCounter former, drops;
      ASSERT_EQ(crochet_deferred_on_cancel(calls[0].deferred.get(), hook, former.pointer(), DropCounter::drop),
                CROCHET_OK);
      std::size_t next = 1;
      int exhausted, code, second_code;
      {
        const FailingAllocations all;
        exhausted = until_refused(
            19999, [&] { return crochet_deferred_on_cancel(calls[next++].deferred.get(), hook, nullptr, nullptr); });
        code = crochet_deferred_on_cancel(calls[next - 1].deferred.get(), hook, drops.pointer(), DropCounter::drop);
        second_code = crochet_deferred_on_cancel(calls[0].deferred.get(), hook, drops.pointer(), DropCounter::drop);
      }
      EXPECT_EQ(exhausted, CROCHET_ENOMEM);
      EXPECT_EQ(code, CROCHET_ENOMEM);
      if (second_code == CROCHET_ENOMEM) {  // not set: the former hook stays
        EXPECT_EQ(former.count(), 0);
        EXPECT_EQ(drops.count(), 2);
      } else {  // replacing one may need no memory
        EXPECT_EQ(second_code, CROCHET_OK);
        EXPECT_EQ(former.count(), 1);
        EXPECT_EQ(drops.count(), 1);
      }
      for (Pending& call : calls) crochet_resolve(call.deferred.get(), nullptr, nullptr);
      for (Pending& call : calls) call.deferred.reset();
      EXPECT_EQ(former.count(), 1);
      EXPECT_EQ(drops.count(), 2);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, TheStashIsRefused) {
  PROVOKES(crochet_result_stash, CROCHET_ENOMEM);
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ASSERT_EQ(crochet_stash_limits(1 << 22, kForever), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    std::uint64_t uid = 1;
    int code;
    {
      const FailingAllocations all;
      code = until_refused(1 << 22, [&] { return crochet_result_stash(result.get(), 1, &uid); });
    }
    EXPECT_EQ(code, CROCHET_ENOMEM);
    EXPECT_EQ(uid, 0u);
    EXPECT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK);
    OwnedResult back;
    EXPECT_EQ(crochet_retrieve_result(uid, 1, back.out()), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, WhatExpiresIsStashedWholeOrNotAtAll) {
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ASSERT_EQ(crochet_stash_limits(2, 3600 * kSecond), CROCHET_OK);
    OwnedResult result = ended(CROCHET_OK);
    std::uint64_t uid = 1;
    fail_in_turn([&] { return crochet_result_stash(result.get(), 1, &uid); });
    EXPECT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_OK) << "those that failed take no room";
    EXPECT_EQ(crochet_result_stash(result.get(), 1, &uid), CROCHET_ENOSPC);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(OutOfMemory, SettlingNeverFails) {
  SKIP_WITHOUT_OWN_MALLOC();
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      constexpr std::size_t kCalls = 20000;  // more than any pool of texts has ready
      std::vector<Pending> resolved(kCalls), rejected(kCalls), with_payload(kCalls);
      DropCounter values, payloads;
      int failed = 0;
      {
        const FailingAllocations all;
        for (std::size_t i = 0; i < kCalls; ++i) {
          failed += crochet_resolve(resolved[i].deferred.get(), values.pointer(), DropCounter::drop) != 0;
          failed += crochet_reject(rejected[i].deferred.get(), -1, "a text of its own") != 0;
          failed += crochet_reject_with(with_payload[i].deferred.get(), -1, "a text of its own", 1, payloads.pointer(),
                                        DropCounter::drop) != 0;
        }
      }
      EXPECT_EQ(failed, 0);
      int fallen_back = 0;
      for (std::size_t i = 0; i < kCalls; ++i) {
        for (const Pending* call : {&rejected[i], &with_payload[i]}) {
          const crochet_error* const error = crochet_result_error(call->result.get());
          ASSERT_NE(error, nullptr);
          const std::string message = crochet_error_message(error);
          const bool own = message == "a text of its own";
          EXPECT_TRUE(own || message == crochet_status_message(-1)) << message;
          fallen_back += own ? 0 : 1;
        }
      }
      EXPECT_GT(fallen_back, 0);  // it did run out
      resolved.clear();
      with_payload.clear();
      EXPECT_EQ(values.count(), static_cast<int>(kCalls));
      EXPECT_EQ(payloads.count(), static_cast<int>(kCalls));
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

}  // namespace
}  // namespace contract
