// SPDX-License-Identifier: MIT
// Rule 5 of the header: whatever passes on entry is dropped exactly once, on every path, refused or not. Paths of their
// own process are elsewhere: before_setup_test, fork_test, out_of_memory_test, process_exit_test.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

class Ownership : public WithDefaultLoop {
 protected:
  // One way that something owned can go. Afterwards it must have been dropped, once, or be dropped soon.
  void path(const std::string& name, const std::function<void(DropCounter&)>& way) {
    SCOPED_TRACE(name);
    DropCounter& drops = counters_.emplace_back();
    names_.push_back(name);
    way(drops);
    drops.wait();
    EXPECT_EQ(drops.count(), 1);
  }

  // And must not be dropped again, up to the very end.
  void TearDown() override {
    WithDefaultLoop::TearDown();
    EXPECT_FALSE(counters_.empty());
    for (std::size_t i = 0; i < counters_.size(); ++i) EXPECT_EQ(counters_[i].count(), 1) << names_[i];
  }

  OwnedLoop stopped_loop() {
    OwnedLoop loop;
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    return loop;
  }

  static void throws(crochet_deferred*, void*) { throw 1; }

 private:
  std::deque<DropCounter> counters_;
  std::vector<std::string> names_;
};

struct InStorage {
  DropCounter* drops;
  static void drop(void* storage) { DropCounter::drop(static_cast<InStorage*>(storage)->drops->pointer()); }
};

OwnedCall call_that_owns(DropCounter& drops, crochet_loop* loop = nullptr) {
  OwnedCall call;
  EXPECT_EQ(crochet_call_new(loop, sizeof(InStorage), call.out()), CROCHET_OK);
  static_cast<InStorage*>(crochet_call_storage(call.get()))->drops = &drops;
  return call;
}

TEST_F(Ownership, OfTheArgumentOfRun) {
  const auto run_on = [](crochet_loop* loop, crochet_call_fn* fn, DropCounter& drops) {
    OwnedResult result;
    const int code = crochet_run(loop, fn, drops.pointer(), DropCounter::drop, result.out());
    if (result) {
      crochet_result_join(result.get(), kKillTimer);
      crochet_result_error(result.get());
    }
    return code;
  };
  path("it resolves", [&](DropCounter& drops) { run_on(nullptr, resolve_null, drops); });
  path("it rejects", [&](DropCounter& drops) { run_on(nullptr, reject_plainly, drops); });
  path("it leaves", [&](DropCounter& drops) { run_on(nullptr, leave_unsettled, drops); });
  path("it throws", [&](DropCounter& drops) { run_on(nullptr, throws, drops); });
  path("fire and forget", [](DropCounter& drops) {
    EXPECT_EQ(crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, nullptr), CROCHET_OK);
  });
  path("no function", [&](DropCounter& drops) { EXPECT_EQ(run_on(nullptr, nullptr, drops), CROCHET_EINVAL); });
  path("a stale loop",
       [&](DropCounter& drops) { EXPECT_EQ(run_on(stale_loop(), resolve_null, drops), CROCHET_EINVAL); });
  path("a stopped loop",
       [&](DropCounter& drops) { EXPECT_EQ(run_on(stopped_loop().get(), resolve_null, drops), CROCHET_ESTOPPED); });
  path("cancelled while queued", [](DropCounter& drops) {
    BlockedLoop block;
    OwnedResult result;
    EXPECT_EQ(crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
  });
  path("stopped while queued", [](DropCounter& drops) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    BlockedLoop block(loop.get());
    EXPECT_EQ(crochet_run(loop.get(), resolve_null, drops.pointer(), DropCounter::drop, nullptr), CROCHET_OK);
    std::thread stopper([&] { EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK); });
    drops.wait();
    block.let_go();
    stopper.join();
  });
  path("stopped while a deferred is held", [](DropCounter& drops) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    struct Held {
      static void hold(crochet_deferred* deferred, void* arg) {
        static_cast<void>(arg);
        held().reset(crochet_deferred_retain(deferred));
      }
      static OwnedDeferred& held() {
        static OwnedDeferred deferred;
        return deferred;
      }
    };
    EXPECT_EQ(crochet_run(loop.get(), Held::hold, drops.pointer(), DropCounter::drop, nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    EXPECT_EQ(drops.count(), 0);  // the producer still has it
    Held::held().reset();
  });
}

