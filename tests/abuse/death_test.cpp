// SPDX-License-Identifier: MIT
// Abuse by callbacks that never return and threads that end: rows D4 and D5.
#include <gtest/gtest.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/asleep.hpp"
#include "api/support/at_once.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/log_lines.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr char kName[] = "unlucky";

OwnedOptions named(const char* name) {
  OwnedOptions options;
  EXPECT_EQ(crochet_options_new(options.out()), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_thread_name(options.get(), name), CROCHET_OK);
  return options;
}

// ---- Where on a loop's thread something happens

enum class Place { kCall, kOnCancelHook, kDrop, kTimer };
constexpr std::array kPlaces = {Place::kCall, Place::kOnCancelHook, Place::kDrop, Place::kTimer};

const char* name(Place place) {
  switch (place) {
    case Place::kCall: return "in a call";
    case Place::kOnCancelHook: return "in an on-cancel hook";
    case Place::kDrop: return "in a drop function";
    case Place::kTimer: return "in a timer callback";
  }
  return "?";
}

// Does something there: ready() first, then happen(). Lives until the process ends, since its thread may not come back.
class Deed {
 public:
  Deed(Place place, std::function<void()> body) : place_(place), body_(std::move(body)) {}

  // Nothing happens yet.
  void get_ready(crochet_loop* loop) {
    loop_ = loop;
    if (place_ != Place::kOnCancelHook) return;
    EXPECT_EQ(crochet_deferred_new(loop, nullptr, nullptr, &deferred_, &result_), CROCHET_OK);
    EXPECT_EQ(crochet_deferred_on_cancel(
                  deferred_, [](crochet_deferred*, void* self) { static_cast<Deed*>(self)->body_(); }, this, nullptr),
              CROCHET_OK);
  }

  void happen() {
    switch (place_) {
      case Place::kCall:
        EXPECT_EQ(crochet_run(
                      loop_, [](crochet_deferred*, void* self) { static_cast<Deed*>(self)->body_(); }, this, nullptr,
                      &result_),
                  CROCHET_OK);
        break;
      case Place::kOnCancelHook: EXPECT_EQ(crochet_result_cancel(result_, nullptr), CROCHET_OK); break;
      case Place::kDrop:
        EXPECT_EQ(crochet_run(
                      loop_, leave_unsettled, this, [](void* self) { static_cast<Deed*>(self)->body_(); }, nullptr),
                  CROCHET_OK);
        break;
      case Place::kTimer:
        EXPECT_EQ(crochet_run(
                      loop_,
                      [](crochet_deferred*, void* arg) {
                        auto* const self = static_cast<Deed*>(arg);
                        self->timer_.data = self;
                        EXPECT_EQ(uv_timer_init(crochet_current_uv(), &self->timer_), 0);
                        EXPECT_EQ(uv_timer_start(
                                      &self->timer_, [](uv_timer_t* t) { static_cast<Deed*>(t->data)->body_(); }, 0, 0),
                                  0);
                      },
                      this, nullptr, nullptr),
                  CROCHET_OK);
        break;
    }
  }

  // Of the call or hook in which it happens; null elsewhere.
  crochet_result* result() const { return result_; }

 private:
  Place place_;
  std::function<void()> body_;
  crochet_loop* loop_ = nullptr;
  crochet_deferred* deferred_ = nullptr;
  crochet_result* result_ = nullptr;
  uv_timer_t timer_{};
};

// The same without end: for as long as the process lives.
Deed& deed(Place place, std::function<void()> body) {
  static std::vector<Deed*> all;
  return *all.emplace_back(new Deed(place, std::move(body)));
}

// Calls of `loop` and threads that wait for them; all must be told when the loop is no more.
class Bystanders {
 public:
  explicit Bystanders(crochet_loop* loop) : pending_(loop) {
    for (int i = 0; i < kWaiters; ++i) {
      threads_.emplace_back(
          [this] { EXPECT_EQ(crochet_result_wait(pending_.result.get(), kForever), CROCHET_ESTOPPED); });
    }
    threads_.emplace_back([this] {
      const int code = crochet_result_join(pending_.result.get(), kForever);
      EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ESTOPPED) << code;  // the deferred may go first
    });
  }

  void are_told() {
    for (int i = 0; i < kWaiters; ++i) threads_[static_cast<std::size_t>(i)].join();
    EXPECT_EQ(crochet_result_status(pending_.result.get()), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_resolve(pending_.deferred.get(), nullptr, nullptr), CROCHET_EALREADY);
    pending_.deferred.reset();
    threads_.back().join();
  }

 private:
  static constexpr int kWaiters = 4;
  Pending pending_;
  std::vector<std::thread> threads_;
};

