// SPDX-License-Identifier: MIT
// Abuse by fork and exec: rows C1 to C5, and G3.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "abuse/own_process.hpp"
#include "api/support/asleep.hpp"
#include "api/support/blocked_loop.hpp"
#include "api/support/closure.hpp"
#include "api/support/drop_counter.hpp"
#include "api/support/ended.hpp"
#include "api/support/gate.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "api/support/pending.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"

#if defined(CONTRACT_ADDRESS_SANITIZER)
// A forked child has lost the stacks that held most of its memory: what the leak check would say there is not true.
namespace {
bool is_forked_child = false;
}
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return is_forked_child ? 1 : 0; }
#endif

namespace contract {
namespace {

// Under a sanitizer a fork takes ten times as long or more.
constexpr int kForks = kSanitized ? 100 : 1000;
constexpr int kForksOnTheLoop = kSanitized ? 20 : 200;

void never(crochet_deferred*, void*) { ADD_FAILURE() << "it was called"; }

// The first thing in a child that is not made by status_of_child().
void be_a_child() {
  alarm(kChildSeconds);
#if defined(CONTRACT_ADDRESS_SANITIZER)
  is_forked_child = true;
#endif
}

// Leaves a child whose loops it shares with nobody: by exit(), so that exit handlers run.
template <int status>
void leave_by_exit(int failed) {
#if defined(CONTRACT_ADDRESS_SANITIZER)
  is_forked_child = true;
#endif
  std::exit(failed == 0 ? status : kHasFailed);
}

// ---- A parent in full swing: threads that call, threads that wait, calls queued, running and stashed.

class Parent {
 public:
  static constexpr int kCallers = 4;
  static constexpr int kWaiters = 4;
  static constexpr std::uint64_t kType = 5;

  Parent() {
    EXPECT_EQ(set_up, CROCHET_OK);
    EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_stash(ready.get(), kType, &uid), CROCHET_OK);
    EXPECT_EQ(crochet_call_new(nullptr, 8, prepared.out()), CROCHET_OK);
    block_ = std::make_unique<BlockedLoop>(loop.get());
    for (OwnedResult& result : queued_) {
      EXPECT_EQ(crochet_run(loop.get(), resolve_null, nullptr, nullptr, result.out()), CROCHET_OK);
    }
    std::array<std::atomic<pid_t>, kWaiters> waiting{};
    for (std::atomic<pid_t>& thread : waiting) {
      threads_.emplace_back([this, &thread] {
        thread = gettid();
        EXPECT_EQ(crochet_result_wait(pending.result.get(), kForever), CROCHET_OK);
      });
    }
    for (int i = 0; i < kCallers; ++i) {
      threads_.emplace_back([this] {
        while (!enough_) {
          EXPECT_EQ(on_loop(nullptr, [this] { ++run_; }), CROCHET_OK);
          ++accepted_;
        }
      });
    }
    for (std::atomic<pid_t>& thread : waiting) {
      while (thread == 0) sched_yield();
      until_asleep(thread);
    }
    while (run_ < kCallers) sched_yield();
  }

  Parent(const Parent&) = delete;
  Parent& operator=(const Parent&) = delete;
  ~Parent() {
    if (!threads_.empty()) ends_well();  // a test that failed half-way
  }

  // All that was under way comes to its end.
  void ends_well() {
    const long before = run_;
    while (run_ < before + kCallers) sched_yield();  // no wake-up was lost
    enough_ = true;
    EXPECT_EQ(crochet_resolve(pending.deferred.get(), nullptr, nullptr), CROCHET_OK);
    pending.deferred.reset();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    EXPECT_EQ(run_, accepted_);
    block_->unblock();
    for (OwnedResult& result : queued_) EXPECT_EQ(crochet_result_wait(result.get(), kForever), CROCHET_OK);
    OwnedResult back;
    EXPECT_EQ(crochet_retrieve_result(uid, kType, back.out()), CROCHET_OK);
    EXPECT_EQ(back.get(), ready.get());
    EXPECT_EQ(crochet_loop_stop(loop.get(), kSecond), CROCHET_OK);
  }

