// SPDX-License-Identifier: MIT
// Results handed out as they settle: crochet_completion_queue_...
#include <fcntl.h>
#include <glib.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "api/provokes.hpp"
#include "api/support/asleep.hpp"
#include "api/support/at_once.hpp"
#include "api/support/closure.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "api/support/stale.hpp"
#include "crochet.h"

namespace contract {
namespace {

using OwnedQueue = Owned<crochet_completion_queue, crochet_completion_queue_release>;

OwnedQueue new_queue() {
  OwnedQueue queue;
  EXPECT_EQ(crochet_completion_queue_new(queue.out()), CROCHET_OK);
  return queue;
}

struct Taken {
  int code = CROCHET_OK;
  OwnedResult result;
  std::uint64_t tag = 0;
};

Taken next(const OwnedQueue& queue, std::int64_t timeout_ns = kForever) {
  Taken taken;
  taken.code = crochet_completion_queue_next(queue.get(), timeout_ns, taken.result.out(), &taken.tag);
  return taken;
}

int watch(const OwnedQueue& queue, const OwnedResult& result, std::uint64_t tag) {
  return crochet_completion_queue_watch(queue.get(), result.get(), tag);
}

// The tags of what is there.
std::vector<std::uint64_t> drain(const OwnedQueue& queue, std::size_t capacity = 16) {
  std::vector<crochet_result*> results(capacity);
  std::vector<std::uint64_t> tags(capacity);
  std::size_t count = 99;
  EXPECT_EQ(crochet_completion_queue_drain(queue.get(), capacity, results.data(), tags.data(), &count), CROCHET_OK);
  for (std::size_t i = 0; i < count; ++i) crochet_result_release(results[i]);
  tags.resize(count);
  return tags;
}

int descriptor_of(const OwnedQueue& queue) {
  int descriptor = -1;
  EXPECT_EQ(crochet_completion_queue_descriptor(queue.get(), &descriptor), CROCHET_OK);
  return descriptor;
}

bool is_readable(int descriptor, int timeout_ms = 0) {
  pollfd looked_at = {descriptor, POLLIN, 0};
  return poll(&looked_at, 1, timeout_ms) == 1;
}

void settle(Pending& call) {
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  call.deferred.reset();
}

using Tags = std::vector<std::uint64_t>;

class CompletionQueue : public WithDefaultLoop {};

// ---- Watching and handing out

TEST_F(CompletionQueue, HandsOutInTheOrderOfSettling) {
  const OwnedQueue queue = new_queue();
  Pending a, b, c;
  EXPECT_EQ(watch(queue, a.result, 1), CROCHET_OK);
  EXPECT_EQ(watch(queue, b.result, 2), CROCHET_OK);
  EXPECT_EQ(watch(queue, c.result, UINT64_MAX), CROCHET_OK);
  settle(c);
  settle(a);
  settle(b);
  for (const auto& [tag, call] : {std::pair{UINT64_MAX, &c}, {std::uint64_t{1}, &a}, {std::uint64_t{2}, &b}}) {
    const Taken taken = next(queue);
    EXPECT_EQ(taken.code, CROCHET_OK);
    EXPECT_EQ(taken.tag, tag);
    EXPECT_EQ(taken.result.get(), call->result.get());
  }
  EXPECT_EQ(next(queue, 0).code, CROCHET_ETIMEDOUT);
}

TEST_F(CompletionQueue, HandsOutWhatIsSettledAlready) {
  const OwnedQueue queue = new_queue();
  for (const int code : kFinalCodes) {
    const OwnedResult result = ended(code);
    EXPECT_EQ(watch(queue, result, 7), CROCHET_OK);
    const Taken taken = next(queue, 0);
    EXPECT_EQ(taken.code, CROCHET_OK);
    EXPECT_EQ(crochet_result_status(taken.result.get()), code);
  }
}

TEST_F(CompletionQueue, KeepsAResultThatItsOwnerLetGo) {
  const OwnedQueue queue = new_queue();
  DropCounter drops;
  {
    Pending call;
    EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
    call.result.reset();
    EXPECT_EQ(crochet_resolve(call.deferred.get(), drops.pointer(), DropCounter::drop), CROCHET_OK);
  }
  {
    const Taken taken = next(queue);
    EXPECT_EQ(crochet_result_value(taken.result.get()), drops.pointer());
    EXPECT_EQ(drops.count(), 0);
  }
  EXPECT_EQ(drops.count(), 1);
}

TEST_F(CompletionQueue, HandsOutWhatTheLoopRanSettledAndLetGo) {
  const OwnedQueue queue = new_queue();
  std::set<std::uint64_t> tags;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    OwnedResult result;
    ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
    ASSERT_EQ(watch(queue, result, i), CROCHET_OK);
    tags.insert(i);
  }
  while (!tags.empty()) {
    const Taken taken = next(queue);
    ASSERT_EQ(taken.code, CROCHET_OK);
    EXPECT_EQ(tags.erase(taken.tag), 1u);
  }
}

TEST_F(CompletionQueue, TakesResultsOfSeveralLoopsAndOfCancelsAndStops) {
  const OwnedQueue queue = new_queue();
  OwnedLoop other;
  ASSERT_EQ(crochet_loop_new(nullptr, other.out()), CROCHET_OK);
  Pending here, there(other.get()), cancelled;
  EXPECT_EQ(watch(queue, there.result, 1), CROCHET_OK);
  EXPECT_EQ(watch(queue, here.result, 2), CROCHET_OK);
  EXPECT_EQ(watch(queue, cancelled.result, 3), CROCHET_OK);
  EXPECT_EQ(crochet_result_cancel(cancelled.result.get(), nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_loop_stop(other.get(), 0), CROCHET_OK);
  settle(here);
  const Taken first = next(queue), second = next(queue), third = next(queue);
  EXPECT_EQ((Tags{first.tag, second.tag, third.tag}), (Tags{3, 1, 2}));
  EXPECT_EQ(crochet_result_status(first.result.get()), CROCHET_ECANCELED);
  EXPECT_EQ(crochet_result_status(second.result.get()), CROCHET_ESTOPPED);
}

TEST_F(CompletionQueue, WatchesAResultOnceAtATimeAndAgainAfterwards) {
  PROVOKES(crochet_completion_queue_watch, CROCHET_EALREADY);
  const OwnedQueue queue = new_queue();
  Pending call;
  EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
  EXPECT_EQ(watch(queue, call.result, 2), CROCHET_EALREADY);
  settle(call);
  EXPECT_EQ(watch(queue, call.result, 3), CROCHET_EALREADY);  // it was not handed out yet
  EXPECT_EQ(next(queue).tag, 1u);
  EXPECT_EQ(watch(queue, call.result, 4), CROCHET_OK);
  EXPECT_EQ(next(queue).tag, 4u);
}

TEST_F(CompletionQueue, OfOneResultThereMayBeSeveral) {
  const OwnedQueue one = new_queue(), two = new_queue();
  Pending call;
  EXPECT_EQ(watch(one, call.result, 1), CROCHET_OK);
  EXPECT_EQ(watch(two, call.result, 2), CROCHET_OK);
  settle(call);
  EXPECT_EQ(next(two).tag, 2u);
  EXPECT_EQ(next(one).tag, 1u);
}

TEST_F(CompletionQueue, DoesNotObserveAFailure) {
  const OwnedQueue queue = new_queue();
  LogCapture log;
  {
    OwnedDeferred deferred;
    OwnedResult result;
    ASSERT_EQ(crochet_deferred_new(nullptr, nullptr, nullptr, deferred.out(), result.out()), CROCHET_OK);
    EXPECT_EQ(watch(queue, result, 1), CROCHET_OK);
    EXPECT_EQ(crochet_reject(deferred.get(), CROCHET_EFAILED, "nobody will look"), CROCHET_OK);
  }
  next(queue);
  EXPECT_NE(log.stop().find("nobody will look"), std::string::npos);
}

TEST_F(CompletionQueue, HandsOutThoseThatSettleOfManyThatDoNot) {
  const OwnedQueue queue = new_queue();
  constexpr std::size_t kMany = kSanitized ? 10'000 : 100'000;
  std::vector<Pending> calls(kMany);
  for (std::size_t i = 0; i < kMany; ++i) ASSERT_EQ(watch(queue, calls[i].result, i), CROCHET_OK);
  for (std::size_t i = 0; i < kMany; i += 2) settle(calls[i]);
  for (std::size_t i = 0; i < kMany; i += 2) ASSERT_EQ(next(queue, 0).tag, i);
  EXPECT_EQ(next(queue, 0).code, CROCHET_ETIMEDOUT);
  for (std::size_t i = 1; i < kMany; i += 2) settle(calls[i]);
  std::size_t rest = 0;
  while (next(queue, 0).code == CROCHET_OK) ++rest;
  EXPECT_EQ(rest, kMany / 2);
}

// ---- Taking back

TEST_F(CompletionQueue, DoesNotHandOutWhatIsWatchedNoMore) {
  PROVOKES(crochet_completion_queue_unwatch, CROCHET_ENOENT);
  const OwnedQueue queue = new_queue();
  Pending a, b;
  EXPECT_EQ(crochet_completion_queue_unwatch(queue.get(), a.result.get()), CROCHET_ENOENT);
  EXPECT_EQ(watch(queue, a.result, 1), CROCHET_OK);
  EXPECT_EQ(watch(queue, b.result, 2), CROCHET_OK);
  EXPECT_EQ(crochet_completion_queue_unwatch(queue.get(), a.result.get()), CROCHET_OK);
  EXPECT_EQ(crochet_completion_queue_unwatch(queue.get(), a.result.get()), CROCHET_ENOENT);
  settle(a);
  settle(b);
  EXPECT_EQ(drain(queue), Tags{2});
  EXPECT_EQ(crochet_completion_queue_unwatch(queue.get(), b.result.get()), CROCHET_ENOENT);
}

TEST_F(CompletionQueue, TellsThatItIsTooLateToTakeAWatchBack) {
  PROVOKES(crochet_completion_queue_unwatch, CROCHET_EALREADY);
  const OwnedQueue queue = new_queue();
  Pending call;
  EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
  settle(call);
  EXPECT_EQ(crochet_completion_queue_unwatch(queue.get(), call.result.get()), CROCHET_EALREADY);
  EXPECT_EQ(drain(queue), Tags{1});
}

TEST_F(CompletionQueue, MayWatchALongCallAgainAndAgain) {
  const OwnedQueue queue = new_queue();
  Pending call;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(watch(queue, call.result, 1), CROCHET_OK);
    ASSERT_EQ(crochet_completion_queue_unwatch(queue.get(), call.result.get()), CROCHET_OK);
  }
  EXPECT_EQ(watch(queue, call.result, 2), CROCHET_OK);
  settle(call);
  EXPECT_EQ(drain(queue), Tags{2});
}

TEST_F(CompletionQueue, HandsOutOrTakesBackAndNeverBothWhenTheyRace) {
  const OwnedQueue queue = new_queue();
  for (int i = 0; i < 2000; ++i) {
    Pending call;
    ASSERT_EQ(watch(queue, call.result, 1), CROCHET_OK);
    int unwatched = CROCHET_OK;
    at_once(2, [&](int thread) {
      if (thread == 0) EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
      else unwatched = crochet_completion_queue_unwatch(queue.get(), call.result.get());
    });
    EXPECT_EQ(next(queue, 0).code, unwatched == CROCHET_OK ? CROCHET_ETIMEDOUT : CROCHET_OK);
  }
}

// ---- Waiting

TEST_F(CompletionQueue, WakesWhoWaits) {
  const OwnedQueue queue = new_queue();
  Pending call;
  EXPECT_EQ(watch(queue, call.result, 5), CROCHET_OK);
  Taken taken;
  pid_t sleeper = 0;
  Gate there;
  std::thread waiter([&] {
    sleeper = gettid();
    there.open();
    taken = next(queue);
  });
  there.wait();
  until_asleep(sleeper);
  settle(call);
  waiter.join();
  EXPECT_EQ(taken.tag, 5u);
}

TEST_F(CompletionQueue, GivesEachCompletionToOneOfManyThatWait) {
  constexpr int kWaiters = 8;
  constexpr std::uint64_t kEach = kSanitized ? 200 : 2000;
  const OwnedQueue queue = new_queue();
  std::array<std::atomic<int>, kWaiters * kEach> handed_out{};
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kWaiters * kEach; ++i) {
      OwnedResult result;
      ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
      ASSERT_EQ(watch(queue, result, i), CROCHET_OK);
    }
  });
  at_once(kWaiters, [&](int) {
    for (std::uint64_t i = 0; i < kEach; ++i) {
      const Taken taken = next(queue);
      ASSERT_EQ(taken.code, CROCHET_OK);
      ++handed_out[taken.tag];
    }
  });
  producer.join();
  for (const auto& times : handed_out) ASSERT_EQ(times, 1);
}

