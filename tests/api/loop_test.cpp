// SPDX-License-Identifier: MIT
// Further loops: crochet_loop_..., crochet_current_...
#include <gtest/gtest.h>
#include <uv.h>

#include <array>
#include <cstdint>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/at_once.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/not_options.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

// A running loop of the test's own; no default loop.
class WithALoop : public ShutDownAfterwards {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_loop_new(nullptr, loop_.out()), CROCHET_OK); }

  OwnedLoop loop_;
};

class LoopNew : public ShutDownAfterwards {};
class LoopAdopt : public ShutDownAfterwards {};
class LoopStop : public WithALoop {};
class LoopReference : public WithALoop {};
class Current : public WithALoop {};

struct Note {
  std::vector<int>* order;
  int number;
};

// A call that notes `number` when it starts, to be prepared further and run with note().
OwnedCall noting_call(crochet_loop* loop, std::vector<int>* order, int number) {
  OwnedCall call;
  EXPECT_EQ(crochet_call_new(loop, sizeof(Note), call.out()), CROCHET_OK);
  *static_cast<Note*>(crochet_call_storage(call.get())) = Note{order, number};
  return call;
}

void note(crochet_deferred* deferred, void* storage) {
  const Note& noted = *static_cast<Note*>(storage);
  noted.order->push_back(noted.number);
  crochet_resolve(deferred, nullptr, nullptr);
}

// ---- crochet_loop_new()

