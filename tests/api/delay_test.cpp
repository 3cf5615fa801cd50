// SPDX-License-Identifier: MIT
// Calls that start later, or not after a time: crochet_call_set_delay_ns(), crochet_call_set_deadline_ns(), and
// crochet_sleep().
#include <gtest/gtest.h>
#include <malloc.h>
#include <uv.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kLong = 1'000'000 * kSecond;
constexpr std::int64_t kShort = 20 * kMillisecond;

// The storage of the calls here: what is done when it runs, and how often it is dropped.
struct Noting {
  std::vector<int>* order;
  DropCounter* drops;
  int number;
  static void run(crochet_deferred* deferred, void* storage) {
    const Noting& here = *static_cast<Noting*>(storage);
    if (here.order != nullptr) here.order->push_back(here.number);
    crochet_resolve(deferred, nullptr, nullptr);
  }
  static void drop(void* storage) {
    const Noting& here = *static_cast<Noting*>(storage);
    if (here.drops != nullptr) DropCounter::drop(here.drops->pointer());
  }
};

class Timed : public WithDefaultLoop {
 protected:
  crochet_call* prepare(std::vector<int>* order = nullptr, int number = 0, DropCounter* drops = nullptr,
                        crochet_loop* loop = nullptr) {
    crochet_call* call = nullptr;
    EXPECT_EQ(crochet_call_new(loop, sizeof(Noting), &call), CROCHET_OK);
    *static_cast<Noting*>(crochet_call_storage(call)) = Noting{order, drops, number};
    return call;
  }
  static crochet_result* make(crochet_call* call) {
    crochet_result* result = nullptr;
    EXPECT_EQ(crochet_call_run(call, &Noting::run, &Noting::drop, &result), CROCHET_OK);
    return result;
  }
  crochet_result* delayed(std::int64_t delay_ns, std::vector<int>* order = nullptr, int number = 0,
                          DropCounter* drops = nullptr, crochet_loop* loop = nullptr) {
    crochet_call* call = prepare(order, number, drops, loop);
    EXPECT_EQ(crochet_call_set_delay_ns(call, delay_ns), CROCHET_OK);
    return make(call);
  }
  static std::uint64_t counted(const char* name, crochet_loop* loop = nullptr) {
    std::uint64_t count = 0;
    EXPECT_EQ(crochet_loop_counter(loop, name, &count), CROCHET_OK);
    return count;
  }
  // What was popped by now is where it belongs.
  static void let_the_loop_look(crochet_loop* loop = nullptr) {
    EXPECT_EQ(on_loop(loop, [] {}), CROCHET_OK);
  }
};

class Delay : public Timed {};
class CallDeadline : public Timed {};
class Sleep : public Timed {};

// ---- crochet_call_set_delay_ns()

TEST_F(Delay, StartsNoSooner) {
  PROVOKES(crochet_call_set_delay_ns, CROCHET_OK);
  const auto begin = Clock::now();
  const OwnedResult result(delayed(kShort));
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
  EXPECT_GE(Clock::now() - begin, std::chrono::nanoseconds(kShort));
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
}

TEST_F(Delay, StartInTheOrderOfTheirTimes) {
  std::vector<int> order;
  std::vector<OwnedResult> results;
  // A delay begins somewhere between the clock's two readings, however long this thread stands still there.
  struct Due {
    Clock::time_point earliest, latest;
  };
  std::array<Due, 6> due;
  {
    BlockedLoop block;
    for (const int number : {3, 1, 4, 2, 5}) {
      Due& own = due[static_cast<std::size_t>(number)];
      const auto delay = std::chrono::milliseconds(number);
      own.earliest = Clock::now() + delay;
      results.emplace_back(delayed(number * kMillisecond, &order, number));
      own.latest = Clock::now() + delay;
    }
    results.emplace_back(delayed(0, &order, 0));
  }
  for (const OwnedResult& result : results) EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  ASSERT_EQ(order.size(), 6u);
  EXPECT_EQ(order[0], 0);
  for (std::size_t i = 2; i < order.size(); ++i) {
    const Due& before = due[static_cast<std::size_t>(order[i - 1])];
    const Due& after = due[static_cast<std::size_t>(order[i])];
    EXPECT_LE(before.earliest, after.latest) << order[i - 1] << " before " << order[i];
  }
}