  const int set_up = crochet_setup(nullptr);
  OwnedLoop loop;
  OwnedResult ready = ended(CROCHET_OK);
  Pending pending;
  OwnedCall prepared;
  std::uint64_t uid = 0;

 private:
  std::unique_ptr<BlockedLoop> block_;
  std::array<OwnedResult, 10> queued_;
  std::vector<std::thread> threads_;
  std::atomic<bool> enough_{false};
  std::atomic<long> run_{0};
  std::atomic<long> accepted_{0};
};

// ---- What every public function answers in a child. A wait that did not answer at once would meet the kill timer.

void calls_are_refused(crochet_loop* loop) {
  DropCounter drops;
  OwnedResult result;
  OwnedCall call;
  OwnedDeferred deferred;
  EXPECT_EQ(crochet_run(loop, never, drops.pointer(), DropCounter::drop, result.out()), CROCHET_EFORKED);
  EXPECT_EQ(crochet_wait_for(loop, never, drops.pointer(), DropCounter::drop, kForever, result.out()), CROCHET_EFORKED);
  EXPECT_EQ(crochet_deferred_new(loop, drops.pointer(), DropCounter::drop, deferred.out(), result.out()),
            CROCHET_EFORKED);
  EXPECT_EQ(crochet_call_new(loop, 8, call.out()), CROCHET_EFORKED);
  std::uint64_t count = 1;
  EXPECT_EQ(crochet_loop_counter(loop, crochet_loop_counter_name(0), &count), CROCHET_EFORKED);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(drops.count(), 3);
  EXPECT_FALSE(result || call || deferred);
}

void result_is_refused(crochet_result* result) {
  void* value = nullptr;
  crochet_drop_fn* drop = nullptr;
  std::uint64_t uid = 1;
  EXPECT_EQ(crochet_result_wait(result, kForever), CROCHET_EFORKED);
  EXPECT_EQ(crochet_result_wait_interruptible(result, kForever), CROCHET_EFORKED);
  EXPECT_EQ(crochet_result_join(result, kForever), CROCHET_EFORKED);
  EXPECT_EQ(crochet_result_status(result), CROCHET_EFORKED);
  EXPECT_EQ(crochet_result_take(result, &value, &drop), CROCHET_EFORKED);
  EXPECT_EQ(crochet_result_cancel(result, nullptr), CROCHET_EFORKED);
  EXPECT_EQ(crochet_result_interrupt(result), CROCHET_EFORKED);
  EXPECT_EQ(crochet_result_stash(result, 1, &uid), CROCHET_EFORKED);
  EXPECT_EQ(uid, 0u);
  EXPECT_EQ(crochet_result_value(result), nullptr);
  EXPECT_EQ(crochet_result_error(result), nullptr);
  EXPECT_EQ(crochet_result_retain(result), nullptr);
  crochet_result_release(result);
}

void deferred_is_refused(crochet_deferred* deferred) {
  DropCounter drops;
  EXPECT_EQ(crochet_resolve(deferred, drops.pointer(), DropCounter::drop), CROCHET_EFORKED);
  EXPECT_EQ(crochet_reject(deferred, -1, "why"), CROCHET_EFORKED);
  EXPECT_EQ(crochet_reject_with(deferred, -1, "why", 1, drops.pointer(), DropCounter::drop), CROCHET_EFORKED);
  EXPECT_EQ(crochet_deferred_on_cancel(deferred, never, drops.pointer(), DropCounter::drop), CROCHET_EFORKED);
  EXPECT_EQ(drops.count(), 3);
  EXPECT_EQ(crochet_deferred_is_cancelled(deferred), 0);
  EXPECT_EQ(crochet_deferred_loop(deferred), nullptr);
  EXPECT_EQ(crochet_deferred_retain(deferred), nullptr);
  crochet_deferred_release(deferred);
}

void process_is_refused(std::uint64_t uid) {
  OwnedLoop loop;
  OwnedResult result;
  uv_loop_t unused{};
  EXPECT_EQ(crochet_no_setup(&unused, nullptr), CROCHET_EFORKED);
  EXPECT_EQ(crochet_shutdown(0), CROCHET_EFORKED);
  EXPECT_EQ(crochet_stash_limits(1, kForever), CROCHET_EFORKED);
  EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_EFORKED);
  EXPECT_EQ(crochet_loop_adopt(&unused, nullptr, loop.out()), CROCHET_EFORKED);
  EXPECT_EQ(crochet_retrieve_result(uid, Parent::kType, result.out()), CROCHET_EFORKED);
  EXPECT_FALSE(loop || result);
  EXPECT_EQ(crochet_current_loop(), nullptr);
  EXPECT_EQ(crochet_current_uv(), nullptr);
}

