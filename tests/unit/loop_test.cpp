// SPDX-License-Identifier: MIT
// A loop at work: its thread, its queue, its turns between calls and handles, the host's own loop under it.
#include "loop/loop.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "api/support/at_once.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/sanitizers.hpp"
#include "base/cpus.hpp"
#include "call/hook.hpp"
#include "loop/loop_handle.hpp"
#include "unit/support/own_loop.hpp"

namespace crochet {

struct LoopsOwnSpin {
  friend Spin Loop::*field(LoopsOwnSpin);
};
template struct Inside<LoopsOwnSpin, &Loop::loop_spin_>;
struct LimitOfLoop {
  friend QueueLimit Loop::*field(LimitOfLoop);
};
template struct Inside<LimitOfLoop, &Loop::limit_>;

namespace {

using contract::Gate;
using contract::HostLoop;

// ---- The thread

TEST(Start, RunsCallsOnAThreadOfItsOwn) {
  OwnLoop loop;
  EXPECT_EQ(current_loop(), nullptr);
  EXPECT_FALSE(loop->is_adopted());
  EXPECT_EQ(loop->state(), Loop::State::kRunning);
  on_loop(*loop, [&] { EXPECT_EQ(current_loop(), &*loop); });
}

TEST(Start, NamesTheThreadAndTheLoop) {
  crochet_options options;
  crochet_options_set_thread_name(&options, "the-loops-own");
  OwnLoop loop(no_alarm, options);
  EXPECT_STREQ(loop->name(), "the-loops-own");
  on_loop(*loop, [] {
    char name[kThreadNameSize] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    EXPECT_STREQ(name, "the-loops-own");
  });
}

TEST(Start, BlocksTheHostsSignalsInTheThreadAndNowhereElse) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  OwnLoop loop;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int signal : {SIGINT, SIGUSR1, SIGTERM, SIGCHLD, SIGSEGV}) {
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
  }
  on_loop(*loop, [] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (const int blocked : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGHUP}) {
      EXPECT_EQ(sigismember(&mask, blocked), 1) << blocked;
    }
    for (const int open : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGCHLD}) {
      EXPECT_EQ(sigismember(&mask, open), 0) << open;
    }
  });
}

TEST(Start, LeavesSigchldBlockedWhereTheHostHasItSo) {
  sigset_t chld, before;
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &chld, &before);
  {
    OwnLoop loop;
    on_loop(*loop, [] {
      sigset_t mask;
      pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      EXPECT_EQ(sigismember(&mask, SIGCHLD), 1);
    });
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Start, OfAUsedBlockForgetsItsFormerLife) {
  Loop* first = nullptr;
  for (int life = 0; life < 3; ++life) {
    OwnLoop loop;
    if (first == nullptr) first = &*loop;
    ASSERT_EQ(&*loop, first);
    EXPECT_EQ(loop->state(), Loop::State::kRunning);
    EXPECT_TRUE(loop->accepts(loop.id()));
    EXPECT_FALSE(loop->accepts(loop.id() + loop_table::kPlaces)) << "of another life";
    EXPECT_FALSE(loop->is_given_up());
    on_loop(*loop, [] {});
  }
}

// Others may have found it in the table meanwhile: a loop that looks open, and whose calls nobody would ever settle.
TEST(Start, ThatFailedLeavesNoLoopThatAcceptsCalls) {
  if (contract::kSanitized) GTEST_SKIP() << "its interceptor of pthread_create aborts";
  std::uint32_t id = 0;
  Loop* loop = loop_table::take_unused(&id);
  crochet_options options;
  options.stack_size = SIZE_MAX / 8 * 7;
  EXPECT_EQ(loop->start({id, 1, no_alarm}, options), UV_EAGAIN);
  EXPECT_EQ(loop->state(), Loop::State::kEnded);
  EXPECT_TRUE(loop->looks_closed());
  EXPECT_FALSE(post_and_forget(*loop, [] {}));
  const MadeCall at_stop = make_on(
      id, [](crochet_deferred*) {}, 1, word::kAtStop);
  EXPECT_FALSE(loop->push_at_stop(at_stop.call));
  at_stop->refuse();
  at_stop.release();
  EXPECT_TRUE(recycled(*loop));
}