TEST_F(Delay, OfASetAgainIsTheLast) {
  crochet_call* call = prepare();
  ASSERT_EQ(crochet_call_set_delay_ns(call, kLong), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_delay_ns(call, 0), CROCHET_OK);
  const OwnedResult result(make(call));
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
}

TEST_F(Delay, IsCountedFromTheCallAlthoughTheLoopIsBusy) {
  std::vector<int> order;
  BlockedLoop block;
  const OwnedResult late(delayed(kShort, &order, 2));
  EXPECT_EQ(crochet_result_wait(late.get(), kShort), CROCHET_ETIMEDOUT);
  const OwnedResult later(delayed(kShort, &order, 3));
  block.unblock();
  EXPECT_EQ(crochet_result_join(late.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(later.get(), kForever), CROCHET_OK);
  EXPECT_EQ(order, (std::vector<int>{2, 3}));
}

TEST_F(Delay, WithdrawnWhileItWaitsIsNotRun) {
  for (const std::int64_t delay : {kLong, kForever}) {
    for (const bool is_popped : {false, true}) {
      DropCounter drops;
      BlockedLoop block;
      const OwnedResult result(delayed(delay, nullptr, 0, &drops));
      if (is_popped) {
        block.unblock();
        let_the_loop_look();
      }
      EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EPENDING);
      int outcome = 0;
      EXPECT_EQ(crochet_result_cancel(result.get(), &outcome), CROCHET_OK);
      EXPECT_EQ(outcome, CROCHET_CANCEL_NOT_RUN);
      EXPECT_EQ(drops.count(), 1);
      EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_OK);
      EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ECANCELED);
    }
  }
  EXPECT_EQ(counted("calls_cancelled"), 4u);
}

TEST_F(Delay, ThatIsNotOverAtTheStopIsNotRun) {
  for (const bool is_popped : {false, true}) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    DropCounter drops;
    const OwnedResult result(delayed(kLong, nullptr, 0, &drops, loop.get()));
    const OwnedResult never(delayed(kForever, nullptr, 0, nullptr, loop.get()));
    if (is_popped) let_the_loop_look(loop.get());
    EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK) << "nobody waits for it";
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
    EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_ENOTRUN);
    EXPECT_EQ(crochet_result_status(never.get()), CROCHET_ESTOPPED);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(counted("calls_not_run", loop.get()), 2u);
  }
}

