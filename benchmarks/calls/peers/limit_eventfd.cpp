// SPDX-License-Identifier: MIT
// L1: no library could do with less, if its loop is to wait for descriptors: an eventfd wakes the loop's thread out of
// epoll_wait(), a futex wakes the caller.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <thread>

#include "../futex.hpp"
#include "../program.hpp"

namespace bench {
namespace {

class EventfdLimit {
 public:
  explicit EventfdLimit(const Arguments& asked) {
    accept_variants(asked, {});
    epoll_event event{};
    event.events = EPOLLIN;
    must(epoll_ctl(epoll_, EPOLL_CTL_ADD, eventfd_, &event) == 0, "epoll_ctl");
    thread_ = std::thread([this] { run(); });
  }
  ~EventfdLimit() {
    is_over_.store(true, std::memory_order_relaxed);  // the eventfd publishes it
    wake_loop();
    thread_.join();
    close(epoll_);
    close(eventfd_);
  }

  // The one function that this loop can be given.
  void on_loop(std::function<void()> function) {
    function_ = std::move(function);
    call();
    function_ = nullptr;
  }

  class Caller {
   public:
    Caller(EventfdLimit& peer, std::size_t /*number*/) : peer_(peer) {}
    int call_and_wait() { return peer_.call(); }
    int call_timer_and_wait() { return peer_.call(); }  // beside w4: without the timer

   private:
    EventfdLimit& peer_;
  };

 private:
  int call() {
    done_.store(0, std::memory_order_relaxed);
    wake_loop();
    while (done_.load(std::memory_order_acquire) == 0) sleep_while(done_, 0);
    return static_cast<int>(done_.load(std::memory_order_relaxed));
  }
  void wake_loop() {
    const std::uint64_t one = 1;
    must(write(eventfd_, &one, sizeof one) == sizeof one, "write");
  }
  void run() {
    for (;;) {
      epoll_event event{};
      if (epoll_wait(epoll_, &event, 1, -1) != 1) continue;
      std::uint64_t count = 0;
      must(read(eventfd_, &count, sizeof count) == sizeof count, "read");
      if (is_over_.load(std::memory_order_relaxed)) return;
      if (function_) function_();
      done_.store(1, std::memory_order_release);
      wake_one(done_);
    }
  }

  const int eventfd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::function<void()> function_;  // the eventfd hands it over
  std::atomic<bool> is_over_{false};
  alignas(64) Word done_{0};
  std::thread thread_;
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::EventfdLimit>("L1", count, words); }
