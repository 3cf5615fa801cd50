// SPDX-License-Identifier: MIT
// The process's one runtime: its default loop, the order of ends, blocks used again, exit and fork.
#include "runtime/runtime.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/support/asleep.hpp"
#include "api/support/at_once.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "base/process.hpp"
#include "runtime/dump.hpp"
#include "unit/support/made_call.hpp"
#include "unit/support/own_loop.hpp"

namespace crochet {
namespace {

using contract::DropCounter;
using contract::LogCapture;

const crochet_options kDefaults{};

class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    runtime_ = Runtime::get_or_make();
    ASSERT_NE(runtime_, nullptr);
  }
  void TearDown() override {
    EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
    runtime_->stashed().set_limits(65536, kForever);
  }
  Loop* new_loop() {
    Loop* loop = nullptr;
    EXPECT_EQ(runtime_->new_loop(kDefaults, &loop), CROCHET_OK);
    return loop;
  }
  static Loop* default_loop() { return loop_table::block(Runtime::default_id()); }
  static void release(Loop* loop) {
    bool was_last = false;
    EXPECT_TRUE(loop->release_handle(loop->generation(), &was_last));
  }
  static std::size_t blocks() {
    std::size_t count = 0;
    loop_table::for_each([&](Loop&) { ++count; });
    return count;
  }

  Runtime* runtime_ = nullptr;
};

class Setup : public RuntimeTest {};
class NewLoop : public RuntimeTest {};
class Shutdown : public RuntimeTest {};
class StashedResults : public RuntimeTest {};
class Listing : public RuntimeTest {};
class ExitOf : public RuntimeTest {};
class ForkOf : public RuntimeTest {};

// The first test of this program: nothing has made a runtime yet.
TEST(ARuntime, IsMadeOnceForAllThreads) {
  EXPECT_EQ(Runtime::get(), nullptr);
  EXPECT_EQ(Runtime::default_id(), 0u);
  EXPECT_FALSE(Runtime::was_shut_down());
  std::vector<Runtime*> made(4);
  contract::at_once(4, [&](int i) { made[static_cast<std::size_t>(i)] = Runtime::get_or_make(); });
  for (Runtime* runtime : made) EXPECT_EQ(runtime, Runtime::get());
  EXPECT_NE(Runtime::get(), nullptr);
}

TEST_F(Setup, ByManyThreadsMakesOneLoop) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> codes{0};
    contract::at_once(4, [&](int) { codes.fetch_add(runtime_->setup(kDefaults)); });
    EXPECT_EQ(codes.load(), CROCHET_OK);
    int running = 0;
    loop_table::for_each([&](Loop& loop) { running += loop.state() == Loop::State::kRunning ? 1 : 0; });
    EXPECT_EQ(running, 1);
    EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
  }
}

TEST_F(Setup, MakesALoopThatTheLibraryItselfHolds) {
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  Loop* loop = default_loop();
  EXPECT_EQ(handles_of(*loop), 1u);
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  EXPECT_EQ(default_loop(), loop);
  EXPECT_EQ(handles_of(*loop), 1u);
}

TEST_F(Setup, ReplacesADefaultLoopThatWasStopped) {
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  const std::uint32_t first = Runtime::default_id();
  EXPECT_EQ(runtime_->stop_loop(*default_loop(), 0), CROCHET_OK);
  EXPECT_EQ(Runtime::default_id(), first);
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  EXPECT_NE(Runtime::default_id(), first);
  EXPECT_EQ(default_loop()->state(), Loop::State::kRunning);
}

TEST_F(Setup, IsRefusedOnALoopsThread) {
  Loop* loop = new_loop();
  on_loop(*loop, [this] { EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_EDEADLK); });
  release(loop);
}

TEST_F(Setup, OnALoopsThreadDoesNothingWhenThereIsADefaultLoop) {
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  on_loop(*default_loop(), [this] { EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK); });
}

TEST_F(Setup, OfTheHostsLoopIsForAThreadWithoutOne) {
  contract::HostLoop host, other;
  EXPECT_EQ(runtime_->no_setup(host.uv(), kDefaults), CROCHET_OK);
  EXPECT_EQ(runtime_->no_setup(other.uv(), kDefaults), CROCHET_EALREADY);
  Loop* loop = nullptr;
  EXPECT_EQ(runtime_->adopt_loop(other.uv(), kDefaults, &loop), CROCHET_EALREADY);
  EXPECT_EQ(loop, nullptr);
  std::thread([&] { EXPECT_EQ(runtime_->no_setup(other.uv(), kDefaults), CROCHET_EALREADY); }).join();
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_EINPROGRESS);
  EXPECT_EQ(host.run(), 0);
}