TEST(Start, FailsWithACodeWhenDescriptorsRunOut) {
  contract::in_child([] {
    std::uint32_t id = 0;
    Loop* loop = loop_table::take_unused(&id);
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlim_t enough = limit.rlim_cur;
    const auto open_now = static_cast<rlim_t>(dup(0));  // the lowest free one
    close(static_cast<int>(open_now));
    int failed = 0, status = UV_EMFILE;
    for (rlim_t room = 0; room < 20 && status != 0; ++room) {
      limit.rlim_cur = open_now + room;
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
      status = loop->start({id, 1, no_alarm}, crochet_options{});
      if (status != 0) {
        EXPECT_EQ(status, UV_EMFILE);
        EXPECT_EQ(loop->state(), Loop::State::kUnused);
        ++failed;
      }
    }
    limit.rlim_cur = enough;
    setrlimit(RLIMIT_NOFILE, &limit);
    EXPECT_EQ(status, 0);
    EXPECT_GE(failed, 8);
    loop->request_stop(0);
    EXPECT_EQ(loop->wait_until_ended(Deadline::never()), CROCHET_OK);
    loop->join_thread();
  });
}

// ---- Calls

TEST(Calls, OfOneThreadStartInTheOrderMade) {
  OwnLoop loop;
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(post_and_forget(*loop, [&order, i] { order.push_back(i); }));
  on_loop(*loop, [] {});
  ASSERT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

// A list longer than what is reversed at once, and calls that come while it is being reversed.
TEST(Calls, KeepTheirOrderWhenALongListIsReversedInSlices) {
  constexpr int kMany = 3 * 4096 + 17;
  OwnLoop loop;
  std::vector<int> order;
  Blocker blocker(*loop);
  for (int i = 0; i < kMany; ++i) EXPECT_TRUE(post_and_forget(*loop, [&order, i] { order.push_back(i); }));
  blocker.let_go();
  for (int i = kMany; i < 2 * kMany; ++i) EXPECT_TRUE(post_and_forget(*loop, [&order, i] { order.push_back(i); }));
  on_loop(*loop, [] {});
  ASSERT_EQ(order.size(), std::size_t{2 * kMany});
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Calls, OfExactlyOneSliceAreAllRun) {
  for (const int count : {4095, 4096, 4097, 8192}) {
    OwnLoop loop;
    int runs = 0;
    {
      Blocker blocker(*loop);
      for (int i = 0; i < count; ++i) EXPECT_TRUE(post_and_forget(*loop, [&runs] { ++runs; }));
      blocker.let_go();
      on_loop(*loop, [] {});
    }
    EXPECT_EQ(runs, count);
  }
}

TEST(Calls, WakeALoopThatSleeps) {
  OwnLoop loop;
  for (int i = 0; i < 500; ++i) on_loop(*loop, [] {});
}

TEST(Calls, OfManyThreadsAreAllRunEachThreadsInOrder) {
  constexpr int kThreads = 3, kEach = 2000;
  OwnLoop loop;
  std::vector<std::vector<int>> order(kThreads);
  contract::at_once(kThreads, [&](int thread) {
    for (int i = 0; i < kEach; ++i) {
      post_and_forget(*loop, [&order, thread, i] { order[static_cast<std::size_t>(thread)].push_back(i); });
    }
  });
  on_loop(*loop, [] {});
  for (const auto& mine : order) {
    EXPECT_EQ(mine.size(), std::size_t{kEach});
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
  }
}

TEST(Calls, MadeForALoopThatHadTheBlockBeforeAreRefused) {
  OwnLoop loop;
  int runs = 0;
  const MadeCall old = make_on(loop.id() + loop_table::kPlaces, [&runs](crochet_deferred*) { ++runs; });
  EXPECT_TRUE(loop->post(old.call));
  EXPECT_EQ(wait_finished(old), CROCHET_OK);
  EXPECT_EQ(old->error_code(), CROCHET_ENOTRUN);
  EXPECT_EQ(runs, 0);
  old.release();
}

// As when the block becomes another loop's between the look at its limit and at its id.
TEST(Calls, ThatEnteredTheQueueOfTheLoopBeforeLeaveItAgain) {
  crochet_options options;
  options.queue_limit = 1;
  OwnLoop loop(no_alarm, options);
  const std::uint32_t former = loop.id() + loop_table::kPlaces;
  QueueLimit& limit = (*loop).*field(LimitOfLoop{});
  limit.set(former, 1, 0);
  EXPECT_EQ(loop->enter_queue(former), CROCHET_ESTOPPED);
  EXPECT_EQ(limit.enter(former, false), CROCHET_OK) << "there is room";
}

TEST(Calls, ThatWereCancelledInTheQueueAreBuried) {
  OwnLoop loop;
  Blocker blocker(*loop);
  int runs = 0;
  const MadeCall call = post(*loop, [&runs](crochet_deferred*) { ++runs; });
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_NOT_RUN);
  blocker.let_go();
  on_loop(*loop, [] {});
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(call.references(), 1u);
  call.release();
}

