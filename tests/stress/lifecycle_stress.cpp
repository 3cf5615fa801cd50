// SPDX-License-Identifier: MIT
// Loops that come and go under load: stops and restarts, forks, cycles of setup and shutdown. Nothing may be lost,
// nothing may be left, and nothing may take long; how long it took, and what was left, is printed.
//
//   lifecycle_stress [RESTARTS [FORKS [CYCLES [SEED]]]]        after GoogleTest's own arguments
#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/support/closure.hpp"
#include "api/support/owned.hpp"
#include "api/support/sanitizers.hpp"
#include "crochet.h"
#include "stress/caller.hpp"
#include "stress/plans.hpp"

namespace stress {
namespace {

using contract::kForever;
using contract::kSecond;

long restarts = contract::kSanitized ? 100 : 300;
long forks = contract::kSanitized ? 100 : 300;
long cycles = contract::kSanitized ? 100 : 300;
std::uint64_t seed = 20261127;

constexpr int kCallers = 8;
constexpr int kHelpers = 2;
constexpr unsigned kChildSeconds = 100;

// What the process has now.
struct Belongings {
  long pages = 0;
  std::size_t descriptors = 0;
  std::size_t threads = 0;

  static std::size_t entries(const char* path) {
    std::size_t count = 0;
    DIR* const directory = opendir(path);
    if (directory == nullptr) return 0;
    while (readdir(directory) != nullptr) ++count;
    closedir(directory);
    return count;
  }
  static Belongings now() {
    Belongings here;
    std::ifstream("/proc/self/statm") >> here.pages;
    here.descriptors = entries("/proc/self/fd");
    here.threads = entries("/proc/self/task");
    return here;
  }
  void print(const char* when) const {
    std::printf("%s: %ld pages of address space, %zu descriptors, %zu threads\n", when, pages, descriptors - 3,
                threads - 2);
  }
};

// The longest that something took.
class Longest {
 public:
  template <class Body>
  auto of(Body&& body) {
    const auto begin = std::chrono::steady_clock::now();
    struct AtEnd {
      Longest* self;
      std::chrono::steady_clock::time_point begin;
      ~AtEnd() { self->longest_ = std::max(self->longest_, std::chrono::steady_clock::now() - begin); }
    } end{this, begin};
    return body();
  }
  double milliseconds() const { return std::chrono::duration<double, std::milli>(longest_).count(); }

 private:
  std::chrono::steady_clock::duration longest_{};
};

// Threads that make calls of all kinds until they are told to end, whatever comes and goes under them.
class Callers {
 public:
  explicit Callers(const Planner& planner) {
    for (int i = 0; i < kCallers; ++i) {
      callers_.push_back(
          std::make_unique<Caller>(helpers_, planner, seed + static_cast<std::uint64_t>(i) * 1000003, true));
    }
    for (const std::unique_ptr<Caller>& caller : callers_) {
      threads_.emplace_back([this, &caller] {
        while (!done_) caller->make(caller->account().made + 1000);
      });
    }
  }
  ~Callers() { join(); }  // when an assertion ended the test
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  Account end() {
    join();
    Account sum;
    for (const std::unique_ptr<Caller>& caller : callers_) {
      caller->account().check();
      sum.add(caller->account());
    }
    return sum;
  }

 private:
  void join() {
    done_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  Helpers helpers_{kHelpers};
  std::atomic<bool> done_{false};
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<std::thread> threads_;
};

std::uint64_t counted(crochet_loop* loop, const char* name) {
  std::uint64_t count = 0;
  EXPECT_EQ(crochet_loop_counter(loop, name, &count), CROCHET_OK);
  return count;
}

class LifecycleStress : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK); }
  void TearDown() override { EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK); }
};

TEST_F(LifecycleStress, OfStopsAndRestarts) {
  std::atomic<long> planned{0};
  Callers callers([&planned](Random& random) {
    ++planned;
    Plan plan = anything(random);
    plan.at_stop = plan.prepared && random() % 16 == 0;
    return plan;
  });
  // All loops are held: a cancel may be late to count.
  std::vector<contract::OwnedLoop> loops;
  const auto hold_loop = [&loops] {
    loops.emplace_back();
    ASSERT_EQ(contract::on_loop(nullptr,
                                [&loop = loops.back()] { *loop.out() = crochet_loop_retain(crochet_current_loop()); }),
              CROCHET_OK);
  };
  Longest stop;
  for (long i = 0; i < restarts; ++i) {
    hold_loop();
    const long enough = planned + i % 7 * 50;
    // Not for ever: all callers may be waiting for their at-stop calls.
    for (int looks = 0; planned < enough && looks < 100'000; ++looks) sched_yield();
    ASSERT_EQ(stop.of([i] { return crochet_shutdown(i % 2 * kSecond); }), CROCHET_OK);
    ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK);
  }
  hold_loop();
  std::thread ends_at_stop_calls([] { EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK); });
  const Account sum = callers.end();
  ends_at_stop_calls.join();
  // The loops counted what their callers know, and one call more for each, which fetched its handle.
  std::uint64_t run = 0, not_run = 0, cancelled = 0;
  for (const contract::OwnedLoop& loop : loops) {
    run += counted(loop.get(), "calls_run");
    not_run += counted(loop.get(), "calls_not_run");
    cancelled += counted(loop.get(), "calls_cancelled");
  }
  sum.print("stops and restarts");
  std::printf("%ld stops, the longest took %.1f ms\n", restarts, stop.milliseconds());
  sum.check();
  EXPECT_GT(sum.refused, 0);
  EXPECT_GT(sum.stopped, 0);
  EXPECT_EQ(run, static_cast<std::uint64_t>(sum.run + restarts + 1));
  EXPECT_EQ(not_run + cancelled, static_cast<std::uint64_t>(sum.not_run));
}

