// SPDX-License-Identifier: MIT
// Rule 10 of the header: what a forked child may expect.
#include <gtest/gtest.h>

#include <cstdint>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }
void never_again(crochet_deferred*, void*, std::uint64_t) { ADD_FAILURE() << "it was called"; }

// Runs its parts in a child forked while a default loop and a further one run.
class Fork : public WithDefaultLoop {
 protected:
  void SetUp() override {
    SKIP_UNDER_THREAD_SANITIZER("can't start threads in a child that was forked beside others");
    WithDefaultLoop::SetUp();
    ASSERT_EQ(crochet_loop_new(nullptr, loop_.out()), CROCHET_OK);
  }

  OwnedLoop loop_;
};

// The same, but the child has set up a loop of its own before: only old handles are refused then.
void set_up_afresh() { ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK); }

TEST_F(Fork, RefusesCallsInTheChildAndDropsWhatTheyOwn) {
  PROVOKES(crochet_run, CROCHET_EFORKED);
  PROVOKES(crochet_wait_for, CROCHET_EFORKED);
  PROVOKES(crochet_call_new, CROCHET_EFORKED);
  PROVOKES(crochet_deferred_new, CROCHET_EFORKED);
  PROVOKES(crochet_cork_new, CROCHET_EFORKED);
  PROVOKES(crochet_sleep, CROCHET_EFORKED);
  PROVOKES(crochet_every, CROCHET_EFORKED);
  const auto refuses = [](crochet_loop* loop) {
    DropCounter drops;
    crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_run(loop, never, drops.pointer(), DropCounter::drop, &result), CROCHET_EFORKED);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 1);
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_wait_for(loop, never, drops.pointer(), DropCounter::drop, kForever, &result), CROCHET_EFORKED);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 2);
    crochet_call* call = reinterpret_cast<crochet_call*>(&drops);
    EXPECT_EQ(crochet_call_new(loop, 8, &call), CROCHET_EFORKED);
    EXPECT_EQ(call, nullptr);
    crochet_cork* cork = reinterpret_cast<crochet_cork*>(&drops);
    EXPECT_EQ(crochet_cork_new(loop, &cork), CROCHET_EFORKED);
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_sleep(loop, 1, &result), CROCHET_EFORKED);
    EXPECT_EQ(result, nullptr);
    const int before = drops.count();
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_every(loop, 0, 1, never_again, drops.pointer(), DropCounter::drop, &result), CROCHET_EFORKED);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), before + 1);
    EXPECT_EQ(cork, nullptr);
    crochet_deferred* deferred = reinterpret_cast<crochet_deferred*>(&drops);
    result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_deferred_new(loop, drops.pointer(), DropCounter::drop, &deferred, &result), CROCHET_EFORKED);
    EXPECT_EQ(deferred, nullptr);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), 4);
  };
  in_child([&] {
    refuses(nullptr);
    refuses(loop_.get());
    set_up_afresh();
    refuses(loop_.get());
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  });
}

TEST_F(Fork, RefusesLoopsAndLimitsInTheChildUntilSetup) {
  PROVOKES(crochet_no_setup, CROCHET_EFORKED);
  PROVOKES(crochet_shutdown, CROCHET_EFORKED);
  PROVOKES(crochet_stash_limits, CROCHET_EFORKED);
  PROVOKES(crochet_loop_new, CROCHET_EFORKED);
  PROVOKES(crochet_loop_adopt, CROCHET_EFORKED);
  PROVOKES(crochet_retrieve_result, CROCHET_EFORKED);
  in_child([] {
    HostLoop host;
    OwnedLoop loop;
    OwnedResult result;
    EXPECT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_EFORKED);
    EXPECT_EQ(crochet_shutdown(0), CROCHET_EFORKED);
    EXPECT_EQ(crochet_stash_limits(1, kForever), CROCHET_EFORKED);
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_EFORKED);
    EXPECT_EQ(loop.get(), nullptr);
    EXPECT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_EFORKED);
    EXPECT_EQ(loop.get(), nullptr);
    EXPECT_EQ(crochet_retrieve_result(1, 1, result.out()), CROCHET_EFORKED);
    EXPECT_EQ(result.get(), nullptr);

    set_up_afresh();
    EXPECT_EQ(crochet_stash_limits(10, kForever), CROCHET_OK);
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_retrieve_result(1, 1, result.out()), CROCHET_ENOENT);
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  });
}

