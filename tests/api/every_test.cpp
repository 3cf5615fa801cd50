// SPDX-License-Identifier: MIT
// Functions that run again and again: crochet_every().
#include <gtest/gtest.h>
#include <pthread.h>
#include <uv.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
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
#include "api/support/sanitizers.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr std::int64_t kLong = 1'000'000 * kSecond;
constexpr std::int64_t kShort = 5 * kMillisecond;

using Body = std::function<void(crochet_deferred*, std::uint64_t missed)>;

struct Recurring {
  Body body;
  static void call(crochet_deferred* deferred, void* arg, std::uint64_t missed) {
    static_cast<Recurring*>(arg)->body(deferred, missed);
  }
  static void drop(void* arg) { delete static_cast<Recurring*>(arg); }
};

crochet_result* every(std::int64_t first_ns, std::int64_t period_ns, Body body, crochet_loop* loop = nullptr) {
  crochet_result* result = nullptr;
  EXPECT_EQ(crochet_every(loop, first_ns, period_ns, &Recurring::call, new Recurring{std::move(body)}, &Recurring::drop,
                          &result),
            CROCHET_OK);
  return result;
}

class Every : public WithDefaultLoop {
 protected:
  static std::uint64_t counted(const char* name, crochet_loop* loop = nullptr) {
    std::uint64_t count = 0;
    EXPECT_EQ(crochet_loop_counter(loop, name, &count), CROCHET_OK);
    return count;
  }
  static int cancel(crochet_result* result) {
    int outcome = CROCHET_CANCEL_NONE;
    EXPECT_EQ(crochet_result_cancel(result, &outcome), CROCHET_OK);
    return outcome;
  }
};

void resolve(crochet_deferred* deferred) { crochet_resolve(deferred, nullptr, nullptr); }

TEST_F(Every, RunsAgainAndAgainUntilItFails) {
  PROVOKES(crochet_every, CROCHET_OK);
  for (const std::int64_t period : {std::int64_t{0}, kMillisecond}) {
    int rounds = 0;
    const OwnedResult result(every(0, period, [&rounds](crochet_deferred* deferred, std::uint64_t) {
      if (++rounds == 5) crochet_reject(deferred, -77, "five are enough");
      else resolve(deferred);
    }));
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EFAILED);
    EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), -77);
    EXPECT_STREQ(crochet_error_message(crochet_result_error(result.get())), "five are enough");
    EXPECT_EQ(rounds, 5);
  }
}

TEST_F(Every, IsNeverEarly) {
  using Clock = std::chrono::steady_clock;
  std::vector<Clock::time_point> begins;
  const auto start = Clock::now();
  const OwnedResult result(every(2 * kShort, kShort, [&begins](crochet_deferred* deferred, std::uint64_t missed) {
    for (std::uint64_t i = 0; i < missed; ++i) begins.push_back(Clock::time_point::max());
    begins.push_back(Clock::now());
    if (begins.size() < 4) resolve(deferred);
    else crochet_reject(deferred, -1, nullptr);
  }));
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  crochet_result_error(result.get());
  for (std::size_t i = 0; i < begins.size(); ++i) {
    EXPECT_GE(begins[i], start + std::chrono::nanoseconds((2 + static_cast<std::int64_t>(i)) * kShort)) << i;
  }
}

TEST_F(Every, ThePayloadOfTheFailureMovesOver) {
  DropCounter drops;
  {
    const OwnedResult result(every(0, 0, [&drops](crochet_deferred* deferred, std::uint64_t) {
      crochet_reject_with(deferred, -5, "why", 7, drops.pointer(), DropCounter::drop);
    }));
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(crochet_error_payload(crochet_result_error(result.get()), 7), drops.pointer());
    EXPECT_EQ(drops.count(), 0);
  }
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Every, ARoundThatIsOutstandingIsNotStartedAgain) {
  OwnedDeferred held;
  int rounds = 0;
  std::uint64_t missed = 0;
  Gate first, second;
  const OwnedResult result(every(0, kMillisecond, [&](crochet_deferred* deferred, std::uint64_t left_out) {
    ++rounds;
    if (rounds == 1) {
      held.reset(crochet_deferred_retain(deferred));
      first.open();  // what a late first round has missed is not the second's
    } else if (rounds == 2) {
      missed = left_out;
      resolve(deferred);
      second.open();
    } else {
      resolve(deferred);
    }
  }));
  first.wait();
  EXPECT_EQ(crochet_result_wait(result.get(), 10 * kMillisecond), CROCHET_ETIMEDOUT);
  EXPECT_EQ(on_loop(nullptr, [&] { EXPECT_EQ(rounds, 1); }), CROCHET_OK);
  resolve(held.get());
  second.wait();
  EXPECT_GE(missed, 8u);
  cancel(result.get());
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ECANCELED);
  held.reset();
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
}

