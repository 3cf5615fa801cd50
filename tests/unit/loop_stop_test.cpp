// SPDX-License-Identifier: MIT
// The phases of a loop's stop: what never started, at-stop calls, hooks, the grace, the end.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_capture.hpp"
#include "call/hook.hpp"
#include "call/watchers.hpp"
#include "unit/support/inside.hpp"
#include "unit/support/own_loop.hpp"

namespace crochet {

struct Opening {
  friend void (Loop::*field(Opening))();
};
template struct Inside<Opening, &Loop::open>;

namespace {

using contract::DropCounter;
using contract::Gate;
using contract::LogCapture;

constexpr std::int64_t kLongGrace = contract::kKillTimer;

int stop(Loop& loop, std::int64_t grace_ns = 0) {
  loop.request_stop(grace_ns);
  return loop.wait_until_ended(Deadline::after(2 * contract::kKillTimer));
}

MadeCall by_hand(const OwnLoop& loop, void* arg = nullptr, crochet_drop_fn* drop = nullptr) {
  return running_call(arg, drop, 1, 0, loop.id());
}

void release_all(const MadeCall& call) {
  call->observe(call.generation);
  call.release_deferred();
  call.release();
}

// ---- Whom it is asked of

// A shutdown asks each loop that is active. It once closed a queue that was opened a moment later: that loop went on
// for ever, and who had asked waited in vain.
TEST(Stop, FindsTheQueueOfAnActiveLoopOpen) {
  constexpr int kRounds = 1'000'000;
  std::uint32_t id = 0;
  Loop* const loop = loop_table::take_unused(&id);
  std::atomic<int> round{0};
  std::atomic<int> lost{0};
  std::thread stopper([&] {
    for (int now = 0; now < kRounds;) {
      now = round.load();
      const bool was_active = loop->is_active();
      const bool closed = loop->looks_closed();
      // Active all the time that this took: it was not the end of the round that closed it.
      if (was_active && closed && loop->is_active() && round.load() == now) ++lost;
    }
  });
  for (int i = 1; i <= kRounds; ++i) {
    round.store(i);
    (loop->*field(Opening{}))();
    pretend(*loop, Loop::State::kUnused);
    queue_of(*loop).close();
  }
  stopper.join();
  EXPECT_EQ(lost.load(), 0);
}

// ---- What never started

TEST(Stop, SettlesCallsThatNeverStartedAsNotRun) {
  OwnLoop loop;
  int runs = 0;
  std::vector<MadeCall> calls;
  std::thread stopper;
  {
    Blocker blocker(*loop);
    for (int i = 0; i < 100; ++i) calls.push_back(post(*loop, [&runs](crochet_deferred*) { ++runs; }));
    loop->request_stop(0);
    for (const MadeCall& call : calls) EXPECT_TRUE(word::finished(call.word())) << "by who closed the queue";
    blocker.let_go();
    EXPECT_EQ(stop(*loop), CROCHET_OK);
  }
  EXPECT_EQ(runs, 0);
  for (const MadeCall& call : calls) {
    EXPECT_EQ(call->error_code(), CROCHET_ENOTRUN);
    EXPECT_EQ(call.references(), 1u);
    call.release();
  }
}

// Taken from the queue already, but not begun: the stop comes from within a call.
TEST(Stop, SettlesCallsThatTheLoopHasTakenButNotStarted) {
  OwnLoop loop;
  int runs = 0;
  Gate go;
  std::vector<MadeCall> calls;
  EXPECT_TRUE(post_and_forget(*loop, [&] { go.wait(); }));
  EXPECT_TRUE(post_and_forget(*loop, [&] { loop->request_stop(0); }));
  for (int i = 0; i < 10'000; ++i) calls.push_back(post(*loop, [&runs](crochet_deferred*) { ++runs; }));
  go.open();
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  int not_run = 0;
  for (const MadeCall& call : calls) {
    EXPECT_TRUE(word::finished(call.word()));
    EXPECT_EQ(call.references(), 1u);
    if (word::outcome(call.word()) == Outcome::kNotRun) ++not_run;
    call->observe(call.generation);
    call.release();
  }
  EXPECT_EQ(runs + not_run, 10'000) << "accepted = run + not run";
}

TEST(Stop, RefusesNewCalls) {
  OwnLoop loop;
  EXPECT_TRUE(loop->accepts(loop.id()));
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_FALSE(loop->accepts(loop.id()));
  EXPECT_TRUE(loop->looks_closed());
  EXPECT_FALSE(post_and_forget(*loop, [] {}));
  const MadeCall at_stop = make_on(
      loop.id(), [](crochet_deferred*) {}, 1, word::kAtStop);
  EXPECT_FALSE(loop->push_at_stop(at_stop.call));
  at_stop->refuse();
  at_stop.release();
}

TEST(Stop, SettlesAnAfterCallThatWaitsOnThatLoop) {
  OwnLoop loop;
  OwnLoop other;
  const MadeCall watched = by_hand(other);
  watched->need_side();
  const MadeCall after = make_on(loop.id(), [](crochet_deferred*) {});
  watched->retain_certain();
  add_watcher(*watched.call, *after.call);
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_EQ(after->error_code(), CROCHET_ENOTRUN);
  after.release();
  watched.resolve();
  EXPECT_TRUE(after.is_destroyed()) << "the husk was buried";
  release_all(watched);
}

// ---- At-stop calls

TEST(AtStop, CallsStartLastMadeFirstAfterAllOthersWereSettled) {
  OwnLoop loop;
  std::vector<int> order;
  MadeCall queued{};
  bool settled_first = true;
  for (int i = 0; i < 5; ++i) {
    const MadeCall call = make_on(
        loop.id(),
        [&, i](crochet_deferred* deferred) {
          order.push_back(i);
          settled_first = settled_first && word::settled(queued.word());
          EXPECT_EQ(current_loop(), &*loop);
          settle_by(deferred);
        },
        0, word::kAtStop | word::kForgotten);
    EXPECT_TRUE(loop->push_at_stop(call.call));
  }
  {
    Blocker blocker(*loop);
    queued = post(*loop, [](crochet_deferred*) {});
    loop->request_stop(0);
    blocker.let_go();
    EXPECT_EQ(stop(*loop), CROCHET_OK);
  }
  EXPECT_EQ(order, (std::vector<int>{4, 3, 2, 1, 0}));
  EXPECT_TRUE(settled_first);
  queued.release();
}

TEST(AtStop, CallsMayBeWithdrawn) {
  OwnLoop loop;
  int runs = 0;
  const MadeCall call = make_on(
      loop.id(), [&runs](crochet_deferred*) { ++runs; }, 1, word::kAtStop);
  EXPECT_TRUE(loop->push_at_stop(call.call));
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(call.references(), 1u);
  call.release();
}

TEST(AtStop, CallsThatWereWithdrawnStayBounded) {
  OwnLoop loop;
  std::vector<MadeCall> husks;
  for (int i = 0; i < 2000; ++i) {
    const MadeCall call = make_on(
        loop.id(), [](crochet_deferred*) {}, 1, word::kAtStop);
    EXPECT_TRUE(loop->push_at_stop(call.call));
    call.cancel();
    call.release();
    if (i % 50 == 0) on_loop(*loop, [] {});
    husks.push_back(call);
  }
  on_loop(*loop, [] {});
  // Slots of pruned husks are used again, under other generations.
  std::set<Call*> slots;
  for (const MadeCall& husk : husks) slots.insert(husk.call);
  EXPECT_LT(slots.size(), 500u);
}

TEST(AtStop, CallsMadeForALoopThatHadTheBlockBeforeAreRefused) {
  OwnLoop loop;
  int runs = 0;
  const MadeCall old = make_on(
      loop.id() + loop_table::kPlaces, [&runs](crochet_deferred*) { ++runs; }, 1, word::kAtStop);
  EXPECT_FALSE(loop->push_at_stop(old.call));
  old->refuse();
  EXPECT_EQ(old->error_code(), CROCHET_ENOTRUN);
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(old.references(), 1u);
  old.release();
}

TEST(AtStop, CallsOfAStuckLoopAreSettledFromOutside) {
  LogCapture capture;
  OwnLoop loop;
  loop.is_left_behind();
  const MadeCall call = make_on(
      loop.id(), [](crochet_deferred*) {}, 1, word::kAtStop);
  EXPECT_TRUE(loop->push_at_stop(call.call));
  {
    Blocker blocker(*loop);
    loop->request_stop(0);
    EXPECT_EQ(loop->wait_until_ended(Deadline::at(1)), CROCHET_ETIMEDOUT);
    EXPECT_EQ(call->error_code(), CROCHET_ENOTRUN);
    EXPECT_EQ(call.references(), 1u);
    call.release();
    blocker.let_go();
    EXPECT_EQ(stop(*loop), CROCHET_OK);
  }
}

TEST(AtStop, CallsAreGivenTheGrace) {
  OwnLoop loop;
  crochet_deferred* kept = nullptr;
  Gate started;
  const MadeCall call = make_on(
      loop.id(),
      [&](crochet_deferred* deferred) {
        const Target target = target_of(deferred);
        target.call->retain_deferred(target.generation);
        kept = deferred;
        started.open();
      },
      1, word::kAtStop);
  EXPECT_TRUE(loop->push_at_stop(call.call));
  loop->request_stop(kLongGrace);
  started.wait();
  EXPECT_EQ(loop->state(), Loop::State::kStopping);
  EXPECT_EQ(settle_by(kept), CROCHET_OK);
  call.release_deferred();
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_EQ(wait_settled(call), CROCHET_OK);
  call.release();
}

// A callback of the host's in the grace of a stop: its turn comes when that has been through with the hooks.
class InGrace {
 public:
  void begin(uv_loop_t* uv) {
    uv_timer_init(uv, &timer_);
    timer_.data = this;
    uv_timer_start(
        &timer_,
        [](uv_timer_t* timer) {
          uv_close(reinterpret_cast<uv_handle_t*>(timer), nullptr);
          static_cast<InGrace*>(timer->data)->begun_.open();
        },
        0, 0);
  }
  void wait() { begun_.wait(); }

 private:
  uv_timer_t timer_{};
  Gate begun_;
};

// A hook asks for an early end: with a grace, there is none to be asked for.
TEST(AtStop, CallsHaveTheirHooksLeftAloneDuringTheGrace) {
  OwnLoop loop;
  static std::atomic<int> hooks;
  InGrace in_grace;
  hooks = 0;
  const MadeCall call = make_on(
      loop.id(),
      [&](crochet_deferred* deferred) {
        const Target target = target_of(deferred);
        set_hook(
            *target.call, target.generation, [](crochet_deferred*, void*) { hooks.fetch_add(1); }, nullptr, nullptr);
        target.call->retain_deferred(target.generation);
        in_grace.begin(loop->uv());
      },
      1, word::kAtStop);
  EXPECT_TRUE(loop->push_at_stop(call.call));
  loop->request_stop(kLongGrace);
  in_grace.wait();
  EXPECT_EQ(hooks.load(), 0);
  call.resolve();
  call.release_deferred();
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_EQ(hooks.load(), 0);
  EXPECT_EQ(wait_settled(call), CROCHET_OK);
  call.release();
}

// ---- Running calls and hooks

TEST(Stop, AsksRunningCallsAndRunsTheirHooks) {
  OwnLoop loop;
  static Loop* seen;
  seen = nullptr;
  const MadeCall hooked = by_hand(loop), plain = by_hand(loop);
  ASSERT_EQ(set_hook(
                *hooked.call, hooked.generation,
                [](crochet_deferred* deferred, void*) {
                  seen = current_loop();
                  const Target target = target_of(deferred);
                  EXPECT_TRUE(target.call->asked_to_end(target.generation));
                  target.call->reject(target.generation, CROCHET_ECANCELED, nullptr, 0, nullptr, nullptr);
                },
                nullptr, nullptr),
            CROCHET_OK);
  loop->request_stop(kLongGrace);
  EXPECT_EQ(wait_settled(hooked), CROCHET_ESTOPPED) << "as the stop asked, and at its beginning";
  EXPECT_EQ(seen, &*loop);
  EXPECT_TRUE(plain->asked_to_end(plain.generation));
  EXPECT_FALSE(word::settled(plain.word())) << "without a hook it has the grace";
  EXPECT_EQ(plain.reject(CROCHET_ECANCELED), CROCHET_OK);
  EXPECT_EQ(wait_settled(plain), CROCHET_ESTOPPED);
  release_all(hooked);
  release_all(plain);
  EXPECT_EQ(stop(*loop), CROCHET_OK);
}

TEST(Stop, RunsAHookOnceWhenACancelWasUnderWay) {
  OwnLoop loop;
  std::atomic<int> calls{0};
  const MadeCall call = by_hand(loop);
  ASSERT_EQ(
      set_hook(
          *call.call, call.generation,
          [](crochet_deferred*, void* arg) { static_cast<std::atomic<int>*>(arg)->fetch_add(1); }, &calls, nullptr),
      CROCHET_OK);
  {
    Blocker blocker(*loop);
    EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);  // its message is queued behind
    loop->request_stop(0);
    blocker.let_go();
    EXPECT_EQ(stop(*loop), CROCHET_OK);
  }
  EXPECT_EQ(calls.load(), 1);
  EXPECT_EQ(call.references(), 2u) << "the message's reference was given back";
  release_all(call);
}

TEST(Stop, RunsTheHookOfACancelThatComesDuringTheGrace) {
  OwnLoop loop;
  InGrace in_grace;
  const MadeCall call = make_on(
      loop.id(),
      [&](crochet_deferred* deferred) {
        const Target target = target_of(deferred);
        set_hook(
            *target.call, target.generation, [](crochet_deferred* d, void*) { settle_by(d); }, nullptr, nullptr);
        target.call->retain_deferred(target.generation);
        in_grace.begin(loop->uv());
      },
      1, word::kAtStop);
  EXPECT_TRUE(loop->push_at_stop(call.call));
  loop->request_stop(kLongGrace);
  in_grace.wait();
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(wait_settled(call), CROCHET_OK) << "by the hook";
  call.release_deferred();
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  call.release();
}

// ---- The grace

TEST(Grace, LastsUntilTheLastDeferredIsReleased) {
  OwnLoop loop;
  const MadeCall first = by_hand(loop), second = by_hand(loop);
  loop->request_stop(kLongGrace);
  first.resolve();
  first.release_deferred();
  second.resolve();
  EXPECT_EQ(loop->state(), Loop::State::kStopping) << "settled, not released";
  second.release_deferred();
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_EQ(wait_settled(first), CROCHET_OK);
  EXPECT_EQ(wait_settled(second), CROCHET_OK);
  first.release();
  second.release();
}

TEST(Grace, OfNoneSettlesTheRestAndAbandonsItsJoiners) {
  OwnLoop loop;
  DropCounter arg;
  const MadeCall call = by_hand(loop, arg.pointer(), DropCounter::drop);
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_EQ(wait_settled(call), CROCHET_ESTOPPED);
  EXPECT_EQ(call->error_code(), CROCHET_ESTOPPED);
  EXPECT_EQ(wait_finished(call), CROCHET_ESTOPPED) << "somebody still holds a deferred: nothing may be freed";
  EXPECT_EQ(arg.count(), 0);
  release_all(call);
  EXPECT_EQ(arg.count(), 1);
}

TEST(Grace, RunsHooksOfAtStopCallsWhenItIsOver) {
  OwnLoop loop;
  static std::atomic<int> hooks;
  hooks = 0;
  const MadeCall call = make_on(
      loop.id(),
      [](crochet_deferred* deferred) {
        const Target target = target_of(deferred);
        target.call->retain_deferred(target.generation);
        set_hook(
            *target.call, target.generation, [](crochet_deferred*, void*) { hooks.fetch_add(1); }, nullptr, nullptr);
      },
      1, word::kAtStop);
  EXPECT_TRUE(loop->push_at_stop(call.call));
  EXPECT_EQ(stop(*loop, 0), CROCHET_OK);
  EXPECT_EQ(hooks.load(), 1);
  EXPECT_EQ(wait_settled(call), CROCHET_ESTOPPED);
  release_all(call);
}

// ---- The end

TEST(End, IsOneForAllWhoAskAndWait) {
  OwnLoop loop;
  std::atomic<int> codes{0};
  contract::at_once(4, [&](int) { codes.fetch_add(stop(*loop)); });
  EXPECT_EQ(codes.load(), CROCHET_OK);
  EXPECT_EQ(loop->state(), Loop::State::kEnded);
  EXPECT_FALSE(recycled(*loop)) << "not joined yet";
  contract::at_once(3, [&](int) { loop->join_thread(); });
  EXPECT_TRUE(recycled(*loop));
}

TEST(End, LeavesHandlesOfTheHostsAndNamesTheirKinds) {
  LogCapture capture;
  OwnLoop loop;
  static uv_timer_t timer;
  on_loop(*loop, [&] { uv_timer_init(loop->uv(), &timer); });
  EXPECT_EQ(stop(*loop), CROCHET_EBUSY);
  EXPECT_EQ(stop(*loop), CROCHET_EBUSY) << "one stop, one code";
  loop->join_thread();
  EXPECT_FALSE(recycled(*loop)) << "the handle is still part of it";
  const std::string& text = capture.stop();
  EXPECT_EQ(LogCapture::occurrences(text, "timer"), 1) << text;
  EXPECT_EQ(LogCapture::occurrences(text, "\n"), 1) << text;
}

TEST(End, WaitsForHandlesThatAreBeingClosed) {
  OwnLoop loop;
  static uv_timer_t timer;
  static std::atomic<bool> closed;
  closed = false;
  on_loop(*loop, [&] { uv_timer_init(loop->uv(), &timer); });
  const MadeCall at_stop = make_on(
      loop.id(),
      [](crochet_deferred* deferred) {
        uv_close(reinterpret_cast<uv_handle_t*>(&timer), [](uv_handle_t*) { closed = true; });
        settle_by(deferred);
      },
      0, word::kAtStop | word::kForgotten);
  EXPECT_TRUE(loop->push_at_stop(at_stop.call));
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  EXPECT_TRUE(closed.load());
}

TEST(End, OfAReusedBlockStartsAfresh) {
  std::uint32_t first_id = 0;
  Loop* first = nullptr;
  for (int i = 0; i < 3; ++i) {
    OwnLoop loop;
    if (first == nullptr) first = &*loop;
    EXPECT_EQ(&*loop, first);
    EXPECT_NE(loop.id(), first_id);
    first_id = loop.id();
    const MadeCall call = by_hand(loop);
    on_loop(*loop, [] {});
    EXPECT_EQ(stop(*loop), CROCHET_OK);
    EXPECT_EQ(wait_settled(call), CROCHET_ESTOPPED);
    release_all(call);
  }
}

// A callback is stuck: who waits settles from outside. No time passes, the deadline is over from the start.
TEST(End, OfAStuckLoopIsNotAwaitedForEver) {
  LogCapture capture;
  OwnLoop loop;
  loop.is_left_behind();
  DropCounter queued_arg;
  Gate entered, leave;
  const MadeCall stuck = post(*loop, [&](crochet_deferred*) {
    entered.open();
    leave.wait();
  });
  entered.wait();
  const MadeCall by_hand_call = by_hand(loop);
  loop->request_stop(kLongGrace);
  EXPECT_FALSE(loop->is_given_up());
  EXPECT_EQ(loop->wait_until_ended(Deadline::at(1)), CROCHET_ETIMEDOUT);
  EXPECT_TRUE(loop->is_given_up());
  EXPECT_EQ(wait_settled(stuck), CROCHET_ESTOPPED);
  EXPECT_EQ(wait_settled(by_hand_call), CROCHET_ESTOPPED);
  EXPECT_EQ(wait_finished(by_hand_call), CROCHET_ESTOPPED) << "joiners are told";
  EXPECT_EQ(LogCapture::occurrences(capture.stop(), "stuck"), 1);
  release_all(by_hand_call);
  leave.open();
  EXPECT_EQ(stop(*loop), CROCHET_OK) << "late, but it ends";
  loop->join_thread();
  EXPECT_TRUE(recycled(*loop)) << "then its block is as good as any";
  stuck->observe(stuck.generation);
  stuck.release();
}

TEST(End, ComesAtOnceWhenACallbackEndsTheThread) {
  LogCapture capture;
  OwnLoop loop;
  const MadeCall held = by_hand(loop);
  MadeCall queued{}, deadly{};
  {
    Gate go;
    deadly = post(*loop, [&](crochet_deferred*) {
      go.wait();
      pthread_exit(nullptr);
    });
    queued = post(*loop, [](crochet_deferred*) {});
    go.open();
    EXPECT_EQ(wait_settled(deadly), CROCHET_ESTOPPED);
    EXPECT_EQ(wait_settled(queued), CROCHET_ESTOPPED);
    EXPECT_EQ(wait_settled(held), CROCHET_ESTOPPED);
    EXPECT_EQ(stop(*loop), CROCHET_OK);
    loop->join_thread();
  }
  EXPECT_FALSE(recycled(*loop));
  EXPECT_EQ(LogCapture::occurrences(capture.stop(), "ended by a callback"), 1);
  release_all(held);
  release_all(deadly);
  queued.release();
}

// A pusher stands still between its push and the wake-up, for ever: it may still write to the loop's descriptor.
TEST(End, OfALoopThatSomebodyOwesAWakeUpLeavesItsMemoryBehind) {
  LogCapture capture;
  OwnLoop loop;
  const MadeCall call = make_on(loop.id(), [](crochet_deferred* deferred) { settle_by(deferred); });
  while (!loop->looks_asleep()) sched_yield();
  ASSERT_EQ(queue_of(*loop).push(call.call, call.call), CallQueue::Push::kQueuedOwesWakeUp);
  wake_up_of(*loop).send();  // somebody else's
  EXPECT_EQ(wait_settled(call), CROCHET_OK);
  call.release();
  EXPECT_EQ(stop(*loop), CROCHET_OK);
  loop->join_thread();
  EXPECT_FALSE(recycled(*loop));
  EXPECT_EQ(LogCapture::occurrences(capture.stop(), "its memory is left behind"), 1);
}

// ---- Adopted loops

TEST(AdoptedEnd, ClosesOurHandlesAndLeavesTheHostsLoop) {
  contract::HostLoop host;
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  ASSERT_EQ(loop->adopt({id, 1, no_alarm}, host.uv(), {}), 0);
  EXPECT_EQ(host.close(), UV_EBUSY);
  loop->request_stop(0);
  EXPECT_EQ(loop->state(), Loop::State::kStopping);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(loop->wait_until_ended(Deadline::at(1)), CROCHET_OK);
  EXPECT_EQ(host.close(), 0);
  loop->recycle();
}

TEST(AdoptedEnd, ThatIsNotRunIsReportedSo) {
  LogCapture capture;
  contract::HostLoop host;
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  ASSERT_EQ(loop->adopt({id, 1, no_alarm}, host.uv(), {}), 0);
  const MadeCall call = running_call(nullptr, nullptr, 1, 0, id);
  loop->request_stop(0);
  EXPECT_EQ(loop->wait_until_ended(Deadline::at(1)), CROCHET_ETIMEDOUT);
  EXPECT_TRUE(word::settled(call.word()));
  EXPECT_EQ(LogCapture::occurrences(capture.stop(), "nobody runs it"), 1);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(loop->state(), Loop::State::kEnded);
  release_all(call);
}

TEST(AdoptedEnd, ComesAtOnceWhenACallbackEndsTheHostsThread) {
  LogCapture capture;
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  contract::Gate adopted;
  MadeCall held{}, deadly{};
  // The libuv loop is left as it was when its thread went.
  static uv_loop_t uv;
  std::thread host([&] {
    uv_loop_init(&uv);
    ASSERT_EQ(loop->adopt({id, 1, no_alarm}, &uv, {}), 0);
    adopted.open();
    uv_run(&uv, UV_RUN_DEFAULT);
  });
  adopted.wait();
  held = running_call(nullptr, nullptr, 1, 0, id);
  deadly = post(*loop, [](crochet_deferred*) { pthread_exit(nullptr); });
  EXPECT_EQ(wait_settled(held), CROCHET_ESTOPPED);
  EXPECT_EQ(wait_settled(deadly), CROCHET_ESTOPPED);
  host.join();
  EXPECT_EQ(loop->state(), Loop::State::kEnded);
  EXPECT_EQ(LogCapture::occurrences(capture.stop(), "ended by a callback"), 1);
  EXPECT_FALSE(recycled(*loop)) << "our handles are still part of the host's loop";
  release_all(held);
  release_all(deadly);
}

TEST(AdoptedEnd, ThatNothingKeepsAliveStillComesAfterAStopOnItsThread) {
  contract::HostLoop host;
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  crochet_options options;
  options.keep_alive = false;
  ASSERT_EQ(loop->adopt({id, 1, no_alarm}, host.uv(), options), 0);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(loop->state(), Loop::State::kRunning);
  loop->request_stop(0);
  EXPECT_EQ(host.run(), 0);
  EXPECT_EQ(loop->state(), Loop::State::kEnded);
  EXPECT_EQ(host.close(), 0);
  loop->recycle();
}

TEST(AdoptedEnd, WakesAHostThatIsBlockedInItsRun) {
  contract::HostLoop host;
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  ASSERT_EQ(loop->adopt({id, 1, no_alarm}, host.uv(), {}), 0);
  std::thread stopper([&] { loop->request_stop(0); });
  EXPECT_EQ(host.run(), 0);
  stopper.join();
  EXPECT_EQ(loop->state(), Loop::State::kEnded);
  loop->recycle();
}

}  // namespace
}  // namespace crochet
