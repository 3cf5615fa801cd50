// SPDX-License-Identifier: MIT
// E4: each counter that can wrap is started just below, and the real thing counts it across. Nothing notices.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/durations.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_sink.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "base/spin.hpp"
#include "call/depot.hpp"
#include "call/handle.hpp"
#include "call/pool.hpp"
#include "call/side_record.hpp"
#include "crochet.h"
#include "log/bridge.hpp"
#include "log/ring.hpp"
#include "loop/call_queue.hpp"
#include "loop/completion_queue.hpp"
#include "loop/counters.hpp"
#include "loop/drain_budget.hpp"
#include "loop/loop_handle.hpp"
#include "loop/loop_table.hpp"
#include "loop/wake_up.hpp"
#include "unit/support/inside.hpp"
#include "unit/support/own_loop.hpp"

namespace crochet {

struct QueueHead {
  friend Atomic<Call*> CallQueue::*field(QueueHead);
};
template struct Inside<QueueHead, &CallQueue::head_>;
struct EventsOf {
  friend Atomic<Word> CompletionQueue::*field(EventsOf);
};
template struct Inside<EventsOf, &CompletionQueue::events_>;
struct Sends {
  friend Atomic<Word> CallQueue::*field(Sends);
};
template struct Inside<Sends, &CallQueue::sends_>;
struct Marks {
  friend Plain<std::uint32_t> CallQueue::*field(Marks);
};
template struct Inside<Marks, &CallQueue::marks_>;

struct AtStopOf {
  friend AtStopStack Loop::*field(AtStopOf);
};
template struct Inside<AtStopOf, &Loop::at_stop_>;
struct Pushes {
  friend Atomic<std::uint32_t> AtStopStack::*field(Pushes);
};
template struct Inside<Pushes, &AtStopStack::pushes_>;
struct PruneAt {
  friend Atomic<std::uint32_t> AtStopStack::*field(PruneAt);
};
template struct Inside<PruneAt, &AtStopStack::prune_at_>;

struct RoundsOf {
  friend Atomic<std::uint32_t> Loop::*field(RoundsOf);
};
template struct Inside<RoundsOf, &Loop::rounds_>;

struct CountersOf {
  friend Counters Loop::*field(CountersOf);
};
template struct Inside<CountersOf, &Loop::counters_>;
using Counts = Atomic<std::uint64_t>[kCounters];
struct CountsOf {
  friend Counts Counters::*field(CountsOf);
};
template struct Inside<CountsOf, &Counters::counts_>;

struct DepotOf {
  friend Depot<Pool> Pool::*field(DepotOf);
};
template struct Inside<DepotOf, &Pool::depot_>;
struct DepotHead {
  friend Atomic<std::uint64_t> Depot<Pool>::*field(DepotHead);
};
template struct Inside<DepotHead, &Depot<Pool>::head_>;

struct CallsLeft {
  friend unsigned DrainBudget::*field(CallsLeft);
};
template struct Inside<CallsLeft, &DrainBudget::left_>;
struct Rest {
  friend Atomic<std::uint32_t> Spin::*field(Rest);
};
template struct Inside<Rest, &Spin::rest_>;
struct NextRest {
  friend Atomic<std::uint32_t> Spin::*field(NextRest);
};
template struct Inside<NextRest, &Spin::next_rest_>;

inline constexpr std::uint32_t kLogPlaces = 1024;
using Ring = LogRing<LogRecord, kLogPlaces>;
struct RingOf {
  friend Ring LogBridge::*field(RingOf);
};
template struct Inside<RingOf, &LogBridge::ring_>;
struct RingTail {
  friend Atomic<std::uint64_t> Ring::*field(RingTail);
};
template struct Inside<RingTail, &Ring::tail_>;
struct RingTaken {
  friend Atomic<std::uint64_t> Ring::*field(RingTaken);
};
template struct Inside<RingTaken, &Ring::taken_>;
struct RingWritten {
  friend Atomic<std::uint64_t> Ring::*field(RingWritten);
};
template struct Inside<RingWritten, &Ring::written_>;
struct RingHead {
  friend Atomic<std::uint64_t> Ring::*field(RingHead);
};
template struct Inside<RingHead, &Ring::head_>;
using Turns = Atomic<std::uint32_t>[kLogPlaces];
struct RingTurns {
  friend Turns Ring::*field(RingTurns);
};
template struct Inside<RingTurns, &Ring::turns_>;
struct RingLost {
  friend Atomic<std::uint32_t> Ring::*field(RingLost);
};
template struct Inside<RingLost, &Ring::lost_>;
using LogCounts = Atomic<std::uint64_t>[kLogCounters];
struct LogCountsOf {
  friend LogCounts LogBridge::*field(LogCountsOf);
};
template struct Inside<LogCountsOf, &LogBridge::counters_>;
struct LogGeneration {
  friend Atomic<std::uint64_t> LogBridge::*field(LogGeneration);
};
template struct Inside<LogGeneration, &LogBridge::generation_>;
struct LogChanges {
  friend Atomic<std::uint64_t> LogBridge::*field(LogChanges);
};
template struct Inside<LogChanges, &LogBridge::changes_>;
struct LogEnded {
  friend std::uint64_t LogBridge::*field(LogEnded);
};
template struct Inside<LogEnded, &LogBridge::ended_>;

namespace {

using contract::BlockedLoop;
using contract::counted;
using contract::DropCounter;
using contract::Gate;
using contract::HostLoop;
using contract::kKillTimer;
using contract::kMillisecond;
using contract::kSecond;
using contract::LogSink;
using contract::OwnedCall;
using contract::OwnedLoop;
using contract::OwnedResult;
using contract::Pending;

constexpr std::uint32_t kTop = 0xffff'ffff;
constexpr std::uint64_t kTop64 = ~std::uint64_t{0};

class AbuseE4 : public contract::ShutDownAfterwards {};

std::uint64_t counter_of(crochet_loop* loop, const char* name) {
  std::uint64_t count = 0;
  EXPECT_EQ(crochet_loop_counter(loop, name, &count), CROCHET_OK) << name;
  return count;
}

Loop& block_of(const OwnedLoop& loop) { return *target_of(loop.get()).loop; }

bool is_alive(const Target& target) { return word::alive(target.call->word.load(acquire), target.generation); }

// ---- The queue: marks and sends, modulo 2^32

std::uint32_t sends_of(Loop& loop) { return static_cast<std::uint32_t>((queue_of(loop).*field(Sends{})).load() >> 1); }

// From here on a push owes a wake-up.
void until_loop_is_asleep(Loop& loop) {
  const Call* const asleep = reinterpret_cast<Call*>(std::uintptr_t{1});
  while ((queue_of(loop).*field(QueueHead{})).load(relaxed) != asleep) sched_yield();
}

// Both counts are that far already; what is owed stays owed. `high`: what the sends' word holds above.
void count_from(Loop& loop, std::uint32_t count, std::uint64_t high = 0) {
  on_loop(loop, [&] {
    CallQueue& queue = queue_of(loop);
    const std::uint32_t more = count - queue.*field(Marks{});
    queue.*field(Marks{}) = count;
    (queue.*field(Sends{})).fetch_add((high << 32 | more) << 1, acq_rel);
  });
}

void stop_without_debts(OwnLoop& loop) {
  loop->request_stop(0);
  EXPECT_EQ(loop->wait_until_ended(Deadline::after(kKillTimer)), CROCHET_OK);
  loop->join_thread(Deadline::after(kKillTimer));
  EXPECT_TRUE(recycled(*loop)) << "the stop thought that a wake-up was owed, and left the loop's memory behind";
}

TEST_F(AbuseE4, ALoopIsWokenAndStoppedAcrossTheWrapOfItsQueuesMarksAndSends) {
  constexpr std::uint32_t kWakeUps = 3;
  for (const std::uint64_t high : {std::uint64_t{0}, std::uint64_t{0x7fff'ffff}}) {  // the whole word wraps, too
    for (const std::uint32_t from : {kTop - 4, kTop - 3, kTop - 2, kTop - 1, kTop, kTop / 2}) {
      OwnLoop loop;
      count_from(*loop, from, high);
      for (std::uint32_t i = 0; i < kWakeUps; ++i) {
        until_loop_is_asleep(*loop);
        on_loop(*loop, [] {});
      }
      until_loop_is_asleep(*loop);
      stop_without_debts(loop);
      EXPECT_EQ(sends_of(*loop), queue_of(*loop).*field(Marks{}));
      EXPECT_NE(sends_of(*loop), from);
    }
  }
}

TEST_F(AbuseE4, ManyThreadsWakeALoopAcrossTheWrapOfItsMarksAndSends) {
  constexpr int kThreads = 3, kEach = 200;
  OwnLoop loop;
  count_from(*loop, kTop - 20);
  int runs = 0;
  contract::at_once(kThreads, [&](int) {
    for (int i = 0; i < kEach; ++i) on_loop(*loop, [&runs] { ++runs; });
  });
  EXPECT_EQ(runs, kThreads * kEach);
  for (int i = 0; i < 21; ++i) {  // however few of these found it asleep
    until_loop_is_asleep(*loop);
    on_loop(*loop, [] {});
  }
  stop_without_debts(loop);
  EXPECT_LT(sends_of(*loop), kTop / 2);
}

// The kernel counts as well: what nobody reads, up to 2^64 - 2.
TEST_F(AbuseE4, AWakeUpReachesALoopWhoseDescriptorHasCountedToItsEnd) {
  HostLoop host;
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  const WakeUp& wake_up = wake_up_of(block_of(loop));
  for (int i = 0; i < 3; ++i) {
    host.run(UV_RUN_NOWAIT);
    const std::uint64_t all_but_one = kTop64 - 2;
    ASSERT_EQ(write(wake_up.descriptor(), &all_but_one, sizeof all_but_one), static_cast<ssize_t>(sizeof all_but_one));
    int runs = 0;
    for (int call = 0; call < 3; ++call) {
      std::thread([&] {
        EXPECT_TRUE(post_and_forget(block_of(loop), [&runs] { ++runs; }));
        wake_up_of(block_of(loop)).send();
      }).join();
    }
    host.run(UV_RUN_ONCE);
    EXPECT_EQ(runs, 3);
  }
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
}

// ---- The depot: its tag, modulo 2^32

Atomic<std::uint64_t>& head_of_depot(Pool& pool) { return pool.*field(DepotOf{}).*field(DepotHead{}); }

TEST_F(AbuseE4, ThePoolGivesNoSlotToTwoThreadsWhenItsDepotsTagWraps) {
  constexpr int kThreads = 4, kRounds = 100;
  constexpr std::size_t kEach = 150;  // more than two magazines: they travel
  static Pool::Slabs slabs;
  static Pool pool(slabs, sizeof(Call), 3);
  std::atomic<int> shared{0};
  for (const std::uint32_t before_wrap : {1u, 100u, 5000u}) {
    {
      Pool::Cache cache;
      pool.free(cache, pool.allocate(cache));
      pool.give_back(cache);
    }
    Atomic<std::uint64_t>& head = head_of_depot(pool);
    head.store((head.load() & kTop) | std::uint64_t{kTop - before_wrap} << 32);
    contract::at_once(kThreads, [&](int thread) {
      Pool::Cache cache;
      std::vector<Call*> mine;
      for (int round = 0; round < kRounds; ++round) {
        for (std::size_t i = 0; i < kEach; ++i) {
          Call* call = i % 7 == 0 ? pool.allocate_without_cache() : pool.allocate(cache);
          call->arg = &mine;  // plain: a race detector sees a second owner
          call->loop.store(static_cast<std::uint32_t>(thread), relaxed);
          mine.push_back(call);
        }
        for (std::size_t i = 0; i < kEach; ++i) {
          Call* call = mine[i];
          if (call->arg != &mine || call->loop.load(relaxed) != static_cast<std::uint32_t>(thread)) ++shared;
          if (i % 5 == 0) pool.free_without_cache(call);
          else pool.free(cache, call);
        }
        mine.clear();
      }
      pool.give_back(cache);
    });
    EXPECT_EQ(shared.load(), 0);
    EXPECT_LT(head.load() >> 32, kTop / 2) << "it did not wrap";

    std::size_t made = 0;
    while (pool.slot(made) != nullptr) ++made;
    Pool::Cache cache;
    std::vector<Call*> all;
    for (std::size_t i = 0; i < made; ++i) all.push_back(pool.allocate(cache));
    EXPECT_EQ(pool.slot(made), nullptr) << "a slot was lost";
    for (Call* call : all) pool.free(cache, call);
    pool.give_back(cache);
    std::sort(all.begin(), all.end());
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  }
}

// ---- A slot's generation, modulo 32: handles of all other lives are refused

constexpr std::size_t kLives = 3 * word::kGenerations + 10;

void expect_refused(crochet_result* stale) {
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  std::uint64_t uid = 0;
  EXPECT_EQ(crochet_result_status(stale), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_wait(stale, 0), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_wait_interruptible(stale, 0), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_join(stale, 0), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_value(stale), nullptr);
  EXPECT_EQ(crochet_result_take(stale, &value, &drop), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_error(stale), nullptr);
  EXPECT_EQ(crochet_result_cancel(stale, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_interrupt(stale), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_stash(stale, 1, &uid), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_retain(stale), nullptr);
  crochet_result_release(stale);
}

void expect_refused(crochet_deferred* stale) {
  DropCounter drops;
  EXPECT_EQ(crochet_resolve(stale, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(crochet_reject_with(stale, -1, "", 1, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(crochet_deferred_on_cancel(stale, do_nothing, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(drops.count(), 3);
  EXPECT_EQ(crochet_deferred_is_cancelled(stale), 0);
  EXPECT_EQ(crochet_deferred_loop(stale), nullptr);
  EXPECT_EQ(crochet_deferred_retain(stale), nullptr);
  crochet_deferred_release(stale);
}

void expect_refused(crochet_call* stale) {
  EXPECT_EQ(crochet_call_storage(stale), nullptr);
  EXPECT_EQ(crochet_call_set_label(stale, "x"), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_set_at_stop(stale), CROCHET_EINVAL);
  EXPECT_EQ(crochet_call_run(stale, do_nothing, nullptr, nullptr), CROCHET_EINVAL);
  crochet_call_discard(stale);
}

void expect_refused(crochet_cork* stale) {
  DropCounter drops;
  EXPECT_EQ(crochet_cork_run(stale, do_nothing, drops.pointer(), DropCounter::drop), CROCHET_EINVAL);
  EXPECT_EQ(drops.count(), 1);
  EXPECT_EQ(crochet_cork_flush(stale), CROCHET_EINVAL);
  crochet_cork_free(stale);
}

void expect_refused(crochet_loop* stale) {
  DropCounter drops;
  std::uint64_t count = 0;
  crochet_call* call = nullptr;
  crochet_cork* cork = nullptr;
  crochet_deferred* deferred = nullptr;
  EXPECT_EQ(crochet_run(stale, do_nothing, drops.pointer(), DropCounter::drop, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_wait_for(stale, do_nothing, drops.pointer(), DropCounter::drop, 0, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_deferred_new(stale, drops.pointer(), DropCounter::drop, &deferred, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(drops.count(), 3);
  EXPECT_EQ(crochet_call_new(stale, 0, &call), CROCHET_EINVAL);
  EXPECT_EQ(crochet_cork_new(stale, &cork), CROCHET_EINVAL);
  EXPECT_EQ(crochet_loop_counter(stale, "calls_run", &count), CROCHET_EINVAL);
  EXPECT_EQ(crochet_loop_retain(stale), nullptr);
  EXPECT_EQ(crochet_loop_stop(stale, 0), CROCHET_EINVAL);
  crochet_loop_release(stale);
}

// The handles of one place's lives, which come round.
template <class Handle>
class Lives {
 public:
  explicit Lives(std::size_t generations) : generations_(generations) {}

  // A life has begun: only its own handle is good.
  void begin(Handle* handle) {
    if (seen_.size() < generations_) {
      EXPECT_EQ(std::count(seen_.begin(), seen_.end(), handle), 0) << "too early";
      seen_.push_back(handle);
    } else {
      EXPECT_EQ(handle, seen_[lives_ % generations_]);
    }
    ++lives_;
    for (Handle* other : seen_) {
      if (other != handle) expect_refused(other);
    }
  }

 private:
  const std::size_t generations_;
  std::vector<Handle*> seen_;
  std::size_t lives_ = 0;
};

TEST_F(AbuseE4, ResultsOfOtherLivesAreRefusedHoweverOftenASlotsGenerationWraps) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Lives<crochet_result> lives(word::kGenerations);
  std::array<int, kLives> values{};
  const Call* slot = nullptr;
  for (int& value : values) {
    OwnedResult result;
    const auto resolve = [](crochet_deferred* deferred, void* arg) { crochet_resolve(deferred, arg, nullptr); };
    ASSERT_EQ(crochet_run(nullptr, resolve, &value, nullptr, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
    if (slot == nullptr) slot = target_of(result.get()).call;
    ASSERT_EQ(target_of(result.get()).call, slot);
    lives.begin(result.get());
    EXPECT_EQ(crochet_result_status(result.get()), CROCHET_OK);
    EXPECT_EQ(crochet_result_value(result.get()), &value);
    crochet_result* ended = result.get();
    result.reset();
    expect_refused(ended);
  }
}

TEST_F(AbuseE4, DeferredsOfOtherLivesAreRefusedHoweverOftenASlotsGenerationWraps) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Lives<crochet_deferred> lives(word::kGenerations);
  const Call* slot = nullptr;
  for (std::size_t life = 0; life < kLives; ++life) {
    DropCounter drops;
    Pending call(nullptr, drops.pointer(), DropCounter::drop);
    if (slot == nullptr) slot = target_of(call.deferred.get()).call;
    ASSERT_EQ(target_of(call.deferred.get()).call, slot);
    lives.begin(call.deferred.get());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(crochet_deferred_retain(call.deferred.get()), call.deferred.get());
    for (int i = 0; i < 3; ++i) crochet_deferred_release(call.deferred.get());
    EXPECT_EQ(drops.count(), 0) << "it is still held";
    EXPECT_EQ(crochet_result_status(call.result.get()), CROCHET_EPENDING);
    EXPECT_EQ(crochet_resolve(call.deferred.get(), &drops, nullptr), CROCHET_OK);
    crochet_deferred* ended = call.deferred.get();
    call.deferred.reset();
    EXPECT_EQ(drops.count(), 1);
    EXPECT_EQ(crochet_result_value(call.result.get()), &drops);
    call.result.reset();
    expect_refused(ended);
  }
}

TEST_F(AbuseE4, PreparedCallsAndCorksOfOtherLivesAreRefusedHoweverOftenASlotsGenerationWraps) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Lives<crochet_call> lives(word::kGenerations);
  Lives<crochet_cork> lives_of_corks(word::kGenerations);
  const Call* slot = nullptr;
  for (std::size_t life = 0; life < kLives; ++life) {
    OwnedCall call;
    ASSERT_EQ(crochet_call_new(nullptr, 150, call.out()), CROCHET_OK);  // from another pool than the cork
    if (slot == nullptr) slot = target_of(call.get()).call;
    ASSERT_EQ(target_of(call.get()).call, slot);
    lives.begin(call.get());
    EXPECT_NE(crochet_call_storage(call.get()), nullptr);

    crochet_cork* cork = nullptr;
    ASSERT_EQ(crochet_cork_new(nullptr, &cork), CROCHET_OK);
    lives_of_corks.begin(cork);
    DropCounter drops;
    EXPECT_EQ(crochet_cork_run(cork, do_nothing, drops.pointer(), DropCounter::drop), CROCHET_OK);
    EXPECT_EQ(crochet_cork_flush(cork), CROCHET_OK);
    drops.wait();
    crochet_cork_free(cork);
    expect_refused(cork);
  }
}

// ---- The epoch of interrupts, modulo 16

// A wait that counts as being in progress: its flag is taken away before, and it has set it.
class PresentWaiter {
 public:
  PresentWaiter(Call& call, Word flag, std::function<int()> wait) {
    call.word.fetch_and(~flag, acq_rel);
    thread_ = std::thread([this, wait = std::move(wait)] { code_ = wait(); });
    while ((call.word.load(acquire) & flag) == 0) sched_yield();
  }
  int code() {
    thread_.join();
    return code_;
  }

 private:
  int code_ = 1;
  std::thread thread_;
};

TEST_F(AbuseE4, EachInterruptReachesAllWaitersAcrossTheWrapOfTheEpoch) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Target target{};
  {
    Pending pending;
    crochet_result* result = pending.result.get();
    target = target_of(result);
    for (int i = 0; i < 40; ++i) {
      const auto wait = [result] { return crochet_result_wait(result, kKillTimer / 3); };
      const auto join = [result] { return crochet_result_join(result, kKillTimer / 3); };
      PresentWaiter one(*target.call, word::kWaiters, wait);
      PresentWaiter other(*target.call, word::kWaiters, wait);
      PresentWaiter joiner(*target.call, word::kJoiners, join);
      EXPECT_EQ(crochet_result_interrupt(result), CROCHET_OK);
      EXPECT_EQ(one.code(), CROCHET_EINTR) << i;
      EXPECT_EQ(other.code(), CROCHET_EINTR) << i;
      EXPECT_EQ(joiner.code(), CROCHET_EINTR) << i;
      EXPECT_EQ(crochet_result_wait(result, 0), CROCHET_ETIMEDOUT) << "it is used up";
    }
    EXPECT_EQ(word::references(target.call->word.load()), 2u);
    EXPECT_EQ(crochet_resolve(pending.deferred.get(), &target, nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_result_value(result), &target);
  }
  EXPECT_EQ(target.call->word.load(), word::unused(target.generation + 1)) << "the epoch ran over into a neighbour";
}

// ---- The list of after-calls: how many were added since it was pruned, modulo 2^32

TEST_F(AbuseE4, AfterCallsAllRunAndArePrunedAcrossTheWrapOfTheirCount) {
  struct Start {
    std::uint32_t adds, prune_at;
  };
  constexpr int kCalls = 120;
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  for (const Start start : {Start{kTop, 16}, Start{kTop - 1, 16}, Start{kTop - 2, kTop}}) {
    Pending watched;
    std::atomic<int> runs{0};
    std::vector<OwnedResult> kept;
    std::vector<Target> cancelled;
    for (int i = 0; i < kCalls; ++i) {
      OwnedCall call;
      ASSERT_EQ(crochet_call_new(nullptr, sizeof(void*), call.out()), CROCHET_OK);
      *static_cast<std::atomic<int>**>(crochet_call_storage(call.get())) = &runs;
      ASSERT_EQ(crochet_call_set_after(call.get(), watched.result.get()), CROCHET_OK);
      if (i == 0) {
        SideRecord& side = *target_of(watched.result.get()).call->side();
        side.adds.store(start.adds);
        side.prune_at.store(start.prune_at);
      }
      OwnedResult result;
      const auto count = [](crochet_deferred* deferred, void* storage) {
        (*static_cast<std::atomic<int>**>(storage))->fetch_add(1);
        crochet_resolve(deferred, nullptr, nullptr);
      };
      ASSERT_EQ(crochet_call_run(call.release(), count, nullptr, result.out()), CROCHET_OK);
      if (i % 3 != 1) {
        kept.push_back(std::move(result));
        continue;
      }
      cancelled.push_back(target_of(result.get()));
      EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
    }
    // Dropped though the watched call goes on: all but those since the last pruning.
    EXPECT_GE(std::count_if(cancelled.begin(), cancelled.end(), [](const Target& t) { return !is_alive(t); }), 1);
    EXPECT_EQ(runs.load(), 0);
    EXPECT_EQ(crochet_resolve(watched.deferred.get(), nullptr, nullptr), CROCHET_OK);
    for (const OwnedResult& result : kept) EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
    EXPECT_EQ(runs.load(), static_cast<int>(kept.size()));
  }
}

// ---- A loop's block: the generation of its handles, modulo 32; its uses, modulo 2^20

TEST_F(AbuseE4, WhoWaitsAtACompletionQueueIsWokenAcrossTheWrapOfItsAnnouncements) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  crochet_completion_queue* handle = nullptr;
  ASSERT_EQ(crochet_completion_queue_new(&handle), CROCHET_OK);
  (completion_queue_of(handle)->*field(EventsOf())).store(UINT32_MAX - 2, relaxed);
  for (std::uint64_t i = 0; i < 6; ++i) {
    Pending call;
    ASSERT_EQ(crochet_completion_queue_watch(handle, call.result.get(), i), CROCHET_OK);
    std::thread waiter([handle, i] {
      OwnedResult result;
      std::uint64_t tag = 99;
      EXPECT_EQ(crochet_completion_queue_next(handle, kForever, result.out(), &tag), CROCHET_OK);
      EXPECT_EQ(tag, i);
    });
    EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
    waiter.join();
  }
  EXPECT_EQ((completion_queue_of(handle)->*field(EventsOf())).load(relaxed),
            3u);  // nobody sleeps: the carry went nowhere
  crochet_completion_queue_release(handle);
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
}

TEST_F(AbuseE4, LoopHandlesOfOtherLivesAreRefusedHoweverOftenABlocksGenerationWraps) {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Lives<crochet_loop> lives(Loop::kGenerations);
  const Loop* block = nullptr;
  for (std::uint32_t life = 0; life < 2 * Loop::kGenerations + 10; ++life) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    if (block == nullptr) block = &block_of(loop);
    ASSERT_EQ(&block_of(loop), block);
    lives.begin(loop.get());
    EXPECT_EQ(contract::on_loop(loop.get(), [&] { EXPECT_EQ(crochet_current_loop(), loop.get()); }), CROCHET_OK);
    EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_OK);
    EXPECT_EQ(counter_of(loop.get(), "calls_run"), 1u);
    crochet_loop* ended = loop.get();
    loop.reset();
    expect_refused(ended);
  }
}

TEST_F(AbuseE4, ALoopRunsItsCallsAndReportsThemAcrossTheWrapOfItsBlocksUses) {
  constexpr std::uint32_t kOneUse = loop_table::kPlaces;
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  const int level = crochet_log_level();
  ASSERT_EQ(crochet_log_set_level(CROCHET_LOG_INFO), CROCHET_OK);
  LogSink sink;
  std::uint32_t id = 0;
  crochet_call* prepared_before = nullptr;
  std::unique_ptr<Pending> held_before;
  for (std::uint32_t use = 0; use < 5; ++use) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    if (use == 0) id = block_of(loop).id();
    EXPECT_EQ(block_of(loop).id(), id) << use;

    // What was made for the loop before is not taken for this one's.
    if (prepared_before != nullptr) {
      EXPECT_EQ(crochet_deferred_loop(held_before->deferred.get()), nullptr);
      OwnedResult result;
      EXPECT_EQ(crochet_call_run(prepared_before, contract::resolve_null, nullptr, result.out()), CROCHET_OK);
      EXPECT_EQ(crochet_result_join(result.get(), kKillTimer), CROCHET_OK);
      EXPECT_EQ(crochet_result_status(result.get()), CROCHET_ESTOPPED);
    }
    ASSERT_EQ(crochet_call_new(loop.get(), 0, &prepared_before), CROCHET_OK);
    held_before = std::make_unique<Pending>(loop.get());
    EXPECT_EQ(crochet_deferred_loop(held_before->deferred.get()), loop.get());

    for (int i = 0; i < 4; ++i) EXPECT_EQ(contract::on_loop(loop.get(), [] {}), CROCHET_OK);
    {
      BlockedLoop blocked(loop.get());
      OwnedResult result;
      EXPECT_EQ(crochet_run(loop.get(), do_nothing, nullptr, nullptr, result.out()), CROCHET_OK);
      int outcome = 0;
      EXPECT_EQ(crochet_result_cancel(result.get(), &outcome), CROCHET_OK);
      EXPECT_EQ(outcome, CROCHET_CANCEL_NOT_RUN);
    }
    EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
    EXPECT_EQ(crochet_result_status(held_before->result.get()), CROCHET_ESTOPPED) << "the stop found its call";
    EXPECT_EQ(counter_of(loop.get(), "calls_run"), 5u);
    EXPECT_EQ(counter_of(loop.get(), "calls_cancelled"), 1u);
    EXPECT_EQ(counter_of(loop.get(), "calls_held"), 1u);
    if (use == 0) {
      id = (kTop - 2 * kOneUse) / kOneUse * kOneUse + id % kOneUse;
      pretend_id(block_of(loop), id);
    }
    id += kOneUse;  // unsigned: after the last use comes the place alone
    EXPECT_NE(id, 0u);
  }
  crochet_call_discard(prepared_before);
  EXPECT_LT(id, 4 * kOneUse) << "it did not wrap";
  int reports = 0;
  for (const LogSink::Line& line : sink.flushed()) {
    if (line.text.find("of its calls 5 were run") != std::string::npos) ++reports;
  }
  EXPECT_EQ(reports, 5);
  EXPECT_EQ(crochet_log_set_level(level), CROCHET_OK);
}

// ---- At-stop calls: how many were pushed since they were pruned, modulo 2^32

TEST_F(AbuseE4, AtStopCallsArePrunedAndRunAcrossTheWrapOfTheirCount) {
  struct Start {
    std::uint32_t pushes, prune_at;
  };
  constexpr int kCalls = 240;
  struct Storage {
    std::string* order;
    int number;
  };
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  for (const Start start : {Start{kTop - 9, 64}, Start{kTop - 9, kTop}, Start{kTop - 9, 0}, Start{kTop, 64}}) {
    OwnedLoop loop;
    ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    AtStopStack& stack = block_of(loop).*field(AtStopOf{});
    (stack.*field(Pushes{})).store(start.pushes);
    (stack.*field(PruneAt{})).store(start.prune_at);
    std::string order, expected;
    std::vector<Target> cancelled;
    for (int i = 0; i < kCalls; ++i) {
      OwnedCall call;
      ASSERT_EQ(crochet_call_new(loop.get(), sizeof(Storage), call.out()), CROCHET_OK);
      ASSERT_EQ(crochet_call_set_at_stop(call.get()), CROCHET_OK);
      *static_cast<Storage*>(crochet_call_storage(call.get())) = {&order, i};
      OwnedResult result;
      const auto note = [](crochet_deferred*, void* arg) {
        const auto* storage = static_cast<Storage*>(arg);
        *storage->order += std::to_string(storage->number) + ' ';
      };
      const bool is_kept = i % 3 != 1;
      ASSERT_EQ(crochet_call_run(call.release(), note, nullptr, is_kept ? nullptr : result.out()), CROCHET_OK);
      if (is_kept) {
        expected.insert(0, std::to_string(i) + ' ');
        continue;
      }
      cancelled.push_back(target_of(result.get()));
      EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
    }
    EXPECT_EQ(contract::on_loop(loop.get(), [] {}), CROCHET_OK);  // behind the pruning
    EXPECT_LT((stack.*field(Pushes{})).load(), std::uint32_t{kCalls});
    EXPECT_NE((stack.*field(PruneAt{})).load(), start.prune_at);
    EXPECT_GE(std::count_if(cancelled.begin(), cancelled.end(), [](const Target& t) { return !is_alive(t); }), 3);
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_OK);
    EXPECT_EQ(order, expected) << "last made first";
    EXPECT_EQ(counter_of(loop.get(), "calls_cancelled"), cancelled.size());
  }
}

// ---- How often an adopted loop was run, modulo 2^32

bool has_line(const LogSink& sink, const std::string& part) {
  std::vector<LogSink::Line> lines;
  std::thread([&] { lines = sink.flushed(); }).join();  // this one is the loop's
  return std::any_of(lines.begin(), lines.end(),
                     [&part](const LogSink::Line& line) { return line.text.find(part) != std::string::npos; });
}

// A wait for a call of an adopted loop, which is run once meanwhile. False: that took too long, nothing is shown.
bool time_out_while_the_rounds_wrap(std::int64_t timeout_ns) {
  const LogSink sink;
  HostLoop host;
  OwnedLoop loop;
  EXPECT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
  (block_of(loop).*field(RoundsOf{})).store(kTop);
  bool in_time = false;
  {
    const Pending pending(loop.get());
    crochet_result* result = pending.result.get();
    const Deadline deadline = Deadline::after(timeout_ns);
    PresentWaiter waiter(*target_of(result).call, word::kWaiters,
                         [=] { return crochet_result_wait(result, timeout_ns); });
    host.run(UV_RUN_NOWAIT);
    in_time = !deadline.passed();
    EXPECT_EQ(block_of(loop).rounds(), 0u);
    EXPECT_EQ(waiter.code(), CROCHET_ETIMEDOUT);
    EXPECT_TRUE(!in_time || !has_line(sink, "nobody has run")) << "but it was run";
    std::thread([=] { EXPECT_EQ(crochet_result_wait(result, 1), CROCHET_ETIMEDOUT); }).join();
    EXPECT_TRUE(has_line(sink, "nobody has run")) << "this time it is true";
  }
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
  return in_time;
}

TEST_F(AbuseE4, NobodyIsWarnedFalselyWhenTheRoundsOfAnAdoptedLoopWrap) {
  std::int64_t timeout = 20 * kMillisecond;
  while (!time_out_while_the_rounds_wrap(timeout) && timeout < kKillTimer / 4) timeout *= 2;
}

// ---- What counts down, and must not get below zero

TEST_F(AbuseE4, ADrainBudgetIsAskedForTheTimeBeforeItsCountdownPassesZero) {
  constexpr unsigned kMostCalls = 33;
  for (int turn = 0; turn < 20; ++turn) {
    DrainBudget budget;
    bool is_spent = false;
    for (int looks = 0; looks < 50 || !is_spent; ++looks) {
      unsigned calls = 0;
      while (!budget.is_due()) ASSERT_LE(++calls, kMostCalls);
      EXPECT_EQ(budget.*field(CallsLeft{}), 0u);
      is_spent = budget.is_spent();
      EXPECT_GT(budget.*field(CallsLeft{}), 1u);
      EXPECT_LE(budget.*field(CallsLeft{}), kMostCalls);
    }
  }
}

// A countdown that had passed zero would run four thousand million calls before the next look at the queue.
TEST_F(AbuseE4, ALoopLooksAtItsQueueSoonAfterWhateverNumberOfCalls) {
  constexpr int kMostCallsBetweenLooks = 33, kCalls = 300;
  for (int stopper = 0; stopper < 80; ++stopper) {
    OwnLoop loop;
    Blocker blocker(*loop);
    int runs = 0;
    for (int i = 0; i < kCalls; ++i) {
      EXPECT_TRUE(post_and_forget(*loop, [&loop, &runs, is_stopper = i == stopper] {
        ++runs;
        if (is_stopper) loop->request_stop(0);
      }));
    }
    blocker.let_go();
    while (loop->state() == Loop::State::kRunning) sched_yield();
    EXPECT_EQ(loop->wait_until_ended(Deadline::after(kKillTimer)), CROCHET_OK);
    EXPECT_GT(runs, stopper);
    EXPECT_LE(runs, stopper + 1 + kMostCallsBetweenLooks);
  }
}

TEST_F(AbuseE4, ASpinsRestPassesNeitherZeroNorItsBoundWhateverManyThreadsCount) {
  constexpr int kThreads = 4, kRounds = 500'000;
  constexpr std::uint32_t kLongestRest = 1024;
  Spin spin;
  spin.set_limit(1);
  std::atomic<int> beyond{0};
  contract::at_once(kThreads, [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      if (spin.is_worth_it()) {
        if ((round + thread) % 3 == 0) spin.was_in_vain();
        else spin.was_worth_it();
      }
      const std::uint32_t rest = (spin.*field(Rest{})).load(), next = (spin.*field(NextRest{})).load();
      if (rest > kLongestRest || next == 0 || next > kLongestRest) ++beyond;
    }
  });
  EXPECT_EQ(beyond.load(), 0);
}

// ---- A loop's counters, modulo 2^64

TEST_F(AbuseE4, ALoopsCountersAddUpAcrossTheirWrap) {
  constexpr std::uint64_t kBefore = kTop64 - 1;
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  OwnedLoop loop;
  ASSERT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
  EXPECT_EQ(contract::on_loop(loop.get(),
                              [&] {
                                Counts& counts = block_of(loop).*field(CountersOf{}).*field(CountsOf{});
                                for (auto& count : counts) count.store(kBefore);
                              }),
            CROCHET_OK);
  Gate stopped;
  std::vector<Pending> held;
  for (int i = 0; i < 3; ++i) held.emplace_back(loop.get());
  {
    BlockedLoop blocked(loop.get());  // one that is run,
    for (int i = 0; i < 5; ++i) EXPECT_EQ(crochet_run(loop.get(), do_nothing, nullptr, nullptr, nullptr), CROCHET_OK);
    for (int i = 0; i < 3; ++i) {
      OwnedResult result;
      EXPECT_EQ(crochet_run(loop.get(), do_nothing, nullptr, nullptr, result.out()), CROCHET_OK);
      EXPECT_EQ(crochet_result_cancel(result.get(), nullptr), CROCHET_OK);
    }
    const auto stop = [&](crochet_deferred*) {
      EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
      stopped.open();
    };
    EXPECT_EQ(contract::run(loop.get(), stop, nullptr), CROCHET_OK);  // and another
    for (int i = 0; i < 100; ++i) EXPECT_EQ(crochet_run(loop.get(), do_nothing, nullptr, nullptr, nullptr), CROCHET_OK);
  }
  stopped.wait();
  EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
  const std::uint64_t run = counter_of(loop.get(), "calls_run") - kBefore;
  const std::uint64_t not_run = counter_of(loop.get(), "calls_not_run") - kBefore;
  const std::uint64_t cancelled = counter_of(loop.get(), "calls_cancelled") - kBefore;
  EXPECT_GE(run, 7u);
  EXPECT_GE(not_run, 3u);
  EXPECT_EQ(cancelled, 3u);
  EXPECT_EQ(run + not_run + cancelled, 1u + 5u + 3u + 1u + 100u);
  EXPECT_EQ(counter_of(loop.get(), "calls_held"), 1u);
  EXPECT_EQ(counter_of(loop.get(), "handles_open"), kBefore) << "none was";

  Loop& block = block_of(loop);
  const std::uint64_t before = block.counted(Counter::kNotRun);
  block.count(block.id(), Counter::kNotRun, -static_cast<int>(before) - 1);  // below zero,
  EXPECT_EQ(block.counted(Counter::kNotRun), kTop64);
  block.count(block.id(), Counter::kNotRun, 1);  // and back
  EXPECT_EQ(block.counted(Counter::kNotRun), 0u);
}

// ---- The log: places and turns of its ring, what was lost, its counters, its thread's generations

// Nobody writes: its thread has ended, its ring is empty. Tests write much: the default sink would show it all.
class SilentLog {
 public:
  SilentLog() {
    crochet_log_remove(CROCHET_LOG_DEFAULT_SINK);
    silence();
  }

  void silence() {
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(crochet_log_flush(kKillTimer), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    EXPECT_FALSE(bridge().is_running());
    EXPECT_TRUE(ring().is_all_taken());
  }
  LogBridge& bridge() { return *LogBridge::get(); }
  Ring& ring() { return bridge().*field(RingOf{}); }
  Atomic<std::uint64_t>& tail() { return ring().*field(RingTail{}); }
  Atomic<std::uint64_t>& taken() { return ring().*field(RingTaken{}); }
  Atomic<std::uint32_t>& lost() { return ring().*field(RingLost{}); }

  // As if so many messages had been written.
  void count_from(std::uint64_t position) {
    tail().store(position << 1);
    taken().store(position << 1);
    (ring().*field(RingWritten{})).store(position << 1);
    (ring().*field(RingHead{})).store(position);
    for (std::uint64_t next = position; next < position + kLogPlaces; ++next) {
      (ring().*field(RingTurns{}))[next % kLogPlaces].store(static_cast<std::uint32_t>(next / kLogPlaces) * 2);
    }
  }
  std::uint64_t position() { return tail().load() >> 1; }
};

int say(const std::string& text) { return crochet_log(CROCHET_LOG_ERROR, "e4", text.data(), text.size()); }
int say_in_time(const std::string& text) {
  return crochet_log_wait(CROCHET_LOG_ERROR, "e4", text.data(), text.size(), kKillTimer);
}

std::vector<std::string> said(const std::vector<LogSink::Line>& lines) {
  std::vector<std::string> texts;
  for (const LogSink::Line& line : lines) {
    if (line.origin == "e4") texts.push_back(line.text);
  }
  return texts;
}
std::vector<std::string> gaps(const std::vector<LogSink::Line>& lines) {
  std::vector<std::string> texts;
  for (const LogSink::Line& line : lines) {
    if (line.text.find("missing") != std::string::npos) texts.push_back(line.text);
  }
  return texts;
}
std::vector<std::string> numbers(int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i));
  return texts;
}

// Where something wraps, or would if it were counted in 32 bits: what threads sleep on, a half of the words; positions;
// the turns; the laps, of which the turns are made.
constexpr std::array kWraps = {std::uint64_t{1} << 31, std::uint64_t{1} << 32, (std::uint64_t{1} << 31) * kLogPlaces,
                               (std::uint64_t{1} << 32) * kLogPlaces};

TEST_F(AbuseE4, TheLogsThreadIsWokenForEachMessageAcrossTheWrapsOfItsRing) {
  SilentLog log;
  for (const std::uint64_t wrap : kWraps) {
    log.count_from(wrap - 4);
    const LogSink sink;
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(say(std::to_string(i)), CROCHET_OK);
      EXPECT_EQ(said(sink.flushed()), numbers(i + 1));
      while ((log.tail().load() & 1) == 0) sched_yield();  // until it sleeps
    }
    EXPECT_EQ(log.position(), wrap + 4);
    log.silence();
  }
}

TEST_F(AbuseE4, MessagesOfManyThreadsComeCompleteAndInOrderAcrossTheWrapsOfTheLogsRing) {
  constexpr int kThreads = 3, kEach = 1500;
  SilentLog log;
  for (const std::uint64_t wrap : kWraps) {
    log.count_from(wrap - kLogPlaces - 500);
    const LogSink sink;
    const std::uint64_t written = counted("messages_written");
    contract::at_once(kThreads, [](int thread) {
      const std::string name(1, static_cast<char>('a' + thread));
      for (int i = 0; i < kEach; ++i) EXPECT_EQ(say_in_time(name + std::to_string(i)), CROCHET_OK);
    });
    const std::vector<LogSink::Line> lines = sink.flushed();
    EXPECT_EQ(counted("messages_written") - written, std::uint64_t{kThreads * kEach});
    EXPECT_TRUE(gaps(lines).empty());
    std::array<std::vector<std::string>, kThreads> each;
    for (const std::string& text : said(lines))
      each.at(static_cast<std::size_t>(text[0] - 'a')).push_back(text.substr(1));
    for (const auto& mine : each) EXPECT_EQ(mine, numbers(kEach));
    EXPECT_GT(log.position(), wrap);
    log.silence();
  }
}

// A log that is full, while its thread is stuck in a sink.
class FullLog {
 public:
  explicit FullLog(SilentLog& log) : log_(log) {
    blocked_.until_in_sink();
    while (say(std::to_string(said_)) == CROCHET_OK) ++said_;
    EXPECT_EQ(said_, static_cast<int>(kLogPlaces));
    EXPECT_EQ(log_.lost().load(), 1u);
  }
  int said_so_far() const { return said_; }
  // Somebody waits for room, which comes; and then everybody's messages are there.
  std::vector<LogSink::Line> let_go() {
    std::thread waiter([this] { EXPECT_EQ(say_in_time(std::to_string(said_)), CROCHET_OK); });
    while ((log_.taken().load() & 1) == 0) sched_yield();
    blocked_.let_go();
    waiter.join();
    ++said_;
    const std::vector<LogSink::Line> lines = sink_.flushed();
    EXPECT_EQ(said(lines), numbers(said_));
    return lines;
  }

 private:
  SilentLog& log_;
  const LogSink sink_;
  contract::BlockedSink blocked_;
  int said_ = 0;
};

TEST_F(AbuseE4, AFullLogKeepsOrderAndTellsOfItsGapAcrossTheWrapsOfItsRing) {
  SilentLog log;
  for (const std::uint64_t wrap : kWraps) {
    for (const std::uint64_t before : {std::uint64_t{1}, std::uint64_t{500}, std::uint64_t{kLogPlaces}}) {
      log.count_from(wrap - before);
      FullLog full(log);
      EXPECT_EQ(say("one more"), CROCHET_ENOSPC);
      EXPECT_EQ(gaps(full.let_go()), std::vector<std::string>{"the log was full: 2 messages are missing here"});
      EXPECT_GT(log.position(), wrap);
      log.silence();
    }
  }
}

TEST_F(AbuseE4, WhatALogHasLostIsToldUpToTheLastNumberBeforeItsWrap) {
  SilentLog log;
  FullLog full(log);
  log.lost().store(kTop - 1);
  EXPECT_EQ(say("the last"), CROCHET_ENOSPC);
  EXPECT_EQ(gaps(full.let_go()), std::vector<std::string>{"the log was full: 4294967295 messages are missing here"});
}

TEST_F(AbuseE4, ALogThatHasLostMoreThanItCountsGoesOnAllTheSame) {
  SilentLog log;
  FullLog full(log);
  const std::uint64_t dropped = counted("messages_dropped");
  log.lost().store(kTop);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(say("too much"), CROCHET_ENOSPC);
  EXPECT_EQ(counted("messages_dropped") - dropped, 3u);
  EXPECT_EQ(gaps(full.let_go()).size(), 1u);
  EXPECT_EQ(log.lost().load(), 0u);
}

TEST_F(AbuseE4, TheLogsCountersGoOnAcrossTheirWrap) {
  SilentLog log;
  const LogSink sink;
  LogCounts& counts = log.bridge().*field(LogCountsOf{});
  for (auto& count : counts) count.store(kTop64 - 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(say(std::to_string(i)), CROCHET_OK);
  EXPECT_EQ(said(sink.flushed()), numbers(5)) << "which says that nothing was abandoned";
  EXPECT_EQ(counted("messages_written"), 3u);
  EXPECT_EQ(counted("messages_dropped"), kTop64 - 1);
  EXPECT_EQ(counted("messages_abandoned"), kTop64 - 1);
  EXPECT_EQ(counted("sink_failures"), kTop64 - 1);
  for (auto& count : counts) count.store(0);
}

TEST_F(AbuseE4, TheLogsThreadIsStartedAndEndedAcrossTheWrapOfWhatIsSleptOn) {
  SilentLog log;
  const LogSink sink;
  for (const std::uint64_t changes : {std::uint64_t{kTop} - 1, kTop64 - 1}) {
    (log.bridge().*field(LogChanges{})).store(changes);
    (log.bridge().*field(LogGeneration{})).store(kTop - 1);
    log.bridge().*field(LogEnded{}) = kTop - 1;
    const std::size_t before = said(sink.lines()).size();
    for (std::size_t i = 0; i < 4; ++i) {
      ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
      EXPECT_EQ(say("hello"), CROCHET_OK);
      EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
      EXPECT_FALSE(log.bridge().is_running());
      EXPECT_EQ(said(sink.lines()).size(), before + i + 1) << "the end of the log writes what is left";
    }
    EXPECT_EQ((log.bridge().*field(LogGeneration{})).load(), std::uint64_t{kTop} + 3);
    EXPECT_LT((log.bridge().*field(LogChanges{})).load() - changes, 100u);
  }
}

}  // namespace
}  // namespace crochet
