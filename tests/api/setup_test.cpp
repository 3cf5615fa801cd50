// SPDX-License-Identifier: MIT
// The process and its default loop: crochet_setup(), crochet_no_setup(), crochet_shutdown().
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/at_once.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/durations.hpp"
#include "api/support/ended.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/not_options.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {
namespace {

// The default loop, lent.
crochet_loop* default_loop() {
  crochet_loop* loop = nullptr;
  EXPECT_EQ(on_loop(nullptr, [&loop] { loop = crochet_current_loop(); }), CROCHET_OK);
  return loop;
}

std::string thread_name() {
  std::array<char, 64> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

class Setup : public ShutDownAfterwards {};
class NoSetup : public ShutDownAfterwards {};
class Shutdown : public ShutDownAfterwards {};

// ---- crochet_setup()

TEST_F(Setup, StartsALoopInAThreadOfItsOwn) {
  PROVOKES(crochet_setup, CROCHET_OK);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  std::thread::id loop_thread;
  EXPECT_EQ(on_loop(nullptr, [&] { loop_thread = std::this_thread::get_id(); }), CROCHET_OK);
  EXPECT_NE(loop_thread, std::thread::id());
  EXPECT_NE(loop_thread, std::this_thread::get_id());
}

TEST_F(Setup, AgainDoesNothing) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  crochet_loop* const loop = default_loop();
  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(default_loop(), loop);
}

TEST_F(Setup, OfRacingThreadsMakesOneLoop) {
  constexpr int kThreads = 8;
  std::array<crochet_loop*, kThreads> loops{};
  at_once(kThreads, [&loops](int i) {
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    loops[static_cast<std::size_t>(i)] = default_loop();
  });
  for (crochet_loop* loop : loops) EXPECT_EQ(loop, loops[0]);
  EXPECT_NE(loops[0], nullptr);
}

TEST_F(Setup, KeepsTheFirstCallersOptions) {
  OwnedOptions first, second;
  ASSERT_EQ(crochet_options_new(first.out()), CROCHET_OK);
  ASSERT_EQ(crochet_options_new(second.out()), CROCHET_OK);
  ASSERT_EQ(crochet_options_set_thread_name(first.get(), "first"), CROCHET_OK);
  ASSERT_EQ(crochet_options_set_thread_name(second.get(), "second"), CROCHET_OK);
  ASSERT_EQ(crochet_setup(first.get()), CROCHET_OK);
  first.reset();  // not kept
  EXPECT_EQ(crochet_setup(second.get()), CROCHET_OK);
  std::string name;
  EXPECT_EQ(on_loop(nullptr, [&] { name = thread_name(); }), CROCHET_OK);
  EXPECT_EQ(name, "first");
}

TEST_F(Setup, RefusesWhatIsNotOptionsAndMayBeRetried) {
  PROVOKES(crochet_setup, CROCHET_EINVAL);
  EXPECT_EQ(crochet_setup(not_options()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}

TEST_F(Setup, IsRefusedOnALoopsThreadWhileThereIsNoDefaultLoop) {
  PROVOKES(crochet_setup, CROCHET_EDEADLK);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  int code = CROCHET_OK;
  EXPECT_EQ(on_loop(loop.get(), [&] { code = crochet_setup(nullptr); }), CROCHET_OK);
  EXPECT_EQ(code, CROCHET_EDEADLK);
}

TEST_F(Setup, OnALoopsThreadDoesNothingWhenThereIsADefaultLoop) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  int code = CROCHET_EFAILED;
  EXPECT_EQ(on_loop(nullptr, [&] { code = crochet_setup(nullptr); }), CROCHET_OK);
  EXPECT_EQ(code, CROCHET_OK);
}

TEST_F(Setup, AfterShutdownStartsANewGeneration) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  OwnedResult old = ended(CROCHET_OK);
  ASSERT_EQ(crochet_shutdown(0), CROCHET_OK);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(old.get()), CROCHET_OK);
}

TEST_F(Setup, OfRacingThreadsAfterShutdownMakesOneLoop) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  ASSERT_EQ(crochet_shutdown(0), CROCHET_OK);
  std::array<crochet_loop*, 4> loops{};
  at_once(4, [&loops](int i) {
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    loops[static_cast<std::size_t>(i)] = default_loop();
  });
  for (crochet_loop* loop : loops) EXPECT_EQ(loop, loops[0]);
}