void a_later_setup_works() {
  EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
}

// ---- D4: a callback that never returns

[[noreturn]] void stand_still() {
  for (;;) pause();
}

TEST(AbuseD4, WaitsTimeOutAndTheShutdownIsBoundedAndNamesTheLoop) {
  for (const Place place : kPlaces) {
    SCOPED_TRACE(name(place));
    in_own_process(
        [place] {
          ASSERT_EQ(crochet_setup(named(kName).get()), CROCHET_OK);
          Gate stuck;
          Bystanders bystanders(nullptr);
          Deed& to_be_stuck = deed(place, [&stuck] {
            stuck.open();
            stand_still();
          });
          to_be_stuck.get_ready(nullptr);
          to_be_stuck.happen();
          stuck.wait();
          DropCounter drops;
          OwnedResult queued, timed_out;
          ASSERT_EQ(crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, queued.out()), CROCHET_OK);
          EXPECT_EQ(crochet_result_wait(queued.get(), kMillisecond), CROCHET_ETIMEDOUT);
          EXPECT_EQ(crochet_wait_for(nullptr, resolve_null, drops.pointer(), DropCounter::drop, kMillisecond,
                                     timed_out.out()),
                    CROCHET_ETIMEDOUT);
          EXPECT_EQ(crochet_result_status(timed_out.get()), CROCHET_ECANCELED);
          EXPECT_EQ(drops.count(), 1);

          LogCapture log;
          EXPECT_EQ(crochet_shutdown(kMillisecond), CROCHET_ETIMEDOUT);
          const std::string text = log.stop();
          EXPECT_EQ(LogCapture::occurrences(text, std::string("\"") + kName + "\" does not stop"), 1) << text;
          bystanders.are_told();
          EXPECT_EQ(crochet_result_status(queued.get()), CROCHET_ESTOPPED);
          EXPECT_EQ(crochet_error_code(crochet_result_error(queued.get())), CROCHET_ENOTRUN);
          EXPECT_EQ(drops.count(), 2);
          if (to_be_stuck.result() != nullptr) {
            EXPECT_EQ(crochet_result_wait(to_be_stuck.result(), kForever), CROCHET_ESTOPPED);
          }
          EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
          EXPECT_EQ(crochet_shutdown(kMillisecond), CROCHET_OK);  // it was given up: not waited for again
          a_later_setup_works();
        },
        Leaves::kStuckThread);
  }
}

TEST(AbuseD4, AWarningNamesWhatBlocksTheLoopWhileItDoes) {
  for (const Place place : kPlaces) {
    SCOPED_TRACE(name(place));
    in_own_process(
        [place] {
          ASSERT_EQ(crochet_watchdog_start(kMillisecond), CROCHET_OK);
          ASSERT_EQ(crochet_setup(named(kName).get()), CROCHET_OK);
          LogLines log;
          Gate stuck;
          Deed& to_be_stuck = deed(place, [&stuck] {
            stuck.open();
            stand_still();
          });
          to_be_stuck.get_ready(nullptr);
          to_be_stuck.happen();
          stuck.wait();
          OwnedResult queued;
          ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, queued.out()), CROCHET_OK);
          const std::string culprit = place == Place::kTimer          ? "a callback of a libuv handle"
                                      : place == Place::kOnCancelHook ? "a call without a function"
                                                                      : "abuse-death+0x";
          // Again and again, so that the last ones count what was queued after the first.
          std::string told;
          while (told.find("; 1 calls wait behind it") == std::string::npos) told = log.until("blocked by " + culprit);
          EXPECT_EQ(told.find(std::string("loop \"") + kName + "\" is "), 0u) << told;
          EXPECT_EQ(crochet_result_wait(queued.get(), kMillisecond), CROCHET_ETIMEDOUT);
          EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
          EXPECT_EQ(crochet_result_status(queued.get()), CROCHET_ESTOPPED);
          crochet_result_error(queued.get());
        },
        Leaves::kStuckThread);
  }
}