TEST_F(Fork, RefusesOldLoopsForEver) {
  PROVOKES(crochet_loop_stop, CROCHET_EFORKED);
  in_child([this] {
    EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_EFORKED);
    set_up_afresh();
    EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_EFORKED);
    EXPECT_EQ(crochet_loop_retain(loop_.get()), nullptr);
    loop_.reset();  // does nothing
  });
  EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);  // the parent notices nothing
}

TEST_F(Fork, RefusesOldResultsForEver) {
  PROVOKES(crochet_result_wait, CROCHET_EFORKED);
  PROVOKES(crochet_result_wait_interruptible, CROCHET_EFORKED);
  PROVOKES(crochet_result_status, CROCHET_EFORKED);
  PROVOKES(crochet_result_take, CROCHET_EFORKED);
  PROVOKES(crochet_result_cancel, CROCHET_EFORKED);
  PROVOKES(crochet_result_join, CROCHET_EFORKED);
  PROVOKES(crochet_result_interrupt, CROCHET_EFORKED);
  PROVOKES(crochet_result_stash, CROCHET_EFORKED);
  const auto refuses = [](crochet_result* result) {
    EXPECT_EQ(crochet_result_wait(result, kForever), CROCHET_EFORKED);
    EXPECT_EQ(crochet_result_wait_interruptible(result, kForever), CROCHET_EFORKED);
    EXPECT_EQ(crochet_result_status(result), CROCHET_EFORKED);
    void* value = &value;
    crochet_drop_fn* drop = DropCounter::drop;
    EXPECT_EQ(crochet_result_take(result, &value, &drop), CROCHET_EFORKED);
    EXPECT_EQ(value, nullptr);
    EXPECT_EQ(drop, nullptr);
    int outcome = CROCHET_CANCEL_TOO_LATE;
    EXPECT_EQ(crochet_result_cancel(result, &outcome), CROCHET_EFORKED);
    EXPECT_EQ(outcome, CROCHET_CANCEL_NONE);
    EXPECT_EQ(crochet_result_join(result, kForever), CROCHET_EFORKED);
    EXPECT_EQ(crochet_result_interrupt(result), CROCHET_EFORKED);
    std::uint64_t uid = 1;
    EXPECT_EQ(crochet_result_stash(result, 1, &uid), CROCHET_EFORKED);
    EXPECT_EQ(uid, 0u);
    EXPECT_EQ(crochet_result_value(result), nullptr);
    EXPECT_EQ(crochet_result_error(result), nullptr);
    EXPECT_EQ(crochet_result_retain(result), nullptr);
  };
  Pending pending;
  OwnedResult ready = ended(CROCHET_OK);
  in_child([&] {
    refuses(pending.result.get());
    refuses(ready.get());
    set_up_afresh();
    refuses(pending.result.get());
    refuses(ready.get());
    ready.reset();  // does nothing
    refuses(pending.result.get());
  });
  EXPECT_EQ(crochet_result_status(ready.get()), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(pending.result.get()), CROCHET_EPENDING);
}

TEST_F(Fork, RefusesOldDeferredsForEverAndDropsWhatTheyWereGiven) {
  PROVOKES(crochet_resolve, CROCHET_EFORKED);
  PROVOKES(crochet_reject, CROCHET_EFORKED);
  PROVOKES(crochet_reject_with, CROCHET_EFORKED);
  PROVOKES(crochet_deferred_on_cancel, CROCHET_EFORKED);
  DropCounter argument;
  Pending pending(nullptr, argument.pointer(), DropCounter::drop);
  const auto refuses = [](crochet_deferred* deferred) {
    DropCounter drops;
    EXPECT_EQ(crochet_resolve(deferred, drops.pointer(), DropCounter::drop), CROCHET_EFORKED);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_reject(deferred, -1, "why"), CROCHET_EFORKED);
    EXPECT_EQ(crochet_reject_with(deferred, -1, "why", 1, drops.pointer(), DropCounter::drop), CROCHET_EFORKED);
    EXPECT_EQ(drops.count(), 2);
    EXPECT_EQ(crochet_deferred_on_cancel(deferred, never, drops.pointer(), DropCounter::drop), CROCHET_EFORKED);
    EXPECT_EQ(drops.count(), 3);
    EXPECT_EQ(crochet_deferred_is_cancelled(deferred), 0);
    EXPECT_EQ(crochet_deferred_loop(deferred), nullptr);
    EXPECT_EQ(crochet_deferred_retain(deferred), nullptr);
  };
  in_child([&] {
    refuses(pending.deferred.get());
    set_up_afresh();
    refuses(pending.deferred.get());
    pending.deferred.reset();  // does nothing
    EXPECT_EQ(argument.count(), 0);
  });
  EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);
}