void loop_is_refused(crochet_loop* loop) {
  EXPECT_EQ(crochet_loop_stop(loop, 0), CROCHET_EFORKED);
  EXPECT_EQ(crochet_loop_retain(loop), nullptr);
  crochet_loop_release(loop);
}

void prepared_call_is_refused(OwnedCall prepared, crochet_result* result) {
  OwnedResult none;
  EXPECT_EQ(crochet_call_set_after(prepared.get(), result), CROCHET_EFORKED);
  EXPECT_EQ(crochet_call_run(prepared.release(), never, nullptr, none.out()), CROCHET_EFORKED);
  EXPECT_FALSE(none);
}

// Those that need no loop, and no handle but their own.
void the_rest_works() {
  OwnedOptions options;
  EXPECT_EQ(crochet_options_new(options.out()), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_thread_name(options.get(), "child"), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_keep_alive(options.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_stack_size(options.get(), 0), CROCHET_OK);
  EXPECT_EQ(crochet_options_set_thread_hooks(options.get(), nullptr, nullptr, nullptr, nullptr), CROCHET_OK);
  EXPECT_STREQ(crochet_status_name(CROCHET_EFORKED), "CROCHET_EFORKED");
  EXPECT_STRNE(crochet_status_message(CROCHET_EFORKED), "");
  EXPECT_NE(crochet_version(), 0u);
  EXPECT_NE(crochet_loop_counter_name(0), nullptr);
  EXPECT_EQ(crochet_error_code(nullptr), CROCHET_EINVAL);
  EXPECT_STREQ(crochet_error_message(nullptr), "");
  EXPECT_STREQ(crochet_error_label(nullptr), "");
  EXPECT_EQ(crochet_error_payload(nullptr, 1), nullptr);
}

void everything_is_refused(Parent& parent) {
  calls_are_refused(nullptr);
  calls_are_refused(parent.loop.get());
  result_is_refused(parent.ready.get());
  result_is_refused(parent.pending.result.get());
  deferred_is_refused(parent.pending.deferred.get());
  process_is_refused(parent.uid);
  loop_is_refused(parent.loop.get());
  prepared_call_is_refused(std::move(parent.prepared), parent.ready.get());
  the_rest_works();
}

// What from before the fork must stay refused when the child has loops of its own.
void old_handles_are_refused(Parent& parent) {
  calls_are_refused(parent.loop.get());
  result_is_refused(parent.ready.get());
  result_is_refused(parent.pending.result.get());
  deferred_is_refused(parent.pending.deferred.get());
  loop_is_refused(parent.loop.get());
  prepared_call_is_refused(std::move(parent.prepared), parent.ready.get());
}

// Sets up, calls, waits, and ends it all.
void a_fresh_loop_works() {
  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  bool ran = false;
  EXPECT_EQ(on_loop(nullptr, [&ran] { ran = true; }), CROCHET_OK);
  EXPECT_TRUE(ran);
  Pending call;
  std::thread waiter([&call] { EXPECT_EQ(crochet_result_wait(call.result.get(), kForever), CROCHET_OK); });
  EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK);
  waiter.join();
  call.deferred.reset();
  EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
}

// ---- C1: fork beside calls in flight and waiting threads