TEST(AbuseD4, OtherLoopsAreStoppedAllTheSame) {
  in_own_process(
      [] {
        ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
        OwnedLoop older, stuck_one, newer;
        ASSERT_EQ(crochet_loop_new(nullptr, older.out()), CROCHET_OK);
        ASSERT_EQ(crochet_loop_new(named(kName).get(), stuck_one.out()), CROCHET_OK);
        ASSERT_EQ(crochet_loop_new(nullptr, newer.out()), CROCHET_OK);
        Gate stuck;
        Deed& to_be_stuck = deed(Place::kCall, [&stuck] {
          stuck.open();
          stand_still();
        });
        to_be_stuck.get_ready(stuck_one.get());
        to_be_stuck.happen();
        stuck.wait();
        std::atomic<int> stopped{0};
        for (crochet_loop* loop : {static_cast<crochet_loop*>(nullptr), older.get(), newer.get()}) {
          OwnedCall call;
          ASSERT_EQ(crochet_call_new(loop, sizeof(std::atomic<int>*), call.out()), CROCHET_OK);
          *static_cast<std::atomic<int>**>(crochet_call_storage(call.get())) = &stopped;
          ASSERT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
          const auto note = [](crochet_deferred*, void* storage) { ++**static_cast<std::atomic<int>**>(storage); };
          ASSERT_EQ(crochet_call_run(call.release(), note, nullptr, nullptr), CROCHET_OK);
        }
        EXPECT_EQ(crochet_shutdown(kMillisecond), CROCHET_ETIMEDOUT);
        EXPECT_EQ(stopped, 3);
      },
      Leaves::kStuckThread);
}

TEST(AbuseD4, TheWatchdogLeavesNothing) {
  in_own_process([] {
    const std::size_t threads = names_in("/proc/self/task").size();
    ASSERT_EQ(crochet_watchdog_start(kMillisecond), CROCHET_OK);
    for (int i = 0; i < 20; ++i) {
      a_later_setup_works();
      expect_no_thread_but(threads);
    }
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);  // shut down with the watchdog on
  });
}

TEST(AbuseD4, TheWatchdogEndsWithTheProcess) {
  for (const bool blocked : {false, true}) {
    SCOPED_TRACE(blocked);
    const int status = status_of_child(
        [blocked] {
          ASSERT_EQ(crochet_watchdog_start(kMillisecond), CROCHET_OK);
          ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
          if (!blocked) return;
          Gate stuck;
          Deed& to_be_stuck = deed(Place::kCall, [&stuck] {
            stuck.open();
            stand_still();
          });
          to_be_stuck.get_ready(nullptr);
          to_be_stuck.happen();
          stuck.wait();
        },
        std::exit);
    EXPECT_EQ(status, 0);
  }
}

// Not for ever after all: then nothing is left behind either.
TEST(AbuseD4, ACallbackThatReturnsAfterItsLoopWasGivenUpLeavesNothing) {
  in_own_process([] {
    const std::size_t threads = names_in("/proc/self/task").size();
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Gate stuck, free_again;
    Deed& to_be_stuck = deed(Place::kCall, [&stuck, &free_again] {
      stuck.open();
      free_again.wait();
    });
    to_be_stuck.get_ready(nullptr);
    to_be_stuck.happen();
    stuck.wait();
    EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
    EXPECT_EQ(crochet_result_status(to_be_stuck.result()), CROCHET_ESTOPPED);
    free_again.open();
    // Until the callback has come back, the call is held by it: nothing may be freed.
    while (crochet_result_join(to_be_stuck.result(), kForever) == CROCHET_ESTOPPED) sched_yield();
    EXPECT_EQ(crochet_result_join(to_be_stuck.result(), kForever), CROCHET_OK);
    expect_no_thread_but(threads);
    a_later_setup_works();
  });
}

// ---- D5: the loop's thread is ended by a callback, or from outside

void cancel_myself() {
  pthread_cancel(pthread_self());
  pthread_testcancel();
}

struct Way {
  const char* name;
  void (*die)();
};
constexpr std::array kWays = {Way{"pthread_exit", [] { pthread_exit(nullptr); }}, Way{"pthread_cancel", cancel_myself}};