TEST(Calls, ThatAreCancelledGetTheirHookRunOnTheThread) {
  OwnLoop loop;
  const MadeCall call = running_call(nullptr, nullptr, 1, 0, loop.id());
  static Loop* seen;
  seen = nullptr;
  ASSERT_EQ(set_hook(
                *call.call, call.generation,
                [](crochet_deferred* deferred, void*) {
                  seen = current_loop();
                  settle_by(deferred);
                },
                nullptr, nullptr),
            CROCHET_OK);
  EXPECT_EQ(call.cancel(), CROCHET_CANCEL_REQUESTED);
  EXPECT_EQ(wait_settled(call), CROCHET_OK);
  EXPECT_EQ(seen, &*loop);
  call.release_deferred();
  EXPECT_EQ(wait_finished(call), CROCHET_OK);
  call.release();
}

// ---- Turns: calls may run for ever, timers and sockets are served all the same (D3)

// Posts itself again and again until it is told to stop.
struct Chain {
  Loop& loop;
  std::atomic<bool> stop{false};
  Gate stopped;
  long turns = 0;

  void go_on() {
    ++turns;
    if (stop.load() || !post_and_forget(loop, [this] { go_on(); })) stopped.open();
  }
};

TEST(AbuseD3, TimersAreServedWhileCallsRunForEver) {
  OwnLoop loop;
  Chain chain{*loop, {}, {}, 0};
  Gate fired, closed;
  uv_timer_t timer;
  on_loop(*loop, [&] {
    uv_timer_init(loop->uv(), &timer);
    timer.data = &fired;
    uv_timer_start(
        &timer, [](uv_timer_t* t) { static_cast<Gate*>(t->data)->open(); }, 1, 0);
    chain.go_on();
  });
  fired.wait();
  chain.stop = true;
  chain.stopped.wait();
  on_loop(*loop, [&] {
    timer.data = &closed;
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), [](uv_handle_t* h) { static_cast<Gate*>(h->data)->open(); });
  });
  closed.wait();
}

