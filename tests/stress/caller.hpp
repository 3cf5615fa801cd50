// SPDX-License-Identifier: MIT
// A thread that makes calls by a plan, many at a time, sees each to its end and keeps the accounts.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <utility>

#include "crochet.h"
#include "stress/helpers.hpp"
#include "stress/operation.hpp"

namespace stress {

struct Account {
  long made = 0;  // accepted or refused
  long accepted = 0;
  long refused = 0;
  long run = 0;
  long not_run = 0;
  long values = 0;
  long failed = 0;
  long cancelled = 0;
  long stopped = 0;
  long broken = 0;
  long hooks = 0;

  void add(const Account& other) {
    made += other.made;
    accepted += other.accepted;
    refused += other.refused;
    run += other.run;
    not_run += other.not_run;
    values += other.values;
    failed += other.failed;
    cancelled += other.cancelled;
    stopped += other.stopped;
    broken += other.broken;
    hooks += other.hooks;
  }

  void print(const char* name) const {
    std::printf(
        "%s: %ld made = %ld accepted + %ld refused; accepted = %ld run + %ld not run; "
        "%ld values, %ld failed, %ld cancelled, %ld stopped, %ld broken; %ld hooks called\n",
        name, made, accepted, refused, run, not_run, values, failed, cancelled, stopped, broken, hooks);
  }

  void check() const {
    EXPECT_EQ(made, accepted + refused);
    EXPECT_EQ(accepted, run + not_run);
  }
};

using Random = std::mt19937_64;
using Planner = std::function<Plan(Random&)>;

class Caller {
 public:
  // stops: a shutdown may come, so that calls are refused or end by it.
  Caller(Helpers& helpers, Planner planner, std::uint64_t seed, bool stops)
      : helpers_(helpers), planner_(std::move(planner)), random_(seed), stops_(stops) {}

  // Makes `calls` calls, or as many as are made before one is refused.
  void make(long calls) {
    bool refused = false;
    while (account_.made < calls && !refused) {
      std::size_t outstanding = 0;
      while (outstanding < slots_.size() && account_.made < calls && !refused) {
        refused = !begin(slots_[outstanding]);
        if (!refused) ++outstanding;
      }
      for (std::size_t i = 0; i < outstanding; ++i) {
        const Slot& slot = slots_[i];
        if (slot.result != nullptr && slot.operation.plan.cancel_late) {
          helpers_.add(Job::kCancel, &slots_[i].operation, slot.result);
        }
      }
      for (std::size_t i = 0; i < outstanding; ++i) end(slots_[i]);
    }
  }

  const Account& account() const { return account_; }

 private:
  struct Slot {
    Operation operation;
    Operation follower;
    crochet_result* result = nullptr;
    crochet_result* follower_result = nullptr;
    bool has_follower = false;
  };

  // False: refused.
  bool begin(Slot& slot) {
    Operation& operation = slot.operation;
    operation.begin(planner_(random_), &helpers_);
    const Plan& plan = operation.plan;
    slot.has_follower = false;
    slot.result = nullptr;
    if (!submit(operation, nullptr, plan.forget ? nullptr : &slot.result)) return false;
    if (plan.forget) return true;
    EXPECT_NE(slot.result, nullptr);
    if (plan.followed) {
      Plan simple;
      simple.prepared = true;
      slot.follower.begin(simple, &helpers_);
      slot.follower_result = nullptr;
      slot.has_follower = submit(slot.follower, slot.result, &slot.follower_result);
    }
    if (plan.cancel_by_helper) helpers_.add(Job::kCancel, &operation, slot.result);
    if (plan.cancel_myself) operation.cancel(slot.result);
    if (plan.interrupt) helpers_.add(Job::kInterrupt, &operation, slot.result);
    return true;
  }

  bool submit(Operation& operation, crochet_result* after, crochet_result** out_result) {
    int code;
    if (operation.plan.prepared) {
      crochet_call* call = nullptr;
      code = crochet_call_new(nullptr, sizeof(Operation*), &call);
      if (code == CROCHET_OK) {
        *static_cast<Operation**>(crochet_call_storage(call)) = &operation;
        if (after != nullptr) {
          EXPECT_EQ(crochet_call_set_after(call, after), CROCHET_OK);
        }
        if (operation.plan.at_stop) {
          EXPECT_EQ(crochet_call_set_at_stop(call), CROCHET_OK);
        }
        code = crochet_call_run(call, Operation::function_in_storage, Operation::drop_storage, out_result);
      } else {
        operation.drops = 1;  // nothing was moved in yet
      }
    } else {
      code = crochet_run(nullptr, Operation::function, &operation, Operation::drop, out_result);
    }
    ++account_.made;
    if (code == CROCHET_OK) {
      ++account_.accepted;
      return true;
    }
    ++account_.refused;
    EXPECT_EQ(code, CROCHET_ESTOPPED);
    EXPECT_TRUE(stops_);
    EXPECT_EQ(operation.drops, 1);
    EXPECT_EQ(operation.runs, 0);
    return false;
  }

