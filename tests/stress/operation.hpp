// SPDX-License-Identifier: MIT
// One call of a stress test: what it is to do, what happened to it, and whether the two agree.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

#include "crochet.h"

namespace stress {

class Helpers;

// How the function of the call ends it.
enum class Producer {
  kResolves,
  kRejects,
  kLeaves,
  kThrows,
  kSettlesLater,
  kSettlesLaterTwice,
  kReleasesLater,
  kUntilCancelled,  // keeps the deferred; the hook settles, the caller releases
};
enum class Hook { kNone, kSettles, kIgnores };

struct Plan {
  Producer producer = Producer::kResolves;
  Hook hook = Hook::kNone;
  bool cancel_myself = false;
  bool cancel_by_helper = false;
  bool cancel_late = false;  // by a helper, when others have been made meanwhile: it runs by then, most likely
  bool interrupt = false;
  bool take_by_two = false;
  bool stash = false;
  bool followed = false;  // by an after-call
  bool forget = false;    // no result
  bool prepared = false;  // with storage
  bool at_stop = false;   // only where a stop comes

  bool cancels() const { return cancel_myself || cancel_by_helper || cancel_late; }
};

// The counters are relaxed: they count, they publish nothing. Who compares them has seen the call end, or goes on
// looking until they are what they must become.
struct Operation {
  Plan plan;
  Helpers* helpers = nullptr;

  std::atomic<int> runs{0};
  std::atomic<int> not_run{0};  // reports that it never ran
  std::atomic<int> drops{0};
  std::atomic<int> values{0};
  std::atomic<int> value_drops{0};
  std::atomic<int> takes{0};
  std::atomic<int> retrieves{0};
  std::atomic<int> hooks_set{0};
  std::atomic<int> hooks_run{0};
  std::atomic<int> hook_drops{0};
  std::atomic<int> jobs{0};  // what helpers still have to do with it
  std::uint64_t uid = 0;
  crochet_deferred* kept = nullptr;  // written by the function; the caller's once the call has settled

  void begin(const Plan& what, Helpers* who) {
    plan = what;
    helpers = who;
    kept = nullptr;
    for (std::atomic<int>* count : {&runs, &not_run, &drops, &values, &value_drops, &takes, &retrieves, &hooks_set,
                                    &hooks_run, &hook_drops, &jobs}) {
      count->store(0, std::memory_order_relaxed);
    }
  }

  // Nothing of it is left anywhere. The loads of `jobs` and of the drops order what helpers and the loop did before.
  bool at_rest() const {
    return jobs.load(std::memory_order_acquire) == 0 && drops.load(std::memory_order_acquire) >= 1 &&
           value_drops.load(std::memory_order_acquire) >= values.load(std::memory_order_relaxed) &&
           hook_drops.load(std::memory_order_acquire) >= hooks_set.load(std::memory_order_relaxed);
  }

  // Everything exactly once.
  void check() const {
    EXPECT_EQ(drops, 1);
    EXPECT_LE(runs, 1);
    EXPECT_EQ(runs + not_run, 1) << "accepted is run plus not run";
    EXPECT_EQ(value_drops, values);
    EXPECT_EQ(hook_drops, hooks_set);
    EXPECT_LE(hooks_run, hooks_set);
    EXPECT_LE(takes, 1);
    EXPECT_LE(retrieves, 1);
  }

  // ---- What the library calls.

  static void function(crochet_deferred* deferred, void* arg);
  static void drop(void* arg) { static_cast<Operation*>(arg)->drops.fetch_add(1, std::memory_order_acq_rel); }
  static void drop_value(void* value) {
    static_cast<Operation*>(value)->value_drops.fetch_add(1, std::memory_order_acq_rel);
  }
  static void drop_hook(void* arg) { static_cast<Operation*>(arg)->hook_drops.fetch_add(1, std::memory_order_acq_rel); }
  static void hook(crochet_deferred* deferred, void* arg);

  // The same with storage: it holds the operation's address.
  static void function_in_storage(crochet_deferred* deferred, void* storage) {
    function(deferred, *static_cast<Operation**>(storage));
  }
  static void drop_storage(void* storage) { drop(*static_cast<Operation**>(storage)); }

  void resolve(crochet_deferred* deferred) {
    values.fetch_add(1, std::memory_order_relaxed);
    const int code = crochet_resolve(deferred, this, drop_value);
    EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_EALREADY) << code;
  }
  static void reject(crochet_deferred* deferred, int code) {
    const int refused = crochet_reject(deferred, code, "rejected");
    EXPECT_TRUE(refused == CROCHET_OK || refused == CROCHET_EALREADY) << refused;
  }
  void cancel(crochet_result* result) {
    int outcome = CROCHET_CANCEL_NONE;
    EXPECT_EQ(crochet_result_cancel(result, &outcome), CROCHET_OK);
    if (outcome == CROCHET_CANCEL_NOT_RUN) not_run.fetch_add(1, std::memory_order_relaxed);
  }
  void take(crochet_result* result) {
    void* value = nullptr;
    crochet_drop_fn* drop_taken = nullptr;
    if (crochet_result_take(result, &value, &drop_taken) != CROCHET_OK) return;
    EXPECT_EQ(value, this);
    takes.fetch_add(1, std::memory_order_relaxed);
    drop_taken(value);
  }
  void retrieve(crochet_result* expected) {
    crochet_result* back = nullptr;
    const int code = crochet_retrieve_result(uid, 1, &back);
    EXPECT_TRUE(code == CROCHET_OK || code == CROCHET_ENOENT) << code;
    if (code != CROCHET_OK) return;
    EXPECT_EQ(back, expected);
    retrieves.fetch_add(1, std::memory_order_relaxed);
    crochet_result_release(back);
  }
};

}  // namespace stress