TEST_F(NewLoop, GetsALaterSerialAndAReferenceOfItsOwn) {
  Loop* first = new_loop();
  Loop* second = new_loop();
  EXPECT_NE(first, second);
  EXPECT_GT(second->serial(), first->serial());
  EXPECT_EQ(handles_of(*first), 1u);
  EXPECT_EQ(Runtime::default_id(), 0u);
  release(first);
  release(second);
}

TEST_F(NewLoop, UsesTheBlocksOfEndedOnesAgain) {
  std::set<std::uint32_t> ids;
  std::size_t before = 0;
  for (int i = 0; i < 50; ++i) {
    Loop* loop = new_loop();
    EXPECT_TRUE(ids.insert(loop->id()).second) << "an id was used twice";
    EXPECT_EQ(runtime_->stop_loop(*loop, 0), CROCHET_OK);
    release(loop);
    if (i == 0) before = blocks();
  }
  EXPECT_EQ(blocks(), before);
}

TEST_F(NewLoop, DoesNotUseABlockThatSomebodyStillRefersTo) {
  Loop* held = new_loop();
  EXPECT_EQ(runtime_->stop_loop(*held, 0), CROCHET_OK);
  Loop* other = new_loop();
  EXPECT_NE(other, held);
  release(other);
  release(held);
}

TEST_F(NewLoop, DoesNotUseABlockThatSomebodyLooksAt) {
  Loop* ended = new_loop();
  {
    const Loop::Hold hold(*ended);
    release(ended);
    EXPECT_EQ(runtime_->stop_loop(*ended, 0), CROCHET_OK);
    Loop* other = new_loop();
    EXPECT_NE(other, ended);
    release(other);
  }
  Loop* next = new_loop();
  EXPECT_EQ(next, ended);
  release(next);
}

TEST_F(NewLoop, IsRefusedWhenTheProcessIsExiting) {
  process_state.store(ProcessState::kExiting, relaxed);
  Loop* loop = nullptr;
  EXPECT_EQ(runtime_->new_loop(kDefaults, &loop), CROCHET_ESTOPPED);
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_ESTOPPED);
  process_state.store(ProcessState::kLive, relaxed);
  EXPECT_EQ(loop, nullptr);
  EXPECT_EQ(Runtime::default_id(), 0u);
}

TEST_F(Shutdown, StopsTheNewestFirst) {
  std::vector<int> order;
  contract::Gate unused;
  std::vector<Loop*> loops;
  for (int i = 0; i < 4; ++i) {
    Loop* loop = new_loop();
    loops.push_back(loop);
    const MadeCall call = make_on(
        loop->id(), [&order, i](crochet_deferred*) { order.push_back(i); }, 0, word::kAtStop | word::kForgotten);
    EXPECT_TRUE(loop->push_at_stop(call.call));
  }
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1, 0}));
  for (Loop* loop : loops) release(loop);
}

TEST_F(Shutdown, OfNothingDoesNothing) {
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
}

TEST_F(Shutdown, ForgetsTheDefaultLoopAndRemembersThatThereWasOne) {
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
  EXPECT_EQ(Runtime::default_id(), 0u);
  EXPECT_TRUE(Runtime::was_shut_down());
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  EXPECT_EQ(default_loop()->state(), Loop::State::kRunning);
  EXPECT_TRUE(Runtime::was_shut_down()) << "never taken back";
}

TEST_F(Shutdown, ForgetsADefaultLoopWithALimitAsWell) {
  crochet_options options;
  options.queue_limit = 1;
  EXPECT_EQ(runtime_->setup(options), CROCHET_OK);
  Loop* loop = default_loop();
  ASSERT_NE(loop, nullptr);
  EXPECT_EQ(handles_of(*loop), 1u);
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
  EXPECT_EQ(Runtime::default_id(), 0u);
  EXPECT_EQ(handles_of(*loop), 0u) << "the library's own is given back";
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  loop = default_loop();
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
  EXPECT_EQ(handles_of(*loop), 0u);
}

TEST_F(Shutdown, IsSharedByThoseWhoComeMeanwhile) {
  LogCapture capture;
  Loop* loop = new_loop();
  static uv_timer_t left_open;
  on_loop(*loop, [&] { uv_timer_init(loop->uv(), &left_open); });
  contract::Gate entered, leave;
  const MadeCall at_stop = make_on(
      loop->id(),
      [&](crochet_deferred*) {
        entered.open();
        leave.wait();
      },
      0, word::kAtStop | word::kForgotten);
  EXPECT_TRUE(loop->push_at_stop(at_stop.call));
  int first = 0, second = 0;
  std::atomic<pid_t> sharer{0};
  std::thread one([&] { first = runtime_->shutdown(contract::kKillTimer); });
  entered.wait();
  std::thread other([&] {
    sharer = gettid();
    sharer.notify_one();
    second = runtime_->shutdown(0);
  });
  sharer.wait(0);
  contract::until_asleep(sharer.load());
  leave.open();
  one.join();
  other.join();
  EXPECT_EQ(first, CROCHET_EBUSY);
  EXPECT_EQ(second, CROCHET_EBUSY) << "its code, too";
  release(loop);
}