TEST_F(Delay, OfAnAfterCallBeginsWhenTheResultHasSettled) {
  for (const bool is_over : {false, true}) {
    Pending before;
    crochet_call* call = prepare();
    ASSERT_EQ(crochet_call_set_after(call, before.result.get()), CROCHET_OK);
    ASSERT_EQ(crochet_call_set_delay_ns(call, is_over ? 2 * kShort : kShort), CROCHET_OK);
    const OwnedResult result(make(call));
    if (is_over) {
      EXPECT_EQ(crochet_result_wait(result.get(), 2 * kShort), CROCHET_ETIMEDOUT);
    }
    const auto settled = Clock::now();
    ASSERT_EQ(crochet_resolve(before.deferred.get(), nullptr, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
    EXPECT_GE(Clock::now() - settled, std::chrono::nanoseconds(kShort));
  }
}

TEST_F(Delay, RefusesBadTimesAndAtStopCalls) {
  PROVOKES(crochet_call_set_delay_ns, CROCHET_EINVAL);
  PROVOKES(crochet_call_set_deadline_ns, CROCHET_EINVAL);
  PROVOKES(crochet_call_set_at_stop, CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_delay_ns(nullptr, 1), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_deadline_ns(nullptr, 1), CROCHET_EINVAL);
  const OwnedCall plain(prepare()), at_stop(prepare()), delayed(prepare());
  EXPECT_EQ(crochet_call_set_delay_ns(plain.get(), -2), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_deadline_ns(plain.get(), INT64_MIN), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_at_stop(plain.get()), CROCHET_OK) << "what was refused was not set";
  ASSERT_EQ(crochet_call_set_at_stop(at_stop.get()), CROCHET_OK);
  EXPECT_EQ(crochet_call_set_delay_ns(at_stop.get(), 1), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_deadline_ns(at_stop.get(), 1), CROCHET_EINVAL);
  ASSERT_EQ(crochet_call_set_delay_ns(delayed.get(), 1), CROCHET_OK);
  EXPECT_EQ(crochet_call_set_at_stop(delayed.get()), CROCHET_EINVAL);
}

TEST_F(Delay, ForTheEndOfTimeSaturates) {
  const OwnedResult result(delayed(INT64_MAX));
  let_the_loop_look();
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EPENDING);
}

TEST_F(Delay, OfManyCallsAtOnceIsEachItsOwn) {
  std::vector<int> order;
  std::vector<crochet_call*> calls;
  for (const int number : {2, 0, 1}) {
    calls.push_back(prepare(&order, number));
    ASSERT_EQ(crochet_call_set_delay_ns(calls.back(), number * kShort), CROCHET_OK);
  }
  std::vector<crochet_result*> results(calls.size());
  ASSERT_EQ(crochet_call_run_many(calls.data(), calls.size(), &Noting::run, nullptr, results.data()), CROCHET_OK);
  for (crochet_result* result : results) {
    EXPECT_EQ(crochet_result_join(result, kForever), CROCHET_OK);
    crochet_result_release(result);
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_F(Delay, WithdrawnCallsStayBounded) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer replaces malloc";
  const std::vector<OwnedResult> waiting = [this] {
    std::vector<OwnedResult> results;
    for (int i = 0; i < 1000; ++i) results.emplace_back(delayed(kLong));
    return results;
  }();
  const auto use = [] { return static_cast<std::size_t>(mallinfo2().uordblks + mallinfo2().hblkhd); };
  std::size_t after_the_first = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 1000; ++i) {
      const OwnedResult result(delayed(kLong));
      EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
    }
    let_the_loop_look();
    if (round == 10) after_the_first = use();
  }
  EXPECT_LE(use(), after_the_first + 1024 * 1024) << "less than 6 bytes for each of 190,000 that are gone";
}

// libuv would run a timer that is started anew with no time at once, in the same turn, until none is due.
TEST_F(Delay, ManyThatAreDueLetOtherCallsIn) {
  static constexpr int kMany = 100;
  static int run;
  run = 0;
  const auto busy = [](crochet_deferred* deferred, void*) {
    const auto begin = Clock::now();
    while (Clock::now() - begin < std::chrono::milliseconds(1)) {
    }
    // Made when the first is run: it comes to the queue while all the others are due.
    if (++run == 1) {
      EXPECT_EQ(contract::run(
                    nullptr, [](crochet_deferred*) { EXPECT_LT(run, kMany); }, nullptr),
                CROCHET_OK);
    }
    crochet_resolve(deferred, nullptr, nullptr);
  };
  std::vector<OwnedResult> results;
  {
    BlockedLoop block;
    for (int i = 0; i < kMany; ++i) {
      OwnedCall call;
      ASSERT_EQ(crochet_call_new(nullptr, 0, call.out()), CROCHET_OK);
      ASSERT_EQ(crochet_call_set_delay_ns(call.get(), 1), CROCHET_OK);
      results.emplace_back();
      ASSERT_EQ(crochet_call_run(call.release(), busy, nullptr, results.back().out()), CROCHET_OK);
    }
  }
  for (const OwnedResult& result : results) EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
}