TEST_F(LoopNew, RunsInAThreadOfItsOwnAndNeedsNoDefaultLoop) {
  PROVOKES(crochet_loop_new, CROCHET_OK);
  OwnedLoop one, other;
  ASSERT_EQ(crochet_loop_new(nullptr, one.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
  EXPECT_NE(one.get(), other.get());
  std::thread::id thread_of_one, thread_of_other;
  EXPECT_EQ(on_loop(one.get(), [&] { thread_of_one = std::this_thread::get_id(); }), CROCHET_OK);
  EXPECT_EQ(on_loop(other.get(), [&] { thread_of_other = std::this_thread::get_id(); }), CROCHET_OK);
  EXPECT_NE(thread_of_one, thread_of_other);
  EXPECT_NE(thread_of_one, std::this_thread::get_id());
}

TEST_F(LoopNew, DoesNotTouchTheDefaultLoop) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  OwnedLoop further;
  ASSERT_EQ(crochet_loop_new(nullptr, further.out()), CROCHET_OK);
  crochet_loop* default_one = nullptr;
  EXPECT_EQ(on_loop(nullptr, [&] { default_one = crochet_current_loop(); }), CROCHET_OK);
  EXPECT_NE(default_one, further.get());
  EXPECT_EQ(crochet_loop_stop(further.get(), 0), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}

TEST_F(LoopNew, RefusesWhatIsNotOptionsAndNowhereToGo) {
  PROVOKES(crochet_loop_new, CROCHET_EINVAL);
  OwnedLoop loop;
  EXPECT_EQ(crochet_loop_new(nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_loop_new(not_options(), loop.out()), CROCHET_EINVAL);
  EXPECT_EQ(loop.get(), nullptr);
}

TEST_F(LoopNew, IsRefusedOnALoopsThread) {
  PROVOKES(crochet_loop_new, CROCHET_EDEADLK);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  int code = CROCHET_OK;
  crochet_loop* inner = loop.get();
  EXPECT_EQ(on_loop(loop.get(), [&] { code = crochet_loop_new(nullptr, &inner); }), CROCHET_OK);
  EXPECT_EQ(code, CROCHET_EDEADLK);
  EXPECT_EQ(inner, nullptr);
}

// ---- crochet_loop_adopt()

TEST_F(LoopAdopt, RunsCallsInsideTheHostsRun) {
  PROVOKES(crochet_loop_adopt, CROCHET_OK);
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  EXPECT_EQ(crochet_current_loop(), loop.get());
  std::thread::id thread;
  ASSERT_EQ(run(
                loop.get(),
                [&](crochet_deferred*) {
                  thread = std::this_thread::get_id();
                  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
                },
                nullptr),
            CROCHET_OK);
  EXPECT_EQ(thread, std::thread::id());
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(thread, std::this_thread::get_id());
  EXPECT_EQ(host.close(), 0);
}

TEST_F(LoopAdopt, OfAReleasedLoopMayBeRepeated) {
  HostLoop host;
  for (int i = 0; i < 3; ++i) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
    EXPECT_EQ(host.run(), 0);
  }
  EXPECT_EQ(host.close(), 0);
}

TEST_F(LoopAdopt, LeavesTheHostsHandlesAlone) {
  HostLoop host;
  uv_timer_t timer;
  ASSERT_EQ(uv_timer_init(host.uv(), &timer), 0);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(uv_is_closing(reinterpret_cast<uv_handle_t*>(&timer)), 0);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
  EXPECT_EQ(host.run(), 0);
}

TEST_F(LoopAdopt, RefusesNoLoopNoOptionsAndNowhereToGo) {
  PROVOKES(crochet_loop_adopt, CROCHET_EINVAL);
  HostLoop host;
  OwnedLoop loop;
  EXPECT_EQ(crochet_loop_adopt(nullptr, nullptr, loop.out()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_loop_adopt(host.uv(), nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_loop_adopt(host.uv(), not_options(), loop.out()), CROCHET_EINVAL);
  EXPECT_EQ(loop.get(), nullptr);
  EXPECT_EQ(crochet_current_loop(), nullptr);
}

TEST_F(LoopAdopt, IsRefusedOnAThreadThatRunsALoopAlready) {
  PROVOKES(crochet_loop_adopt, CROCHET_EALREADY);
  HostLoop first, second;
  OwnedLoop loop, none;
  ASSERT_EQ(crochet_loop_adopt(first.uv(), nullptr, loop.out()), CROCHET_OK);
  EXPECT_EQ(crochet_loop_adopt(second.uv(), nullptr, none.out()), CROCHET_EALREADY);
  EXPECT_EQ(none.get(), nullptr);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(first.run(), 0);
}

// ---- crochet_loop_stop()

TEST_F(LoopStop, EndsTheLoopAndRefusesCalls) {
  PROVOKES(crochet_loop_stop, CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
  OwnedResult result;
  EXPECT_EQ(crochet_run(loop_.get(), resolve_null, nullptr, nullptr, result.out()), CROCHET_ESTOPPED);
  EXPECT_EQ(result.get(), nullptr);
}

TEST_F(LoopStop, AgainHasTheSameCode) {
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
  at_once(4, [this](int) { EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK); });
}

TEST_F(LoopStop, OfSeveralThreadsIsOneStopWithOneCode) {
  at_once(8, [this](int) { EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK); });
}

TEST_F(LoopStop, RefusesBadHandlesAndANegativeGrace) {
  PROVOKES(crochet_loop_stop, CROCHET_EINVAL);
  EXPECT_EQ(crochet_loop_stop(nullptr, 0), CROCHET_EINVAL);
  EXPECT_EQ(crochet_loop_stop(stale_loop(), 0), CROCHET_EINVAL);
  for (const std::int64_t grace : {kForever, std::int64_t{-2}, std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_EQ(crochet_loop_stop(loop_.get(), grace), CROCHET_EINVAL) << grace;
  }
  EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);
}

TEST_F(LoopStop, OnALoopsThreadIsARequest) {
  PROVOKES(crochet_loop_stop, CROCHET_EINPROGRESS);
  OwnedLoop other;
  ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
  int own = CROCHET_OK;
  int of_another = CROCHET_OK;
  EXPECT_EQ(on_loop(loop_.get(), [&] { of_another = crochet_loop_stop(other.get(), 0); }), CROCHET_OK);
  OwnedResult result;
  ASSERT_EQ(run(
                loop_.get(),
                [&](crochet_deferred* deferred) {
                  crochet_resolve(deferred, nullptr, nullptr);
                  own = crochet_loop_stop(loop_.get(), 0);
                },
                result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(other.get(), kSecond), CROCHET_OK);
  EXPECT_EQ(own, CROCHET_EINPROGRESS);
  EXPECT_EQ(of_another, CROCHET_EINPROGRESS);
}

TEST_F(LoopStop, SettlesCallsThatNeverStarted) {
  BlockedLoop block(loop_.get());
  DropCounter drops;
  OwnedResult result;
  ASSERT_EQ(crochet_run(
                loop_.get(), [](crochet_deferred*, void*) { ADD_FAILURE() << "it ran"; }, drops.pointer(),
                DropCounter::drop, result.out()),
            CROCHET_OK);
  std::thread stopper([this] { EXPECT_EQ(crochet_loop_stop(loop_.get(), kKillTimer), CROCHET_OK); });
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_ENOTRUN);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(drops.count(), 1);
  block.let_go();
  stopper.join();
}

TEST_F(LoopStop, StartsAtStopCallsLastMadeFirst) {
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    OwnedCall call = noting_call(loop_.get(), &order, i);
    ASSERT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
    ASSERT_EQ(crochet_call_run(call.release(), note, nullptr, nullptr), CROCHET_OK);
  }
  EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);
  EXPECT_EQ(order, (std::vector<int>{4, 3, 2, 1, 0}));
}

TEST_F(LoopStop, CallsOnCancelHooks) {
  Gate hook_called;
  Pending call(loop_.get());
  ASSERT_EQ(crochet_deferred_on_cancel(
                call.deferred.get(),
                [](crochet_deferred* deferred, void* gate) {
                  EXPECT_EQ(crochet_deferred_is_cancelled(deferred), 1);
                  EXPECT_EQ(crochet_reject(deferred, UV_ECANCELED, nullptr), CROCHET_OK);
                  static_cast<Gate*>(gate)->open();
                },
                &hook_called, nullptr),
            CROCHET_OK);
  std::thread stopper([this] { EXPECT_EQ(crochet_loop_stop(loop_.get(), kKillTimer), CROCHET_OK); });
  hook_called.wait();
  EXPECT_EQ(crochet_result_wait(call.result.get(), kKillTimer), CROCHET_ESTOPPED);  // the reason rule
  call.deferred.reset();
  stopper.join();
}

TEST_F(LoopStop, EndsBeforeTheGraceWhenAllAreSettledAndReleased) {
  // The grace is far longer than the kill timer of the whole program.
  EXPECT_EQ(crochet_loop_stop(loop_.get(), 3600 * kSecond), CROCHET_OK);
}

TEST_F(LoopStop, SettlesTheRestWhenTheGraceIsOver) {
  Pending call(loop_.get());
  EXPECT_EQ(crochet_loop_stop(loop_.get(), kMillisecond), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_EALREADY);
}

TEST_F(LoopStop, OfTheDefaultLoopRefusesCallsToIt) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  OwnedLoop default_one;
  ASSERT_EQ(on_loop(nullptr, [&] { default_one.reset(crochet_loop_retain(crochet_current_loop())); }), CROCHET_OK);
  ASSERT_NE(default_one.get(), nullptr);
  EXPECT_EQ(crochet_loop_stop(default_one.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_run(default_one.get(), resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
  EXPECT_EQ(on_loop(loop_.get(), [] {}), CROCHET_OK);
}

TEST_F(LoopStop, LeavesAStuckThreadBehindAndWakesItsWaiters) {
  PROVOKES(crochet_loop_stop, CROCHET_ETIMEDOUT);
  ASSERT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);  // the child is forked from one thread
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    BlockedLoop block(loop.get());
    OwnedResult queued;
    ASSERT_EQ(crochet_run(loop.get(), resolve_null, nullptr, nullptr, queued.out()), CROCHET_OK);
    std::thread waiter([&queued] { EXPECT_EQ(crochet_result_wait(queued.get(), kForever), CROCHET_ESTOPPED); });
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_ETIMEDOUT);
    waiter.join();
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    // The child ends here and now: the stuck thread with it.
    std::fflush(nullptr);
    _exit(HasFailure() ? kHasFailed : 0);
  });
}