TEST_F(CompletionQueue, TimesOutAndNothingIsLost) {
  PROVOKES(crochet_completion_queue_next, CROCHET_ETIMEDOUT);
  const OwnedQueue queue = new_queue();
  Pending call;
  EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
  EXPECT_EQ(next(queue, 0).code, CROCHET_ETIMEDOUT);
  const Taken nothing = next(queue, kMillisecond);
  EXPECT_EQ(nothing.code, CROCHET_ETIMEDOUT);
  EXPECT_EQ(nothing.result.get(), nullptr);
  settle(call);
  EXPECT_EQ(next(queue, 0).tag, 1u);
}

TEST_F(CompletionQueue, IsDrainedOnALoopsThreadAndNotWaitedForThere) {
  PROVOKES(crochet_completion_queue_next, CROCHET_EDEADLK);
  const OwnedQueue queue = new_queue();
  Pending call;
  EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
  settle(call);
  EXPECT_EQ(on_loop(nullptr,
                    [&] {
                      EXPECT_EQ(next(queue, 0).code, CROCHET_EDEADLK);
                      EXPECT_EQ(drain(queue), Tags{1});
                    }),
            CROCHET_OK);
}

TEST_F(CompletionQueue, EndsAnInterruptibleWaitAfterASignal) {
  PROVOKES(crochet_completion_queue_next_interruptible, CROCHET_EINTR);
  const OwnedQueue queue = new_queue();
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  std::atomic<int> code{CROCHET_OK};
  std::thread waiter([&] {
    OwnedResult result;
    code = crochet_completion_queue_next_interruptible(queue.get(), kForever, result.out(), nullptr);
  });
  while (code == CROCHET_OK) {
    pthread_kill(waiter.native_handle(), SIGUSR1);
    sched_yield();
  }
  waiter.join();
  EXPECT_EQ(code, CROCHET_EINTR);
  EXPECT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
  OwnedResult result;
  EXPECT_EQ(crochet_completion_queue_next_interruptible(queue.get(), kMillisecond, result.out(), nullptr),
            CROCHET_ETIMEDOUT);
}