TEST(AbuseD3, SocketsAreServedWhileCallsRunForEver) {
  OwnLoop loop;
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  Chain chain{*loop, {}, {}, 0};
  Gate readable, closed;
  uv_poll_t socket;
  on_loop(*loop, [&] {
    uv_poll_init(loop->uv(), &socket, ends[0]);
    socket.data = &readable;
    uv_poll_start(&socket, UV_READABLE, [](uv_poll_t* p, int, int) { static_cast<Gate*>(p->data)->open(); });
    chain.go_on();
  });
  EXPECT_EQ(write(ends[1], "x", 1), 1);
  readable.wait();
  chain.stop = true;
  chain.stopped.wait();
  on_loop(*loop, [&] {
    socket.data = &closed;
    uv_close(reinterpret_cast<uv_handle_t*>(&socket), [](uv_handle_t* h) { static_cast<Gate*>(h->data)->open(); });
  });
  closed.wait();
  close(ends[0]);
  close(ends[1]);
}

// One call alone may use up a turn: then the others wait for the next, and handles come between.
TEST(AbuseD3, HandlesAreServedBetweenCallsThatUseUpATurn) {
  constexpr int kCalls = 20;
  OwnLoop loop;
  uv_check_t turn;
  int turns = 0, runs = 0;
  Gate closed;
  on_loop(*loop, [&] {
    uv_check_init(loop->uv(), &turn);
    turn.data = &turns;
    uv_check_start(&turn, [](uv_check_t* c) { ++*static_cast<int*>(c->data); });
  });
  std::vector<int> turns_at;
  {
    Blocker blocker(*loop);
    for (int i = 0; i < kCalls; ++i) {
      post_and_forget(*loop, [&] {
        ++runs;
        turns_at.push_back(turns);
        for (const Deadline long_enough = Deadline::after(2'500'000); !long_enough.passed();) {
        }
      });
    }
    blocker.let_go();
    on_loop(*loop, [] {});
  }
  EXPECT_EQ(runs, kCalls);
  // The clock starts after a turn's first call: two such calls are what a turn can have.
  for (std::size_t i = 2; i < turns_at.size(); ++i) EXPECT_GT(turns_at[i], turns_at[i - 2]) << i;
  on_loop(*loop, [&] {
    turn.data = &closed;
    uv_close(reinterpret_cast<uv_handle_t*>(&turn), [](uv_handle_t* h) { static_cast<Gate*>(h->data)->open(); });
  });
  closed.wait();
}

// ---- Spinning, and the wake-up behind it

std::array<std::int64_t, 2> spins_of(Loop& loop) {
  return {(loop.*field(LoopsOwnSpin{})).limit_ns(), loop.wait_spin().limit_ns()};
}

crochet_options spinning(std::int64_t loop_ns, std::int64_t wait_ns) {
  crochet_options options;
  options.loop_spin_ns = loop_ns;
  options.wait_spin_ns = wait_ns;
  return options;
}

TEST(Spinning, IsOffUnlessItIsAskedFor) {
  const OwnLoop loop;
  EXPECT_EQ(spins_of(*loop), (std::array<std::int64_t, 2>{0, 0}));
}

TEST(Spinning, TakesAsLongAsIsAskedForOnEachSide) {
  if (usable_cpus() < 2) GTEST_SKIP() << "one CPU";
  const OwnLoop loop(no_alarm, spinning(1234, 5678));
  EXPECT_EQ(spins_of(*loop), (std::array<std::int64_t, 2>{1234, 5678}));
}