TEST_F(Shutdown, OnALoopsThreadIsAskedForAndNotWaitedFor) {
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  Loop* loop = default_loop();
  int code = 0;
  contract::Gate asked;
  EXPECT_TRUE(post_and_forget(*loop, [&] {
    code = runtime_->shutdown(0);
    asked.open();
  }));
  asked.wait();
  EXPECT_EQ(code, CROCHET_EINPROGRESS);
  EXPECT_EQ(loop->wait_until_ended(Deadline::after(contract::kKillTimer)), CROCHET_OK);
  EXPECT_TRUE(Runtime::was_shut_down());
}

// ---- What goes on

std::string listed(Loop* loop) {
  std::string text;
  const auto write = [](void* to, const char* bytes, std::size_t length) {
    static_cast<std::string*>(to)->append(bytes, length);
    return CROCHET_OK;
  };
  EXPECT_EQ(dump(loop, DumpFormat::kText, write, &text), CROCHET_OK);
  return text;
}

TEST_F(Listing, TellsOfACallThatIsBeingSettledAndWhatIsAskedOfIt) {
  Loop* const loop = new_loop();
  const MadeCall call = running_call(nullptr, nullptr, 1, 0, loop->id());
  std::string text = listed(loop);
  EXPECT_NE(text.find("; calls_run 0, calls_not_run 0, "), std::string::npos) << text;
  EXPECT_NE(text.find(": pending, at least "), std::string::npos) << text;
  EXPECT_NE(text.find("; 2 references, 1 deferreds\n1 calls: 1 pending\n"), std::string::npos) << text;
  ASSERT_TRUE(call->claim(call.generation));
  call->word.fetch_or(word::kWaiters | word::kJoiners | word::kCancelAsked | word::kStopAsked);
  text = listed(loop);
  EXPECT_NE(text.find(": settling, at least "), std::string::npos) << text;
  EXPECT_NE(
      text.find("; 2 references, 1 deferreds, waited for, joined, cancel asked, stop asked\n1 calls: 1 settling\n"),
      std::string::npos)
      << text;
  EXPECT_EQ(call->resolve(nullptr, nullptr), CROCHET_OK);
  EXPECT_TRUE(call.release_deferred());
  EXPECT_TRUE(call.release());
  release(loop);
}

// ---- Watchdog

bool has_thread(const std::string& name) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string found;
    std::getline(std::ifstream(task.path() / "comm") >> std::ws, found);
    if (found == name) return true;
  }
  return false;
}

// Somebody has turned it off, and not ended it yet.
TEST(AWatchdog, EndsWhenItFindsThatItIsOff) {
  Watchdog watchdog;
  Watchdog::threshold_ns.store(INT64_MAX);
  EXPECT_EQ(watchdog.start(), CROCHET_OK);
  while (!has_thread("crochet-watch")) std::this_thread::yield();
  Watchdog::threshold_ns.store(0);
  watchdog.changed();
  while (has_thread("crochet-watch")) std::this_thread::yield();
  watchdog.end(Deadline::never());
}

// ---- Stash

MadeCall finished_result(DropCounter& value) {
  const MadeCall call = running_call();
  call.resolve(value.pointer(), DropCounter::drop);
  call.release_deferred();
  return call;
}

TEST_F(StashedResults, AreDroppedByTheDefaultLoopWhenTheirTimeIsOver) {
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  DropCounter value;
  runtime_->stashed().set_limits(10, 1'000'000);
  const MadeCall call = finished_result(value);
  std::uint64_t uid = 0;
  EXPECT_EQ(runtime_->stash(call.call, call.generation, 1, &uid), CROCHET_OK);
  value.wait();
  on_loop(*default_loop(), [] {});
  EXPECT_TRUE(call.is_destroyed());
}

TEST_F(StashedResults, AreDroppedAlsoByALoopThatWasSetUpLater) {
  DropCounter value;
  runtime_->stashed().set_limits(10, 1'000'000);
  const MadeCall call = finished_result(value);
  std::uint64_t uid = 0;
  EXPECT_EQ(runtime_->stash(call.call, call.generation, 1, &uid), CROCHET_OK);
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  value.wait();
}