TEST_F(Fork, RefusesOldPreparedCallsAndDropsTheirStorage) {
  PROVOKES(crochet_call_run, CROCHET_EFORKED);
  PROVOKES(crochet_call_set_label, CROCHET_EFORKED);
  PROVOKES(crochet_call_set_at_stop, CROCHET_EFORKED);
  PROVOKES(crochet_call_set_delay_ns, CROCHET_EFORKED);
  PROVOKES(crochet_call_set_deadline_ns, CROCHET_EFORKED);
  struct Counted {
    DropCounter* drops;
    static void drop(void* storage) { DropCounter::drop(static_cast<Counted*>(storage)->drops->pointer()); }
  };
  DropCounter drops;
  OwnedCall calls[2];
  for (OwnedCall& call : calls) {
    ASSERT_EQ(crochet_call_new(nullptr, sizeof(Counted), call.out()), CROCHET_OK);
    static_cast<Counted*>(crochet_call_storage(call.get()))->drops = &drops;
  }
  const auto refuses = [](crochet_call* call) {
    EXPECT_EQ(crochet_call_storage(call), nullptr);
    EXPECT_EQ(crochet_call_set_label(call, "label"), CROCHET_EFORKED);
    EXPECT_EQ(crochet_call_set_at_stop(call), CROCHET_EFORKED);
    EXPECT_EQ(crochet_call_set_delay_ns(call, 1), CROCHET_EFORKED);
    EXPECT_EQ(crochet_call_set_deadline_ns(call, 1), CROCHET_EFORKED);
    EXPECT_EQ(crochet_call_set_after(call, nullptr), CROCHET_EFORKED);
    crochet_result* result = reinterpret_cast<crochet_result*>(&result);
    EXPECT_EQ(crochet_call_run(call, never, Counted::drop, &result), CROCHET_EFORKED);
    EXPECT_EQ(result, nullptr);
  };
  in_child([&] {
    refuses(calls[0].release());
    EXPECT_EQ(drops.count(), 1);
    set_up_afresh();
    refuses(calls[1].release());
    EXPECT_EQ(drops.count(), 2);
  });
  EXPECT_EQ(drops.count(), 0);
}