// In a process of its own; libuv's loop of the dead thread stays as it was, with its descriptors, but no thread may.
void leaving_no_thread(const std::function<void()>& body) {
  in_child([&body] {
    start_libuv();
    const std::size_t threads = threads_at_rest();
    body();
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    expect_no_thread_but(threads);
  });
}

void a_loops_thread_dies(Place place, const Way& way) {
  SCOPED_TRACE(std::string(way.name) + " " + name(place));
  leaving_no_thread([place, &way] {
    LogCapture log;
    ASSERT_EQ(crochet_setup(named(kName).get()), CROCHET_OK);
    Bystanders bystanders(nullptr);
    Deed& death = deed(place, way.die);
    death.get_ready(nullptr);
    BlockedLoop block;
    death.happen();
    DropCounter drops;
    OwnedResult queued;
    ASSERT_EQ(crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, queued.out()), CROCHET_OK);
    block.unblock();
    bystanders.are_told();
    const int code = crochet_result_wait(queued.get(), kForever);
    if (place != Place::kTimer) {  // the timer's turn comes after the calls, or before
      EXPECT_EQ(code, CROCHET_ESTOPPED);
      EXPECT_EQ(crochet_error_code(crochet_result_error(queued.get())), CROCHET_ENOTRUN);
    }
    EXPECT_EQ(crochet_result_join(queued.get(), kForever), CROCHET_OK);
    EXPECT_EQ(drops.count(), 1);
    if (death.result() != nullptr) {
      EXPECT_EQ(crochet_result_wait(death.result(), kForever), CROCHET_ESTOPPED);
    }
    EXPECT_EQ(crochet_run(nullptr, resolve_null, drops.pointer(), DropCounter::drop, nullptr), CROCHET_ESTOPPED);
    EXPECT_EQ(drops.count(), 2);
    a_later_setup_works();
    const std::string text = log.stop();
    EXPECT_EQ(LogCapture::occurrences(text, std::string("\"") + kName + "\": its thread was ended"), 1) << text;
  });
}

TEST(AbuseD5, ALoopsThreadThatACallbackEndsTellsEveryWaiterAndALaterSetupWorks) {
  for (const Place place : kPlaces) {
    for (const Way& way : kWays) a_loops_thread_dies(place, way);
  }
}

// Rule 5: on every path.
TEST(AbuseD5, TheArgumentOfTheCallThatEndsItsThreadIsDropped) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    leaving_no_thread([&way] {
      struct Argument : DropCounter {
        void (*die)();
      } argument;
      argument.die = way.die;
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      OwnedResult result;
      ASSERT_EQ(crochet_run(
                    nullptr, [](crochet_deferred*, void* arg) { static_cast<Argument*>(arg)->die(); }, &argument,
                    [](void* arg) { DropCounter::drop(static_cast<Argument*>(arg)->pointer()); }, result.out()),
                CROCHET_OK);
      EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ESTOPPED);
      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      EXPECT_EQ(argument.count(), 1);
    });
  }
}

TEST(AbuseD5, SoDoesOneThatIsCancelledInItsSleep) {
  SKIP_UNDER_THREAD_SANITIZER("sees no order in what a thread does that was cancelled in its sleep");
  leaving_no_thread([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Bystanders bystanders(nullptr);
    pthread_t thread{};
    pid_t id = 0;
    ASSERT_EQ(on_loop(nullptr,
                      [&] {
                        thread = pthread_self();
                        id = gettid();
                      }),
              CROCHET_OK);
    until_asleep(id);
    ASSERT_EQ(pthread_cancel(thread), 0);
    bystanders.are_told();
    a_later_setup_works();
  });
}

TEST(AbuseD5, SoDoesOneThatIsCancelledInACallbackThatSleeps) {
  SKIP_UNDER_THREAD_SANITIZER("sees no order in what a thread does that was cancelled in its sleep");
  leaving_no_thread([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Bystanders bystanders(nullptr);
    pthread_t thread{};
    Gate asleep;
    Deed& sleep = deed(Place::kCall, [&] {
      thread = pthread_self();
      asleep.open();
      stand_still();
    });
    sleep.get_ready(nullptr);
    sleep.happen();
    asleep.wait();
    ASSERT_EQ(pthread_cancel(thread), 0);
    bystanders.are_told();
    EXPECT_EQ(crochet_result_wait(sleep.result(), kForever), CROCHET_ESTOPPED);
    a_later_setup_works();
  });
}