TEST_F(Setup, IsRefusedInAChildForkedOnALoopsThread) {
  PROVOKES(crochet_setup, CROCHET_EFORKED);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  int status = -1;
  EXPECT_EQ(
      on_loop(nullptr, [&] { status = status_of_child([] { EXPECT_EQ(crochet_setup(nullptr), CROCHET_EFORKED); }); }),
      CROCHET_OK);
  EXPECT_EQ(status, 0);
}

// ---- crochet_no_setup()

TEST_F(NoSetup, MakesTheHostsLoopTheDefaultLoop) {
  PROVOKES(crochet_no_setup, CROCHET_OK);
  PROVOKES(crochet_shutdown, CROCHET_EINPROGRESS);
  HostLoop host;
  ASSERT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_OK);
  bool ran = false;
  int stopping = CROCHET_OK;
  OwnedResult result;
  ASSERT_EQ(run(
                nullptr,
                [&](crochet_deferred* deferred) {
                  ran = true;
                  EXPECT_EQ(crochet_current_uv(), host.uv());
                  crochet_resolve(deferred, nullptr, nullptr);
                  stopping = crochet_shutdown(0);
                },
                result.out()),
            CROCHET_OK);
  EXPECT_FALSE(ran);
  EXPECT_EQ(host.run(), 0);
  EXPECT_TRUE(ran);
  EXPECT_EQ(stopping, CROCHET_EINPROGRESS);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
}

TEST_F(NoSetup, MakesTheCallingThreadALoopsThreadUntilItIsReleased) {
  HostLoop host;
  EXPECT_EQ(crochet_current_loop(), nullptr);
  ASSERT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_OK);
  EXPECT_NE(crochet_current_loop(), nullptr);
  EXPECT_EQ(crochet_current_uv(), host.uv());
  EXPECT_EQ(wait_for(
                nullptr, [](crochet_deferred*) { ADD_FAILURE() << "it was queued"; }, 0, nullptr),
            CROCHET_EDEADLK);
  EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(crochet_current_loop(), nullptr);
  EXPECT_EQ(crochet_current_uv(), nullptr);
}

TEST_F(NoSetup, KeepsTheHostsLoopFromClosingUntilItIsReleased) {
  HostLoop host;
  ASSERT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_OK);
  EXPECT_EQ(host.close(), UV_EBUSY);
  EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(host.close(), 0);
}

TEST_F(NoSetup, RunsCallsOfOtherThreadsInEveryRunMode) {
  HostLoop host;
  ASSERT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_OK);
  for (const uv_run_mode mode : {UV_RUN_ONCE, UV_RUN_NOWAIT}) {
    std::atomic<bool> back{false};
    std::thread caller([&back] {
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      back = true;
      // Wakes the loop of UV_RUN_ONCE once more, so that it looks at `back`.
      EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_OK);
    });
    while (!back) host.run(mode);
    caller.join();
    host.run(UV_RUN_NOWAIT);
  }
  EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
}

TEST_F(NoSetup, MakesALaterSetupDoNothing) {
  HostLoop host;
  ASSERT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  std::thread([] { EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK); }).join();
  OwnedResult result;
  struct uv_loop_s* seen = nullptr;
  ASSERT_EQ(run(
                nullptr, [&seen](crochet_deferred*) { seen = crochet_current_uv(); }, result.out()),
            CROCHET_OK);
  EXPECT_EQ(crochet_result_error(result.get()), nullptr);
  host.run(UV_RUN_NOWAIT);
  EXPECT_EQ(seen, host.uv());
  EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_NE(crochet_result_error(result.get()), nullptr);
}

TEST_F(NoSetup, IsRefusedWhenThereIsADefaultLoop) {
  PROVOKES(crochet_no_setup, CROCHET_EALREADY);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  HostLoop host;
  EXPECT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_EALREADY);
  EXPECT_EQ(crochet_current_loop(), nullptr);
}

TEST_F(NoSetup, IsRefusedOnAThreadThatRunsALoopAlready) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  int code = CROCHET_OK;
  EXPECT_EQ(on_loop(loop.get(),
                    [&code] {
                      HostLoop host;
                      code = crochet_no_setup(host.uv(), nullptr);
                    }),
            CROCHET_OK);
  EXPECT_EQ(code, CROCHET_EALREADY);
}