TEST(AbuseC1, EveryFunctionRefusesInTheChildAndTheParentNoticesNothing) {
  in_own_process([] {
    Parent parent;
    for (int i = 0; i < kForks; ++i) {
      ASSERT_EQ(status_of_child([&parent] { everything_is_refused(parent); }), 0) << "fork " << i;
    }
    parent.ends_well();
  });
}

TEST(AbuseC1, AThreadThatCallsMayForkToo) {
  in_own_process([] {
    Parent parent;
    std::thread forker([&parent] {
      for (int i = 0; i < kForks / 10; ++i) {
        ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
        ASSERT_EQ(status_of_child([&parent] { everything_is_refused(parent); }), 0) << "fork " << i;
      }
    });
    forker.join();
    parent.ends_well();
  });
}

// A signal handler forks in the middle of a wait: the child goes on in that wait.
std::atomic<pid_t> forked_by_handler{0};
volatile sig_atomic_t in_handlers_child = 0;

void fork_in_handler(int) {
  const pid_t pid = fork();
  if (pid == 0) {
    in_handlers_child = 1;
    be_a_child();
  } else {
    forked_by_handler = pid;
  }
}

// `wait` sleeps in a thread of its own until `end_it` is called, and then returns CROCHET_OK; in the child it says at
// once what every function says there.
void fork_in_the_middle_of(const std::function<int()>& wait, const std::function<void()>& end_it,
                           int signal_flags = 0) {
  struct sigaction action {};
  action.sa_handler = fork_in_handler;
  action.sa_flags = signal_flags;
  ASSERT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
  std::atomic<pid_t> waiting{0};
  std::thread waiter([&] {
    waiting = gettid();
    const int code = wait();
    if (in_handlers_child != 0) _exit(code == CROCHET_EFORKED ? 0 : kHasFailed);
    EXPECT_EQ(code, CROCHET_OK);
  });
  while (waiting == 0) sched_yield();
  until_asleep(waiting);
  ASSERT_EQ(pthread_kill(waiter.native_handle(), SIGUSR1), 0);
  while (forked_by_handler == 0) sched_yield();
  EXPECT_EQ(exit_status(forked_by_handler), 0);
  end_it();
  waiter.join();
}

void fork_in_the_middle_of_a_wait(int signal_flags, std::int64_t timeout_ns) {
  in_own_process([signal_flags, timeout_ns] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    Pending call;
    fork_in_the_middle_of([&] { return crochet_result_wait(call.result.get(), timeout_ns); },
                          [&] { EXPECT_EQ(crochet_resolve(call.deferred.get(), nullptr, nullptr), CROCHET_OK); },
                          signal_flags);
  });
}

TEST(AbuseC1, AWaitInWhichASignalHandlerForksEndsInTheChild) { fork_in_the_middle_of_a_wait(0, kForever); }

TEST(AbuseC1, SoDoesOneWithATimeOutThatTheSystemWouldRestart) {
  fork_in_the_middle_of_a_wait(SA_RESTART, 3600 * kSecond);
}

TEST(AbuseC1, SoDoesOneWithoutATimeOutThatTheSystemWouldRestart) {
  SKIP_UNDER_THREAD_SANITIZER("puts the signal off until the sleep ends, which does not come to an end");
  fork_in_the_middle_of_a_wait(SA_RESTART, kForever);
}

// Waits of the library's own for other threads, all with SA_RESTART.

TEST(AbuseC1, AShutdownInWhichASignalHandlerForksEndsInTheChild) {
  SKIP_UNDER_THREAD_SANITIZER("puts the signal off until the sleep ends, which does not come to an end");
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    BlockedLoop blocked;
    fork_in_the_middle_of([] { return crochet_shutdown(kKillTimer); }, [&] { blocked.let_go(); }, SA_RESTART);
  });
}

