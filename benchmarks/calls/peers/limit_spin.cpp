// SPDX-License-Identifier: MIT
// L3: two threads on two CPUs that never sleep: how long a cache line takes there and back.
#include <atomic>
#include <thread>

#include "../program.hpp"

namespace bench {
namespace {

class SpinLimit {
 public:
  explicit SpinLimit(const Arguments& asked) {
    accept_variants(asked, {});
    must(!asked.same || asked.operations < 10'000, "two CPUs: this one spins");
    thread_ = std::thread([this] { run(); });
  }
  ~SpinLimit() {
    is_over_.store(true, std::memory_order_relaxed);  // turn_ publishes it
    turn_.store(kLoop, std::memory_order_release);
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
    Caller(SpinLimit& peer, std::size_t /*number*/) : peer_(peer) {}
    int call_and_wait() { return peer_.call(); }

   private:
    SpinLimit& peer_;
  };

 private:
  static constexpr int kCaller = 1;
  static constexpr int kLoop = 2;

  int call() {
    turn_.store(kLoop, std::memory_order_release);
    int turn = kLoop;
    while ((turn = turn_.load(std::memory_order_acquire)) == kLoop) __builtin_ia32_pause();
    return turn;
  }
  void run() {
    for (;;) {
      while (turn_.load(std::memory_order_acquire) != kLoop) __builtin_ia32_pause();
      if (is_over_.load(std::memory_order_relaxed)) return;
      if (function_) function_();
      turn_.store(kCaller, std::memory_order_release);
    }
  }

  std::function<void()> function_;  // turn_ publishes it
  std::atomic<bool> is_over_{false};
  alignas(64) std::atomic<int> turn_{kCaller};
  std::thread thread_;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::SpinLimit>("L3", count, words); }
