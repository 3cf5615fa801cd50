// SPDX-License-Identifier: MIT
// The life of a call, one transition after the other. Suites N1 to N7 hold the invariants of call.hpp.
#include "call/call.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/log_capture.hpp"
#include "call/hook.hpp"
#include "call/waiting.hpp"
#include "log/drop.hpp"
#include "unit/support/fake_loops.hpp"
#include "unit/support/made_call.hpp"

namespace crochet {
namespace {

using contract::DropCounter;
using contract::LogCapture;

class CallTest : public WithFakeLoops {};
class Birth : public CallTest {};
class Run : public CallTest {};
class Settle : public CallTest {};
class Reject : public CallTest {};
class Cancel : public CallTest {};
class Take : public CallTest {};
class Failure : public CallTest {};
class Stop : public CallTest {};
class Fork : public CallTest {};
class SideRecordOf : public CallTest {};
class N1 : public CallTest {};
class N2 : public CallTest {};
class N3 : public CallTest {};
class N4 : public CallTest {};
class N5 : public CallTest {};
class N6 : public CallTest {};
class N7 : public CallTest {};

// Ends whatever phase the call is in, and lets go of it. A queued one must have been popped.
void end(const MadeCall& call) {
  call->end_as(Outcome::kNotRun, Outcome::kStopped);
  call->observe(call.generation);
}

// ---- Birth

TEST_F(Birth, OfAQueuedCallSetsEveryField) {
  int arg = 0;
  const MadeCall call = queued_call(do_nothing, &arg, DropCounter::drop, 1, word::kForgotten);
  EXPECT_EQ(word::phase(call.word()), Phase::kQueued);
  EXPECT_EQ(word::generation(call.word()), call.generation);
  EXPECT_EQ(call.word() & ~(word::kGenerationMask | word::kPhaseMask | 0xffff'ffff'0000'0000u), word::kForgotten);
  EXPECT_EQ(call->loop.load(), kLoopId);
  EXPECT_EQ(call->arg, &arg);
  EXPECT_EQ(call->drop, &DropCounter::drop);
  EXPECT_EQ(call->plain_function(), &do_nothing);
  call->drop = nullptr;
  call->refuse();
  call.release();
}

TEST_F(Birth, ByHandRunsFromTheStart) {
  const MadeCall call = running_call();
  EXPECT_EQ(word::phase(call.word()), Phase::kRunning);
  EXPECT_EQ(call->plain_function(), nullptr);
  call.resolve();
  call.release_deferred();
  call.release();
}

TEST_F(Birth, LendsOneDeferred) {
  const MadeCall call = running_call();
  call.resolve();
  EXPECT_TRUE(call.release_deferred());
  EXPECT_FALSE(call.release_deferred());
  EXPECT_TRUE(call.has(word::kFinished));
  call.release();
}

TEST_F(Birth, KeepsTheSideRecordOfAPreparedCall) {
  Call* slot = allocate_call();
  SideRecord* side = slot->need_side();
  side->label.store("prepared", relaxed);
  slot->set_function(resolve_null);
  const MadeCall call{slot, slot->make_prepared(kLoopId, nullptr, nullptr, 1, word::kHasMore)};
  EXPECT_EQ(call->side(), side);
  EXPECT_EQ(call->plain_function(), &resolve_null);
  EXPECT_STREQ(call->label(), "prepared");
  process(*slot);
  call.release();
}

// ---- Running

struct Seen {
  crochet_deferred* deferred = nullptr;
  int runs = 0;
  int settled = 0;
};

void look(crochet_deferred* deferred, void* arg) {
  auto* seen = static_cast<Seen*>(arg);
  seen->deferred = deferred;
  ++seen->runs;
  seen->settled = settle_by(deferred);
}

TEST_F(Run, StartsOnce) {
  const MadeCall call = queued_call();
  EXPECT_TRUE(call->start());
  EXPECT_EQ(word::phase(call.word()), Phase::kRunning);
  EXPECT_FALSE(call->start());
  call->run();
  call->observe(call.generation);
  call.release();
}

TEST_F(Run, DoesNotStartWhatWasCancelled) {
  const MadeCall call = queued_call();
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
  EXPECT_FALSE(call->start());
  call->release_reference();
  call.release();
}

TEST_F(Run, DoesNotStartWhatWasCancelledWhenItsTimeHasCome) {
  DropCounter arg;
  const MadeCall call = queued_call(do_nothing, arg.pointer(), DropCounter::drop, 1, word::kConditional);
  EXPECT_FALSE(call->start()) << "it has to be asked in another way";
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
  EXPECT_FALSE(call->start_conditional());
  EXPECT_EQ(arg.count(), 1);
  call->release_reference();
  call.release();
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(Run, CallsTheFunctionWithItsDeferredAndArgument) {
  Seen seen;
  const MadeCall call = queued_call(look, &seen);
  process(*call.call);
  EXPECT_EQ(seen.runs, 1);
  EXPECT_EQ(seen.deferred, deferred_handle(call.call, call.generation));
  EXPECT_EQ(seen.settled, CROCHET_OK);
  EXPECT_TRUE(word::finished(call.word()));
  call.release();
}

TEST_F(Run, LeavesACallUnfinishedWhoseFunctionKeptADeferred) {
  DropCounter arg;
  const MadeCall call = queued_call(
      [](crochet_deferred* deferred, void*) {
        const Target target = target_of(deferred);
        EXPECT_TRUE(target.call->retain_deferred(target.generation));
      },
      arg.pointer(), DropCounter::drop);
  process(*call.call);
  EXPECT_FALSE(word::settled(call.word()));
  EXPECT_EQ(arg.count(), 0);
  EXPECT_EQ(call.resolve(), CROCHET_OK);
  EXPECT_EQ(arg.count(), 0);
  EXPECT_TRUE(call.release_deferred());
  EXPECT_EQ(arg.count(), 1);
  call.release();
}

TEST_F(Run, TurnsAnExceptionIntoAFailure) {
  const MadeCall call = queued_call([](crochet_deferred*, void*) { throw std::runtime_error("too bad"); });
  process(*call.call);
  EXPECT_EQ(wait_code(call.word()), CROCHET_EFAILED);
  EXPECT_EQ(call->error_code(), CROCHET_EFAILED);
  EXPECT_STREQ(call->error_message(), "too bad");
  call->observe(call.generation);
  call.release();
}

TEST_F(Run, TurnsAnythingThrownIntoAFailure) {
  const MadeCall call = queued_call([](crochet_deferred*, void*) { throw 7; });
  process(*call.call);
  EXPECT_EQ(wait_code(call.word()), CROCHET_EFAILED);
  EXPECT_STRNE(call->error_message(), "");
  EXPECT_TRUE(word::finished(call.word()));
  call->observe(call.generation);
  call.release();
}

TEST_F(Run, LogsWhatIsThrownAfterTheSettling) {
  const MadeCall call = queued_call([](crochet_deferred* deferred, void*) {
    settle_by(deferred);
    throw std::runtime_error("too late");
  });
  LogCapture capture;
  process(*call.call);
  EXPECT_EQ(wait_code(call.word()), CROCHET_OK);
  EXPECT_EQ(LogCapture::occurrences(capture.stop(), "too late"), 1);
  call.release();
}

TEST_F(Run, LetsAThreadsEndThrough) {
  DropCounter arg;
  const MadeCall call =
      queued_call([](crochet_deferred*, void*) { pthread_exit(nullptr); }, arg.pointer(), DropCounter::drop);
  std::thread([&] { process(*call.call); }).join();
  EXPECT_EQ(wait_code(call.word()), CROCHET_ESTOPPED) << "like its loop";
  EXPECT_TRUE(word::finished(call.word()));
  EXPECT_EQ(arg.count(), 1);
  call.release();
}

TEST_F(Run, LogsWhatADropFunctionThrows) {
  LogCapture capture;
  run_drop([](void*) { throw std::runtime_error("in a drop"); }, nullptr);
  run_drop([](void*) { throw 7; }, nullptr);
  const std::string& text = capture.stop();
  EXPECT_EQ(LogCapture::occurrences(text, "in a drop"), 1);
  EXPECT_EQ(LogCapture::occurrences(text, "\n"), 2);
}

// ---- Settling

TEST_F(Settle, KeepsTheFirstValue) {
  int first = 0, second = 0;
  const MadeCall call = running_call();
  EXPECT_EQ(call.resolve(&first), CROCHET_OK);
  EXPECT_EQ(call.resolve(&second), CROCHET_EALREADY);
  EXPECT_EQ(call.reject(-7), CROCHET_EALREADY);
  EXPECT_EQ(call->value, &first);
  EXPECT_EQ(wait_code(call.word()), CROCHET_OK);
  call.release_deferred();
  call.release();
}

TEST_F(Settle, IsForRunningCallsOnly) {
  const MadeCall call = queued_call();
  EXPECT_EQ(call.resolve(), CROCHET_EALREADY);
  EXPECT_EQ(call.reject(-1), CROCHET_EALREADY);
  EXPECT_EQ(word::phase(call.word()), Phase::kQueued);
  call->refuse();
  call.release();
}

TEST_F(Settle, ByOneOfManyThreadsWins) {
  constexpr int kThreads = 4, kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    DropCounter value;
    const MadeCall call = running_call(nullptr, nullptr, 1);
    std::array<int, kThreads> codes{};
    contract::at_once(kThreads, [&](int i) {
      codes[static_cast<std::size_t>(i)] =
          i % 2 == 0 ? call.resolve(value.pointer(), DropCounter::drop) : call.reject(-9, "text");
    });
    EXPECT_EQ(std::count(codes.begin(), codes.end(), CROCHET_OK), 1);
    EXPECT_EQ(std::count(codes.begin(), codes.end(), CROCHET_EALREADY), kThreads - 1);
    const bool has_value = wait_code(call.word()) == CROCHET_OK;
    call->observe(call.generation);
    call.release_deferred();
    call.release();
    EXPECT_EQ(value.count(), has_value ? 1 : 0);  // refused values are the callers'
  }
}

// ---- Rejecting

TEST_F(Reject, KeepsACodeWithoutARecord) {
  const MadeCall call = running_call();
  EXPECT_EQ(call.reject(-1234, ""), CROCHET_OK);
  EXPECT_EQ(wait_code(call.word()), CROCHET_EFAILED);
  EXPECT_EQ(call->error_code(), -1234);
  EXPECT_STREQ(call->error_message(), "a code of the application's own");
  EXPECT_EQ(call->error_payload(0), nullptr);
  call->observe(call.generation);
  call.release_deferred();
  call.release();
}

TEST_F(Reject, TakesNoCodeThatIsNotNegative) {
  for (const int code : {0, 1, 12345}) {
    const MadeCall call = running_call();
    EXPECT_EQ(call.reject(code), CROCHET_OK);
    EXPECT_EQ(call->error_code(), CROCHET_EFAILED) << code;
    call->observe(call.generation);
    call.release_deferred();
    call.release();
  }
}

TEST_F(Reject, KeepsTextAndPayloadUntilTheEnd) {
  DropCounter payload;
  const MadeCall call = running_call();
  EXPECT_EQ(call->reject(call.generation, -7, "text", 42, payload.pointer(), DropCounter::drop), CROCHET_OK);
  EXPECT_EQ(call->error_code(), -7);
  EXPECT_STREQ(call->error_message(), "text");
  EXPECT_EQ(call->error_payload(42), payload.pointer());
  EXPECT_EQ(call->error_payload(43), nullptr);
  call->observe(call.generation);
  call.release_deferred();
  EXPECT_EQ(payload.count(), 0);
  call.release();
  EXPECT_EQ(payload.count(), 1);
}

TEST_F(Reject, FallsBackToTheCodesTextWhenThereIsAPayloadOnly) {
  DropCounter payload;
  const MadeCall call = running_call();
  call->reject(call.generation, CROCHET_ETYPE, nullptr, 1, payload.pointer(), nullptr);
  EXPECT_STREQ(call->error_message(), "stashed with another type");
  call->observe(call.generation);
  call.release_deferred();
  call.release();
  EXPECT_EQ(payload.count(), 0);
}

TEST_F(Reject, DropsThePayloadOfTheLoser) {
  DropCounter payload;
  const MadeCall call = running_call();
  call.resolve();
  EXPECT_EQ(call->reject(call.generation, -7, "text", 42, payload.pointer(), DropCounter::drop), CROCHET_EALREADY);
  EXPECT_EQ(payload.count(), 1);
  EXPECT_EQ(call->reject(call.generation + 1, -7, nullptr, 42, payload.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(payload.count(), 2);
  call.release_deferred();
  call.release();
}

TEST_F(Reject, AsCancelledIsAFailureWhenNobodyAsked) {
  const MadeCall call = running_call();
  call.reject(-ECANCELED);
  EXPECT_EQ(wait_code(call.word()), CROCHET_EFAILED);
  EXPECT_EQ(call->error_code(), -ECANCELED);
  call->observe(call.generation);
  call.release_deferred();
  call.release();
}

TEST_F(Reject, AsCancelledGivesTheReasonThatWasAskedFor) {
  for (const int code : {-ECANCELED, CROCHET_ECANCELED}) {
    for (const bool by_stop : {false, true}) {
      DropCounter payload;
      const MadeCall call = running_call();
      ASSERT_EQ(set_hook(*call.call, call.generation, do_nothing, nullptr, nullptr), CROCHET_OK);
      if (by_stop) {
        EXPECT_TRUE(call->ask_to_stop());
      } else {
        EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);
      }
      EXPECT_EQ(call->reject(call.generation, code, "aborted", 1, payload.pointer(), DropCounter::drop), CROCHET_OK);
      EXPECT_EQ(payload.count(), 1) << "it can't be kept";
      EXPECT_EQ(wait_code(call.word()), by_stop ? CROCHET_ESTOPPED : CROCHET_ECANCELED);
      if (!by_stop) call->deliver_cancel_message();
      call.release_deferred();
      call.release();
    }
  }
}

TEST_F(Reject, WithAnotherCodeIsItselfAlsoAfterACancel) {
  const MadeCall call = running_call();
  ASSERT_EQ(set_hook(*call.call, call.generation, do_nothing, nullptr, nullptr), CROCHET_OK);
  call.cancel();
  call.reject(-5, "broken pipe or so");
  EXPECT_EQ(wait_code(call.word()), CROCHET_EFAILED);
  EXPECT_EQ(call->error_code(), -5);
  LogCapture capture;
  call->deliver_cancel_message();
  call.release_deferred();
  call.release();
  EXPECT_EQ(capture.stop(), "") << "a failure after a cancel is never logged";
}

// ---- Cancelling

TEST_F(Cancel, OfAQueuedCallDropsItsArgumentHere) {
  DropCounter arg;
  const MadeCall call = queued_call(do_nothing, arg.pointer(), DropCounter::drop);
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
  EXPECT_EQ(arg.count(), 1);
  EXPECT_EQ(wait_code(call.word()), CROCHET_ECANCELED);
  EXPECT_TRUE(word::finished(call.word()));
  EXPECT_TRUE(call.has(word::kNeverRan));
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_TOO_LATE);
  EXPECT_EQ(loops().cancelled(), 1);
  call->release_reference();
  call.release();
  EXPECT_EQ(arg.count(), 1);
}

TEST_F(Cancel, OfARunningCallWithoutAHookSettlesIt) {
  const MadeCall call = running_call();
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(wait_code(call.word()), CROCHET_ECANCELED);
  EXPECT_FALSE(word::finished(call.word()));
  EXPECT_TRUE(call->asked_to_end(call.generation));
  EXPECT_TRUE(loops().posted().empty());
  EXPECT_EQ(loops().cancelled(), 0) << "it was run";
  call.release_deferred();
  call.release();
}

TEST_F(Cancel, OfACallWithAHookPostsItOnce) {
  const MadeCall call = running_call();
  ASSERT_EQ(set_hook(*call.call, call.generation, do_nothing, nullptr, nullptr), CROCHET_OK);
  const Word before = call.references();
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(loops().posted(), std::vector<Call*>{call.call});
  EXPECT_EQ(loops().posted_to(), std::vector<std::uint32_t>{kLoopId});
  EXPECT_EQ(call.references(), before + 1) << "the message's reference";
  EXPECT_TRUE(is_message(call.word()));
  EXPECT_FALSE(word::settled(call.word()));
  call->deliver_cancel_message();
  EXPECT_EQ(call.references(), before);
  call.resolve();
  call.release_deferred();
  call.release();
}

TEST_F(Cancel, WhoseMessageIsRefusedLeavesItToTheStoppingLoop) {
  const MadeCall call = running_call();
  ASSERT_EQ(set_hook(*call.call, call.generation, do_nothing, nullptr, nullptr), CROCHET_OK);
  const Word before = call.references();
  loops().refuse();
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(loops().asked_to_look_for_hooks(), 1);
  EXPECT_EQ(call.references(), before);
  EXPECT_FALSE(word::settled(call.word()));
  call.resolve();
  call.release_deferred();
  call.release();
}

TEST_F(Cancel, AfterTheStopAskedSettlesAsStopped) {
  const MadeCall call = running_call();
  EXPECT_FALSE(call->ask_to_stop());
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(wait_code(call.word()), CROCHET_ESTOPPED);
  EXPECT_FALSE(call.has(word::kCancelAsked));
  call.release_deferred();
  call.release();
}

TEST_F(Cancel, ComesTooLateForASettledCall) {
  const MadeCall call = running_call();
  call.resolve();
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_TOO_LATE);
  EXPECT_FALSE(call.has(word::kAsked));
  EXPECT_FALSE(call->asked_to_end(call.generation));
  call.release_deferred();
  call.release();
}

// ---- Taking

TEST_F(Take, GivesTheValueOnce) {
  DropCounter value;
  const MadeCall call = running_call();
  void* taken = nullptr;
  crochet_drop_fn* drop = nullptr;
  EXPECT_EQ(call->take(call.generation, &taken, &drop), CROCHET_EPENDING);
  call.resolve(value.pointer(), DropCounter::drop);
  EXPECT_EQ(call->take(call.generation, &taken, &drop), CROCHET_OK);
  EXPECT_EQ(taken, value.pointer());
  EXPECT_EQ(drop, &DropCounter::drop);
  EXPECT_EQ(call->take(call.generation, &taken, &drop), CROCHET_ETAKEN);
  call.release_deferred();
  call.release();
  EXPECT_EQ(value.count(), 0);
}

TEST_F(Take, LeavesTheValueToTheEndWhenNobodyCame) {
  DropCounter value;
  const MadeCall call = running_call();
  call.resolve(value.pointer(), DropCounter::drop);
  call.release_deferred();
  EXPECT_EQ(value.count(), 0);
  call.release();
  EXPECT_EQ(value.count(), 1);
}

TEST_F(Take, IsRefusedWithTheWayTheCallEnded) {
  void* taken = nullptr;
  crochet_drop_fn* drop = nullptr;
  const auto code = [&](const std::function<void(const MadeCall&)>& ended_by) {
    const MadeCall call = running_call();
    ended_by(call);
    const int result = call->take(call.generation, &taken, &drop);
    EXPECT_TRUE(call->observe(call.generation));
    call.release_deferred();
    call.release();
    return result;
  };
  EXPECT_EQ(code([](const MadeCall& call) { call.reject(-3); }), CROCHET_EFAILED);
  EXPECT_EQ(code([](const MadeCall& call) { call.cancel(); }), CROCHET_ECANCELED);
  EXPECT_EQ(code([](const MadeCall& call) { call->end_as(Outcome::kNotRun, Outcome::kStopped); }), CROCHET_ESTOPPED);
  EXPECT_EQ(code([](const MadeCall& call) { call.release_deferred(); }), CROCHET_EBROKEN);
}

TEST_F(Take, ByManyThreadsHasOneWinner) {
  constexpr int kThreads = 4, kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    DropCounter value;
    const MadeCall call = running_call();
    call.resolve(value.pointer(), DropCounter::drop);
    std::atomic<int> winners{0};
    contract::at_once(kThreads, [&](int) {
      void* taken = nullptr;
      crochet_drop_fn* drop = nullptr;
      if (call->take(call.generation, &taken, &drop) == CROCHET_OK) winners.fetch_add(1);
    });
    EXPECT_EQ(winners.load(), 1);
    call.release_deferred();
    call.release();
    EXPECT_EQ(value.count(), 0);
  }
}

// ---- Failures that nobody looked at

std::string log_of(const std::function<void(const MadeCall&)>& ended_by, Word flags = 0, bool observe = false) {
  const MadeCall call = running_call(nullptr, nullptr, 1, flags);
  call->need_side()->label.store("the call", relaxed);
  ended_by(call);
  EXPECT_TRUE(!observe || call->observe(call.generation));
  LogCapture capture;
  call.release_deferred();
  call.release();
  EXPECT_TRUE(call.is_destroyed());
  return capture.stop();
}

TEST_F(Failure, IsLoggedWithLabelTextAndCodeWhenNobodyLooked) {
  const std::string text = log_of([](const MadeCall& call) { call.reject(CROCHET_ETYPE, "the reason"); });
  EXPECT_EQ(LogCapture::occurrences(text, "\n"), 1);
  for (const char* part : {"the call", "the reason", "CROCHET_ETYPE"}) {
    EXPECT_EQ(LogCapture::occurrences(text, part), 1) << part;
  }
}

TEST_F(Failure, IsLoggedAlsoWhenTheCallIsBrokenOrForgotten) {
  EXPECT_NE(log_of([](const MadeCall&) {}), "");
  EXPECT_NE(log_of([](const MadeCall& call) { call.reject(-3); }, word::kForgotten), "");
}

TEST_F(Failure, IsNotLoggedWhenItIsNone) {
  EXPECT_EQ(log_of([](const MadeCall& call) { call.resolve(); }), "");
  EXPECT_EQ(log_of([](const MadeCall& call) { call.cancel(); }), "");
  EXPECT_EQ(log_of([](const MadeCall& call) { call->end_as(Outcome::kNotRun, Outcome::kStopped); }), "");
  EXPECT_EQ(log_of([](const MadeCall&) {}, word::kForgotten), "");
}

TEST_F(Failure, IsNotLoggedWhenSomebodyLooked) {
  EXPECT_EQ(log_of([](const MadeCall& call) { call.reject(-3, "x"); }, 0, true), "");
}

TEST_F(Failure, IsObservedOnceThereIsOneOnly) {
  const MadeCall call = running_call();
  EXPECT_FALSE(call->observe(call.generation));
  call.reject(-3);
  EXPECT_TRUE(call->observe(call.generation));
  EXPECT_TRUE(call->observe(call.generation));
  call.release_deferred();
  call.release();

  const MadeCall good = running_call();
  good.resolve();
  EXPECT_FALSE(good->observe(good.generation));
  EXPECT_FALSE(good.has(word::kObserved));
  good.release_deferred();
  good.release();
}

TEST_F(Failure, OfACallThatNeverRanSaysSo) {
  const MadeCall call = queued_call();
  call->end_as(Outcome::kNotRun, Outcome::kStopped);
  EXPECT_EQ(wait_code(call.word()), CROCHET_ESTOPPED);
  EXPECT_EQ(call->error_code(), CROCHET_ENOTRUN);
  call->release_reference();
  call.release();
}

// ---- Stop

TEST_F(Stop, AsksARunningCallOnce) {
  const MadeCall call = running_call();
  EXPECT_FALSE(call->ask_to_stop()) << "no hook to be run";
  EXPECT_TRUE(call.has(word::kStopAsked));
  EXPECT_TRUE(call->asked_to_end(call.generation));
  EXPECT_FALSE(call->ask_to_stop());
  end(call);
  call.release_deferred();
  call.release();
}

TEST_F(Stop, DoesNotOverrideACancel) {
  const MadeCall call = running_call();
  ASSERT_EQ(set_hook(*call.call, call.generation, do_nothing, nullptr, nullptr), CROCHET_OK);
  call.cancel();
  EXPECT_TRUE(call->ask_to_stop());
  EXPECT_FALSE(call.has(word::kStopAsked));
  EXPECT_EQ(word::reason(call.word()), Outcome::kCancelled);
  call->deliver_cancel_message();
  end(call);
  call.release_deferred();
  call.release();
}

TEST_F(Stop, AsksNobodyWhoIsQueuedOrSettled) {
  const MadeCall queued = queued_call();
  EXPECT_FALSE(queued->ask_to_stop());
  EXPECT_FALSE(queued.has(word::kStopAsked));
  EXPECT_TRUE(queued->refuse());
  EXPECT_FALSE(queued->ask_to_stop());
  EXPECT_FALSE(queued.has(word::kStopAsked));
  queued.release();
}

TEST_F(Stop, EndsACallByItsPhase) {
  const MadeCall queued = queued_call(), running = running_call();
  Phase from{};
  EXPECT_TRUE(queued->end_as(Outcome::kNotRun, Outcome::kStopped, &from));
  EXPECT_EQ(from, Phase::kQueued);
  EXPECT_EQ(word::outcome(queued.word()), Outcome::kNotRun);
  EXPECT_TRUE(word::finished(queued.word()));
  EXPECT_TRUE(running->end_as(Outcome::kNotRun, Outcome::kStopped, &from));
  EXPECT_EQ(from, Phase::kRunning);
  EXPECT_EQ(word::outcome(running.word()), Outcome::kStopped);
  EXPECT_FALSE(word::finished(running.word())) << "its argument may be in use";
  EXPECT_TRUE(queued.has(word::kNeverRan));
  EXPECT_FALSE(running.has(word::kNeverRan));
  for (const MadeCall& ended : {queued, running}) EXPECT_TRUE(ended->asked_to_end(ended.generation));
  EXPECT_FALSE(running->end_as(Outcome::kNotRun, Outcome::kStopped));
  queued->release_reference();
  queued.release();
  running.release_deferred();
  running.release();
}

TEST_F(Stop, AbandonsUnfinishedCallsOfItsLoopOnly) {
  const MadeCall mine = running_call(), others = running_call(nullptr, nullptr, 1, 0, kLoopId + 1);
  const MadeCall finished = running_call();
  finished.resolve();
  finished.release_deferred();
  const MadeCall being_dropped = queued_call();  // cancelled, and its argument is about to be dropped
  being_dropped->word.store(word::never_run_as(being_dropped.word(), Outcome::kCancelled));
  being_dropped->abandon(kLoopId);
  EXPECT_FALSE(being_dropped.has(word::kAbandoned)) << "nobody holds a deferred of it";
  being_dropped->release_reference();
  being_dropped.release();
  EXPECT_TRUE(mine->abandon(kLoopId));
  EXPECT_FALSE(mine->abandon(kLoopId)) << "said before";
  for (const MadeCall& call : {others, finished}) EXPECT_FALSE(call->abandon(kLoopId));
  EXPECT_TRUE(mine.has(word::kAbandoned));
  EXPECT_FALSE(others.has(word::kAbandoned));
  EXPECT_FALSE(finished.has(word::kAbandoned));
  for (const MadeCall& call : {mine, others}) {
    end(call);
    call.release_deferred();
    call.release();
  }
  finished.release();
  finished->abandon(kLoopId);
  EXPECT_TRUE(finished.is_destroyed()) << "a free slot is nobody's";
}

// ---- Fork

TEST_F(Fork, LeavesACallThatAnswersSoForEver) {
  DropCounter arg;
  const MadeCall call = running_call(arg.pointer(), DropCounter::drop);
  call->leave_to_parent();
  EXPECT_EQ(wait_code(call.word()), CROCHET_EFORKED);
  EXPECT_EQ(call.resolve(), CROCHET_EFORKED);
  EXPECT_EQ(call.reject(-1), CROCHET_EFORKED);
  int outcome = -1;
  EXPECT_EQ(call->cancel(call.generation, &outcome), CROCHET_EFORKED);
  EXPECT_EQ(outcome, -1) << "there was no cancel";
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  EXPECT_EQ(call->take(call.generation, &value, &drop), CROCHET_EFORKED);
  EXPECT_FALSE(call->retain(call.generation));
  EXPECT_FALSE(call->retain_deferred(call.generation));
  for (int i = 0; i < 1000; ++i) {
    call.release();
    call.release_deferred();
  }
  EXPECT_EQ(wait_code(call.word()), CROCHET_EFORKED) << "releases do nothing";
  EXPECT_EQ(arg.count(), 0) << "the argument is the parent's";
}

TEST_F(Fork, LeavesNoErrorToLookAt) {
  const MadeCall call = running_call();
  call->leave_to_parent();
  EXPECT_FALSE(call->observe(call.generation));
  EXPECT_EQ(set_hook(*call.call, call.generation, do_nothing, nullptr, nullptr), CROCHET_EFORKED);
}

TEST_F(Fork, LeavesFreeSlotsFree) {
  const MadeCall call = running_call();
  call.resolve();
  call.release_deferred();
  call.release();
  call->leave_to_parent();
  EXPECT_TRUE(call.is_destroyed());
}

// ---- Side records

TEST_F(SideRecordOf, ACallIsMadeOnceAndKeepsItsFunction) {
  const MadeCall call = queued_call(resolve_null);
  EXPECT_EQ(call->side(), nullptr);
  EXPECT_STREQ(call->label(), "");
  SideRecord* side = call->need_side();
  EXPECT_EQ(call->need_side(), side);
  EXPECT_EQ(call->side(), side);
  EXPECT_EQ(call->plain_function(), &resolve_null);
  process(*call.call);
  EXPECT_EQ(wait_code(call.word()), CROCHET_OK);
  call.release();
  EXPECT_EQ(call->side(), nullptr);
}

TEST_F(SideRecordOf, ACallIsOneForAllThreads) {
  for (int round = 0; round < 100; ++round) {
    const MadeCall call = running_call();
    std::array<SideRecord*, 4> seen{};
    contract::at_once(4, [&](int i) { seen[static_cast<std::size_t>(i)] = call->need_side(); });
    for (const SideRecord* side : seen) EXPECT_EQ(side, call->side());
    call.resolve();
    call.release_deferred();
    call.release();
  }
}

// ---- N1: R = handles + 1 for all deferreds together

TEST_F(N1, CountsHandlesAndOneForTheGroup) {
  const MadeCall call = running_call(nullptr, nullptr, 2);
  EXPECT_EQ(call.references(), 3u);
  EXPECT_TRUE(call->retain(call.generation));
  EXPECT_EQ(call.references(), 4u);
  EXPECT_TRUE(call->retain_deferred(call.generation));
  EXPECT_EQ(call.references(), 4u) << "all deferreds share one";
  EXPECT_TRUE(call.release());
  call.resolve();
  EXPECT_TRUE(call.release_deferred());
  EXPECT_EQ(call.references(), 3u);
  EXPECT_FALSE(call.has(word::kFinished));
  EXPECT_TRUE(call.release_deferred());
  EXPECT_EQ(call.references(), 2u) << "whoever finishes gives it back";
  EXPECT_TRUE(call.has(word::kFinished));
  call.release();
  call.release();
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(N1, HoldsWithoutAnyHandle) {
  const MadeCall call = queued_call(resolve_null, nullptr, nullptr, 0, word::kForgotten);
  EXPECT_EQ(call.references(), 1u);
  process(*call.call);
  EXPECT_TRUE(call.is_destroyed());
}

// ---- N2: the group's reference of a call that never ran belongs to the queue it is linked in

TEST_F(N2, AHuskIsKeptByItsQueue) {
  const MadeCall call = queued_call();
  call.cancel();
  EXPECT_TRUE(call.release());
  EXPECT_FALSE(call.is_destroyed());
  EXPECT_EQ(call.references(), 1u);
  process(*call.call);
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(N2, ARefusedCallGivesTheGroupsReferenceBack) {
  const MadeCall call = queued_call();
  call->refuse();
  EXPECT_EQ(call.references(), 1u);
  EXPECT_EQ(call->error_code(), CROCHET_ENOTRUN);
  call.release();
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(N2, ARefusedCallMayHaveBeenSettledBySomebodyElse) {
  const MadeCall call = queued_call();
  call.cancel();
  call->refuse();
  EXPECT_EQ(wait_code(call.word()), CROCHET_ECANCELED);
  EXPECT_EQ(call.references(), 1u);
  call.release();
  EXPECT_TRUE(call.is_destroyed());
}

// ---- N3: the argument is dropped exactly once

TEST_F(N3, HoldsForEveryWayToEnd) {
  const std::vector<std::function<void(const MadeCall&)>> ways = {
      [](const MadeCall& call) { process(*call.call); },  // broken
      [](const MadeCall& call) {
        call.cancel();
        process(*call.call);
      },
      [](const MadeCall& call) { call->refuse(); },
      [](const MadeCall& call) {
        call.cancel();
        call->refuse();
      },
      [](const MadeCall& call) {
        call->end_as(Outcome::kNotRun, Outcome::kStopped);
        process(*call.call);
      },
      [](const MadeCall& call) {
        call->start();
        call.resolve();
        call->run();
      },
      [](const MadeCall& call) {
        call->start();
        call.cancel();
        call->run();
      },
      [](const MadeCall& call) {
        call->start();
        end(call);
        call->run();
      },
      [](const MadeCall& call) {
        call->start();
        call->retain_deferred(call.generation);
        call->run();
        call.reject(-2);
        call.release_deferred();
      },
  };
  for (std::size_t i = 0; i < ways.size(); ++i) {
    DropCounter arg;
    const MadeCall call = queued_call(do_nothing, arg.pointer(), DropCounter::drop);
    ways[i](call);
    EXPECT_EQ(arg.count(), 1) << i;
    EXPECT_TRUE(word::finished(call.word())) << i;
    call->observe(call.generation);
    call.release();
    EXPECT_EQ(arg.count(), 1) << i;
    EXPECT_TRUE(call.is_destroyed()) << i;
  }
}

TEST_F(N3, HoldsForAnArgumentThatIsNull) {
  static int drops = 0;
  const MadeCall call = queued_call(resolve_null, nullptr, [](void*) { ++drops; });
  process(*call.call);
  call.release();
  EXPECT_EQ(drops, 1);
}

TEST_F(N3, TheDropSeesACallThatIsNotFinished) {
  static bool finished = true;
  static MadeCall seen{};
  const MadeCall call = queued_call(resolve_null, nullptr, [](void*) { finished = word::finished(seen.word()); });
  seen = call;
  process(*call.call);
  EXPECT_FALSE(finished);
  finished = true;
  call.release();

  const MadeCall cancelled = queued_call(resolve_null, nullptr, [](void*) { finished = word::finished(seen.word()); });
  seen = cancelled;
  cancelled.cancel();
  EXPECT_FALSE(finished);
  process(*cancelled.call);
  cancelled.release();
}

TEST_F(N3, HoldsWhenCancelRacesTheStart) {
  for (int round = 0; round < 500; ++round) {
    DropCounter arg;
    const MadeCall call = queued_call(resolve_null, arg.pointer(), DropCounter::drop, 1);
    int outcome = -1;
    contract::at_once(2, [&](int i) {
      if (i == 0) {
        process(*call.call);
      } else {
        outcome = call.cancel();
      }
    });
    EXPECT_EQ(arg.count(), 1);
    EXPECT_EQ(call.references(), 1u);
    EXPECT_EQ(wait_code(call.word()), outcome == CROCHET_CANCEL_TOO_LATE ? CROCHET_OK : CROCHET_ECANCELED);
    call.release();
  }
}

// ---- N4: the outcome is written between kSettling and kSettled, or not at all

// A settler stands still between its claim and its publication.
MadeCall call_being_settled(void* arg = nullptr, crochet_drop_fn* drop = nullptr) {
  const MadeCall call = running_call(arg, drop);
  call->word.store(word::with_phase(call.word(), Phase::kSettling));
  return call;
}
// It goes on, with a value of null.
void publish(const MadeCall& call) { call->word.fetch_sub(word::phase_bits(Phase::kSettling)); }

TEST_F(N4, NobodyElseSettlesMeanwhile) {
  const MadeCall call = call_being_settled();
  const Word before = call.word();
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  EXPECT_EQ(call.resolve(), CROCHET_EALREADY);
  EXPECT_EQ(call.reject(-1), CROCHET_EALREADY);
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_TOO_LATE);
  EXPECT_FALSE(call->end_as(Outcome::kNotRun, Outcome::kStopped));
  EXPECT_FALSE(call->ask_to_stop());
  EXPECT_FALSE(call->start());
  EXPECT_EQ(call->take(call.generation, &value, &drop), CROCHET_EPENDING);
  EXPECT_FALSE(call->observe(call.generation));
  EXPECT_EQ(call.word(), before);
  call->value = nullptr;
  call->value_drop = nullptr;
  publish(call);
  call.release_deferred();
  call.release();
}

TEST_F(N4, FinishingMeanwhileLeavesTheGroupsReferenceToTheSettler) {
  DropCounter arg;
  const MadeCall call = call_being_settled(arg.pointer(), DropCounter::drop);
  EXPECT_TRUE(call.release_deferred());
  EXPECT_EQ(word::phase(call.word()), Phase::kSettling);
  EXPECT_TRUE(call.has(word::kFinished));
  EXPECT_EQ(call.references(), 2u);
  EXPECT_EQ(arg.count(), 1);
  call->value = nullptr;
  call->value_drop = nullptr;
  publish(call);
  call->release_reference();
  call.release();
  EXPECT_TRUE(call.is_destroyed());
}

// The settler is a stale one, who holds no deferred: the call is finished under it, or before, or after.
TEST_F(N4, HoldsWhenAStaleSettlerRacesTheFinish) {
  for (int round = 0; round < 500; ++round) {
    DropCounter arg, value;
    const MadeCall call = running_call(arg.pointer(), DropCounter::drop);
    int code = 0;
    contract::at_once(3, [&](int i) {
      if (i == 0) {
        call.release_deferred();
      } else if (i == 1) {
        code = call.resolve(value.pointer(), DropCounter::drop);
      } else {  // somebody wakes it in any case
        EXPECT_EQ(wait_for_call(*call.call, call.generation, Until::kFinished, kForever, false), CROCHET_OK);
      }
    });
    EXPECT_EQ(call.references(), 1u);
    EXPECT_EQ(wait_code(call.word()), code == CROCHET_OK ? CROCHET_OK : CROCHET_EBROKEN);
    EXPECT_EQ(arg.count(), 1);
    call->observe(call.generation);
    call.release();
    EXPECT_EQ(value.count(), code == CROCHET_OK ? 1 : 0);
    EXPECT_TRUE(call.is_destroyed());
  }
}

TEST_F(N4, CancelledAndBrokenCallsHaveNoOutcomeToEnd) {
  DropCounter left_over;
  for (const bool cancelled : {true, false}) {
    const MadeCall call = running_call();
    call->value = left_over.pointer();  // a former life's
    call->value_drop = DropCounter::drop;
    if (cancelled) call.cancel();
    call.release_deferred();
    call->observe(call.generation);
    call.release();
  }
  EXPECT_EQ(left_over.count(), 0);
}

// ---- N5: a slot with R = 0 has a settled word of the next generation

TEST_F(N5, EachLifeHasTheNextGeneration) {
  Call* const slot = allocate_call();
  const Word first = word::generation(slot->word.load());
  free_call(slot);
  for (Word life = 0; life < 2 * word::kGenerations + 3; ++life) {
    const MadeCall call = running_call();
    ASSERT_EQ(call.call, slot) << "this thread's cache gives the slot freed last";
    EXPECT_EQ(call.generation, (first + life) % word::kGenerations);
    call.resolve();
    call.release_deferred();
    call.release();
    EXPECT_TRUE(word::settled(call.word()));
    EXPECT_EQ(call.references(), 0u);
    EXPECT_TRUE(call.is_destroyed());
  }
}

TEST_F(N5, AValuesDropSeesTheLifeEnded) {
  static MadeCall seen{};
  static bool destroyed = false;
  const MadeCall call = running_call();
  seen = call;
  call.resolve(nullptr, [](void*) { destroyed = seen.is_destroyed(); });
  call.release_deferred();
  call.release();
  EXPECT_TRUE(destroyed);
}

// ---- N6: a handle acts on its own life only

// Every operation with that generation is refused, and the word is as before.
void expect_refused(Call& call, Word generation) {
  const Word before = call.word.load();
  const std::uint32_t deferreds = call.deferreds.load();
  int outcome = -1;
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  EXPECT_EQ(call.settle(generation, nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(call.reject(generation, -1, nullptr, 0, nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(call.cancel(generation, &outcome), CROCHET_EINVAL);
  EXPECT_EQ(outcome, -1);
  EXPECT_EQ(call.take(generation, &value, &drop), CROCHET_EINVAL);
  EXPECT_FALSE(call.observe(generation));
  EXPECT_FALSE(call.retain(generation));
  EXPECT_FALSE(call.release_handle(generation));
  EXPECT_FALSE(call.retain_deferred(generation));
  EXPECT_FALSE(call.release_deferred(generation));
  EXPECT_FALSE(call.asked_to_end(generation));
  EXPECT_FALSE(interrupt_waits(call, generation));
  EXPECT_EQ(wait_for_call(call, generation, Until::kSettled, kForever, false), CROCHET_EINVAL);
  EXPECT_EQ(wait_for_call(call, generation, Until::kFinished, kForever, false), CROCHET_EINVAL);
  EXPECT_EQ(set_hook(call, generation, do_nothing, nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(call.word.load(), before);
  EXPECT_EQ(call.deferreds.load(), deferreds);
}

TEST_F(N6, AStaleHandleIsRefusedInThirtyOneLives) {
  const MadeCall first = running_call();
  first.resolve();
  first.release_deferred();
  first.release();
  expect_refused(*first.call, first.generation);
  for (Word life = 1; life < word::kGenerations; ++life) {
    const MadeCall call = running_call();
    ASSERT_EQ(call.call, first.call);
    expect_refused(*call.call, first.generation);
    call.resolve();
    expect_refused(*call.call, first.generation);
    call.release_deferred();
    expect_refused(*call.call, first.generation);
    call.release();
    expect_refused(*call.call, first.generation);
  }
  const MadeCall same = running_call();
  ASSERT_EQ(same.call, first.call);
  EXPECT_EQ(same.generation, first.generation) << "the thirty-second is taken for the first";
  same.resolve();
  same.release_deferred();
  same.release();
}

TEST_F(N6, AStaleHandleIsRefusedWhileTheNextLifeIsQueued) {
  const MadeCall first = queued_call(resolve_null);
  process(*first.call);
  first.release();
  const MadeCall next = queued_call(resolve_null);
  ASSERT_EQ(next.call, first.call);
  expect_refused(*next.call, first.generation);
  process(*next.call);
  next.release();
}

// What its kind's bit makes of a handle of the wrong kind (handle.hpp).
TEST_F(N6, AHandleOfTheWrongKindIsRefused) {
  for (Word life = 0; life < word::kGenerations; ++life) {
    const MadeCall call = running_call();
    expect_refused(*call.call, call.generation | word::kGenerations);
    call.resolve();
    expect_refused(*call.call, call.generation | word::kGenerations);
    call.release_deferred();
    call.release();
  }
}

TEST_F(N6, ASlotThatWasNeverUsedIsRefused) {
  Call* slot = allocate_call();
  expect_refused(*slot, word::generation(slot->word.load()));
  free_call(slot);
}

TEST_F(N6, DeferredsEndBeforeTheirResult) {
  const MadeCall call = running_call();
  call.resolve();
  call.release_deferred();
  EXPECT_FALSE(call->retain_deferred(call.generation));
  EXPECT_FALSE(call.release_deferred());
  EXPECT_EQ(call.resolve(), CROCHET_EALREADY);
  EXPECT_TRUE(call->retain(call.generation));
  call.release();
  call.release();
}

TEST_F(N6, HoldsForThreadsWithStaleHandlesWhileTheSlotGoesOn) {
  const MadeCall first = running_call();
  first.resolve();
  first.release_deferred();
  first.release();
  std::atomic<int> got_through{0};
  contract::at_once(3, [&](int i) {
    for (Word life = 1; life < word::kGenerations; ++life) {
      if (i == 0) {  // the slot's lives
        const MadeCall call{first.call, first->make(kLoopId, 0, nullptr, nullptr, 1, 0, Call::From::kHand)};
        if (call.resolve() != CROCHET_OK) got_through.fetch_add(1);
        call.release_deferred();
        // Destroyed by hand, so that the slot is not given to anybody else.
        call->word.store(word::unused(call.generation + 1), release);
      } else {
        if (first.resolve() != CROCHET_EINVAL) got_through.fetch_add(1);
        if (first->retain(first.generation) || first->retain_deferred(first.generation)) got_through.fetch_add(1);
        if (first.release() || first.release_deferred()) got_through.fetch_add(1);
      }
    }
  });
  EXPECT_EQ(got_through.load(), 0);
}

// ---- N7: a settled word with R = 1 belongs to its owner; an unsettled one never does

TEST_F(N7, AnUnsettledCallOutlivesItsLastHandle) {
  const MadeCall call = running_call();
  EXPECT_TRUE(call.release());
  EXPECT_EQ(call.references(), 1u);
  EXPECT_FALSE(call.is_destroyed());
  call.resolve();
  EXPECT_FALSE(call.is_destroyed());
  call.release_deferred();
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(N7, APinOutlivesTheFinish) {
  const MadeCall call = running_call(nullptr, nullptr, 0, word::kForgotten);
  call->retain_certain();
  call.release_deferred();
  EXPECT_FALSE(call.is_destroyed());
  EXPECT_EQ(call.references(), 1u);
  EXPECT_EQ(word::outcome(call.word()), Outcome::kBroken);
  call->release_reference();
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(N7, TheLastOfManyReleasersDestroys) {
  constexpr int kThreads = 4;
  for (int round = 0; round < 300; ++round) {
    DropCounter value;
    const MadeCall call = running_call(nullptr, nullptr, kThreads - 1);
    call.resolve(value.pointer(), DropCounter::drop);
    contract::at_once(kThreads, [&](int i) { EXPECT_TRUE(i == 0 ? call.release_deferred() : call.release()); });
    EXPECT_TRUE(call.is_destroyed());
    EXPECT_EQ(value.count(), 1);
  }
}

// ---- The bounds of the counts

TEST_F(CallTest, IsRetainedUpToItsBoundAndNotBeyond) {
  const MadeCall call = running_call(nullptr, nullptr, word::kMaxReferences - 3);
  int accepted = 0;
  while (accepted < 100 && call->retain(call.generation)) ++accepted;
  EXPECT_EQ(accepted, 3);
  EXPECT_EQ(call.references(), word::kMaxReferences + 1) << "all handles and the group";
  EXPECT_FALSE(call->retain(call.generation));
  EXPECT_TRUE(call.release());
  EXPECT_TRUE(call->retain(call.generation));
  call.resolve();
  call.release_deferred();
  EXPECT_EQ(call.references(), word::kMaxReferences);
  EXPECT_FALSE(call->retain(call.generation)) << "the group's place is nobody's";
  call->word.fetch_sub((word::kMaxReferences - 1) * word::kReference);
  EXPECT_TRUE(call->retain(call.generation));
  call.release();
  call.release();
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(CallTest, LendsDeferredsUpToTheirBoundAndNotBeyond) {
  const MadeCall call = running_call();
  call->deferreds.fetch_add(deferred_count(0, Call::kMaxDeferreds - 1 - 3));
  int accepted = 0;
  while (accepted < 100 && call->retain_deferred(call.generation)) ++accepted;
  EXPECT_EQ(accepted, 3);
  EXPECT_FALSE(call->retain_deferred(call.generation));
  EXPECT_TRUE(call.release_deferred());
  EXPECT_TRUE(call->retain_deferred(call.generation));
  call->deferreds.fetch_sub(deferred_count(0, Call::kMaxDeferreds - 1));
  call.resolve();
  EXPECT_TRUE(call.release_deferred());
  call.release();
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(CallTest, CountsDeferredsApartFromEveryGeneration) {
  for (Word life = 0; life < word::kGenerations; ++life) {
    const MadeCall call = running_call();
    EXPECT_FALSE(call->retain_deferred(call.generation + 1));
    EXPECT_FALSE(call->retain_deferred((call.generation + 31) % 32));
    EXPECT_TRUE(call->retain_deferred(call.generation));
    call.resolve();
    call.release_deferred();
    call.release_deferred();
    call.release();
    EXPECT_TRUE(call.is_destroyed());
  }
}

TEST(WaitCode, FollowsTheOutcome) {
  const auto code = [](Outcome outcome) { return wait_code(word::settled_as(0, outcome)); };
  EXPECT_EQ(code(Outcome::kValue), CROCHET_OK);
  EXPECT_EQ(code(Outcome::kFailed), CROCHET_EFAILED);
  EXPECT_EQ(code(Outcome::kCancelled), CROCHET_ECANCELED);
  EXPECT_EQ(code(Outcome::kStopped), CROCHET_ESTOPPED);
  EXPECT_EQ(code(Outcome::kNotRun), CROCHET_ESTOPPED);
  EXPECT_EQ(code(Outcome::kBroken), CROCHET_EBROKEN);
  EXPECT_EQ(code(Outcome::kForked), CROCHET_EFORKED);
}

}  // namespace
}  // namespace crochet