TEST(AbuseC1, SoDoesOneThatWaitsForAnotherThreadsShutdown) {
  SKIP_UNDER_THREAD_SANITIZER("puts the signal off until the sleep ends, which does not come to an end");
  in_own_process([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    BlockedLoop blocked;
    std::atomic<pid_t> first{0};
    std::thread shutter([&first] {
      first = gettid();
      EXPECT_EQ(crochet_shutdown(kKillTimer), CROCHET_OK);
    });
    while (first == 0) sched_yield();
    until_asleep(first);
    fork_in_the_middle_of([] { return crochet_shutdown(0); }, [&] { blocked.let_go(); }, SA_RESTART);
    shutter.join();
  });
}

// The host's first function on the loop's thread stands at a gate: whoever starts the loop waits, and others for him.
class SlowStart {
 public:
  SlowStart() {
    EXPECT_EQ(crochet_options_new(options_.out()), CROCHET_OK);
    EXPECT_EQ(crochet_options_set_thread_hooks(options_.get(), first, nullptr, this, nullptr), CROCHET_OK);
  }
  int setup() const { return crochet_setup(options_.get()); }
  Gate entered, leave;

 private:
  static int first(void* arg) {
    static_cast<SlowStart*>(arg)->entered.open();
    static_cast<SlowStart*>(arg)->leave.wait();
    return CROCHET_OK;
  }
  OwnedOptions options_;
};

TEST(AbuseC1, ASetupInWhichASignalHandlerForksEndsInTheChild) {
  SKIP_UNDER_THREAD_SANITIZER("puts the signal off until the sleep ends, which does not come to an end");
  in_own_process([] {
    SlowStart slow;
    fork_in_the_middle_of([&] { return slow.setup(); },
                          [&] {
                            slow.entered.wait();
                            slow.leave.open();
                          },
                          SA_RESTART);
  });
}

TEST(AbuseC1, SoDoesOneThatWaitsForAnotherThreadsSetup) {
  SKIP_UNDER_THREAD_SANITIZER("puts the signal off until the sleep ends, which does not come to an end");
  in_own_process([] {
    SlowStart slow;
    std::thread starter([&slow] { EXPECT_EQ(slow.setup(), CROCHET_OK); });
    slow.entered.wait();
    fork_in_the_middle_of([] { return crochet_setup(nullptr); }, [&] { slow.leave.open(); }, SA_RESTART);
    starter.join();
  });
}

// ---- C2: a child, and a grandchild, with loops of their own

TEST(AbuseC2, AChildAndAGrandchildGetFreshLoopsThatWork) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  in_own_process([] {
    Parent parent;
    for (int i = 0; i < kForks / 50; ++i) {
      ASSERT_EQ(status_of_child([&parent] {
                  a_fresh_loop_works();
                  ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                  old_handles_are_refused(parent);
                  Pending of_the_child;
                  EXPECT_EQ(status_of_child([&] {
                              result_is_refused(of_the_child.result.get());
                              calls_are_refused(nullptr);
                              a_fresh_loop_works();
                              result_is_refused(of_the_child.result.get());
                              result_is_refused(parent.pending.result.get());
                            }),
                            0);
                  EXPECT_EQ(crochet_result_status(of_the_child.result.get()), CROCHET_EPENDING);
                  EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
                }),
                0);
    }
    parent.ends_well();
  });
}

TEST(AbuseC2, SetupOfManyThreadsInTheChildMakesOneLoop) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  in_own_process([] {
    Parent parent;
    EXPECT_EQ(status_of_child([] {
                std::array<crochet_loop*, 16> loops{};
                std::vector<std::thread> threads;
                for (crochet_loop*& loop : loops) {
                  threads.emplace_back([&loop] {
                    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
                    EXPECT_EQ(on_loop(nullptr, [&loop] { loop = crochet_current_loop(); }), CROCHET_OK);
                  });
                }
                for (std::thread& thread : threads) thread.join();
                EXPECT_NE(loops[0], nullptr);
                for (crochet_loop* loop : loops) EXPECT_EQ(loop, loops[0]);
              }),
              0);
    parent.ends_well();
  });
}

// ---- C3: a child that ends by exit()

