// SPDX-License-Identifier: MIT
// Abuse by callbacks: rows D2, D3, D6, D7, D10 and D11.
#include <gtest/gtest.h>
#include <uv.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/gate.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "crochet.h"

namespace contract {
namespace {

void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }

// ---- D2: waiting on a loop's thread

TEST(AbuseD2, WaitingOnALoopsThreadIsRefusedAtOnceAndNothingIsQueued) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    OwnedLoop other;
    ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
    OwnedResult ready = ended(CROCHET_OK);
    Pending own, of_the_other(other.get());
    DropCounter drops;
    EXPECT_EQ(on_loop(nullptr,
                      [&] {
                        for (crochet_result* result : {ready.get(), own.result.get(), of_the_other.result.get()}) {
                          EXPECT_EQ(crochet_result_wait(result, kForever), CROCHET_EDEADLK);
                          EXPECT_EQ(crochet_result_wait(result, 0), CROCHET_EDEADLK);
                          EXPECT_EQ(crochet_result_wait_interruptible(result, kForever), CROCHET_EDEADLK);
                          EXPECT_EQ(crochet_result_join(result, kForever), CROCHET_EDEADLK);
                        }
                        for (crochet_loop* loop : {static_cast<crochet_loop*>(nullptr), other.get()}) {
                          EXPECT_EQ(
                              crochet_wait_for(loop, never, drops.pointer(), DropCounter::drop, kForever, nullptr),
                              CROCHET_EDEADLK);
                        }
                      }),
              CROCHET_OK);
    EXPECT_EQ(drops.count(), 2);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // whatever had been queued would have run by now
    EXPECT_EQ(on_loop(other.get(), [] {}), CROCHET_OK);
  });
}

TEST(AbuseD2, AnOnCancelHookAndADropFunctionOnTheLoopMayNotWaitEither) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    static OwnedResult ready;
    ready = ended(CROCHET_OK);
    static std::atomic<int> refused{0};
    const auto wait = [](void*) { refused += crochet_result_wait(ready.get(), kForever) == CROCHET_EDEADLK ? 1 : 0; };
    Pending call;
    ASSERT_EQ(crochet_deferred_on_cancel(
                  call.deferred.get(),
                  [](crochet_deferred* deferred, void*) {
                    refused += crochet_result_wait(ready.get(), kForever) == CROCHET_EDEADLK ? 1 : 0;
                    crochet_reject(deferred, UV_ECANCELED, nullptr);
                  },
                  nullptr, wait),
              CROCHET_OK);
    ASSERT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
    OwnedResult result;
    ASSERT_EQ(crochet_run(nullptr, leave_unsettled, nullptr, wait, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
    crochet_result_error(result.get());
    call.deferred.reset();
    EXPECT_EQ(crochet_result_join(call.result.get(), kKillTimer), CROCHET_OK);
    EXPECT_GE(refused, 2);
    ready.reset();
  });
}

// ---- D3: a call that makes itself again and again

struct Treadmill {
  uv_timer_t timer;
  bool timer_fired = false;
  long rounds = 0;
  Gate ended;
  Gate closed;  // libuv has the timer until then

  static void round(crochet_deferred*, void* arg) {
    Treadmill& here = *static_cast<Treadmill*>(arg);
    ++here.rounds;
    if (here.timer_fired) {
      here.ended.open();
    } else {
      EXPECT_EQ(crochet_run(nullptr, round, arg, nullptr, nullptr), CROCHET_OK);
    }
  }
};

TEST(AbuseD3, CallsThatRunForEverDoNotKeepTimersFromBeingServed) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Treadmill treadmill;
    ASSERT_EQ(on_loop(nullptr,
                      [&treadmill] {
                        EXPECT_EQ(uv_timer_init(crochet_current_uv(), &treadmill.timer), 0);
                        treadmill.timer.data = &treadmill;
                        EXPECT_EQ(uv_timer_start(
                                      &treadmill.timer,
                                      [](uv_timer_t* timer) {
                                        static_cast<Treadmill*>(timer->data)->timer_fired = true;
                                        uv_close(reinterpret_cast<uv_handle_t*>(timer), [](uv_handle_t* handle) {
                                          static_cast<Treadmill*>(handle->data)->closed.open();
                                        });
                                      },
                                      20, 0),
                                  0);
                        EXPECT_EQ(crochet_run(nullptr, Treadmill::round, &treadmill, nullptr, nullptr), CROCHET_OK);
                      }),
              CROCHET_OK);
    treadmill.ended.wait();
    treadmill.closed.wait();
    EXPECT_GT(treadmill.rounds, 1);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  });
}