TEST_F(Delay, OnAnAdoptedLoopPassesWhileItIsRun) {
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  const OwnedResult result(delayed(kShort, nullptr, 0, nullptr, loop.get()));
  const OwnedResult never(delayed(kLong, nullptr, 0, nullptr, loop.get()));
  EXPECT_NE(host.run(UV_RUN_NOWAIT), 0);
  const int timeout = uv_backend_timeout(host.uv());
  EXPECT_TRUE(timeout >= 0 && timeout <= kShort / kMillisecond + 1) << "a host that polls itself is told: " << timeout;
  while (crochet_result_status(result.get()) == CROCHET_EPENDING) host.run(UV_RUN_ONCE);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(crochet_result_status(never.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(host.close(), 0);
}

TEST_F(Delay, AloneDoesNotKeepAnAdoptedLoopGoing) {
  HostLoop host;
  OwnedLoop loop;
  OwnedOptions options;
  ASSERT_EQ(crochet_options_new(options.out()), CROCHET_OK);
  ASSERT_EQ(crochet_options_set_keep_alive(options.get(), 0), CROCHET_OK);
  ASSERT_EQ(crochet_loop_adopt(host.uv(), options.get(), loop.out()), CROCHET_OK);
  const OwnedResult result(delayed(kLong, nullptr, 0, nullptr, loop.get()));
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(host.close(), 0);
}

// Timers and delayed calls take turns, however many calls are due.
TEST_F(Delay, ManyThatAreDueLetTheLoopBreathe) {
  constexpr int kMany = 2000;
  int run = 0;
  int run_before_the_timer = -1;
  std::vector<OwnedResult> results;
  struct Context {
    int* run;
    int* before;
    uv_timer_t timer;
    Gate closed;
  } context{&run, &run_before_the_timer, {}, {}};
  {
    BlockedLoop block;
    for (int i = 0; i < kMany; ++i) {
      crochet_call* call = nullptr;
      ASSERT_EQ(crochet_call_new(nullptr, sizeof(int*), &call), CROCHET_OK);
      *static_cast<int**>(crochet_call_storage(call)) = &run;
      ASSERT_EQ(crochet_call_set_delay_ns(call, 1), CROCHET_OK);
      results.emplace_back();
      ASSERT_EQ(crochet_call_run(
                    call,
                    [](crochet_deferred* deferred, void* storage) {
                      ++**static_cast<int**>(storage);
                      const auto begin = Clock::now();
                      while (Clock::now() - begin < std::chrono::microseconds(50)) {
                      }
                      crochet_resolve(deferred, nullptr, nullptr);
                    },
                    nullptr, results.back().out()),
                CROCHET_OK);
    }
    ASSERT_EQ(contract::run(
                  nullptr,
                  [&context](crochet_deferred*) {
                    uv_timer_init(crochet_current_uv(), &context.timer);
                    context.timer.data = &context;
                    uv_timer_start(
                        &context.timer,
                        [](uv_timer_t* timer) {
                          auto* self = static_cast<Context*>(timer->data);
                          *self->before = *self->run;
                          uv_close(reinterpret_cast<uv_handle_t*>(timer),
                                   [](uv_handle_t* handle) { static_cast<Context*>(handle->data)->closed.open(); });
                        },
                        1, 0);
                  },
                  nullptr),
              CROCHET_OK);
  }
  for (const OwnedResult& result : results) EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  context.closed.wait();
  EXPECT_EQ(run, kMany);
  EXPECT_LT(run_before_the_timer, kMany);
}

// ---- crochet_call_set_deadline_ns()

TEST_F(CallDeadline, ThatIsFarOffChangesNothing) {
  PROVOKES(crochet_call_set_deadline_ns, CROCHET_OK);
  for (const std::int64_t timeout : {kLong, kForever}) {
    std::vector<int> order;
    crochet_call* call = prepare(&order, 1);
    ASSERT_EQ(crochet_call_set_deadline_ns(call, timeout), CROCHET_OK);
    const OwnedResult result(make(call));
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
    EXPECT_EQ(order, std::vector<int>{1});
  }
  EXPECT_EQ(counted("calls_expired"), 0u);
}

TEST_F(CallDeadline, KeepsItsPlaceAmongOtherCalls) {
  std::vector<int> order;
  std::vector<OwnedResult> results;
  {
    BlockedLoop block;
    for (int i = 0; i < 4; ++i) {
      crochet_call* call = prepare(&order, i);
      if (i % 2 != 0) {
        ASSERT_EQ(crochet_call_set_deadline_ns(call, kLong), CROCHET_OK);
      }
      results.emplace_back(make(call));
    }
  }
  for (const OwnedResult& result : results) EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

TEST_F(CallDeadline, ThatHasPassedFailsTheCallAndDropsItsArgument) {
  for (const std::int64_t timeout : {std::int64_t{0}, std::int64_t{1}}) {
    std::vector<int> order;
    DropCounter drops;
    crochet_call* call = prepare(&order, 1, &drops);
    ASSERT_EQ(crochet_call_set_deadline_ns(call, timeout), CROCHET_OK);
    const std::uint64_t before = counted("calls_expired");
    const std::uint64_t run_before = counted("calls_run");
    const OwnedResult result(make(call));
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EFAILED);
    const crochet_error* error = crochet_result_error(result.get());
    EXPECT_EQ(crochet_error_code(error), CROCHET_EEXPIRED);
    EXPECT_STREQ(crochet_error_message(error), crochet_status_message(CROCHET_EEXPIRED));
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(counted("calls_expired"), before + 1);
    EXPECT_EQ(counted("calls_run"), run_before);
  }
}

TEST_F(CallDeadline, ThatNobodyLooksAtIsLogged) {
  LogCapture log;
  crochet_call* call = prepare();
  ASSERT_EQ(crochet_call_set_label(call, "too late"), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_deadline_ns(call, 0), CROCHET_OK);
  ASSERT_EQ(crochet_call_run(call, &Noting::run, nullptr, nullptr), CROCHET_OK);
  let_the_loop_look();
  const std::string lines = log.stop();
  EXPECT_NE(lines.find("too late"), std::string::npos) << lines;
  EXPECT_NE(lines.find("CROCHET_EEXPIRED"), std::string::npos) << lines;
}

TEST_F(CallDeadline, OfACallThatHasStartedMeansNothing) {
  OwnedDeferred held;
  OwnedResult result;
  crochet_call* call = nullptr;
  ASSERT_EQ(crochet_call_new(nullptr, sizeof(OwnedDeferred*), &call), CROCHET_OK);
  *static_cast<OwnedDeferred**>(crochet_call_storage(call)) = &held;
  ASSERT_EQ(crochet_call_set_deadline_ns(call, kSecond), CROCHET_OK);
  ASSERT_EQ(crochet_call_run(
                call,
                [](crochet_deferred* deferred, void* storage) {
                  (*static_cast<OwnedDeferred**>(storage))->reset(crochet_deferred_retain(deferred));
                },
                nullptr, result.out()),
            CROCHET_OK);
  let_the_loop_look();
  ASSERT_NE(held.get(), nullptr) << "this machine needs more than a second to start a call";
  EXPECT_EQ(crochet_result_wait(result.get(), kSecond), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_resolve(held.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), 0), CROCHET_OK);
}

TEST_F(CallDeadline, AndADelayBothHold) {
  crochet_call* in_time = prepare();
  ASSERT_EQ(crochet_call_set_delay_ns(in_time, kShort), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_deadline_ns(in_time, kLong), CROCHET_OK);
  crochet_call* too_late = prepare();
  ASSERT_EQ(crochet_call_set_deadline_ns(too_late, kShort), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_delay_ns(too_late, kLong), CROCHET_OK);
  const auto begin = Clock::now();
  const OwnedResult runs(make(in_time)), expires(make(too_late));
  EXPECT_EQ(crochet_result_wait(runs.get(), kForever), CROCHET_OK);
  EXPECT_GE(Clock::now() - begin, std::chrono::nanoseconds(kShort));
  EXPECT_EQ(crochet_result_wait(expires.get(), kForever), CROCHET_EFAILED) << "not only when the delay is over";
  EXPECT_GE(Clock::now() - begin, std::chrono::nanoseconds(kShort));
  EXPECT_EQ(crochet_error_code(crochet_result_error(expires.get())), CROCHET_EEXPIRED);
}

TEST_F(CallDeadline, OfAnAfterCallIsCountedFromItsMaking) {
  Pending before;
  crochet_call* call = prepare();
  ASSERT_EQ(crochet_call_set_after(call, before.result.get()), CROCHET_OK);
  ASSERT_EQ(crochet_call_set_deadline_ns(call, kMillisecond), CROCHET_OK);
  const OwnedResult result(make(call));
  EXPECT_EQ(crochet_result_wait(result.get(), 2 * kMillisecond), CROCHET_ETIMEDOUT) << "the loop has not come to it";
  ASSERT_EQ(crochet_resolve(before.deferred.get(), nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_EFAILED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_EEXPIRED);
}

TEST_F(CallDeadline, OfACancelledCallFindsItCancelled) {
  BlockedLoop block;
  crochet_call* call = prepare();
  ASSERT_EQ(crochet_call_set_deadline_ns(call, 0), CROCHET_OK);
  const OwnedResult result(make(call));
  int outcome = 0;
  EXPECT_EQ(crochet_result_cancel(result.get(), &outcome), CROCHET_OK);
  EXPECT_EQ(outcome, CROCHET_CANCEL_NOT_RUN);
  block.unblock();
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ECANCELED);
  EXPECT_EQ(counted("calls_expired"), 0u);
}

// ---- crochet_sleep()

TEST_F(Sleep, SettlesAfterItsTimeWithNull) {
  PROVOKES(crochet_sleep, CROCHET_OK);
  for (const std::int64_t duration : {std::int64_t{0}, kShort}) {
    const auto begin = Clock::now();
    OwnedResult result;
    ASSERT_EQ(crochet_sleep(nullptr, duration, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
    EXPECT_GE(Clock::now() - begin, std::chrono::nanoseconds(duration));
    EXPECT_EQ(crochet_result_value(result.get()), nullptr);
  }
}

TEST_F(Sleep, IsEndedByACancelAndByTheStop) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  OwnedResult cancelled, stopped;
  ASSERT_EQ(crochet_sleep(loop.get(), kForever, cancelled.out()), CROCHET_OK);
  ASSERT_EQ(crochet_sleep(loop.get(), kForever, stopped.out()), CROCHET_OK);
  int outcome = 0;
  EXPECT_EQ(crochet_result_cancel(cancelled.get(), &outcome), CROCHET_OK);
  EXPECT_EQ(outcome, CROCHET_CANCEL_NOT_RUN);
  EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(cancelled.get(), 0), CROCHET_ECANCELED);
  EXPECT_EQ(crochet_result_wait(stopped.get(), 0), CROCHET_ESTOPPED);
}

TEST_F(Sleep, OfALoopThatHasStoppedIsRefused) {
  PROVOKES(crochet_sleep, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  crochet_result* result = reinterpret_cast<crochet_result*>(&result);
  EXPECT_EQ(crochet_sleep(loop.get(), 1, &result), CROCHET_ESTOPPED);
  EXPECT_EQ(result, nullptr);
}

TEST_F(Sleep, RefusesNowhereToGoBadTimesAndAStaleLoop) {
  PROVOKES(crochet_sleep, CROCHET_EINVAL);
  EXPECT_EQ(crochet_sleep(nullptr, 1, nullptr), CROCHET_EINVAL);
  crochet_result* result = reinterpret_cast<crochet_result*>(&result);
  EXPECT_EQ(crochet_sleep(nullptr, -2, &result), CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(crochet_sleep(stale_loop(), 1, &result), CROCHET_EINVAL);
  EXPECT_EQ(result, nullptr);
}

TEST_F(Sleep, IsSomethingToStartAfter) {
  std::vector<int> order;
  OwnedResult pause;
  ASSERT_EQ(crochet_sleep(nullptr, kShort, pause.out()), CROCHET_OK);
  crochet_call* call = prepare(&order, 1);
  ASSERT_EQ(crochet_call_set_after(call, pause.get()), CROCHET_OK);
  const OwnedResult result(make(call));
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(order, std::vector<int>{1});
}

}  // namespace
}  // namespace contract