// Nothing of the call is left either, whoever called the hook: a cancel, or the stop of the loop.
TEST(AbuseD5, TheValueOfACallWhoseHookEndsItsThreadIsDropped) {
  for (const bool by_cancel : {true, false}) {
    SCOPED_TRACE(by_cancel ? "cancel" : "stop");
    leaving_no_thread([by_cancel] {
      DropCounter value, argument;
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      Pending call(nullptr, argument.pointer(), DropCounter::drop);
      const auto resolve_and_die = [](crochet_deferred* deferred, void* arg) {
        EXPECT_EQ(crochet_resolve(deferred, arg, DropCounter::drop), CROCHET_OK);
        pthread_exit(nullptr);
      };
      ASSERT_EQ(crochet_deferred_on_cancel(call.deferred.get(), resolve_and_die, value.pointer(), nullptr), CROCHET_OK);
      if (by_cancel) {
        EXPECT_EQ(crochet_result_cancel(call.result.get(), nullptr), CROCHET_OK);
        EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK);
      }
      EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
      EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_OK);
      call.deferred.reset();
      EXPECT_EQ(argument.count(), 1);
      EXPECT_EQ(value.count(), 0);
      call.result.reset();
      EXPECT_EQ(value.count(), 1);
      a_later_setup_works();
    });
  }
}

TEST(AbuseD5, AThreadThatEndsInTheMiddleOfAStopDoesNotKeepItFromEnding) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    leaving_no_thread([&way] {
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      Bystanders bystanders(nullptr);
      OwnedCall call;
      ASSERT_EQ(crochet_call_new(nullptr, sizeof(Way), call.out()), CROCHET_OK);
      *static_cast<Way*>(crochet_call_storage(call.get())) = way;
      ASSERT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
      const auto die = [](crochet_deferred*, void* storage) { static_cast<Way*>(storage)->die(); };
      OwnedResult at_stop;
      ASSERT_EQ(crochet_call_run(call.release(), die, nullptr, at_stop.out()), CROCHET_OK);
      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      bystanders.are_told();
      EXPECT_EQ(crochet_result_wait(at_stop.get(), kForever), CROCHET_ESTOPPED);
      a_later_setup_works();
    });
  }
}

// ---- D5: a host's thread that runs an adopted loop

// Adopts a loop on a thread that then runs it until that thread dies. The libuv loop stays as it was: it is the host's.
class HostThread {
 public:
  HostThread() {
    static uv_loop_t uv;
    EXPECT_EQ(uv_loop_init(&uv), 0);
    thread_ = std::thread([this] {
      EXPECT_EQ(crochet_no_setup(&uv, nullptr), CROCHET_OK);
      adopted_.open();
      uv_run(&uv, UV_RUN_DEFAULT);
    });
    adopted_.wait();
  }
  void has_died() { thread_.join(); }

 private:
  Gate adopted_;
  std::thread thread_;
};

TEST(AbuseD5, AnAdoptedLoopWhoseThreadACallbackEndsTellsEveryWaiterToo) {
  for (const Place place : {Place::kCall, Place::kOnCancelHook, Place::kDrop}) {
    for (const Way& way : kWays) {
      SCOPED_TRACE(std::string(way.name) + " " + name(place));
      leaving_no_thread([place, &way] {
        HostThread host;
        Bystanders bystanders(nullptr);
        Deed& death = deed(place, way.die);
        death.get_ready(nullptr);
        death.happen();
        bystanders.are_told();
        host.has_died();
        if (death.result() != nullptr) {
          EXPECT_EQ(crochet_result_wait(death.result(), kForever), CROCHET_ESTOPPED);
        }
        EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, nullptr), CROCHET_ESTOPPED);
        a_later_setup_works();
      });
    }
  }
}