TEST_F(Every, ARoundThatIsBrokenIsTheLast) {
  int rounds = 0;
  const OwnedResult result(every(0, 0, [&rounds](crochet_deferred*, std::uint64_t) { ++rounds; }));
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EFAILED);
  EXPECT_EQ(crochet_error_code(crochet_result_error(result.get())), CROCHET_EBROKEN);
  EXPECT_EQ(rounds, 1);
}

TEST_F(Every, ARoundThatThrowsIsTheLast) {
  int rounds = 0;
  const OwnedResult result(every(0, 0, [&rounds](crochet_deferred* deferred, std::uint64_t) {
    if (++rounds == 2) throw std::runtime_error("thrown");
    resolve(deferred);
  }));
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EFAILED);
  EXPECT_STREQ(crochet_error_message(crochet_result_error(result.get())), "thrown");
}

TEST_F(Every, AFailureThatNobodyCanLookAtIsLogged) {
  LogCapture log;
  DropCounter drops;
  ASSERT_EQ(crochet_every(
                nullptr, 0, 0,
                [](crochet_deferred* deferred, void*, std::uint64_t) { crochet_reject(deferred, -9, "of a round"); },
                drops.pointer(), DropCounter::drop, nullptr),
            CROCHET_OK);
  drops.wait();
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  const std::string lines = log.stop();
  const std::size_t first = lines.find("of a round");
  EXPECT_NE(first, std::string::npos) << lines;
  EXPECT_EQ(lines.find("of a round", first + 1), std::string::npos) << "once: " << lines;
}

// ---- Cancelling

TEST_F(Every, CancelledBetweenTwoRoundsHasEnded) {
  for (const bool has_run : {false, true}) {
    DropCounter drops;
    Gate ran;
    OwnedResult result;
    {
      auto holder = std::shared_ptr<void>(drops.pointer(), &DropCounter::drop);
      result.reset(every(has_run ? 0 : kLong, kLong, [&ran, holder](crochet_deferred* deferred, std::uint64_t) {
        resolve(deferred);
        ran.open();
      }));
    }
    if (has_run) ran.wait();
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(cancel(result.get()), CROCHET_CANCEL_REQUESTED);
    EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ECANCELED);
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
    EXPECT_EQ(drops.count(), 1);
  }
}

TEST_F(Every, CancelledBeforeItBeginsNeverRuns) {
  int rounds = 0;
  BlockedLoop block;
  const OwnedResult result(every(0, 0, [&rounds](crochet_deferred* deferred, std::uint64_t) {
    ++rounds;
    resolve(deferred);
  }));
  cancel(result.get());
  block.unblock();
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ECANCELED);
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(rounds, 0);
}