TEST_F(NoSetup, RefusesNoLoopAndWhatIsNotOptions) {
  PROVOKES(crochet_no_setup, CROCHET_EINVAL);
  HostLoop host;
  EXPECT_EQ(crochet_no_setup(nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_no_setup(host.uv(), not_options()), CROCHET_EINVAL);
  EXPECT_EQ(crochet_current_loop(), nullptr);
}

TEST_F(NoSetup, AfterShutdownStartsANewGeneration) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  ASSERT_EQ(crochet_shutdown(0), CROCHET_OK);
  HostLoop host;
  ASSERT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_OK);
  bool ran = false;
  ASSERT_EQ(run(
                nullptr, [&ran](crochet_deferred*) { ran = true; }, nullptr),
            CROCHET_OK);
  host.run(UV_RUN_NOWAIT);
  EXPECT_TRUE(ran);
  EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
}

// ---- crochet_shutdown()

TEST_F(Shutdown, WithNothingToStopDoesNothing) {
  PROVOKES(crochet_shutdown, CROCHET_OK);
  EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
}

TEST_F(Shutdown, RefusesANegativeGrace) {
  PROVOKES(crochet_shutdown, CROCHET_EINVAL);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  for (const std::int64_t grace : {kForever, std::int64_t{-2}, std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_EQ(crochet_shutdown(grace), CROCHET_EINVAL) << grace;
  }
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}

TEST_F(Shutdown, OnALoopsThreadIsARequest) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  int code = CROCHET_OK;
  OwnedResult result;
  ASSERT_EQ(run(
                nullptr,
                [&code](crochet_deferred* deferred) {
                  code = crochet_shutdown(0);
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                result.out()),
            CROCHET_OK);
  const int ended_with = crochet_result_wait(result.get(), kKillTimer);
  EXPECT_TRUE(ended_with == CROCHET_OK || ended_with == CROCHET_ESTOPPED) << ended_with;
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(code, CROCHET_EINPROGRESS);
}

TEST_F(Shutdown, SettlesCallsThatNeverStarted) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  BlockedLoop block;
  DropCounter drops;
  OwnedResult result;
  ASSERT_EQ(crochet_run(
                nullptr, [](crochet_deferred*, void*) { ADD_FAILURE() << "it ran"; }, drops.pointer(),
                DropCounter::drop, result.out()),
            CROCHET_OK);
  std::thread stopper([] { EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK); });
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_ENOTRUN);
  EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(drops.count(), 1);
  block.let_go();
  stopper.join();
}

TEST_F(Shutdown, StopsTheNewestLoopFirst) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  OwnedLoop second, third;
  ASSERT_EQ(crochet_loop_new(nullptr, second.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_new(nullptr, third.out()), CROCHET_OK);
  std::vector<int> order;  // the loops end one after the other
  std::mutex mutex;
  const auto note_at_stop = [&](crochet_loop* loop, int number) {
    struct Note {
      std::vector<int>* order;
      std::mutex* mutex;
      int number;
    };
    OwnedCall call;
    ASSERT_EQ(crochet_call_new(loop, sizeof(Note), call.out()), CROCHET_OK);
    *static_cast<Note*>(crochet_call_storage(call.get())) = Note{&order, &mutex, number};
    ASSERT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
    ASSERT_EQ(crochet_call_run(
                  call.release(),
                  [](crochet_deferred*, void* storage) {
                    const Note& note = *static_cast<Note*>(storage);
                    const std::lock_guard lock(*note.mutex);
                    note.order->push_back(note.number);
                  },
                  nullptr, nullptr),
              CROCHET_OK);
  };
  note_at_stop(second.get(), 2);
  note_at_stop(nullptr, 1);
  note_at_stop(third.get(), 3);
  ASSERT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1}));
}

TEST_F(Shutdown, OfSeveralThreadsIsOneWithOneCode) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  at_once(8, [](int) { EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK); });
  EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
}

TEST_F(Shutdown, RefusesCallsUntilTheNextSetup) {
  PROVOKES(crochet_run, CROCHET_ESTOPPED);
  PROVOKES(crochet_wait_for, CROCHET_ESTOPPED);
  PROVOKES(crochet_call_new, CROCHET_ESTOPPED);
  PROVOKES(crochet_deferred_new, CROCHET_ESTOPPED);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  ASSERT_EQ(crochet_shutdown(0), CROCHET_OK);
  OwnedResult result;
  OwnedCall call;
  OwnedDeferred deferred;
  EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_ESTOPPED);
  EXPECT_EQ(result.get(), nullptr);
  EXPECT_EQ(crochet_wait_for(nullptr, resolve_null, nullptr, nullptr, kForever, result.out()), CROCHET_ESTOPPED);
  EXPECT_EQ(result.get(), nullptr);
  EXPECT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_ESTOPPED);
  EXPECT_EQ(call.get(), nullptr);
  EXPECT_EQ(crochet_deferred_new(nullptr, nullptr, nullptr, deferred.out(), result.out()), CROCHET_ESTOPPED);
  EXPECT_EQ(deferred.get(), nullptr);
  EXPECT_EQ(result.get(), nullptr);
}