TEST(AbuseD5, SoDoesOneWhoseThreadAnAtStopCallEnds) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    leaving_no_thread([&way] {
      HostThread host;
      Bystanders bystanders(nullptr);
      OwnedCall call;
      ASSERT_EQ(crochet_call_new(nullptr, sizeof(Way), call.out()), CROCHET_OK);
      *static_cast<Way*>(crochet_call_storage(call.get())) = way;
      ASSERT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
      const auto die = [](crochet_deferred*, void* storage) { static_cast<Way*>(storage)->die(); };
      ASSERT_EQ(crochet_call_run(call.release(), die, nullptr, nullptr), CROCHET_OK);
      const auto stop = [](crochet_deferred*, void*) { EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS); };
      ASSERT_EQ(crochet_run(nullptr, stop, nullptr, nullptr, nullptr), CROCHET_OK);
      bystanders.are_told();
      host.has_died();
      a_later_setup_works();
    });
  }
}

// The host's own callbacks are not seen by the library: then it is a loop that nobody runs any more.
TEST(AbuseD5, AnAdoptedLoopWhoseThreadTheHostEndsIsOneThatNobodyRuns) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    leaving_no_thread([&way] {
      HostThread host;
      Bystanders bystanders(nullptr);
      Deed& death = deed(Place::kTimer, way.die);
      death.get_ready(nullptr);
      death.happen();
      host.has_died();
      OwnedResult queued;
      const int code = crochet_run(nullptr, resolve_null, nullptr, nullptr, queued.out());
      if (code == CROCHET_OK) {
        EXPECT_EQ(crochet_result_wait(queued.get(), kMillisecond), CROCHET_ETIMEDOUT);
        EXPECT_EQ(crochet_shutdown(0), CROCHET_ETIMEDOUT);
        EXPECT_EQ(crochet_result_wait(queued.get(), kForever), CROCHET_ESTOPPED);
      } else {
        EXPECT_EQ(code, CROCHET_ESTOPPED);  // a library that noticed all the same
      }
      bystanders.are_told();
      a_later_setup_works();
    });
  }
}

// ---- D5: threads that end while they hold something of the library's

// Bytes in use on the heap, mappings of its own included.
std::size_t heap() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(AbuseD5, ThreadsOfTheHostThatEndGiveBackWhatTheyCached) {
  in_own_process([] {
    constexpr int kThreads = 8;
    constexpr int kCalls = 100;
    constexpr int kWarmUp = 20;
    const int rounds = kSanitized ? 40 : 200;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    std::size_t warm = 0;
    for (int round = 0; round < rounds; ++round) {
      std::array<std::array<OwnedResult, kCalls>, kThreads> results;
      at_once(kThreads, [&results](int i) {
        for (OwnedResult& result : results[static_cast<std::size_t>(i)]) {
          EXPECT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
        }
      });
      // They outlive their callers.
      for (auto& of_one : results) {
        for (OwnedResult& result : of_one) EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
      }
      if (round + 1 == kWarmUp) warm = heap();
    }
    if (kSanitized) return;
    // A cache that is lost with its thread loses a call at least.
    EXPECT_LT(heap(), warm + static_cast<std::size_t>((rounds - kWarmUp) * kThreads) * 64);
  });
}

// Everything that a destructor of the host's may try when its thread ends. `run_code`: what calls are told.
struct LastWill {
  int run_code;
  crochet_loop* loop;
  std::atomic<int>* done;
  OwnedResult result;
  OwnedDeferred deferred;

  void execute() {
    DropCounter drops;
    OwnedResult run, waited;
    EXPECT_EQ(crochet_run(loop, resolve_null, drops.pointer(), DropCounter::drop, run.out()), run_code);
    EXPECT_EQ(crochet_wait_for(loop, resolve_null, drops.pointer(), DropCounter::drop, kForever, waited.out()),
              run_code);
    if (run_code == CROCHET_OK) {
      EXPECT_EQ(crochet_result_join(run.get(), kForever), CROCHET_OK);
      EXPECT_EQ(crochet_result_join(waited.get(), kForever), CROCHET_OK);
    }
    EXPECT_EQ(drops.count(), 2);
    const int settled = crochet_resolve(deferred.get(), nullptr, nullptr);
    EXPECT_EQ(settled, run_code == CROCHET_OK ? CROCHET_OK : CROCHET_EALREADY);
    deferred.reset();
    result.reset();
    EXPECT_EQ(crochet_current_loop(), nullptr);
    ++*done;
  }
};