TEST(Spinning, TakesAsLongAsAWakeUpWasMeasuredToTake) {
  if (usable_cpus() < 2) GTEST_SKIP() << "one CPU";
  const OwnLoop loop(no_alarm, spinning(CROCHET_SPIN_MEASURED, CROCHET_SPIN_MEASURED));
  const auto [on_loop_ns, wait_ns] = spins_of(*loop);
  EXPECT_EQ(on_loop_ns, wait_ns);
  EXPECT_GE(wait_ns, 1'000);
  EXPECT_LE(wait_ns, 200'000);
}

TEST(Spinning, IsOffWhereItsThreadsHaveOneCpu) {
  std::thread pinned([] {
    cpu_set_t all, one;
    CPU_ZERO(&all);
    CPU_ZERO(&one);
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    std::size_t cpu = 0;
    while (!CPU_ISSET(cpu, &all)) ++cpu;
    CPU_SET(cpu, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    const OwnLoop loop(no_alarm, spinning(1'000'000, CROCHET_SPIN_MEASURED));
    EXPECT_EQ(spins_of(*loop), (std::array<std::int64_t, 2>{0, 0}));
    on_loop(*loop, [] {});
  });
  pinned.join();
}

TEST(Spinning, EndsWithTheLoopThatIsMadeNextOfTheBlock) {
  { const OwnLoop loop(no_alarm, spinning(1'000'000, 1'000'000)); }
  const OwnLoop next;
  EXPECT_EQ(spins_of(*next), (std::array<std::int64_t, 2>{0, 0}));
}

TEST(LoopWithoutAWakeUpOfItsOwn, IsWokenByLibuv) {
  WakeUp::own_descriptors_work.store(false);
  {
    const OwnLoop loop;
    for (int i = 0; i < 20; ++i) on_loop(*loop, [] {});
    loop->request_stop(0);
    EXPECT_EQ(loop->wait_until_ended(), 0);
  }
  WakeUp::own_descriptors_work.store(true);
}

// ---- The alarm

std::atomic<int> alarms{0};
std::atomic<Loop*> alarmed_on{nullptr};
Gate* third_alarm = nullptr;

Deadline ring_three_times() {
  alarmed_on = current_loop();
  if (alarms.fetch_add(1) + 1 < 3) return Deadline::after(1'000'000);
  third_alarm->open();
  return Deadline::never();
}

TEST(Alarm, RingsOnTheThreadUntilItSaysNever) {
  Gate gate;
  third_alarm = &gate;
  alarms = 0;
  OwnLoop loop(ring_three_times);
  EXPECT_TRUE(loop->request_alarm());
  gate.wait();
  EXPECT_EQ(alarmed_on.load(), &*loop);
  EXPECT_EQ(alarms.load(), 3);
  on_loop(*loop, [] {});
}

TEST(Alarm, DoesNotComeTooEarly) {
  static std::atomic<std::int64_t> due;
  static std::atomic<bool> early;
  static std::atomic<int> rings;
  static Gate* done;
  Gate gate;
  done = &gate;
  due = 0;
  early = false;
  rings = 0;
  OwnLoop loop([] {
    if (monotonic_ns() < due.load()) early = true;
    if (rings.fetch_add(1) == 5) {
      done->open();
      return Deadline::never();
    }
    due = monotonic_ns() + 1'900'000;
    return Deadline::at(due.load());
  });
  EXPECT_TRUE(loop->request_alarm());
  gate.wait();
  EXPECT_FALSE(early.load());
}

TEST(Alarm, IsRefusedByALoopThatStops) {
  OwnLoop loop;
  loop->request_stop(0);
  EXPECT_FALSE(loop->request_alarm());
}

// ---- Adopted loops

class Adopted : public testing::Test {
 protected:
  void adopt(bool keep_alive = true) {
    crochet_options options;
    options.keep_alive = keep_alive;
    loop_ = loop_table::take_unused(&id_);
    ASSERT_EQ(loop_->adopt({id_, 1, no_alarm}, host_.uv(), options), 0);
  }
  void TearDown() override {
    if (loop_ == nullptr) return;
    loop_->request_stop(0);
    EXPECT_EQ(host_.run(), 0);
    EXPECT_EQ(loop_->state(), Loop::State::kEnded);
    EXPECT_EQ(current_loop(), nullptr);
    EXPECT_TRUE(recycled(*loop_));
  }
  // May the host's own poll return?
  bool backend_is_readable(int timeout_ms) {
    pollfd descriptor{uv_backend_fd(host_.uv()), POLLIN, 0};
    return poll(&descriptor, 1, timeout_ms) == 1;
  }
  static void use_up_a_turn() {
    for (const Deadline long_enough = Deadline::after(2'500'000); !long_enough.passed();) {
    }
  }

  HostLoop host_;
  Loop* loop_ = nullptr;
  std::uint32_t id_ = 0;
};

TEST_F(Adopted, RunsOnTheThreadThatAdopted) {
  adopt();
  EXPECT_TRUE(loop_->is_adopted());
  EXPECT_EQ(current_loop(), loop_);
  EXPECT_EQ(loop_->uv(), host_.uv());
  EXPECT_TRUE(loop_->is_asleep()) << "nobody knows where the host's thread is";
  int runs = 0;
  std::thread([&] { EXPECT_TRUE(post_and_forget(*loop_, [&runs] { ++runs; })); }).join();
  EXPECT_NE(host_.run(UV_RUN_ONCE), 0);
  EXPECT_EQ(runs, 1);
}

TEST_F(Adopted, KeepsTheHostsRunGoing) {
  adopt();
  EXPECT_NE(host_.run(UV_RUN_NOWAIT), 0);
  EXPECT_NE(host_.run(UV_RUN_NOWAIT), 0);
}

TEST_F(Adopted, WithoutKeepAliveLetsItReturn) {
  adopt(false);
  int runs = 0;
  EXPECT_TRUE(post_and_forget(*loop_, [&runs] { ++runs; }));
  EXPECT_EQ(host_.run(), 0) << "nothing of the host's is alive";
  uv_timer_t timer;
  uv_timer_init(host_.uv(), &timer);
  uv_timer_start(
      &timer, [](uv_timer_t* t) { uv_close(reinterpret_cast<uv_handle_t*>(t), nullptr); }, 1, 0);
  EXPECT_EQ(host_.run(), 0);
  EXPECT_EQ(runs, 1) << "run with something alive";
}

// What does not fit into one turn is left over; NOWAIT neither blocks nor forgets it.
TEST_F(Adopted, DoesNotSpinItself) {
  crochet_options options;
  options.loop_spin_ns = options.wait_spin_ns = CROCHET_SPIN_MEASURED;
  loop_ = loop_table::take_unused(&id_);
  ASSERT_EQ(loop_->adopt({id_, 1, no_alarm}, host_.uv(), options), 0);
  EXPECT_EQ(((*loop_).*field(LoopsOwnSpin{})).limit_ns(), 0);
  if (usable_cpus() >= 2) {
    EXPECT_EQ(loop_->wait_spin().limit_ns(), 50'000) << "as the contract says";
  }
}

TEST_F(Adopted, IsWokenByLibuvWhereADescriptorOfOurOwnDoesNotWork) {
  WakeUp::own_descriptors_work.store(false);
  adopt();
  WakeUp::own_descriptors_work.store(true);
  host_.run(UV_RUN_NOWAIT);
  int runs = 0;
  std::thread caller([&] { EXPECT_TRUE(post_and_forget(*loop_, [&runs] { ++runs; })); });
  EXPECT_TRUE(backend_is_readable(-1));
  caller.join();
  while (runs == 0) host_.run(UV_RUN_NOWAIT);
}

TEST_F(Adopted, WithLeftoversWritesNothingIntoWhatIsNoMoreItsDescriptor) {
  adopt();
  const int own = wake_up_of(*loop_).descriptor();
  const int kept = dup(own);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  EXPECT_TRUE(post_and_forget(*loop_, [&] { EXPECT_EQ(dup2(ends[1], own), own); }));
  constexpr int kCalls = 20;
  int runs = 0;
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_TRUE(post_and_forget(*loop_, [&runs] {
      ++runs;
      use_up_a_turn();
    }));
  }
  EXPECT_NE(host_.run(UV_RUN_NOWAIT), 0);
  EXPECT_LT(runs, kCalls) << "some are left over";
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(dup2(kept, own), own);
  for (const int descriptor : {kept, ends[0], ends[1]}) close(descriptor);
  while (runs < kCalls) EXPECT_NE(host_.run(UV_RUN_NOWAIT), 0);
}

TEST_F(Adopted, RunsLeftoversInLaterTurnsWithoutWaiting) {
  constexpr int kCalls = 20;
  adopt();
  int runs = 0;
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_TRUE(post_and_forget(*loop_, [&runs] {
      ++runs;
      use_up_a_turn();
    }));
  }
  int turns = 0;
  while (runs < kCalls && turns < 100) {
    const int before = runs;
    EXPECT_NE(host_.run(UV_RUN_NOWAIT), 0);
    ++turns;
    EXPECT_GT(runs, before) << "a turn without progress";
    if (runs < kCalls) {
      EXPECT_EQ(uv_backend_timeout(host_.uv()), 0) << "an embedding host must not block";
      EXPECT_TRUE(backend_is_readable(0)) << "nor one that only polls the descriptor";
    }
  }
  EXPECT_EQ(runs, kCalls);
  EXPECT_GT(turns, 1) << "else there were no leftovers";
  host_.run(UV_RUN_NOWAIT);
  EXPECT_NE(uv_backend_timeout(host_.uv()), 0) << "nothing is left over: it may block";
}

TEST_F(Adopted, RunsLeftoversOfALongListToTheEnd) {
  constexpr int kMany = 50'000;
  adopt();
  std::vector<int> order;
  for (int i = 0; i < kMany; ++i) EXPECT_TRUE(post_and_forget(*loop_, [&order, i] { order.push_back(i); }));
  for (int turn = 0; turn < 100'000 && order.size() < kMany; ++turn) host_.run(UV_RUN_NOWAIT);
  EXPECT_EQ(order.size(), std::size_t{kMany});
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(Adopted, WakesAHostThatPollsItsDescriptor) {
  adopt();
  int runs = 0;
  for (int i = 1; i <= 20; ++i) {
    host_.run(UV_RUN_NOWAIT);
    std::thread caller([&] { EXPECT_TRUE(post_and_forget(*loop_, [&runs] { ++runs; })); });
    EXPECT_TRUE(backend_is_readable(-1));
    caller.join();
    while (runs < i) host_.run(UV_RUN_NOWAIT);
    EXPECT_EQ(runs, i);
  }
}

// Before its first run libuv polls nothing yet, and says so by its timeout.
TEST_F(Adopted, RunsACallThatWasMadeBeforeItsFirstRun) {
  adopt();
  int runs = 0;
  EXPECT_TRUE(post_and_forget(*loop_, [&runs] { ++runs; }));
  EXPECT_EQ(uv_backend_timeout(host_.uv()), 0);
  host_.run(UV_RUN_NOWAIT);
  EXPECT_EQ(runs, 1);
}

TEST_F(Adopted, WakesAHostThatIsBlockedInItsRun) {
  adopt();
  bool ran = false;
  std::thread caller([&] {
    EXPECT_TRUE(post_and_forget(*loop_, [&] {
      ran = true;
      uv_stop(host_.uv());
    }));
  });
  host_.run();
  caller.join();
  EXPECT_TRUE(ran);
}

TEST_F(Adopted, MayBeRunByCallsFromWithin) {
  adopt();
  int runs = 0;
  std::function<void()> again = [&] {
    if (++runs == 100) return uv_stop(host_.uv());
    EXPECT_TRUE(post_and_forget(*loop_, again));
  };
  EXPECT_TRUE(post_and_forget(*loop_, again));
  host_.run();
  EXPECT_EQ(runs, 100);
}

// ---- References

class References : public testing::Test {
 protected:
  void SetUp() override { loop_->first_reference(); }
  OwnLoop loop_;
};

TEST_F(References, AreCountedUntilTheLast) {
  const std::uint32_t generation = loop_->generation();
  bool was_last = true;
  EXPECT_TRUE(loop_->retain_handle(generation));
  EXPECT_EQ(handles_of(*loop_), 2u);
  EXPECT_TRUE(loop_->release_handle(generation, &was_last));
  EXPECT_FALSE(was_last);
  EXPECT_TRUE(loop_->alive(generation));
  EXPECT_TRUE(loop_->release_handle(generation, &was_last));
  EXPECT_TRUE(was_last);
  EXPECT_FALSE(loop_->alive(generation));
  EXPECT_FALSE(loop_->retain_handle(generation));
  EXPECT_FALSE(loop_->release_handle(generation, &was_last));
}

TEST_F(References, OfAnotherGenerationAreRefused) {
  const std::uint32_t other = (loop_->generation() + 1) % Loop::kGenerations;
  bool was_last = false;
  EXPECT_FALSE(loop_->alive(other));
  EXPECT_FALSE(loop_->retain_handle(other));
  EXPECT_FALSE(loop_->release_handle(other, &was_last));
  EXPECT_EQ(handles_of(*loop_), 1u);
  loop_->release_handle(loop_->generation(), &was_last);
}

TEST_F(References, StopAtTheirBound) {
  Atomic<std::uint64_t>& references = references_of(*loop_);
  references.fetch_add(Loop::kMostReferences - 1 - 3);
  const std::uint32_t generation = loop_->generation();
  int accepted = 0;
  while (accepted < 100 && loop_->retain_handle(generation)) ++accepted;
  EXPECT_EQ(accepted, 3);
  EXPECT_EQ(handles_of(*loop_), Loop::kMostReferences);
  EXPECT_EQ(loop_->generation(), generation);
  references.fetch_sub(Loop::kMostReferences);
}

TEST_F(References, AreNotTouchedByThoseWhoHoldTheBlock) {
  bool was_last = false;
  {
    const Loop::Hold one(*loop_), other(*loop_);
    EXPECT_EQ(handles_of(*loop_), 1u);
    EXPECT_TRUE(loop_->alive(loop_->generation()));
    EXPECT_TRUE(loop_->release_handle(loop_->generation(), &was_last));
    EXPECT_TRUE(was_last);
    EXPECT_FALSE(loop_->retain_handle(loop_->generation())) << "a hold is no handle";
    loop_->request_stop(0);
    loop_->wait_until_ended(Deadline::after(contract::kKillTimer));
    loop_->join_thread();
    EXPECT_FALSE(recycled(*loop_)) << "it keeps the block from being reused";
  }
  EXPECT_TRUE(recycled(*loop_));
}

TEST(Generations, OfABlockWrapAfterThirtyTwoLives) {
  std::uint32_t first = 0, id = 0;
  Loop* block = nullptr;
  for (std::uint32_t life = 0; life <= Loop::kGenerations; ++life) {
    HostLoop host;
    Loop* loop = loop_table::take_unused(&id);
    if (block == nullptr) block = loop;
    ASSERT_EQ(loop, block);
    ASSERT_EQ(loop->adopt({id, 1, no_alarm}, host.uv(), {}), 0);
    if (life == 0) first = loop->generation();
    EXPECT_EQ(loop->generation(), (first + life) % Loop::kGenerations);
    EXPECT_LT(loop->generation(), Loop::kGenerations);
    loop->first_reference();
    crochet_loop* handle = loop_handle(loop);
    EXPECT_EQ(target_of(handle).loop, loop);
    EXPECT_TRUE(target_of(handle).alive());
    loop->request_stop(0);
    host.run();
    bool was_last = false;
    EXPECT_TRUE(loop->release_handle(loop->generation(), &was_last));
    EXPECT_FALSE(target_of(handle).alive());
    loop->recycle();
    EXPECT_FALSE(target_of(handle).alive());
  }
}

TEST(LoopHandle, OfNothingLeadsNowhere) {
  EXPECT_EQ(target_of(static_cast<const crochet_loop*>(nullptr)).loop, nullptr);
  EXPECT_FALSE(target_of(static_cast<const crochet_loop*>(nullptr)).alive());
}

}  // namespace
}  // namespace crochet