TEST_F(LoopStop, OfAnAdoptedLoopThatIsNotRunTimesOut) {
  Gate adopted, stopped;
  OwnedLoop loop;
  std::thread host_thread([&] {
    HostLoop host;
    EXPECT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
    adopted.open();
    stopped.wait();
    EXPECT_EQ(host.run(), 0);  // at last
    EXPECT_EQ(host.close(), 0);
  });
  adopted.wait();
  OwnedResult result;
  ASSERT_EQ(crochet_run(loop.get(), resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ESTOPPED);
  stopped.open();
  host_thread.join();
}

TEST_F(LoopStop, LeavesTheHostsHandlesOpen) {
  PROVOKES(crochet_loop_stop, CROCHET_EBUSY);
  ASSERT_EQ(crochet_loop_stop(loop_.get(), 0), CROCHET_OK);  // the child is forked from one thread
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    static uv_timer_t timer;  // static: the loop that is left behind goes on pointing at it
    EXPECT_EQ(on_loop(loop.get(), [] { EXPECT_EQ(uv_timer_init(crochet_current_uv(), &timer), 0); }), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EBUSY);
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EBUSY);
    EXPECT_EQ(uv_is_closing(reinterpret_cast<uv_handle_t*>(&timer)), 0);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  });
}

// ---- crochet_loop_retain(), crochet_loop_release()