TEST_F(Shutdown, NeverLooksLikeATimeBeforeSetup) {
  // Generations come and go under two callers: each call is accepted, or refused as stopped.
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  std::atomic<bool> done{false};
  std::atomic<int> unexpected{CROCHET_OK};
  at_once(3, [&](int thread) {
    if (thread == 0) {
      for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
        EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
      }
      done = true;
      return;
    }
    while (!done) {
      const int code = crochet_wait_for(nullptr, resolve_null, nullptr, nullptr, kForever, nullptr);
      if (code != CROCHET_OK && code != CROCHET_ESTOPPED) unexpected = code;
    }
  });
  EXPECT_EQ(unexpected, CROCHET_OK) << crochet_status_name(unexpected);
}

TEST_F(Shutdown, LetsOldHandlesTellWhatTheyTold) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  std::vector<OwnedResult> results;
  for (const int code : kFinalCodes) results.push_back(ended(code));
  ASSERT_EQ(crochet_shutdown(0), CROCHET_OK);
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(crochet_result_status(results[i].get()), kFinalCodes[i]);
    EXPECT_EQ(crochet_result_wait(results[i].get(), kForever), kFinalCodes[i]);
  }
}

TEST_F(Shutdown, DropsStashedResults) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  DropCounter value;
  std::uint64_t uid = 0;
  {
    Pending call;
    ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
    ASSERT_EQ(crochet_result_stash(call.result.get(), 1, &uid), CROCHET_OK);
  }
  EXPECT_EQ(value.count(), 0);
  ASSERT_EQ(crochet_shutdown(0), CROCHET_OK);
  EXPECT_EQ(value.count(), 1);
}

TEST_F(Shutdown, GivesProducersTheGraceToSettle) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Gate asked;
  OwnedResult result;
  OwnedDeferred kept;
  ASSERT_EQ(run(
                nullptr,
                [&](crochet_deferred* deferred) {
                  EXPECT_EQ(crochet_deferred_on_cancel(
                                deferred, [](crochet_deferred*, void* gate) { static_cast<Gate*>(gate)->open(); },
                                &asked, nullptr),
                            CROCHET_OK);
                  kept.reset(crochet_deferred_retain(deferred));
                },
                result.out()),
            CROCHET_OK);
  ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // behind it: so it has run
  std::thread producer([&] {
    asked.wait();
    EXPECT_EQ(crochet_resolve(kept.get(), nullptr, nullptr), CROCHET_OK);
    kept.reset();
  });
  EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
  producer.join();
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
}

TEST_F(Shutdown, SettlesTheRestWhenTheGraceIsOver) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Pending call;
  EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(call.result.get())), CROCHET_ESTOPPED);
}

TEST_F(Shutdown, LeavesAStuckThreadBehindAndWakesItsWaiters) {
  PROVOKES(crochet_shutdown, CROCHET_ETIMEDOUT);
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    BlockedLoop block;
    OwnedResult queued;
    ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, queued.out()), CROCHET_OK);
    std::thread waiter([&queued] { EXPECT_EQ(crochet_result_wait(queued.get(), kForever), CROCHET_ESTOPPED); });
    EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
    waiter.join();
    // The child ends here and now: the stuck thread with it.
    std::fflush(nullptr);
    _exit(HasFailure() ? kHasFailed : 0);
  });
}

TEST_F(Shutdown, NamesHandlesOfTheHostAndLeavesThemOpen) {
  PROVOKES(crochet_shutdown, CROCHET_EBUSY);
  in_child([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    static uv_timer_t timer;  // static: the loop that is left behind goes on pointing at it
    EXPECT_EQ(on_loop(nullptr, [] { EXPECT_EQ(uv_timer_init(crochet_current_uv(), &timer), 0); }), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(0), CROCHET_EBUSY);
    EXPECT_EQ(uv_is_closing(reinterpret_cast<uv_handle_t*>(&timer)), 0);
  });
}

}  // namespace
}  // namespace contract