TEST(AbuseD3, TwoCallsThatRunForEverLetEachOtherAndThirdsRun) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    struct Runner {
      std::atomic<bool>* stop;
      std::atomic<long> rounds{0};
      static void round(crochet_deferred*, void* arg) {
        Runner& here = *static_cast<Runner*>(arg);
        ++here.rounds;
        if (*here.stop) return;
        EXPECT_EQ(crochet_run(nullptr, round, arg, nullptr, nullptr), CROCHET_OK);
      }
    };
    std::atomic<bool> stop{false};
    Runner first{&stop}, second{&stop};
    EXPECT_EQ(crochet_run(nullptr, Runner::round, &first, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_run(nullptr, Runner::round, &second, nullptr, nullptr), CROCHET_OK);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_GT(first.rounds, 0);
    EXPECT_GT(second.rounds, 0);
    stop = true;
    // The last rounds are still queued: gone when calls behind them have run.
    for (int i = 0; i < 2; ++i) EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  });
}

TEST(AbuseD3, CallsThatRunForEverDoNotKeepTheLoopFromStopping) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    struct Endless {
      std::atomic<long> accepted{0};
      std::atomic<long> rounds{0};
      std::atomic<long> drops{0};
      static void drop(void* arg) { ++static_cast<Endless*>(arg)->drops; }
      static void round(crochet_deferred*, void* arg) {
        Endless& here = *static_cast<Endless*>(arg);
        ++here.rounds;
        ++here.accepted;
        if (crochet_run(nullptr, round, arg, drop, nullptr) != CROCHET_OK) --here.accepted;
      }
    } endless;
    endless.accepted = 1;
    EXPECT_EQ(crochet_run(nullptr, Endless::round, &endless, Endless::drop, nullptr), CROCHET_OK);
    while (endless.rounds == 0) sched_yield();
    EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
    const long not_run = endless.accepted - endless.rounds;
    EXPECT_TRUE(not_run == 0 || not_run == 1) << not_run;
    EXPECT_EQ(endless.drops, endless.rounds + 1);  // the last one was refused or swept: dropped all the same
  });
}

// ---- D6: a function and its own result

TEST(AbuseD6, AFunctionMayReleaseCancelAndStashItsOwnResultAndNotJoinIt) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      crochet_result* result = nullptr;
      ASSERT_EQ(run(
                    nullptr,
                    [&result](crochet_deferred* deferred) {
                      crochet_result_release(result);
                      EXPECT_EQ(crochet_resolve(deferred, nullptr, nullptr), CROCHET_OK);
                    },
                    &result),
                CROCHET_OK);
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    }
    {
      crochet_result* result = nullptr;
      int late = CROCHET_OK;
      ASSERT_EQ(run(
                    nullptr,
                    [&](crochet_deferred* deferred) {
                      int outcome = CROCHET_CANCEL_NONE;
                      EXPECT_EQ(crochet_result_cancel(result, &outcome), CROCHET_OK);
                      EXPECT_EQ(outcome, CROCHET_CANCEL_REQUESTED);
                      EXPECT_EQ(crochet_deferred_is_cancelled(deferred), 1);
                      late = crochet_resolve(deferred, nullptr, nullptr);
                    },
                    &result),
                CROCHET_OK);
      EXPECT_EQ(crochet_result_join(result, kKillTimer), CROCHET_OK);
      EXPECT_EQ(crochet_result_status(result), CROCHET_ECANCELED);
      EXPECT_EQ(late, CROCHET_EALREADY);
      crochet_result_release(result);
    }
    {
      crochet_result* result = nullptr;
      std::uint64_t uid = 0;
      ASSERT_EQ(run(
                    nullptr,
                    [&](crochet_deferred* deferred) {
                      EXPECT_EQ(crochet_result_stash(result, 1, &uid), CROCHET_OK);
                      EXPECT_EQ(crochet_result_wait(result, kForever), CROCHET_EDEADLK);
                      EXPECT_EQ(crochet_result_join(result, kForever), CROCHET_EDEADLK);
                      EXPECT_EQ(crochet_result_interrupt(result), CROCHET_OK);
                      EXPECT_EQ(crochet_result_status(result), CROCHET_EPENDING);
                      EXPECT_EQ(crochet_resolve(deferred, nullptr, nullptr), CROCHET_OK);
                      EXPECT_EQ(crochet_result_status(result), CROCHET_OK);
                    },
                    &result),
                CROCHET_OK);
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      crochet_result_release(result);
      OwnedResult back;
      EXPECT_EQ(crochet_retrieve_result(uid, 1, back.out()), CROCHET_OK);
      EXPECT_EQ(crochet_result_wait(back.get(), kForever), CROCHET_OK);
    }
  });
}