TEST_F(Ownership, OfTheArgumentOfWaitFor) {
  const auto wait_on = [](crochet_loop* loop, crochet_call_fn* fn, std::int64_t timeout, DropCounter& drops) {
    OwnedResult result;
    const int code = crochet_wait_for(loop, fn, drops.pointer(), DropCounter::drop, timeout, result.out());
    crochet_result_error(result.get());
    return code;
  };
  path("a value", [&](DropCounter& drops) { EXPECT_EQ(wait_on(nullptr, resolve_null, kForever, drops), CROCHET_OK); });
  path("a failure",
       [&](DropCounter& drops) { EXPECT_EQ(wait_on(nullptr, reject_plainly, kForever, drops), CROCHET_EFAILED); });
  path("broken",
       [&](DropCounter& drops) { EXPECT_EQ(wait_on(nullptr, leave_unsettled, kForever, drops), CROCHET_EBROKEN); });
  path("no function",
       [&](DropCounter& drops) { EXPECT_EQ(wait_on(nullptr, nullptr, kForever, drops), CROCHET_EINVAL); });
  path("a bad time", [&](DropCounter& drops) { EXPECT_EQ(wait_on(nullptr, resolve_null, -2, drops), CROCHET_EINVAL); });
  path("a stale loop",
       [&](DropCounter& drops) { EXPECT_EQ(wait_on(stale_loop(), resolve_null, kForever, drops), CROCHET_EINVAL); });
  path("a stopped loop", [&](DropCounter& drops) {
    EXPECT_EQ(wait_on(stopped_loop().get(), resolve_null, kForever, drops), CROCHET_ESTOPPED);
  });
  path("on a loop's thread", [&](DropCounter& drops) {
    EXPECT_EQ(on_loop(nullptr, [&] { EXPECT_EQ(wait_on(nullptr, resolve_null, kForever, drops), CROCHET_EDEADLK); }),
              CROCHET_OK);
  });
  path("timed out while queued", [&](DropCounter& drops) {
    BlockedLoop block;
    EXPECT_EQ(wait_on(nullptr, resolve_null, 0, drops), CROCHET_ETIMEDOUT);
  });
}

