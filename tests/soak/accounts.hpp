// SPDX-License-Identifier: MIT
// What became of the calls to the default loops, as their makers know it, and as the loops have counted it.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "crochet.h"

namespace soak {

// Relaxed: they are compared when all workers stand still, and a lock has put that behind everything they did.
struct Accounts {
  std::atomic<long> accepted{0};
  std::atomic<long> refused{0};
  std::atomic<long> run{0};
  std::atomic<long> cancelled{0};
  std::atomic<long> stopped{0};
  std::atomic<long> expired{0};
  std::atomic<long> hooks{0};
  std::atomic<long> restarts{0};
  std::atomic<long> forks{0};
  std::atomic<long> unloads{0};
  std::atomic<long> adoptions{0};
  std::atomic<long> completions{0};
  std::atomic<long> recurrences{0};
  std::atomic<long> operations{0};
  std::atomic<long> log_lines{0};
};

inline void add(std::atomic<long>& account, long more = 1) { account.fetch_add(more, std::memory_order_relaxed); }

// The default loops there have been: held, since a cancel that decides may be late to count.
class DefaultLoops {
 public:
  // Of the default loop of now; makes a call, which is entered into the accounts.
  void hold_current(Accounts& accounts);
  // Everybody stands still: each accepted call must be counted once. Loops that have ended are let go.
  void check(const Accounts& accounts);
  void release_all();

 private:
  struct Counts {
    long run = 0, not_run = 0, cancelled = 0, expired = 0;
    void add(crochet_loop* loop);
  };
  std::mutex mutex_;
  std::vector<crochet_loop*> loops_;
  Counts ended_;
};

}  // namespace soak
