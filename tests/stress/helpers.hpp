// SPDX-License-Identifier: MIT
// Threads that do to calls what other threads of a host do: settle, release, cancel, interrupt, take and retrieve.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "crochet.h"
#include "stress/operation.hpp"

namespace stress {

struct Job {
  enum Kind { kResolve, kReject, kRelease, kCancel, kInterrupt, kTake, kRetrieve };
  Kind kind;
  Operation* operation;
  crochet_deferred* deferred;  // a reference of the job's own; or NULL
  crochet_result* result;      // likewise

  void run() const {
    switch (kind) {
      case kResolve: operation->resolve(deferred); break;
      case kReject: Operation::reject(deferred, -1); break;
      case kRelease: break;
      case kCancel: operation->cancel(result); break;
      case kInterrupt: EXPECT_EQ(crochet_result_interrupt(result), CROCHET_OK); break;
      case kTake: operation->take(result); break;
      case kRetrieve: operation->retrieve(result); break;
    }
    crochet_deferred_release(deferred);
    crochet_result_release(result);
    operation->jobs.fetch_sub(1, std::memory_order_acq_rel);
  }
};

class Helpers {
 public:
  explicit Helpers(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Helpers() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  // A job about a deferred, for which one more reference is taken.
  void add(Job::Kind kind, Operation* operation, crochet_deferred* deferred) {
    crochet_deferred* const own = crochet_deferred_retain(deferred);
    EXPECT_EQ(own, deferred);
    add(Job{kind, operation, own, nullptr});
  }
  // A job about a result, likewise.
  void add(Job::Kind kind, Operation* operation, crochet_result* result) {
    crochet_result* const own = crochet_result_retain(result);
    EXPECT_EQ(own, result);
    add(Job{kind, operation, nullptr, own});
  }

 private:
  void add(const Job& job) {
    job.operation->jobs.fetch_add(1, std::memory_order_relaxed);
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(job);
    }
    changed_.notify_one();
  }

  void work() {
    std::vector<Job> mine;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        // Half of them: the other helper shall have its share, so that jobs about one call race.
        const std::size_t left = jobs_.size() / 2;
        mine.assign(jobs_.begin() + static_cast<std::ptrdiff_t>(left), jobs_.end());
        jobs_.resize(left);
      }
      for (const Job& job : mine) job.run();
      mine.clear();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Job> jobs_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

inline void Operation::function(crochet_deferred* deferred, void* arg) {
  Operation& here = *static_cast<Operation*>(arg);
  here.runs.fetch_add(1, std::memory_order_relaxed);
  if (here.plan.hook != Hook::kNone) {
    here.hooks_set.fetch_add(1, std::memory_order_relaxed);
    const int code = crochet_deferred_on_cancel(deferred, hook, arg, drop_hook);
    EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_EALREADY) << code;
    if (code != CROCHET_OK) {  // don't start
      reject(deferred, CROCHET_ECANCELED);
      return;
    }
  }
  switch (here.plan.producer) {
    case Producer::kResolves: here.resolve(deferred); break;
    case Producer::kRejects: reject(deferred, -1); break;
    case Producer::kLeaves: break;
    case Producer::kThrows: throw 1;
    case Producer::kSettlesLater: here.helpers->add(Job::kResolve, &here, deferred); break;
    case Producer::kSettlesLaterTwice:
      here.helpers->add(Job::kResolve, &here, deferred);
      here.helpers->add(Job::kReject, &here, deferred);
      break;
    case Producer::kUntilCancelled: here.kept = crochet_deferred_retain(deferred); break;
    case Producer::kReleasesLater: here.helpers->add(Job::kRelease, &here, deferred); break;
  }
}

inline void Operation::hook(crochet_deferred* deferred, void* arg) {
  Operation& here = *static_cast<Operation*>(arg);
  here.hooks_run.fetch_add(1, std::memory_order_relaxed);
  EXPECT_EQ(crochet_deferred_is_cancelled(deferred), 1);
  if (here.plan.hook == Hook::kSettles) reject(deferred, CROCHET_ECANCELED);
}

}  // namespace stress