TEST_F(StashedResults, WhoseTimeIsOverTakeNoRoom) {
  DropCounter values;
  runtime_->stashed().set_limits(1, 1);
  std::uint64_t uid = 0;
  for (int i = 0; i < 3; ++i) {
    const MadeCall call = finished_result(values);
    EXPECT_EQ(runtime_->stash(call.call, call.generation, 1, &uid), CROCHET_OK);
    for (const Deadline over = Deadline::after(1); !over.passed();) {
    }
  }
  EXPECT_EQ(values.count(), 2);
  LogCapture capture;
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
}

// Drop functions run in a shutdown; what one of them asks for is never waited for by itself.
TEST_F(StashedResults, MayCallBackWhenTheyAreDroppedAtShutdown) {
  LogCapture capture;
  static int code;
  static Runtime* runtime;
  code = 0;
  runtime = runtime_;
  const MadeCall call = running_call();
  call.resolve(nullptr, [](void*) { code = runtime->shutdown(0); });
  call.release_deferred();
  std::uint64_t uid = 0;
  EXPECT_EQ(runtime_->stash(call.call, call.generation, 1, &uid), CROCHET_OK);
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
  EXPECT_EQ(code, CROCHET_EINPROGRESS);
}

TEST_F(StashedResults, AreDroppedAtShutdownAndCounted) {
  LogCapture capture;
  DropCounter value;
  for (int i = 0; i < 3; ++i) {
    const MadeCall call = finished_result(value);
    std::uint64_t uid = 0;
    EXPECT_EQ(runtime_->stash(call.call, call.generation, 1, &uid), CROCHET_OK);
  }
  EXPECT_EQ(runtime_->shutdown(0), CROCHET_OK);
  EXPECT_EQ(value.count(), 3);
  EXPECT_EQ(capture.stop(), "crochet warning: 3 stashed results were never retrieved\n");
}

// ---- Exit and fork

TEST_F(ExitOf, AProcessStopsItsLoopsAndKeepsItsStatus) {
  EXPECT_EQ(contract::status_of_child(
                [] {
                  Runtime* runtime = Runtime::get_or_make();
                  EXPECT_EQ(runtime->setup(kDefaults), CROCHET_OK);
                  // Runs on the loop's thread while exit() waits for it.
                  const MadeCall call = make_on(
                      Runtime::default_id(), [](crochet_deferred*) { _exit(7); }, 0, word::kAtStop | word::kForgotten);
                  EXPECT_TRUE(default_loop()->push_at_stop(call.call));
                },
                std::exit),
            7);
}

TEST_F(ForkOf, AProcessLeavesItsLoopsBehind) {
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  Loop* loop = default_loop();
  const MadeCall held = running_call(nullptr, nullptr, 1, 0, loop->id());
  contract::in_child([&] {
    EXPECT_TRUE(process_is_forked());
    EXPECT_EQ(Runtime::get(), nullptr);
    EXPECT_EQ(Runtime::default_id(), 0u);
    EXPECT_TRUE(loop->looks_closed());
    EXPECT_FALSE(post_and_forget(*loop, [] {}));
    EXPECT_EQ(wait_for_call(*held.call, held.generation, Until::kSettled, kForever, false), CROCHET_EFORKED);
  });
  EXPECT_FALSE(process_is_forked());
  on_loop(*loop, [] {});  // the parent goes on
  held.resolve();
  held.release_deferred();
  held.release();
}

TEST_F(ForkOf, AProcessMayBeSetUpAfreshInTheChildAndItsChild) {
  if (contract::kThreadSanitizer) GTEST_SKIP() << "it takes a child's thread for one of the parent's";
  EXPECT_EQ(runtime_->setup(kDefaults), CROCHET_OK);
  Loop* parents = default_loop();
  const MadeCall held = running_call(nullptr, nullptr, 1, 0, parents->id());
  const auto set_up_afresh = [&] {
    Runtime* runtime = Runtime::get_or_make();
    EXPECT_EQ(runtime->setup(kDefaults), CROCHET_OK);
    EXPECT_FALSE(process_is_forked());
    EXPECT_TRUE(parents->is_parents());
    EXPECT_NE(default_loop(), parents);
    on_loop(*default_loop(), [] {});
    EXPECT_EQ(wait_for_call(*held.call, held.generation, Until::kSettled, kForever, false), CROCHET_EFORKED);
  };
  contract::in_child([&] {
    set_up_afresh();
    contract::in_child(set_up_afresh);
    EXPECT_EQ(Runtime::get()->shutdown(0), CROCHET_OK);
  });
  on_loop(*parents, [] {});
  held.resolve();
  held.release_deferred();
  held.release();
}

}  // namespace
}  // namespace crochet