TEST_F(CompletionQueue, DrainsAsMuchAsThereIsRoomFor) {
  const OwnedQueue queue = new_queue();
  std::vector<Pending> calls(200);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    ASSERT_EQ(watch(queue, calls[i].result, i), CROCHET_OK);
    settle(calls[i]);
  }
  EXPECT_EQ(drain(queue, 3), (Tags{0, 1, 2}));
  EXPECT_EQ(drain(queue, 0), Tags{});
  EXPECT_EQ(drain(queue, 130).size(), 130u);
  EXPECT_EQ(drain(queue, 130).size(), 67u);
  EXPECT_EQ(drain(queue, 130).size(), 0u);
  std::size_t count = 9;
  EXPECT_EQ(crochet_completion_queue_drain(queue.get(), 0, nullptr, nullptr, &count), CROCHET_OK);
  EXPECT_EQ(count, 0u);
}

// ---- The descriptor

TEST_F(CompletionQueue, HasADescriptorThatIsReadableWhileSomethingIsThere) {
  const OwnedQueue queue = new_queue();
  const int descriptor = descriptor_of(queue);
  EXPECT_EQ(descriptor_of(queue), descriptor);
  EXPECT_FALSE(is_readable(descriptor));
  Pending a, b;
  EXPECT_EQ(watch(queue, a.result, 1), CROCHET_OK);
  EXPECT_EQ(watch(queue, b.result, 2), CROCHET_OK);
  EXPECT_FALSE(is_readable(descriptor));
  settle(a);
  settle(b);
  EXPECT_TRUE(is_readable(descriptor));
  next(queue);
  EXPECT_TRUE(is_readable(descriptor));
  next(queue);
  EXPECT_FALSE(is_readable(descriptor));
}