TEST_F(Ownership, OfTheStorageOfAPreparedCall) {
  const auto make = [](OwnedCall call, crochet_call_fn* fn) {
    OwnedResult result;
    const int code = crochet_call_run(call.release(), fn, InStorage::drop, result.out());
    if (result) {
      crochet_result_join(result.get(), kKillTimer);
      crochet_result_error(result.get());
    }
    return code;
  };
  path("it resolves", [&](DropCounter& drops) { EXPECT_EQ(make(call_that_owns(drops), resolve_null), CROCHET_OK); });
  path("it rejects", [&](DropCounter& drops) { EXPECT_EQ(make(call_that_owns(drops), reject_plainly), CROCHET_OK); });
  path("it leaves", [&](DropCounter& drops) { EXPECT_EQ(make(call_that_owns(drops), leave_unsettled), CROCHET_OK); });
  path("it throws", [&](DropCounter& drops) { EXPECT_EQ(make(call_that_owns(drops), throws), CROCHET_OK); });
  path("no function", [&](DropCounter& drops) { EXPECT_EQ(make(call_that_owns(drops), nullptr), CROCHET_EINVAL); });
  for (const bool at_stop : {false, true}) {
    path(at_stop ? "at-stop, stopped meanwhile" : "stopped meanwhile", [&](DropCounter& drops) {
      OwnedLoop loop;
      ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
      OwnedCall call = call_that_owns(drops, loop.get());
      if (at_stop) {
        EXPECT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
      }
      EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
      EXPECT_EQ(make(std::move(call), resolve_null), CROCHET_ESTOPPED);
    });
  }
  path("after a result, stopped meanwhile", [&](DropCounter& drops) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    Pending first;
    OwnedCall call = call_that_owns(drops, loop.get());
    EXPECT_EQ(crochet_call_set_after(call.get(), first.result.get()), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    EXPECT_EQ(make(std::move(call), resolve_null), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_resolve(first.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
  path("after a result, and that settles when the loop has ended", [&](DropCounter& drops) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    Pending first;
    OwnedCall call = call_that_owns(drops, loop.get());
    EXPECT_EQ(crochet_call_set_after(call.get(), first.result.get()), CROCHET_OK);
    EXPECT_EQ(crochet_call_run(call.release(), resolve_null, InStorage::drop, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(first.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
  path("at-stop, cancelled", [&](DropCounter& drops) {
    OwnedCall call = call_that_owns(drops);
    EXPECT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
    OwnedResult result;
    EXPECT_EQ(crochet_call_run(call.release(), resolve_null, InStorage::drop, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
  });
}

TEST_F(Ownership, OfTheArgumentOfDeferredNew) {
  path("resolved", [](DropCounter& drops) {
    Pending call(nullptr, drops.pointer(), DropCounter::drop);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    call.deferred.reset();
  });
  path("broken", [](DropCounter& drops) {
    Pending call(nullptr, drops.pointer(), DropCounter::drop);
    call.deferred.reset();
    crochet_result_error(call.result.get());
  });
  path("cancelled", [](DropCounter& drops) {
    Pending call(nullptr, drops.pointer(), DropCounter::drop);
    EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
    EXPECT_EQ(drops.count(), 0);
    call.deferred.reset();
  });
  path("the result went first", [](DropCounter& drops) {
    Pending call(nullptr, drops.pointer(), DropCounter::drop);
    call.result.reset();
    call.deferred.reset();
  });
  path("nowhere to go", [](DropCounter& drops) {
    EXPECT_EQ(crochet_deferred_new(nullptr, drops.pointer(), DropCounter::drop, nullptr, nullptr), CROCHET_EINVAL);
  });
  path("a stale loop", [](DropCounter& drops) {
    OwnedDeferred deferred;
    EXPECT_EQ(crochet_deferred_new(stale_loop(), drops.pointer(), DropCounter::drop, deferred.out(), nullptr),
              CROCHET_EINVAL);
  });
  path("a stopped loop", [this](DropCounter& drops) {
    OwnedDeferred deferred;
    EXPECT_EQ(crochet_deferred_new(stopped_loop().get(), drops.pointer(), DropCounter::drop, deferred.out(), nullptr),
              CROCHET_ESTOPPED);
  });
}

TEST_F(Ownership, OfAValue) {
  path("nobody took it", [](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(crochet_resolve(call.deferred.get(), drops.pointer(), DropCounter::drop), CROCHET_OK);
  });
  path("the taker ends it", [](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(crochet_resolve(call.deferred.get(), drops.pointer(), DropCounter::drop), CROCHET_OK);
    void* value = nullptr;
    crochet_drop_fn* drop = nullptr;
    ASSERT_EQ(crochet_result_take(call.result.get(), &value, &drop), CROCHET_OK);
    ASSERT_NE(drop, nullptr);
    drop(value);
  });
  path("nobody wanted a result", [](DropCounter& drops) {
    EXPECT_EQ(
        crochet_run(
            nullptr, [](crochet_deferred* deferred, void* arg) { crochet_resolve(deferred, arg, DropCounter::drop); },
            drops.pointer(), nullptr, nullptr),
        CROCHET_OK);
  });
  path("settled before", [](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), drops.pointer(), DropCounter::drop), CROCHET_EALREADY);
  });
  path("cancelled before", [](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), drops.pointer(), DropCounter::drop), CROCHET_EALREADY);
  });
  path("stopped before", [](DropCounter& drops) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    Pending call(loop.get());
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), drops.pointer(), DropCounter::drop), CROCHET_EALREADY);
  });
  path("no deferred", [](DropCounter& drops) {
    EXPECT_EQ(crochet_resolve(nullptr, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  });
  path("a stale deferred", [](DropCounter& drops) {
    EXPECT_EQ(crochet_resolve(stale_deferred(), drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  });
  path("stashed and never retrieved", [](DropCounter& drops) {
    {
      Pending call;
      EXPECT_EQ(crochet_resolve(call.deferred.get(), drops.pointer(), DropCounter::drop), CROCHET_OK);
      std::uint64_t uid = 0;
      EXPECT_EQ(crochet_result_stash(call.result.get(), 1, &uid), CROCHET_OK);
    }
    EXPECT_EQ(drops.count(), 0);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  });
}

TEST_F(Ownership, OfAPayload) {
  const auto reject_with = [](crochet_deferred* deferred, DropCounter& drops) {
    return crochet_reject_with(deferred, -1, "why", 1, drops.pointer(), DropCounter::drop);
  };
  path("kept by the error", [&](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(reject_with(call.deferred.get(), drops), CROCHET_OK);
    crochet_result_error(call.result.get());
  });
  path("in a cancelled call's rejection", [&](DropCounter& drops) {
    Gate called;
    Pending call;
    EXPECT_EQ(crochet_deferred_on_cancel(
                  call.deferred.get(), [](crochet_deferred*, void* gate) { static_cast<Gate*>(gate)->open(); }, &called,
                  nullptr),
              CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
    called.wait();
    EXPECT_EQ(crochet_reject_with(call.deferred.get(), CROCHET_ECANCELED, "why", 1, drops.pointer(), DropCounter::drop),
              CROCHET_OK);
    EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ECANCELED);
  });
  path("settled before", [&](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(reject_with(call.deferred.get(), drops), CROCHET_EALREADY);
  });
  path("no deferred", [&](DropCounter& drops) { EXPECT_EQ(reject_with(nullptr, drops), CROCHET_EINVAL); });
  path("a stale deferred",
       [&](DropCounter& drops) { EXPECT_EQ(reject_with(stale_deferred(), drops), CROCHET_EINVAL); });
}

TEST_F(Ownership, OfAHooksArgument) {
  const auto hook = [](crochet_deferred*, void*) {};
  const auto on_cancel = [hook](crochet_deferred* deferred, DropCounter& drops) {
    return crochet_deferred_on_cancel(deferred, hook, drops.pointer(), DropCounter::drop);
  };
  path("never called", [&](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(on_cancel(call.deferred.get(), drops), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
  path("called", [&](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(on_cancel(call.deferred.get(), drops), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
    drops.wait();
  });
  path("asked for, and settled before it was called", [&](DropCounter& drops) {
    BlockedLoop block;
    Pending call;
    EXPECT_EQ(on_cancel(call.deferred.get(), drops), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
  path("asked for, and let go before it was called", [&](DropCounter& drops) {
    BlockedLoop block;
    Pending call;
    EXPECT_EQ(on_cancel(call.deferred.get(), drops), CROCHET_OK);
    EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
    call.deferred.reset();
  });
  path("replaced", [&](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(on_cancel(call.deferred.get(), drops), CROCHET_OK);
    EXPECT_EQ(crochet_deferred_on_cancel(call.deferred.get(), hook, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
  path("cleared", [&](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(on_cancel(call.deferred.get(), drops), CROCHET_OK);
    EXPECT_EQ(crochet_deferred_on_cancel(call.deferred.get(), nullptr, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  });
  path("too late", [&](DropCounter& drops) {
    Pending call;
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(on_cancel(call.deferred.get(), drops), CROCHET_EALREADY);
  });
  path("stopped", [&](DropCounter& drops) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    Pending call(loop.get());
    EXPECT_EQ(on_cancel(call.deferred.get(), drops), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  });
  path("no deferred", [&](DropCounter& drops) { EXPECT_EQ(on_cancel(nullptr, drops), CROCHET_EINVAL); });
  path("a stale deferred", [&](DropCounter& drops) { EXPECT_EQ(on_cancel(stale_deferred(), drops), CROCHET_EINVAL); });
}

}  // namespace
}  // namespace contract