TEST(AbuseC3, AChildThatWasNeverSetUpExitsWithItsOwnStatus) {
  in_own_process([] {
    Parent parent;
    LogCapture log;
    EXPECT_EQ(status_of_child([] {}, leave_by_exit<42>), 42);
    EXPECT_EQ(status_of_child([&parent] { everything_is_refused(parent); }, leave_by_exit<43>), 43);
    std::thread([] { EXPECT_EQ(status_of_child([] {}, leave_by_exit<44>), 44); }).join();
    EXPECT_EQ(log.stop(), "");  // nobody missed a thread
    parent.ends_well();
  });
}

TEST(AbuseC3, AChildWithALoopOfItsOwnExitsWithItsOwnStatus) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  in_own_process([] {
    Parent parent;
    LogCapture log;
    EXPECT_EQ(status_of_child(
                  [] {
                    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
                  },
                  leave_by_exit<45>),
              45);
    EXPECT_EQ(status_of_child(a_fresh_loop_works, leave_by_exit<46>), 46);
    EXPECT_EQ(log.stop(), "");
    parent.ends_well();
  });
}

// ---- C4: fork on the loop's thread

// Forks in a callback on `loop`; `in_child` is run in the child, which then returns from the callback.
pid_t fork_in_callback(crochet_loop* loop, const std::function<void()>& in_child) {
  pid_t pid = -1;
  EXPECT_EQ(on_loop(loop,
                    [&] {
                      pid = fork();
                      if (pid != 0) return;
                      be_a_child();
                      in_child();
                    }),
            CROCHET_OK);
  return pid;
}

TEST(AbuseC4, TheChildIsRefusedInTheCallbackAndCannotSetUp) {
  in_own_process([] {
    Parent parent;
    const pid_t pid = fork_in_callback(nullptr, [&parent] {
      everything_is_refused(parent);
      EXPECT_EQ(crochet_setup(nullptr), CROCHET_EFORKED);
      EXPECT_EQ(crochet_setup(nullptr), CROCHET_EFORKED);
      calls_are_refused(nullptr);
      std::fflush(nullptr);
      _exit(testing::Test::HasFailure() ? kHasFailed : 42);
    });
    EXPECT_EQ(exit_status(pid), 42);
    parent.ends_well();
  });
}

// With that thread the last one of the child ends, hence the child, with status 0.
TEST(AbuseC4, AChildThatReturnsFromTheCallbackEndsThereAndTheParentLosesNoWakeUp) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  in_own_process([] {
    Parent parent;
    for (int i = 0; i < kForksOnTheLoop; ++i) {
      ASSERT_EQ(exit_status(fork_in_callback(nullptr, [] {})), 0) << "fork " << i;
      ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    }
    parent.ends_well();
  });
}

// Not from a call's function, but from a callback of the host's own on that loop.
TEST(AbuseC4, SoDoesAChildThatReturnsFromATimersCallback) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  in_own_process([] {
    Parent parent;
    struct Fork {
      uv_timer_t timer;
      pid_t pid = -1;
      Gate done, closed;
    } one;
    EXPECT_EQ(on_loop(nullptr,
                      [&one] {
                        uv_timer_init(crochet_current_uv(), &one.timer);
                        one.timer.data = &one;
                        uv_timer_start(
                            &one.timer,
                            [](uv_timer_t* timer) {
                              auto* it = static_cast<Fork*>(timer->data);
                              it->pid = fork();
                              if (it->pid == 0) return be_a_child();
                              it->done.open();
                            },
                            0, 0);
                      }),
              CROCHET_OK);
    one.done.wait();
    EXPECT_EQ(exit_status(one.pid), 0);
    EXPECT_EQ(on_loop(nullptr,
                      [&one] {
                        uv_close(reinterpret_cast<uv_handle_t*>(&one.timer),
                                 [](uv_handle_t* handle) { static_cast<Fork*>(handle->data)->closed.open(); });
                      }),
              CROCHET_OK);
    one.closed.wait();
    parent.ends_well();
  });
}

TEST(AbuseC4, ExecInTheCallbacksChildWorks) {
  in_own_process([] {
    Parent parent;
    const pid_t pid = fork_in_callback(nullptr, [] {
      execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
      _exit(kHasFailed);
    });
    EXPECT_EQ(exit_status(pid), 7);
    parent.ends_well();
  });
}