TEST_F(Fork, RefusesManyOldPreparedCallsAndMakesTheNewOnesAmongThem) {
  PROVOKES(crochet_call_run_many, CROCHET_EFORKED);
  struct Counted {
    DropCounter* drops;
    static void run(crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); }
    static void drop(void* storage) { DropCounter::drop(static_cast<Counted*>(storage)->drops->pointer()); }
  };
  DropCounter drops;
  const auto counted_call = [&drops] {
    crochet_call* call = nullptr;
    EXPECT_EQ(crochet_call_new(nullptr, sizeof(Counted), &call), CROCHET_OK);
    static_cast<Counted*>(crochet_call_storage(call))->drops = &drops;
    return call;
  };
  crochet_call* old[4];
  for (crochet_call*& call : old) call = counted_call();
  Pending waited_for;
  ASSERT_EQ(crochet_call_set_after(old[1], waited_for.result.get()), CROCHET_OK);
  in_child([&] {
    crochet_result* results[3] = {reinterpret_cast<crochet_result*>(&drops), reinterpret_cast<crochet_result*>(&drops)};
    EXPECT_EQ(crochet_call_run_many(old, 2, Counted::run, Counted::drop, results), CROCHET_EFORKED);
    EXPECT_TRUE(results[0] == nullptr && results[1] == nullptr);
    EXPECT_EQ(drops.count(), 2);
    set_up_afresh();
    crochet_call* const mixed[] = {old[2], counted_call(), old[3]};
    EXPECT_EQ(crochet_call_run_many(mixed, 3, Counted::run, Counted::drop, results), CROCHET_EFORKED);
    EXPECT_TRUE(results[0] == nullptr && results[2] == nullptr);
    EXPECT_EQ(crochet_result_join(results[1], kForever), CROCHET_OK);
    crochet_result_release(results[1]);
    EXPECT_EQ(drops.count(), 5);
  });
  EXPECT_EQ(drops.count(), 0);
  EXPECT_EQ(crochet_call_run_many(old, 4, Counted::run, Counted::drop, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_resolve(waited_for.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(drops.count(), 4);
}

TEST_F(Fork, RefusesOldCorksAndTouchesNothingThatTheyGathered) {
  PROVOKES(crochet_cork_run, CROCHET_EFORKED);
  PROVOKES(crochet_cork_flush, CROCHET_EFORKED);
  DropCounter gathered;
  Owned<crochet_cork, crochet_cork_free> cork;
  ASSERT_EQ(crochet_cork_new(loop_.get(), cork.out()), CROCHET_OK);
  ASSERT_EQ(crochet_cork_run(cork.get(), resolve_null, gathered.pointer(), DropCounter::drop), CROCHET_OK);
  in_child([&] {
    const auto refuses = [&cork] {
      DropCounter drops;
      EXPECT_EQ(crochet_cork_run(cork.get(), never, drops.pointer(), DropCounter::drop), CROCHET_EFORKED);
      EXPECT_EQ(drops.count(), 1);
      EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_EFORKED);
    };
    refuses();
    set_up_afresh();
    refuses();
    cork.reset();  // does nothing
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(gathered.count(), 0);
  });
  EXPECT_EQ(crochet_cork_flush(cork.get()), CROCHET_OK);
  EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);
  EXPECT_EQ(gathered.count(), 1);
}

TEST_F(Fork, RefusesOldCompletionQueuesForEverAndTheirDescriptorStaysTheParents) {
  PROVOKES(crochet_completion_queue_new, CROCHET_EFORKED);
  PROVOKES(crochet_completion_queue_watch, CROCHET_EFORKED);
  PROVOKES(crochet_completion_queue_unwatch, CROCHET_EFORKED);
  PROVOKES(crochet_completion_queue_next, CROCHET_EFORKED);
  PROVOKES(crochet_completion_queue_drain, CROCHET_EFORKED);
  PROVOKES(crochet_completion_queue_descriptor, CROCHET_EFORKED);
  PROVOKES(crochet_completion_queue_close, CROCHET_EFORKED);
  using OwnedQueue = Owned<crochet_completion_queue, crochet_completion_queue_release>;
  OwnedQueue queue;
  ASSERT_EQ(crochet_completion_queue_new(queue.out()), CROCHET_OK);
  int descriptor = -1;
  ASSERT_EQ(crochet_completion_queue_descriptor(queue.get(), &descriptor), CROCHET_OK);
  Pending settled, pending;
  ASSERT_EQ(crochet_completion_queue_watch(queue.get(), settled.result.get(), 1), CROCHET_OK);
  ASSERT_EQ(crochet_completion_queue_watch(queue.get(), pending.result.get(), 2), CROCHET_OK);
  ASSERT_EQ(crochet_resolve(settled.deferred.get(), nullptr, nullptr), CROCHET_OK);
  in_child([&] {
    const auto refuses = [&](crochet_completion_queue* old) {
      crochet_result* result = settled.result.get();
      std::size_t count = 9;
      int number = 0;
      EXPECT_EQ(crochet_completion_queue_watch(old, pending.result.get(), 3), CROCHET_EFORKED);
      EXPECT_EQ(crochet_completion_queue_unwatch(old, pending.result.get()), CROCHET_EFORKED);
      EXPECT_EQ(crochet_completion_queue_next(old, kForever, &result, nullptr), CROCHET_EFORKED);
      EXPECT_EQ(result, nullptr);
      EXPECT_EQ(crochet_completion_queue_drain(old, 0, nullptr, nullptr, &count), CROCHET_EFORKED);
      EXPECT_EQ(count, 0u);
      EXPECT_EQ(crochet_completion_queue_descriptor(old, &number), CROCHET_EFORKED);
      EXPECT_EQ(number, -1);
      EXPECT_EQ(crochet_completion_queue_close(old), CROCHET_EFORKED);
      EXPECT_EQ(crochet_completion_queue_retain(old), nullptr);
    };
    crochet_completion_queue* fresh = queue.get();
    EXPECT_EQ(crochet_completion_queue_new(&fresh), CROCHET_EFORKED);
    EXPECT_EQ(fresh, nullptr);
    refuses(queue.get());
    set_up_afresh();
    refuses(queue.get());
    ASSERT_EQ(crochet_completion_queue_new(&fresh), CROCHET_OK);
    EXPECT_EQ(crochet_completion_queue_watch(fresh, settled.result.get(), 1), CROCHET_EFORKED);
    EXPECT_EQ(crochet_completion_queue_unwatch(fresh, settled.result.get()), CROCHET_EFORKED);
    crochet_completion_queue_release(fresh);
    queue.reset();  // does nothing
  });
  OwnedResult result;
  EXPECT_EQ(crochet_completion_queue_next(queue.get(), 0, result.out(), nullptr), CROCHET_OK);
}

