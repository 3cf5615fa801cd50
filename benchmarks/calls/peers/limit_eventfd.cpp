// SPDX-License-Identifier: MIT
// L1: no library could do with less, if its loop is to wait for descriptors: an eventfd wakes the loop's thread out of
// epoll_wait(), a futex wakes the caller.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "../futex.hpp"
#include "../limit.hpp"

namespace bench {
namespace {

class EventfdRoad {
 public:
  explicit EventfdRoad(const Arguments& /*asked*/) {
    epoll_event event{};
    event.events = EPOLLIN;
    must(epoll_ctl(epoll_, EPOLL_CTL_ADD, eventfd_, &event) == 0, "epoll_ctl");
  }
  ~EventfdRoad() {
    close(epoll_);
    close(eventfd_);
  }
  void ask() {
    done_.store(0, std::memory_order_relaxed);
    const std::uint64_t one = 1;
    must(write(eventfd_, &one, sizeof one) == sizeof one, "write");
  }
  int await_answer() {
    while (done_.load(std::memory_order_acquire) == 0) sleep_while(done_, 0);
    return static_cast<int>(done_.load(std::memory_order_relaxed));
  }
  void await_call() {
    epoll_event event{};
    while (epoll_wait(epoll_, &event, 1, -1) != 1) {
    }
    std::uint64_t count = 0;
    must(read(eventfd_, &count, sizeof count) == sizeof count, "read");
  }
  void answer() {
    done_.store(1, std::memory_order_release);
    wake_one(done_);
  }

 private:
  const int eventfd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  alignas(64) Word done_{0};
};

}  // namespace
}  // namespace bench

int main(int count, char** words) { return bench::run_program<bench::Limit<bench::EventfdRoad>>("L1", count, words); }