TEST(AbuseD6, AFunctionThatReleasesItsOwnResultLeavesTheValueToBeDropped) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    crochet_result* result = nullptr;
    DropCounter value;
    ASSERT_EQ(run(
                  nullptr,
                  [&](crochet_deferred* deferred) {
                    EXPECT_EQ(crochet_resolve(deferred, value.pointer(), DropCounter::drop), CROCHET_OK);
                    crochet_result_release(result);
                  },
                  &result),
              CROCHET_OK);
    value.wait();
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(value.count(), 1);
  });
}

// ---- D7: drop functions that call back

// Does about everything that a drop function might think of.
void call_back(void* counter) {
  OwnedResult result;
  crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out());
  OwnedDeferred deferred;
  OwnedResult by_hand;
  if (crochet_deferred_new(nullptr, nullptr, nullptr, deferred.out(), by_hand.out()) == CROCHET_OK) {
    crochet_deferred_on_cancel(
        deferred.get(), [](crochet_deferred*, void*) {}, nullptr, nullptr);
    crochet_result_cancel(by_hand.get(), nullptr);
    crochet_reject(deferred.get(), CROCHET_ECANCELED, "from a drop function");
    deferred.reset();
    crochet_result_error(by_hand.get());
    std::uint64_t uid = 0;
    if (crochet_result_stash(by_hand.get(), 1, &uid) == CROCHET_OK) {
      OwnedResult back;
      crochet_retrieve_result(uid, 1, back.out());
    }
  }
  crochet_stash_limits(65536, kForever);
  DropCounter::drop(counter);
}