// Both are due when the loop looks, and what asks the round to end is queued behind.
TEST_F(Every, CancelledBeforeARoundThatIsDueDoesNotRunIt) {
  struct Gates {
    Gate entered, leave;
  } gates;
  OwnedResult result;
  int rounds = 0;
  {
    BlockedLoop block;
    OwnedCall first;
    ASSERT_EQ(crochet_call_new(nullptr, sizeof(Gates*), first.out()), CROCHET_OK);
    *static_cast<Gates**>(crochet_call_storage(first.get())) = &gates;
    ASSERT_EQ(crochet_call_set_delay_ns(first.get(), 1), CROCHET_OK);
    const auto stand_still = [](crochet_deferred* deferred, void* storage) {
      Gates& at = **static_cast<Gates**>(storage);
      at.entered.open();
      at.leave.wait();
      resolve(deferred);
    };
    ASSERT_EQ(crochet_call_run(first.release(), stand_still, nullptr, nullptr), CROCHET_OK);
    result = OwnedResult(every(0, kLong, [&rounds](crochet_deferred* deferred, std::uint64_t) {
      ++rounds;
      resolve(deferred);
    }));
    block.let_go();
    gates.entered.wait();
    EXPECT_EQ(cancel(result.get()), CROCHET_CANCEL_REQUESTED);
    gates.leave.open();
  }
  EXPECT_EQ(crochet_result_wait(result.get(), kKillTimer), CROCHET_ECANCELED);
  EXPECT_EQ(rounds, 0);
}

TEST_F(Every, CancelledInsideItsFunctionEndsWithTheRound) {
  OwnedResult result;
  int rounds = 0;
  BlockedLoop block;
  result.reset(every(0, 0, [&](crochet_deferred* deferred, std::uint64_t) {
    ++rounds;
    EXPECT_EQ(cancel(result.get()), CROCHET_CANCEL_REQUESTED);
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_EPENDING);
    resolve(deferred);
  }));
  block.unblock();
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ECANCELED);
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(rounds, 1);
}

// A round that runs, with an on-cancel hook; what the hook does is told.
struct Outstanding {
  OwnedDeferred round;
  Gate begun, asked;
  OwnedResult result;
  explicit Outstanding(crochet_loop* loop = nullptr, int code = CROCHET_OK) {
    result.reset(every(
        0, kMillisecond,
        [this, code](crochet_deferred* deferred, std::uint64_t) {
          round.reset(crochet_deferred_retain(deferred));
          struct Asked {
            Gate* gate;
            int code;
          };
          EXPECT_EQ(crochet_deferred_on_cancel(
                        deferred,
                        [](crochet_deferred* hooked, void* arg) {
                          const auto* self = static_cast<Asked*>(arg);
                          if (self->code != CROCHET_OK) crochet_reject(hooked, self->code, "as it was told");
                          self->gate->open();
                        },
                        new Asked{&asked, code}, [](void* arg) { delete static_cast<Asked*>(arg); }),
                    CROCHET_OK);
          begun.open();
        },
        loop));
    begun.wait();
  }
};

TEST_F(Every, CancelledWhileARoundRunsAsksThatAndAwaitsItsEnd) {
  Outstanding outstanding;
  EXPECT_EQ(cancel(outstanding.result.get()), CROCHET_CANCEL_REQUESTED);
  outstanding.asked.wait();
  EXPECT_EQ(crochet_deferred_is_cancelled(outstanding.round.get()), 1);
  EXPECT_EQ(crochet_result_wait(outstanding.result.get(), 10 * kMillisecond), CROCHET_ETIMEDOUT);
  resolve(outstanding.round.get());
  EXPECT_EQ(crochet_result_wait(outstanding.result.get(), kForever), CROCHET_ECANCELED);
  outstanding.round.reset();
  EXPECT_EQ(crochet_result_join(outstanding.result.get(), kForever), CROCHET_OK);
}

TEST_F(Every, CancelledWhileARoundRunsIsCancelledOrFailsAsThatDoes) {
  for (const int code : {static_cast<int>(UV_ECANCELED), -7}) {
    Outstanding outstanding(nullptr, code);
    cancel(outstanding.result.get());
    EXPECT_EQ(crochet_result_wait(outstanding.result.get(), kForever),
              code == -7 ? CROCHET_EFAILED : CROCHET_ECANCELED);
    outstanding.round.reset();
    EXPECT_EQ(crochet_result_join(outstanding.result.get(), kForever), CROCHET_OK);
  }
}