// In a child, while the parent's threads were making calls: everything says so at once; every eighth starts afresh.
int child(crochet_result* from_before, bool starts_afresh) {
  alarm(kChildSeconds);
  if (crochet_run(nullptr, contract::resolve_null, nullptr, nullptr, nullptr) != CROCHET_EFORKED) return 1;
  if (crochet_result_wait(from_before, kForever) != CROCHET_EFORKED) return 2;
  if (!starts_afresh) return 0;
  if (crochet_setup(nullptr) != CROCHET_OK) return 3;
  if (crochet_wait_for(nullptr, contract::resolve_null, nullptr, nullptr, kForever, nullptr) != CROCHET_OK) return 4;
  return crochet_shutdown(kSecond) == CROCHET_OK ? 0 : 5;
}

TEST_F(LifecycleStress, OfForks) {
  contract::OwnedResult pending;
  contract::OwnedDeferred deferred;
  ASSERT_EQ(crochet_deferred_new(nullptr, nullptr, nullptr, deferred.out(), pending.out()), CROCHET_OK);
  Callers callers(anything);
  Belongings warm;
  Longest fork_and_child;
  for (long i = 0; i < forks; ++i) {
    if (i == forks / 10) warm = Belongings::now();
    // The thread sanitizer knows no threads in such a child; the address sanitizer's allocator may be locked there, by
    // a thread that was left behind.
    const bool afresh = i % 8 == 0 && !contract::kSanitized;
    const int status = fork_and_child.of([&] {
      const pid_t pid = fork();
      if (pid == 0) _exit(child(pending.get(), afresh));
      int ended = -1;
      while (waitpid(pid, &ended, 0) < 0 && errno == EINTR) {
      }
      return ended;
    });
    ASSERT_EQ(status, 0) << "fork " << i;
  }
  const Belongings end = Belongings::now();
  const Account sum = callers.end();
  sum.print("forks");
  std::printf("%ld forks, the longest with its child took %.1f ms\n", forks, fork_and_child.milliseconds());
  warm.print("after a tenth");
  end.print("at the end   ");
  sum.check();
  EXPECT_EQ(sum.refused, 0);
  EXPECT_EQ(end.descriptors, warm.descriptors);
  EXPECT_EQ(end.threads, warm.threads);
  EXPECT_EQ(crochet_resolve(deferred.get(), nullptr, nullptr), CROCHET_OK);
}

TEST_F(LifecycleStress, OfCyclesOfSetupAndShutdown) {
  ASSERT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  Belongings warm;
  Longest start, stop;
  for (long i = 0; i < cycles; ++i) {
    if (i == cycles / 10) warm = Belongings::now();
    ASSERT_EQ(start.of([] { return crochet_setup(nullptr); }), CROCHET_OK);
    ASSERT_EQ(crochet_wait_for(nullptr, contract::resolve_null, nullptr, nullptr, kForever, nullptr), CROCHET_OK);
    ASSERT_EQ(stop.of([] { return crochet_shutdown(kSecond); }), CROCHET_OK);
  }
  const Belongings end = Belongings::now();
  std::printf("%ld cycles, the longest setup took %.1f ms, the longest shutdown %.1f ms\n", cycles,
              start.milliseconds(), stop.milliseconds());
  warm.print("after a tenth");
  end.print("at the end   ");
  EXPECT_EQ(end.descriptors, warm.descriptors);
  EXPECT_EQ(end.threads, warm.threads);
  EXPECT_LE(end.pages, warm.pages + warm.pages / 8);
}

}  // namespace
}  // namespace stress

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  long* const numbers[] = {&stress::restarts, &stress::forks, &stress::cycles};
  for (int i = 1; i < argc && i <= 3; ++i) *numbers[i - 1] = std::atol(argv[i]);
  if (argc > 4) stress::seed = std::strtoull(argv[4], nullptr, 10);
  for (const long* number : numbers) {
    if (*number > 0) continue;
    std::fprintf(stderr, "usage: lifecycle_stress [RESTARTS [FORKS [CYCLES [SEED]]]]\n");
    return 2;
  }
  std::printf("%ld restarts, %ld forks, %ld cycles, seed %llu\n", stress::restarts, stress::forks, stress::cycles,
              static_cast<unsigned long long>(stress::seed));
  return RUN_ALL_TESTS();
}