TEST(AbuseC4, OnAnAdoptedLoopItIsTheSame) {
  SKIP_UNDER_THREAD_SANITIZER("can't end a thread in a child that was forked beside others");
  in_own_process([] {
    HostLoop host;  // not on the thread's own stack, which is unwound in the child
    Gate adopted;
    std::thread host_thread([&host, &adopted] {
      EXPECT_EQ(crochet_no_setup(host.uv(), nullptr), CROCHET_OK);
      // Outside uv_run(), too, this is a loop's thread.
      EXPECT_EQ(status_of_child([] { EXPECT_EQ(crochet_setup(nullptr), CROCHET_EFORKED); }), 0);
      adopted.open();
      EXPECT_EQ(host.run(), 0);
    });
    adopted.wait();
    for (int i = 0; i < kForksOnTheLoop; ++i) {
      ASSERT_EQ(exit_status(fork_in_callback(nullptr, [] {})), 0) << "fork " << i;
      ASSERT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    }
    EXPECT_EQ(on_loop(nullptr, [] { EXPECT_EQ(crochet_shutdown(0), CROCHET_EINPROGRESS); }), CROCHET_OK);
    host_thread.join();
    EXPECT_EQ(host.close(), 0);
  });
}

// ---- C5: exec

constexpr char kList[] = "/bin/ls";
constexpr char kDescriptors[] = "/proc/self/fd";
// The last one is the directory that ls reads.
constexpr char kOnlyThree[] = "0\n1\n2\n3\n";

// What a program started by `start` writes into the descriptor that is handed to it.
std::string output_of(const std::function<void(int)>& start) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  start(ends[1]);
  close(ends[1]);
  std::string text;
  std::array<char, 256> piece{};
  for (ssize_t got; (got = read(ends[0], piece.data(), piece.size())) > 0;) {
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  close(ends[0]);
  return text;
}

std::string descriptors_after_fork_and_exec() {
  return output_of([](int out) {
    const int status = status_of_child([out] {
      dup2(out, STDOUT_FILENO);
      execl(kList, kList, kDescriptors, nullptr);
      ADD_FAILURE() << "no exec";
    });
    EXPECT_EQ(status, 0);
  });
}