  void end(Slot& slot) {
    Operation& operation = slot.operation;
    if (slot.result != nullptr) {
      count_outcome(operation, slot.result);
      crochet_deferred_release(operation.kept);
      if (operation.plan.stash) stash_and_retrieve(operation, slot.result);
      if (operation.plan.take_by_two) helpers_.add(Job::kTake, &operation, slot.result);
      if (operation.plan.take_by_two || random_() % 2 == 0) operation.take(slot.result);
      join(slot.result);
      crochet_result_release(slot.result);
    }
    come_to_rest(operation);
    if (slot.has_follower) {
      count_outcome(slot.follower, slot.follower_result);
      join(slot.follower_result);
      crochet_result_release(slot.follower_result);
      come_to_rest(slot.follower);
    }
  }

  // Waits for the end, and notes what a stop reported.
  void count_outcome(Operation& operation, crochet_result* result) {
    int code;
    do {
      code = crochet_result_wait(result, wait_time());
    } while (code == CROCHET_EINTR || code == CROCHET_ETIMEDOUT);
    EXPECT_EQ(crochet_result_status(result), code);
    const crochet_error* const error = crochet_result_error(result);
    switch (code) {
      case CROCHET_OK: ++account_.values; break;
      case CROCHET_EFAILED: ++account_.failed; break;
      case CROCHET_ECANCELED:
        ++account_.cancelled;
        EXPECT_TRUE(operation.plan.cancels());
        break;
      case CROCHET_ESTOPPED:
        ++account_.stopped;
        EXPECT_TRUE(stops_);
        if (crochet_error_code(error) == CROCHET_ENOTRUN) {
          operation.not_run.fetch_add(1, std::memory_order_relaxed);
        }
        break;
      case CROCHET_EBROKEN: ++account_.broken; break;
      default: ADD_FAILURE() << "a wait returned " << code;
    }
    EXPECT_EQ(error == nullptr, code == CROCHET_OK);
  }

  std::int64_t wait_time() {
    constexpr std::array<std::int64_t, 3> kTimes = {0, 20000, -1};
    return kTimes[random_() % kTimes.size()];
  }

  void stash_and_retrieve(Operation& operation, crochet_result* result) {
    const int code = crochet_result_stash(result, 1, &operation.uid);
    EXPECT_EQ(code, CROCHET_OK);
    if (code != CROCHET_OK) return;
    helpers_.add(Job::kRetrieve, &operation, result);
    operation.retrieve(result);
  }

  void join(crochet_result* result) {
    int code;
    do {
      code = crochet_result_join(result, -1);
    } while (code == CROCHET_EINTR);
    // Its loop may have ended while a helper still held a deferred: then the drop is waited for below.
    EXPECT_TRUE(code == CROCHET_OK || (stops_ && code == CROCHET_ESTOPPED)) << code;
  }

  // The last references may be the loop's or a helper's: looks until they have gone, the kill timer its only other end.
  void come_to_rest(Operation& operation) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!operation.at_rest()) {
      sched_yield();
      if (std::chrono::steady_clock::now() > give_up) {
        std::fprintf(stderr, "lost: %d drops, %d of %d values, %d of %d hooks, %d jobs left\n", operation.drops.load(),
                     operation.value_drops.load(), operation.values.load(), operation.hook_drops.load(),
                     operation.hooks_set.load(), operation.jobs.load());
        std::abort();
      }
    }
    // Fire and forget has nobody to report to but the drop.
    if (operation.plan.forget && operation.runs == 0) {
      EXPECT_TRUE(stops_);
      operation.not_run.fetch_add(1, std::memory_order_relaxed);
    }
    operation.check();
    account_.run += operation.runs;
    account_.not_run += operation.not_run;
    account_.hooks += operation.hooks_run;
  }

  Helpers& helpers_;
  Planner planner_;
  Random random_;
  const bool stops_;
  Account account_;
  std::array<Slot, 32> slots_;
};

}  // namespace stress