LastWill* last_will(int run_code, crochet_loop* loop, crochet_loop* of_pending, std::atomic<int>* done) {
  Pending pending(of_pending);
  return new LastWill{run_code, loop, done, std::move(pending.result), std::move(pending.deferred)};
}

void execute(void* will) {
  static_cast<LastWill*>(will)->execute();
  delete static_cast<LastWill*>(will);
}

// C++ ends its thread-locals before all keys of pthread's, whose destructors run in the order of their making, in
// rounds.
struct Testator {
  std::vector<LastWill*> wills;
  ~Testator() {
    for (LastWill* will : wills) execute(will);
  }
};
thread_local Testator testator;

pthread_key_t new_key() {
  pthread_key_t key{};
  EXPECT_EQ(pthread_key_create(&key, execute), 0);
  return key;
}

// Made before the library's own, and after; and one that only the second round of destructors ends.
struct Keys {
  pthread_key_t before = new_key();
  pthread_key_t after{};
  pthread_key_t second_round{};

  void make_the_rest() {
    after = new_key();
    static pthread_key_t final_key = new_key();
    EXPECT_EQ(pthread_key_create(&second_round, [](void* will) { EXPECT_EQ(pthread_setspecific(final_key, will), 0); }),
              0);
  }
};

constexpr int kWills = 4;

void make_wills(const Keys& keys, int run_code, crochet_loop* loop, crochet_loop* of_pending, std::atomic<int>* done) {
  const auto will = [=] { return last_will(run_code, loop, of_pending, done); };
  testator.wills.push_back(will());
  EXPECT_EQ(pthread_setspecific(keys.before, will()), 0);
  EXPECT_EQ(pthread_setspecific(keys.after, will()), 0);
  EXPECT_EQ(pthread_setspecific(keys.second_round, will()), 0);
}

TEST(AbuseD5, ThreadLocalDestructorsOfAHostsThreadMayUseTheLibrary) {
  in_own_process([] {
    Keys keys;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // by now the library has made its key
    keys.make_the_rest();
    std::atomic<int> done{0};
    for (int i = 0; i < 10; ++i) {
      std::thread([&] { make_wills(keys, CROCHET_OK, nullptr, nullptr, &done); }).join();
      EXPECT_EQ(done, kWills * (i + 1));
    }
  });
}

TEST(AbuseD5, ThoseOfAHostsThreadAreRefusedWhenTheLoopHasEnded) {
  in_own_process([] {
    Keys keys;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    keys.make_the_rest();
    std::atomic<int> done{0};
    Gate made, stopped;
    std::thread thread([&] {
      make_wills(keys, CROCHET_ESTOPPED, nullptr, nullptr, &done);
      made.open();
      stopped.wait();
    });
    made.wait();
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
    stopped.open();
    thread.join();
    EXPECT_EQ(done, kWills);
  });
}

TEST(AbuseD5, ThoseOfALoopsThreadMayWaitForOtherLoopsAndAreRefusedByTheirOwn) {
  in_own_process([] {
    Keys keys;
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    keys.make_the_rest();
    std::atomic<int> done{0};
    for (const bool own : {false, true}) {
      OwnedLoop loop;
      ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
      crochet_loop* const asked = own ? loop.get() : nullptr;
      EXPECT_EQ(
          on_loop(loop.get(), [&] { make_wills(keys, own ? CROCHET_ESTOPPED : CROCHET_OK, asked, asked, &done); }),
          CROCHET_OK);
      EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);  // joins the thread: its destructors have run
      EXPECT_EQ(done, own ? 2 * kWills : kWills);
    }
  });
}

TEST(AbuseD5, ThoseOfALoopsThreadThatWasEndedByACallbackAreRefused) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    leaving_no_thread([&way] {
      Keys keys;
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
      keys.make_the_rest();
      std::atomic<int> done{0};
      Bystanders bystanders(nullptr);
      ASSERT_EQ(on_loop(nullptr, [&] { make_wills(keys, CROCHET_ESTOPPED, nullptr, nullptr, &done); }), CROCHET_OK);
      Deed& death = deed(Place::kCall, way.die);
      death.get_ready(nullptr);
      death.happen();
      bystanders.are_told();
      EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
      while (done < kWills) sched_yield();
      EXPECT_EQ(done, kWills);
    });
  }
}

}  // namespace
}  // namespace contract
