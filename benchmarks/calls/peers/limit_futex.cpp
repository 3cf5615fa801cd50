// SPDX-License-Identifier: MIT
// L2: two threads that wake each other by a futex, without a loop that could wait for anything else.
#include "../futex.hpp"
#include "../limit.hpp"

namespace bench {
namespace {

class FutexRoad {
 public:
  explicit FutexRoad(const Arguments& /*asked*/) {}
  void ask() {
    done_.store(0, std::memory_order_relaxed);
    asked_.store(1, std::memory_order_release);
    wake_one(asked_);
  }
  int await_answer() {
    while (done_.load(std::memory_order_acquire) == 0) sleep_while(done_, 0);
    return static_cast<int>(done_.load(std::memory_order_relaxed));
  }
  void await_call() {
    while (asked_.load(std::memory_order_acquire) == 0) sleep_while(asked_, 0);
    asked_.store(0, std::memory_order_relaxed);
  }
  void answer() {
    done_.store(1, std::memory_order_release);
    wake_one(done_);
  }

 private:
  alignas(64) Word asked_{0};
  alignas(64) Word done_{0};
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::Limit<bench::FutexRoad>>("L2", count, words); }