TEST(AbuseD7, DropFunctionsMayCallBackWhereverTheyRun) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    DropCounter finished, refused, cancelled, value, loser, payload, hook, replaced, expired, swept, stashed;
    {
      OwnedResult result;  // an argument, on the loop's thread
      ASSERT_EQ(crochet_run(nullptr, resolve_null, finished.pointer(), call_back, result.out()), CROCHET_OK);
      EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
    }
    EXPECT_EQ(crochet_run(nullptr, nullptr, refused.pointer(), call_back, nullptr), CROCHET_EINVAL);
    {
      BlockedLoop block;  // in cancel
      OwnedResult result;
      ASSERT_EQ(crochet_run(nullptr, resolve_null, cancelled.pointer(), call_back, result.out()), CROCHET_OK);
      ASSERT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
    }
    {
      Pending call;  // in a release, in a losing settling, in a replaced hook
      ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), never, replaced.pointer(), call_back), CROCHET_OK);
      ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), never, hook.pointer(), call_back), CROCHET_OK);
      ASSERT_EQ(crochet_resolve(call.deferred.get(), value.pointer(), call_back), CROCHET_OK);
      ASSERT_EQ(crochet_resolve(call.deferred.get(), loser.pointer(), call_back), CROCHET_EALREADY);
    }
    {
      Pending call;  // when the error goes
      ASSERT_EQ(crochet_reject_with(call.deferred.get(), -1, "why", 1, payload.pointer(), call_back), CROCHET_OK);
      crochet_result_error(call.result.get());
    }
    {
      Pending call;  // when the stash lets go, on whatever thread does that
      std::uint64_t uid = 0;
      ASSERT_EQ(crochet_resolve(call.deferred.get(), expired.pointer(), call_back), CROCHET_OK);
      ASSERT_EQ(crochet_stash_limits(65536, kMillisecond), CROCHET_OK);
      ASSERT_EQ(crochet_result_stash(call.result.get(), 1, &uid), CROCHET_OK);
    }
    expired.wait();
    {
      Pending call;  // when a shutdown empties the stash
      std::uint64_t uid = 0;
      ASSERT_EQ(crochet_resolve(call.deferred.get(), stashed.pointer(), call_back), CROCHET_OK);
      ASSERT_EQ(crochet_stash_limits(65536, kForever), CROCHET_OK);
      ASSERT_EQ(crochet_result_stash(call.result.get(), 1, &uid), CROCHET_OK);
    }
    {
      BlockedLoop block;  // and when a stop sweeps what never started
      ASSERT_EQ(crochet_run(nullptr, resolve_null, swept.pointer(), call_back, nullptr), CROCHET_OK);
      std::thread stopper([] { EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK); });
      swept.wait();
      block.let_go();
      stopper.join();
    }
    for (DropCounter* drops :
         {&finished, &refused, &cancelled, &value, &loser, &payload, &hook, &replaced, &expired, &swept, &stashed}) {
      EXPECT_EQ(drops->count(), 1);
    }
  });
}

TEST(AbuseD7, ADropFunctionMayStopTheLoopItRunsOn) {
  in_own_process([] {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    static crochet_loop* stopped;
    static std::atomic<int> code;
    stopped = loop.get();
    code = CROCHET_OK;
    ASSERT_EQ(crochet_run(
                  loop.get(), resolve_null, nullptr, [](void*) { code = crochet_loop_stop(stopped, 0); }, nullptr),
              CROCHET_OK);
    while (code == CROCHET_OK) sched_yield();
    EXPECT_EQ(code, CROCHET_EINPROGRESS);
    EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_OK);
  });
}

// ---- D10: hooks that race

TEST(AbuseD10, AHookThatRacesASettlingRunsAtMostOnceAndIsDroppedOnce) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    constexpr int kRounds = 3000;
    struct Race {
      std::atomic<int> hooks{0};
      std::atomic<int> hook_drops{0};
    };
    std::vector<Race> races(kRounds);
    std::vector<Pending> calls(kRounds);
    std::atomic<int> settling{-1};
    std::atomic<int> cancelling{-1};
    for (int i = 0; i < kRounds; ++i) {
      ASSERT_EQ(crochet_deferred_on_cancel(
                    calls[static_cast<std::size_t>(i)].deferred.get(),
                    [](crochet_deferred* deferred, void* race) {
                      ++static_cast<Race*>(race)->hooks;
                      crochet_reject(deferred, UV_ECANCELED, nullptr);
                    },
                    &races[static_cast<std::size_t>(i)], [](void* race) { ++static_cast<Race*>(race)->hook_drops; }),
                CROCHET_OK);
    }
    std::thread settler([&] {
      for (int i = 0; i < kRounds; ++i) {
        settling = i;
        while (cancelling < i) sched_yield();
        Pending& call = calls[static_cast<std::size_t>(i)];
        const int code = crochet_resolve(call.deferred.get(), nullptr, nullptr);
        EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_EALREADY) << code;
        call.deferred.reset();
      }
    });
    for (int i = 0; i < kRounds; ++i) {
      cancelling = i;
      while (settling < i) sched_yield();
      EXPECT_EQ(crochet_result_cancel(calls[static_cast<std::size_t>(i)].result.get(), nullptr), CROCHET_OK);
    }
    settler.join();
    for (int i = 0; i < kRounds; ++i) {
      crochet_result* const result = calls[static_cast<std::size_t>(i)].result.get();
      EXPECT_EQ(crochet_result_join(result, kKillTimer), CROCHET_OK);
      const int code = crochet_result_status(result);
      EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ECANCELED) << code;
      const Race& race = races[static_cast<std::size_t>(i)];
      EXPECT_LE(race.hooks, 1);
      EXPECT_EQ(race.hook_drops, 1);
      if (code == CROCHET_ECANCELED) {
        EXPECT_EQ(race.hooks, 1);
      }
    }
  });
}

