// SPDX-License-Identifier: MIT
// A round trip between two threads and nothing else: a peer that is a limit. The road between them is its own.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "program.hpp"

namespace bench {

// Road(asked); the caller's ask(), which publishes what came before, and its await_answer(), which gives 1; the loop's
// await_call() and answer().
template <class Road>
class Limit {
 public:
  explicit Limit(const Arguments& asked) : road_(asked) {
    accept_variants(asked, {});
    thread_ = std::thread([this] { run(); });
  }
  ~Limit() {
    is_over_.store(true, std::memory_order_relaxed);  // ask() publishes it
    road_.ask();
    thread_.join();
  }

  // The one function that this loop can be given.
  void on_loop(std::function<void()> function) {
    function_ = std::move(function);
    call();
    function_ = nullptr;
  }

  class Caller {
   public:
    Caller(Limit& peer, std::size_t /*number*/) : peer_(peer) {}
    int call_and_wait() { return peer_.call(); }
    int call_timer_and_wait() { return peer_.call(); }  // beside w4: without the timer

   private:
    Limit& peer_;
  };

 private:
  int call() {
    road_.ask();
    return road_.await_answer();
  }
  void run() {
    for (;;) {
      road_.await_call();
      if (is_over_.load(std::memory_order_relaxed)) return;
      if (function_) function_();
      road_.answer();
    }
  }

  Road road_;
  std::function<void()> function_;  // ask() publishes it
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace bench