TEST_F(LoopReference, KeepsTheLoopRunning) {
  OwnedLoop second(crochet_loop_retain(loop_.get()));
  EXPECT_EQ(second.get(), loop_.get());
  loop_.reset();
  EXPECT_EQ(on_loop(second.get(), [] {}), CROCHET_OK);
}

TEST_F(LoopReference, TheLastOneAsksTheLoopToStop) {
  Pending call(loop_.get());
  loop_.reset();
  EXPECT_EQ(crochet_result_wait(call.result.get(), kKillTimer), CROCHET_ESTOPPED);
}

TEST_F(LoopReference, TheLastOneMayBeGivenBackOnTheLoopsOwnThread) {
  Pending call(loop_.get());
  crochet_loop* const lent = loop_.get();
  EXPECT_EQ(run(
                lent, [this](crochet_deferred*) { loop_.reset(); }, nullptr),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(call.result.get(), kKillTimer), CROCHET_ESTOPPED);
}

TEST_F(LoopReference, OfTheDefaultLoopIsKeptByTheLibrary) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] { crochet_loop_release(crochet_loop_retain(crochet_current_loop())); }), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}

TEST_F(LoopReference, IsRefusedForNullAndStaleHandles) {
  EXPECT_EQ(crochet_loop_retain(nullptr), nullptr);
  EXPECT_EQ(crochet_loop_retain(stale_loop()), nullptr);
  crochet_loop_release(nullptr);
}

// ---- crochet_current_loop(), crochet_current_uv()

TEST_F(Current, LoopIsTheOneWhoseThreadThisIs) {
  crochet_loop* current = nullptr;
  EXPECT_EQ(on_loop(loop_.get(), [&current] { current = crochet_current_loop(); }), CROCHET_OK);
  EXPECT_EQ(current, loop_.get());
}

TEST_F(Current, UvIsTheLoopToStartHandlesOn) {
  struct Timer {
    uv_timer_t uv;
    crochet_deferred* deferred;
  };
  OwnedResult result;
  ASSERT_EQ(run(
                loop_.get(),
                [](crochet_deferred* deferred) {
                  Timer* const timer = new Timer{{}, crochet_deferred_retain(deferred)};
                  timer->uv.data = timer;
                  EXPECT_EQ(uv_timer_init(crochet_current_uv(), &timer->uv), 0);
                  EXPECT_EQ(uv_timer_start(
                                &timer->uv,
                                [](uv_timer_t* uv) {
                                  EXPECT_EQ(uv->loop, crochet_current_uv());
                                  crochet_resolve(static_cast<Timer*>(uv->data)->deferred, nullptr, nullptr);
                                  uv_close(reinterpret_cast<uv_handle_t*>(uv), [](uv_handle_t* handle) {
                                    Timer* const done = static_cast<Timer*>(handle->data);
                                    crochet_deferred_release(done->deferred);
                                    delete done;
                                  });
                                },
                                1, 0),
                            0);
                },
                result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
}

TEST_F(Current, IsNullElsewhere) {
  EXPECT_EQ(crochet_current_loop(), nullptr);
  EXPECT_EQ(crochet_current_uv(), nullptr);
}

}  // namespace
}  // namespace contract
