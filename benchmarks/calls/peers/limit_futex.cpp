// SPDX-License-Identifier: MIT
// L2: two threads that wake each other by a futex, without a loop that could wait for anything else.
#include <thread>

#include "../futex.hpp"
#include "../program.hpp"

namespace bench {
namespace {

class FutexLimit {
 public:
  explicit FutexLimit(const Arguments& asked) {
    accept_variants(asked, {});
    thread_ = std::thread([this] { run(); });
  }
  ~FutexLimit() {
    is_over_.store(true, std::memory_order_relaxed);  // asked_ publishes it
    asked_.store(1, std::memory_order_release);
    wake_one(asked_);
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
    Caller(FutexLimit& peer, std::size_t /*number*/) : peer_(peer) {}
    int call_and_wait() { return peer_.call(); }

   private:
    FutexLimit& peer_;
  };

 private:
  int call() {
    done_.store(0, std::memory_order_relaxed);
    asked_.store(1, std::memory_order_release);
    wake_one(asked_);
    while (done_.load(std::memory_order_acquire) == 0) sleep_while(done_, 0);
    return static_cast<int>(done_.load(std::memory_order_relaxed));
  }
  void run() {
    for (;;) {
      while (asked_.load(std::memory_order_acquire) == 0) sleep_while(asked_, 0);
      if (is_over_.load(std::memory_order_relaxed)) return;
      asked_.store(0, std::memory_order_relaxed);
      if (function_) function_();
      done_.store(1, std::memory_order_release);
      wake_one(done_);
    }
  }

  std::function<void()> function_;  // asked_ publishes it
  std::atomic<bool> is_over_{false};
  alignas(64) Word asked_{0};
  alignas(64) Word done_{0};
  std::thread thread_;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::FutexLimit>("L2", count, words); }
