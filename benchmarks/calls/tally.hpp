// SPDX-License-Identifier: MIT
// How many of a caller's calls have run, where nobody waits for each: written on the loop's thread.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>
#include <semaphore>

namespace bench {

class alignas(64) Tally {
 public:
  // ---- The caller ----
  void expect(std::uint64_t calls) {
    sent_ = 0;
    expected_ = calls;
    ran_.store(0, std::memory_order_relaxed);  // the first call publishes it to the loop's thread
  }
  // Pauses while more than 64k calls are outstanding, until half of them have run: the same for all peers, of which not
  // one has a bound of its own.
  void before_sending(std::uint64_t calls) {
    sent_ += calls;
    if (outstanding() <= kMost) return;
    while (outstanding() > kMost / 2) {
      const timespec pause{0, 100'000};
      nanosleep(&pause, nullptr);
    }
  }
  void wait_for_all() { all_have_run_.acquire(); }

  // ---- The loop's thread ----
  void add_one() {
    const std::uint64_t ran = ran_.load(std::memory_order_relaxed) + 1;
    ran_.store(ran, std::memory_order_release);
    if (ran == expected_) all_have_run_.release();
  }

 private:
  static constexpr std::uint64_t kMost = 65'536;
  std::uint64_t outstanding() const { return sent_ - ran_.load(std::memory_order_acquire); }

  std::uint64_t sent_ = 0;  // the caller's only
  std::uint64_t expected_ = 0;
  alignas(64) std::atomic<std::uint64_t> ran_{0};
  std::binary_semaphore all_have_run_{0};
};

}  // namespace bench