TEST_F(Fork, RefusesToWaitForSeveralOldResults) {
  PROVOKES(crochet_wait_any, CROCHET_EFORKED);
  PROVOKES(crochet_wait_all, CROCHET_EFORKED);
  const OwnedResult old = ended(CROCHET_OK);
  in_child([&] {
    const auto refuses = [&old] {
      crochet_result* const results[] = {old.get()};
      std::size_t index = 0;
      EXPECT_EQ(crochet_wait_any(results, 1, kForever, &index), CROCHET_EFORKED);
      EXPECT_EQ(index, 1u);
      EXPECT_EQ(crochet_wait_all(results, 1, kForever), CROCHET_EFORKED);
    };
    refuses();
    set_up_afresh();
    refuses();
  });
}

TEST_F(Fork, RefusesToWaitForAnOldResultWithANewCall) {
  PROVOKES(crochet_call_set_after, CROCHET_EFORKED);
  Pending old;
  in_child([&] {
    set_up_afresh();
    OwnedCall call;
    ASSERT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_OK);
    EXPECT_EQ(crochet_call_set_after(call.get(), old.result.get()), CROCHET_EFORKED);
    OwnedResult result;
    EXPECT_EQ(crochet_call_run(call.release(), resolve_null, nullptr, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  });
}

TEST_F(Fork, LeavesQuestionsTheirNeutralAnswers) {
  in_child([] {
    EXPECT_EQ(crochet_current_loop(), nullptr);
    EXPECT_EQ(crochet_current_uv(), nullptr);
    EXPECT_STREQ(crochet_status_name(CROCHET_EFORKED), "CROCHET_EFORKED");
    EXPECT_NE(crochet_version(), 0u);
    OwnedOptions options;
    EXPECT_EQ(crochet_options_new(options.out()), CROCHET_OK);
    EXPECT_EQ(crochet_options_set_thread_name(options.get(), "child"), CROCHET_OK);
  });
}

TEST_F(Fork, OfAForkIsAChildToo) {
  in_child([] {
    set_up_afresh();
    Pending mine;
    in_child([&] {
      EXPECT_EQ(crochet_result_status(mine.result.get()), CROCHET_EFORKED);
      EXPECT_EQ(crochet_run(nullptr, never, nullptr, nullptr, nullptr), CROCHET_EFORKED);
      set_up_afresh();
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      EXPECT_EQ(crochet_result_status(mine.result.get()), CROCHET_EFORKED);
    });
    EXPECT_EQ(crochet_resolve(mine.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
}

TEST_F(Fork, IsNotNoticedByTheParent) {
  BlockedLoop block;
  OwnedResult queued;
  ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, queued.out()), CROCHET_OK);
  in_child([] { set_up_afresh(); });
  block.unblock();
  EXPECT_EQ(crochet_result_wait(queued.get(), kForever), CROCHET_OK);
}

}  // namespace
}  // namespace contract