// The pattern: one struct for the operation, one reference for as long as libuv has it; the hook settles and closes,
// the close callback releases; the call's drop frees the struct that the hook was given.
struct Sleep {
  uv_timer_t timer;
  crochet_deferred* deferred = nullptr;
  std::atomic<int>* freed;

  static void start(crochet_deferred* deferred, void* arg) {
    Sleep& here = *static_cast<Sleep*>(arg);
    if (crochet_deferred_on_cancel(deferred, cancelled, arg, nullptr) != CROCHET_OK) return;
    EXPECT_EQ(uv_timer_init(crochet_current_uv(), &here.timer), 0);
    here.timer.data = arg;
    here.deferred = crochet_deferred_retain(deferred);
    EXPECT_EQ(uv_timer_start(&here.timer, over, 1, 0), 0);
  }
  static void over(uv_timer_t* timer) {
    crochet_resolve(static_cast<Sleep*>(timer->data)->deferred, nullptr, nullptr);
    close(timer);
  }
  static void cancelled(crochet_deferred* deferred, void* arg) {
    crochet_reject(deferred, UV_ECANCELED, nullptr);
    close(&static_cast<Sleep*>(arg)->timer);
  }
  static void close(uv_timer_t* timer) {
    uv_handle_t* const handle = reinterpret_cast<uv_handle_t*>(timer);
    if (uv_is_closing(handle)) return;
    uv_close(handle,
             [](uv_handle_t* closed) { crochet_deferred_release(static_cast<Sleep*>(closed->data)->deferred); });
  }
  static void drop(void* arg) {
    Sleep* const here = static_cast<Sleep*>(arg);
    ++*here->freed;
    delete here;
  }
};

TEST(AbuseD10, AHookNeverUsesWhatTheCloseCallbackFreed) {
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    constexpr int kRounds = 500;
    std::atomic<int> freed{0};
    int cancelled = 0;
    for (int i = 0; i < kRounds; ++i) {
      OwnedResult result;
      ASSERT_EQ(crochet_run(nullptr, Sleep::start, new Sleep{{}, nullptr, &freed}, Sleep::drop, result.out()),
                CROCHET_OK);
      // Cancelled at about the moment at which the timer fires, or before, or after.
      if (i % 3 != 0) crochet_result_wait(result.get(), (i % 3) * kMillisecond / 2 + i * 1000);
      EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
      EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
      const int code = crochet_result_status(result.get());
      EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ECANCELED) << code;
      cancelled += code == CROCHET_ECANCELED ? 1 : 0;
      EXPECT_EQ(freed, i + 1);
    }
    EXPECT_GT(cancelled, 0);
  });
}

// ---- D11: failures that come after a wait timed out

// A call with a label that fails as soon as it is told to.
struct Late {
  OwnedDeferred deferred;
  OwnedResult result;