std::string descriptors_after_posix_spawn() {
  return output_of([](int out) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    std::string program = kList;
    std::string argument = kDescriptors;
    std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
    pid_t pid = -1;
    EXPECT_EQ(posix_spawn(&pid, kList, &actions, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(exit_status(pid), 0);
  });
}

// A process started by libuv on the default loop; the call is finished when it has ended.
struct Spawned {
  uv_process_t process{};
  crochet_deferred* deferred = nullptr;
  int out = -1;

  static void start(crochet_deferred* deferred, void* arg) {
    auto* const self = static_cast<Spawned*>(arg);
    self->deferred = crochet_deferred_retain(deferred);
    self->process.data = self;
    std::string program = kList;
    std::string argument = kDescriptors;
    std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
    std::array<uv_stdio_container_t, 3> descriptors{};
    for (int i = 0; i < 3; ++i) {
      descriptors[static_cast<std::size_t>(i)].flags = UV_INHERIT_FD;
      descriptors[static_cast<std::size_t>(i)].data.fd = i == STDOUT_FILENO ? self->out : i;
    }
    uv_process_options_t options{};
    options.file = kList;
    options.args = arguments.data();
    options.stdio_count = 3;
    options.stdio = descriptors.data();
    options.exit_cb = [](uv_process_t* ended, std::int64_t status, int) {
      EXPECT_EQ(status, 0);
      uv_close(reinterpret_cast<uv_handle_t*>(ended), [](uv_handle_t* handle) {
        crochet_deferred* const done = static_cast<Spawned*>(handle->data)->deferred;
        crochet_resolve(done, nullptr, nullptr);
        crochet_deferred_release(done);
      });
    };
    EXPECT_EQ(uv_spawn(crochet_current_uv(), &self->process, &options), 0);
  }
};

std::string descriptors_after_uv_spawn() {
  return output_of([](int out) {
    Spawned spawned;
    spawned.out = out;
    OwnedResult result;
    ASSERT_EQ(crochet_run(nullptr, Spawned::start, &spawned, nullptr, result.out()), CROCHET_OK);
    EXPECT_EQ(crochet_result_join(result.get(), kForever), CROCHET_OK);
  });
}

// Runs `body` in a process of its own in which, before libuv is used, only descriptors 0 to 2 are open.
void with_three_descriptors(const std::function<void()>& body) {
  in_child([&body] {
    ASSERT_EQ(close_range(3, ~0U, 0), 0);
    body();
  });
}

TEST(AbuseC5, OfALibraryInFullUseOnlyThreeDescriptorsSurviveAnExec) {
  with_three_descriptors([] {
    Parent parent;
    Gate adopted, done;
    std::thread host_thread([&] {
      HostLoop host;
      OwnedLoop loop;
      EXPECT_EQ(crochet_loop_adopt(host.uv(), nullptr, loop.out()), CROCHET_OK);
      adopted.open();
      done.wait();
      EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_EINPROGRESS);
      EXPECT_EQ(host.run(), 0);
    });
    adopted.wait();
    EXPECT_GT(names_in("/proc/self/fd").size(), 3u + 3u);  // there is something to leave behind
    EXPECT_EQ(descriptors_after_fork_and_exec(), kOnlyThree);
    EXPECT_EQ(descriptors_after_posix_spawn(), kOnlyThree);
    EXPECT_EQ(descriptors_after_uv_spawn(), kOnlyThree);
    done.open();
    host_thread.join();
    parent.ends_well();
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

// A descriptor that becomes close-on-exec a moment after it was opened is caught here sooner or later.
TEST(AbuseC5, SoItIsWhileLoopsComeAndGo) {
  SKIP_UNDER_THREAD_SANITIZER("does not see libuv close a descriptor, and takes its next use for a race");
  with_three_descriptors([] {
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
    std::atomic<bool> enough{false};
    std::thread maker([&enough] {
      while (!enough) {
        OwnedLoop loop;
        EXPECT_EQ(crochet_loop_new(nullptr, loop.out()), CROCHET_OK);
        EXPECT_EQ(on_loop(loop.get(), [] {}), CROCHET_OK);
        EXPECT_EQ(crochet_loop_stop(loop.get(), 0), CROCHET_OK);
      }
    });
    for (int i = 0; i < (kSanitized ? 10 : 200); ++i) ASSERT_EQ(descriptors_after_posix_spawn(), kOnlyThree);
    enough = true;
    maker.join();
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

// ---- G3: the stash of the parent

TEST(AbuseG3, WhatTheParentStashedIsRefusedInTheChildAndUnknownAfterItsSetup) {
  SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW();
  in_own_process([] {
    Parent parent;
    EXPECT_EQ(status_of_child([&parent] {
                OwnedResult back;
                EXPECT_EQ(crochet_retrieve_result(parent.uid, Parent::kType, back.out()), CROCHET_EFORKED);
                EXPECT_FALSE(back);
                ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
                EXPECT_EQ(crochet_retrieve_result(parent.uid, Parent::kType, back.out()), CROCHET_ENOENT);
                EXPECT_EQ(crochet_retrieve_result(parent.uid, Parent::kType + 1, back.out()), CROCHET_ENOENT);
                EXPECT_FALSE(back);
                std::uint64_t uid = 0;
                EXPECT_EQ(crochet_result_stash(parent.ready.get(), Parent::kType, &uid), CROCHET_EFORKED);
                OwnedResult mine = ended(CROCHET_OK);
                EXPECT_EQ(crochet_result_stash(mine.get(), Parent::kType, &uid), CROCHET_OK);
                EXPECT_EQ(crochet_retrieve_result(uid, Parent::kType, back.out()), CROCHET_OK);
              }),
              0);
    parent.ends_well();  // it gets its own back
  });
}

}  // namespace
}  // namespace contract
