// SPDX-License-Identifier: MIT
// L3: two threads on two CPUs that never sleep: how long a cache line takes there and back.
#include <atomic>

#include "../limit.hpp"

namespace bench {
namespace {

class SpinRoad {
 public:
  explicit SpinRoad(const Arguments& asked) {
    must(!asked.same || asked.operations < 10'000, "two CPUs: this one spins");
  }
  void ask() { turn_.store(kLoop, std::memory_order_release); }
  int await_answer() {
    int turn = kLoop;
    while ((turn = turn_.load(std::memory_order_acquire)) == kLoop) __builtin_ia32_pause();
    return turn;
  }
  void await_call() {
    while (turn_.load(std::memory_order_acquire) != kLoop) __builtin_ia32_pause();
  }
  void answer() { turn_.store(kCaller, std::memory_order_release); }

 private:
  static constexpr int kCaller = 1;
  static constexpr int kLoop = 2;

  alignas(64) std::atomic<int> turn_{kCaller};
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::Limit<bench::SpinRoad>>("L3", count, words); }