  explicit Late(const char* label) {
    OwnedCall call;
    EXPECT_EQ(crochet_call_new(nullptr, sizeof(Late*), call.out()), CROCHET_OK);
    *static_cast<Late**>(crochet_call_storage(call.get())) = this;
    EXPECT_EQ(crochet_call_set_label(call.get(), label), CROCHET_OK);
    EXPECT_EQ(crochet_call_run(
                  call.release(),
                  [](crochet_deferred* kept, void* storage) {
                    (*static_cast<Late**>(storage))->deferred.reset(crochet_deferred_retain(kept));
                    // So that a cancel leaves the settling to the producer.
                    crochet_deferred_on_cancel(
                        kept, [](crochet_deferred*, void*) {}, nullptr, nullptr);
                  },
                  nullptr, result.out()),
              CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  }
  void time_out_often() {
    for (int i = 0; i < 100; ++i) EXPECT_EQ(crochet_result_wait(result.get(), 1000), CROCHET_ETIMEDOUT);
  }
  void fail() {
    EXPECT_EQ(crochet_reject(deferred.get(), UV_ECONNRESET, "fell off"), CROCHET_OK);
    deferred.reset();
  }
};

TEST(AbuseD11, AFailureNobodyLookedAtIsLoggedOnceWithCodeMessageAndLabel) {
  in_own_process([] {
    LogCapture log;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      Late late("unobserved label");
      late.time_out_often();
      late.fail();
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    const std::string text = log.stop();
    EXPECT_EQ(LogCapture::occurrences(text, "unobserved label"), 1) << text;
    EXPECT_EQ(LogCapture::occurrences(text, "fell off"), 1) << text;
    EXPECT_GE(LogCapture::occurrences(text, "ECONNRESET"), 1) << text;
  });
}

TEST(AbuseD11, AFailureAfterACancelIsNeverLogged) {
  in_own_process([] {
    LogCapture log;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      Late late("cancelled label");
      late.time_out_often();
      EXPECT_EQ(crochet_result_cancel(late.result.get(), nullptr), CROCHET_OK);
      late.fail();
      EXPECT_EQ(crochet_result_status(late.result.get()), CROCHET_EFAILED);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(log.stop(), "");
  });
}

TEST(AbuseD11, AFailureThatSomebodyLookedAtIsNotLogged) {
  in_own_process([] {
    LogCapture log;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      Late late("observed label");
      late.time_out_often();
      late.fail();
      EXPECT_EQ(crochet_result_wait(late.result.get(), kForever), CROCHET_EFAILED);
      EXPECT_NE(crochet_result_error(late.result.get()), nullptr);
    }
    {
      Late late("seen by an after-call");
      OwnedCall after;
      ASSERT_EQ(crochet_call_new(nullptr, 0, after.out()), CROCHET_OK);
      ASSERT_EQ(crochet_call_set_after(after.get(), late.result.get()), CROCHET_OK);
      OwnedResult second;
      ASSERT_EQ(crochet_call_run(after.release(), resolve_null, nullptr, second.out()), CROCHET_OK);
      late.fail();
      EXPECT_EQ(crochet_result_wait(second.get(), kForever), CROCHET_OK);
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(log.stop(), "");
  });
}

TEST(AbuseD11, AWaitForThatTimedOutLogsNoFailureLater) {
  in_own_process([] {
    LogCapture log;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    for (int i = 0; i < 20; ++i) {
      // The hook leaves the settling to the producer, who fails later in a way of its own.
      OwnedDeferred kept;
      OwnedResult result;
      EXPECT_EQ(wait_for(
                    nullptr,
                    [&kept](crochet_deferred* deferred) {
                      if (crochet_deferred_on_cancel(
                              deferred, [](crochet_deferred*, void*) {}, nullptr, nullptr) != CROCHET_OK) {
                        return;  // too late to start
                      }
                      kept.reset(crochet_deferred_retain(deferred));
                    },
                    kMillisecond, result.out()),
                CROCHET_ETIMEDOUT);
      EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      if (kept) {
        EXPECT_EQ(crochet_reject(kept.get(), UV_ECONNRESET, "fell off"), CROCHET_OK);
      }
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(log.stop(), "");
  });
}

TEST(AbuseD11, FireAndForgetThatEndsUnsettledIsNoFailure) {
  in_own_process([] {
    LogCapture log;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_run(nullptr, leave_unsettled, nullptr, nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(log.stop(), "");
  });
}

TEST(AbuseD11, AnUnobservedFailureInTheStashIsLoggedAtShutdown) {
  in_own_process([] {
    LogCapture log;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    {
      Late late("stashed label");
      std::uint64_t uid = 0;
      EXPECT_EQ(crochet_result_stash(late.result.get(), 1, &uid), CROCHET_OK);
      late.fail();
    }
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_EQ(LogCapture::occurrences(log.stop(), "stashed label"), 1);
  });
}

}  // namespace
}  // namespace contract