// Who asked first decides, also for what a round says by itself.
TEST_F(Every, CancelledBeforeARoundRejectsAsCancelledIsCancelled) {
  Gate entered, asked;
  const OwnedResult result(every(0, kLong, [&](crochet_deferred* deferred, std::uint64_t) {
    entered.open();
    asked.wait();
    crochet_reject(deferred, CROCHET_ECANCELED, nullptr);
  }));
  entered.wait();
  EXPECT_EQ(cancel(result.get()), CROCHET_CANCEL_REQUESTED);
  asked.open();
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ECANCELED);
}

TEST_F(Every, CancelledWhileARoundWithoutAHookRunsEndsAtOnce) {
  OwnedDeferred held;
  Gate begun;
  DropCounter drops;
  OwnedResult result;
  {
    auto holder = std::shared_ptr<void>(drops.pointer(), &DropCounter::drop);
    result.reset(every(0, 0, [&held, &begun, holder](crochet_deferred* deferred, std::uint64_t) {
      held.reset(crochet_deferred_retain(deferred));
      begun.open();
    }));
  }
  begun.wait();
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  cancel(result.get());
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ECANCELED);
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  EXPECT_EQ(drops.count(), 0) << "a round is outstanding, and may use the argument";
  held.reset();
  EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  EXPECT_EQ(drops.count(), 1);
}

// ---- Stopping

TEST_F(Every, IsStoppedWithItsLoop) {
  for (const bool has_run : {false, true}) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    DropCounter drops;
    Gate ran;
    OwnedResult result;
    {
      auto holder = std::shared_ptr<void>(drops.pointer(), &DropCounter::drop);
      result.reset(every(
          has_run ? 0 : kLong, kLong,
          [&ran, holder](crochet_deferred* deferred, std::uint64_t) {
            resolve(deferred);
            ran.open();
          },
          loop.get()));
    }
    if (has_run) ran.wait();
    EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK) << "nobody waits for the grace";
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(counted("calls_held", loop.get()), 0u);
  }
}

// A shutdown stops the newest loop first, which may take its grace; the default loop goes on meanwhile, and nobody has
// a handle of it any more.
TEST_F(Every, OfTheDefaultLoopIsStoppedByAShutdownThatStopsAnotherOneFirst) {
  OwnedLoop other;
  ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
  OwnedDeferred held;
  OwnedResult of_other;
  ASSERT_EQ(crochet_deferred_new(other.get(), nullptr, nullptr, held.out(), of_other.out()), CROCHET_OK);
  std::atomic<int> rounds{0};
  const OwnedResult result(every(0, kMillisecond, [&rounds](crochet_deferred* deferred, std::uint64_t) {
    resolve(deferred);
    ++rounds;
  }));
  std::thread releaser([&] {
    while (crochet_deferred_is_cancelled(held.get()) == 0)
      std::this_thread::yield();  // the other loop's stop has begun
    const int before = rounds;
    while (rounds < before + 10) std::this_thread::yield();
    held.reset();
  });
  EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
  releaser.join();
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
}

TEST_F(Every, ThatRunsAllTheTimeIsStoppedWithItsLoop) {
  for (int i = 0; i < 20; ++i) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    Gate ran;
    const OwnedResult result(every(
        0, 0,
        [&ran](crochet_deferred* deferred, std::uint64_t) {
          ran.open();
          resolve(deferred);
        },
        loop.get()));
    ran.wait();
    EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result.get(), 0), CROCHET_OK);
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  }
}

TEST_F(Every, WithARoundThatRunsIsStoppedAndTheRoundGetsItsGrace) {
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Outstanding outstanding(loop.get(), UV_ECANCELED);
  OwnedResult stop;
  ASSERT_EQ(crochet_run(
                nullptr,
                [](crochet_deferred* deferred, void* to_stop) {
                  EXPECT_EQ(crochet_loop_stop(static_cast<crochet_loop*>(to_stop), kKillTimer), CROCHET_EINPROGRESS);
                  crochet_resolve(deferred, nullptr, nullptr);
                },
                loop.get(), nullptr, stop.out()),
            CROCHET_OK);
  outstanding.asked.wait();
  EXPECT_EQ(crochet_result_wait(outstanding.result.get(), kForever), CROCHET_ESTOPPED);
  outstanding.round.reset();
  EXPECT_EQ(crochet_loop_stop(loop.get(), kKillTimer), CROCHET_OK);
  EXPECT_EQ(crochet_result_join(outstanding.result.get(), 0), CROCHET_OK);
  EXPECT_EQ(counted("calls_held", loop.get()), 0u);
}