TEST_F(CompletionQueue, HasADescriptorThatKnowsWhatWasThereBeforeIt) {
  const OwnedQueue queue = new_queue(), half_taken = new_queue();
  std::vector<Pending> calls(3);
  for (Pending& call : calls) {
    EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
    EXPECT_EQ(watch(half_taken, call.result, 1), CROCHET_OK);
    settle(call);
  }
  EXPECT_TRUE(is_readable(descriptor_of(queue)));
  EXPECT_EQ(drain(queue).size(), 3u);
  EXPECT_FALSE(is_readable(descriptor_of(queue)));
  next(half_taken);
  EXPECT_TRUE(is_readable(descriptor_of(half_taken)));
}

// Whatever was read or written to it by somebody else, it is right again with the next look.
TEST_F(CompletionQueue, HasADescriptorThatIsReadableForNothingOnceAtMost) {
  const OwnedQueue queue = new_queue();
  const int descriptor = descriptor_of(queue);
  const std::uint64_t one = 1;
  ASSERT_EQ(write(descriptor, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  EXPECT_TRUE(is_readable(descriptor));
  EXPECT_EQ(drain(queue), Tags{});
  EXPECT_FALSE(is_readable(descriptor));
}

TEST_F(CompletionQueue, RefusesADescriptorWhereThereAreNoneAndMayBeAskedAgain) {
  PROVOKES(crochet_completion_queue_descriptor, UV_EMFILE);
  const OwnedQueue queue = new_queue();
  std::vector<int> taken;
  for (int copy = dup(0); copy >= 0; copy = dup(0)) taken.push_back(copy);
  int descriptor = 7;
  EXPECT_EQ(crochet_completion_queue_descriptor(queue.get(), &descriptor), UV_EMFILE);
  EXPECT_EQ(descriptor, -1);
  for (const int copy : taken) close(copy);
  EXPECT_GE(descriptor_of(queue), 0);
}

// The host closes it, and has something else under its number: nothing is written there.
TEST_F(CompletionQueue, LeavesAStrangersDescriptorAlone) {
  int pipe_ends[2];
  {
    const OwnedQueue queue = new_queue();
    const int descriptor = descriptor_of(queue);
    ASSERT_EQ(pipe(pipe_ends), 0);
    ASSERT_EQ(dup2(pipe_ends[1], descriptor), descriptor);
    Pending call;
    EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
    settle(call);
    EXPECT_EQ(next(queue).tag, 1u);
    EXPECT_FALSE(is_readable(pipe_ends[0]));
    EXPECT_EQ(close(descriptor), 0);
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

// Calls that the default loop settles from within, a little at a time, while an event loop of another kind polls.
class Polled {
 public:
  static constexpr std::uint64_t kCalls = 1000;

  Polled() { submit(); }
  int descriptor() const { return descriptor_; }
  bool is_done() const { return done_ == kCalls; }
  // What a poller does when it is readable.
  void take() {
    for (const std::uint64_t tag : drain(queue_, 8)) {
      EXPECT_EQ(tag, done_);
      ++done_;
      if (done_ == submitted_ && !is_done()) submit();
    }
  }

 private:
  void submit() {
    for (int i = 0; i < 10; ++i) {
      OwnedResult result;
      ASSERT_EQ(crochet_run(nullptr, resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
      ASSERT_EQ(watch(queue_, result, submitted_++), CROCHET_OK);
    }
  }

  OwnedQueue queue_ = new_queue();
  const int descriptor_ = descriptor_of(queue_);
  std::uint64_t submitted_ = 0;
  std::uint64_t done_ = 0;
};

TEST_F(CompletionQueue, IsPolledByPoll) {
  Polled polled;
  while (!polled.is_done()) {
    ASSERT_TRUE(is_readable(polled.descriptor(), -1));
    polled.take();
  }
}

TEST_F(CompletionQueue, IsPolledByEpoll) {
  Polled polled;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {EPOLLIN, {.fd = polled.descriptor()}};
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, polled.descriptor(), &event), 0);
  while (!polled.is_done()) {
    ASSERT_EQ(epoll_wait(epoll, &event, 1, -1), 1);
    polled.take();
  }
  close(epoll);
}

TEST_F(CompletionQueue, IsPolledByAnotherLibuvLoop) {
  Polled polled;
  HostLoop host;
  uv_poll_t poll;
  poll.data = &polled;
  ASSERT_EQ(uv_poll_init(host.uv(), &poll, polled.descriptor()), 0);
  ASSERT_EQ(uv_poll_start(&poll, UV_READABLE,
                          [](uv_poll_t* handle, int, int) {
                            auto& it = *static_cast<Polled*>(handle->data);
                            it.take();
                            if (it.is_done()) uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
                          }),
            0);
  EXPECT_EQ(host.run(), 0);
  EXPECT_TRUE(polled.is_done());
}

TEST_F(CompletionQueue, IsPolledByGLibsMainLoop) {
  Polled polled;
  GMainContext* const context = g_main_context_new();
  GMainLoop* const loop = g_main_loop_new(context, FALSE);
  struct Watcher {
    Polled& polled;
    GMainLoop* loop;
  } watcher{polled, loop};
  GIOChannel* const channel = g_io_channel_unix_new(polled.descriptor());
  GSource* const source = g_io_create_watch(channel, G_IO_IN);
  const GIOFunc readable = [](GIOChannel*, GIOCondition, gpointer data) -> gboolean {
    auto* it = static_cast<Watcher*>(data);
    it->polled.take();
    if (!it->polled.is_done()) return G_SOURCE_CONTINUE;
    g_main_loop_quit(it->loop);
    return G_SOURCE_REMOVE;
  };
  g_source_set_callback(source, reinterpret_cast<GSourceFunc>(reinterpret_cast<void (*)()>(readable)), &watcher,
                        nullptr);
  g_source_attach(source, context);
  g_main_loop_run(loop);
  EXPECT_TRUE(polled.is_done());
  g_source_unref(source);
  g_io_channel_unref(channel);
  g_main_loop_unref(loop);
  g_main_context_unref(context);
}

// ---- The end

TEST_F(CompletionQueue, RefusesWatchesOnceItIsClosedAndHandsOutWhatHadSettled) {
  PROVOKES(crochet_completion_queue_watch, CROCHET_ECLOSED);
  PROVOKES(crochet_completion_queue_next, CROCHET_ECLOSED);
  PROVOKES(crochet_completion_queue_drain, CROCHET_ECLOSED);
  const OwnedQueue queue = new_queue();
  const int descriptor = descriptor_of(queue);
  Pending settled, pending;
  EXPECT_EQ(watch(queue, settled.result, 1), CROCHET_OK);
  EXPECT_EQ(watch(queue, pending.result, 2), CROCHET_OK);
  settle(settled);
  EXPECT_EQ(crochet_completion_queue_close(queue.get()), CROCHET_OK);
  EXPECT_EQ(crochet_completion_queue_close(queue.get()), CROCHET_OK);
  settle(pending);
  Pending late;
  EXPECT_EQ(watch(queue, late.result, 3), CROCHET_ECLOSED);
  EXPECT_TRUE(is_readable(descriptor));
  EXPECT_EQ(next(queue).tag, 1u);
  EXPECT_EQ(next(queue).code, CROCHET_ECLOSED);
  std::size_t count = 9;
  EXPECT_EQ(crochet_completion_queue_drain(queue.get(), 0, nullptr, nullptr, &count), CROCHET_ECLOSED);
  EXPECT_EQ(count, 0u);
  EXPECT_TRUE(is_readable(descriptor));  // so that who polls comes and sees
  EXPECT_TRUE(is_readable(descriptor_of(queue)));
}

TEST_F(CompletionQueue, ThatIsClosedIsDrainedBeforeItSaysSo) {
  const OwnedQueue queue = new_queue();
  Pending settled;
  EXPECT_EQ(watch(queue, settled.result, 1), CROCHET_OK);
  settle(settled);
  EXPECT_EQ(crochet_completion_queue_close(queue.get()), CROCHET_OK);
  EXPECT_EQ(drain(queue, 2), Tags{1});
  EXPECT_EQ(next(queue).code, CROCHET_ECLOSED);
}

TEST_F(CompletionQueue, WakesEverybodyWhenItIsClosed) {
  const OwnedQueue queue = new_queue();
  std::vector<Pending> calls(4);
  for (Pending& call : calls) EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
  std::vector<std::thread> waiters;
  for (int i = 0; i < 8; ++i) waiters.emplace_back([&queue] { EXPECT_EQ(next(queue).code, CROCHET_ECLOSED); });
  until_others_sleep();
  EXPECT_EQ(crochet_completion_queue_close(queue.get()), CROCHET_OK);
  for (std::thread& waiter : waiters) waiter.join();
}

TEST_F(CompletionQueue, IsClosedWhileResultsSettleAndNoneOfTheseIsLost) {
  for (int i = 0; i < (kSanitized ? 100 : 1000); ++i) {
    const OwnedQueue queue = new_queue();
    std::vector<Pending> calls(8);
    for (Pending& call : calls) ASSERT_EQ(watch(queue, call.result, 1), CROCHET_OK);
    std::atomic<int> handed_out{0};
    at_once(3, [&](int thread) {
      if (thread == 0) {
        for (Pending& call : calls) settle(call);
      } else if (thread == 1) {
        EXPECT_EQ(crochet_completion_queue_close(queue.get()), CROCHET_OK);
      } else {
        Taken taken;
        while ((taken = next(queue)).code == CROCHET_OK) {
          EXPECT_EQ(crochet_result_status(taken.result.get()), CROCHET_OK);
          ++handed_out;
        }
        EXPECT_EQ(taken.code, CROCHET_ECLOSED);
        // It was over: none that had settled before the closing is still on its way.
        for (const Pending& call : calls) {
          EXPECT_EQ(crochet_completion_queue_unwatch(queue.get(), call.result.get()), CROCHET_ENOENT);
        }
      }
    });
    EXPECT_LE(handed_out, 8);
  }
}

TEST_F(CompletionQueue, MayEndWithAnythingInIt) {
  DropCounter value;
  Pending pending, settled;
  {
    OwnedQueue queue = new_queue();
    EXPECT_EQ(crochet_completion_queue_retain(queue.get()), queue.get());
    EXPECT_EQ(watch(queue, pending.result, 1), CROCHET_OK);
    EXPECT_EQ(watch(queue, settled.result, 2), CROCHET_OK);
    EXPECT_EQ(crochet_resolve(settled.deferred.get(), value.pointer(), DropCounter::drop), CROCHET_OK);
    settled.deferred.reset();
    settled.result.reset();
    crochet_completion_queue_release(queue.get());
    EXPECT_EQ(value.count(), 0);
    const int descriptor = descriptor_of(queue);
    queue.reset();
    EXPECT_EQ(value.count(), 1);
    EXPECT_EQ(fcntl(descriptor, F_GETFD), -1);
  }
  settle(pending);
}

TEST_F(CompletionQueue, EndsWhileItsResultsSettle) {
  for (int i = 0; i < (kSanitized ? 100 : 1000); ++i) {
    OwnedQueue queue = new_queue();
    std::vector<Pending> calls(4);
    for (Pending& call : calls) ASSERT_EQ(watch(queue, call.result, 1), CROCHET_OK);
    at_once(2, [&](int thread) {
      if (thread == 0) queue.reset();
      else
        for (Pending& call : calls) settle(call);
    });
  }
}

TEST(CompletionQueueWithoutALoop, WorksBeforeSetupAndOutlivesShutdown) {
  const OwnedQueue queue = new_queue();
  EXPECT_EQ(next(queue, 0).code, CROCHET_ETIMEDOUT);
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  Pending call;
  EXPECT_EQ(watch(queue, call.result, 1), CROCHET_OK);
  EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  const Taken taken = next(queue);
  EXPECT_EQ(taken.tag, 1u);
  EXPECT_EQ(crochet_result_status(taken.result.get()), CROCHET_ESTOPPED);
}

// ---- What is refused

TEST_F(CompletionQueue, RefusesWhatIsNoQueueAndWhatIsNoResult) {
  PROVOKES(crochet_completion_queue_new, CROCHET_EINVAL);
  PROVOKES(crochet_completion_queue_watch, CROCHET_EINVAL);
  PROVOKES(crochet_completion_queue_unwatch, CROCHET_EINVAL);
  PROVOKES(crochet_completion_queue_next, CROCHET_EINVAL);
  PROVOKES(crochet_completion_queue_drain, CROCHET_EINVAL);
  PROVOKES(crochet_completion_queue_descriptor, CROCHET_EINVAL);
  PROVOKES(crochet_completion_queue_close, CROCHET_EINVAL);
  EXPECT_EQ(crochet_completion_queue_new(nullptr), CROCHET_EINVAL);
  const OwnedQueue queue = new_queue();
  Pending call;
  EXPECT_EQ(crochet_completion_queue_watch(queue.get(), nullptr, 1), CROCHET_EINVAL);
  EXPECT_EQ(crochet_completion_queue_unwatch(queue.get(), nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_completion_queue_next(queue.get(), 0, nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(next(queue, -2).code, CROCHET_EINVAL);
  std::size_t count = 9;
  EXPECT_EQ(crochet_completion_queue_drain(queue.get(), 1, nullptr, nullptr, &count), CROCHET_EINVAL);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(crochet_completion_queue_drain(queue.get(), 0, nullptr, nullptr, nullptr), CROCHET_EINVAL);
  EXPECT_EQ(crochet_completion_queue_descriptor(queue.get(), nullptr), CROCHET_EINVAL);

  OwnedQueue ended = new_queue();
  crochet_completion_queue* const stale = ended.get();
  ended.reset();
  for (crochet_completion_queue* bad : {static_cast<crochet_completion_queue*>(nullptr), stale,
                                        reinterpret_cast<crochet_completion_queue*>(call.deferred.get()),
                                        reinterpret_cast<crochet_completion_queue*>(call.result.get())}) {
    EXPECT_EQ(crochet_completion_queue_watch(bad, call.result.get(), 1), CROCHET_EINVAL);
    EXPECT_EQ(crochet_completion_queue_unwatch(bad, call.result.get()), CROCHET_EINVAL);
    crochet_result* result = call.result.get();
    std::uint64_t tag = 9;
    EXPECT_EQ(crochet_completion_queue_next(bad, 0, &result, &tag), CROCHET_EINVAL);
    EXPECT_TRUE(result == nullptr && tag == 0);
    EXPECT_EQ(crochet_completion_queue_drain(bad, 0, nullptr, nullptr, &count), CROCHET_EINVAL);
    int descriptor = 0;
    EXPECT_EQ(crochet_completion_queue_descriptor(bad, &descriptor), CROCHET_EINVAL);
    EXPECT_EQ(descriptor, -1);
    EXPECT_EQ(crochet_completion_queue_close(bad), CROCHET_EINVAL);
    EXPECT_EQ(crochet_completion_queue_retain(bad), nullptr);
    crochet_completion_queue_release(bad);
  }
  EXPECT_EQ(crochet_completion_queue_watch(queue.get(), stale_result(), 1), CROCHET_EINVAL);
}

// A queue is no result and no deferred, though it lies where these lie.
TEST_F(CompletionQueue, IsNothingElse) {
  const OwnedQueue queue = new_queue();
  auto* const result = reinterpret_cast<crochet_result*>(queue.get());
  auto* const deferred = reinterpret_cast<crochet_deferred*>(queue.get());
  void* value = nullptr;
  EXPECT_EQ(crochet_result_status(result), CROCHET_EINVAL);
  EXPECT_EQ(crochet_result_take(result, &value, nullptr), CROCHET_EINVAL);
  EXPECT_NE(crochet_resolve(deferred, nullptr, nullptr), CROCHET_OK);
  EXPECT_EQ(crochet_deferred_retain(deferred), nullptr);
  EXPECT_EQ(crochet_deferred_loop(deferred), nullptr);
  crochet_deferred_release(deferred);
  crochet_result_release(result);
  EXPECT_EQ(next(queue, 0).code, CROCHET_ETIMEDOUT);
}

}  // namespace
}  // namespace contract