TEST_F(Every, WithARoundThatIsStuckIsStoppedAndRunsNoMore) {
  LogCapture log;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  Gate entered, leave;
  DropCounter drops;
  OwnedResult result;
  {
    auto holder = std::shared_ptr<void>(drops.pointer(), &DropCounter::drop);
    result.reset(every(
        0, 0,
        [&entered, &leave, holder](crochet_deferred*, std::uint64_t) {
          entered.open();
          leave.wait();
        },
        loop.get()));
  }
  entered.wait();
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_ETIMEDOUT);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(drops.count(), 0) << "it is in use";
  leave.open();
  drops.wait();
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
}

TEST_F(Every, WhoseThreadEndsInARoundIsStopped) {
  SKIP_UNDER_THREAD_SANITIZER("does not know pthread_exit through C++ frames");
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  const OwnedResult result(every(
      0, 0, [](crochet_deferred*, std::uint64_t) { pthread_exit(nullptr); }, loop.get()));
  EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_ESTOPPED);
  EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_OK);
}

TEST_F(Every, OfALoopThatHasStoppedIsRefusedAndDropsItsArgument) {
  PROVOKES(crochet_every, CROCHET_ESTOPPED);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  ASSERT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  DropCounter drops;
  crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
  EXPECT_EQ(crochet_every(
                loop.get(), 0, 1, [](crochet_deferred*, void*, std::uint64_t) {}, drops.pointer(), DropCounter::drop,
                &result),
            CROCHET_ESTOPPED);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(Every, RefusesNoFunctionNegativeTimesAndAStaleLoop) {
  PROVOKES(crochet_every, CROCHET_EINVAL);
  DropCounter drops;
  crochet_every_fn* const fn = [](crochet_deferred*, void*, std::uint64_t) { ADD_FAILURE() << "it was called"; };
  const auto refuses = [&](crochet_loop* loop, std::int64_t first, std::int64_t period, crochet_every_fn* function) {
    const int before = drops.count();
    crochet_result* result = reinterpret_cast<crochet_result*>(&drops);
    EXPECT_EQ(crochet_every(loop, first, period, function, drops.pointer(), DropCounter::drop, &result),
              CROCHET_EINVAL);
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(drops.count(), before + 1);
  };
  refuses(nullptr, 0, 0, nullptr);
  refuses(nullptr, -1, 0, fn);
  refuses(nullptr, 0, -1, fn);
  refuses(nullptr, INT64_MIN, INT64_MIN, fn);
  refuses(stale_loop(), 0, 0, fn);
}

TEST_F(Every, OfTheLongestTimesWaits) {
  const OwnedResult first(every(INT64_MAX, INT64_MAX, [](crochet_deferred*, std::uint64_t) { ADD_FAILURE(); }));
  int rounds = 0;
  const OwnedResult second(every(0, INT64_MAX, [&rounds](crochet_deferred* deferred, std::uint64_t) {
    ++rounds;
    resolve(deferred);
  }));
  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);  // it has begun: what is due first is run first
  OwnedResult moment;
  ASSERT_EQ(crochet_sleep(nullptr, 1, moment.out()), CROCHET_OK);
  EXPECT_EQ(crochet_result_wait(moment.get(), kForever), CROCHET_OK);
  EXPECT_EQ(rounds, 1);
}

TEST_F(Every, WorksOnALoopOfTheHosts) {
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  int rounds = 0;
  const OwnedResult result(every(
      0, kMillisecond,
      [&rounds](crochet_deferred* deferred, std::uint64_t) {
        resolve(deferred);
        if (++rounds == 3) {
          EXPECT_EQ(crochet_loop_stop(crochet_current_loop(), 0), CROCHET_EINPROGRESS);
        }
      },
      loop.get()));
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
  EXPECT_EQ(host.close(), 0);
}

}  // namespace
}  // namespace contract
