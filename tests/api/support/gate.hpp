// SPDX-License-Identifier: MIT
// A door that one thread opens and others wait at. A wait that nobody ends kills the process: never a hang.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace contract {

class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();  // under the lock: a waiter may destroy the gate as soon as it is through
  }

  void wait() {
    std::unique_lock lock(mutex_);
    if (!opened_.wait_for(lock, std::chrono::seconds(60), [this] { return open_; })) {
      std::fputs("a gate was never opened\n", stderr);
      std::abort();
    }
  }

  bool is_open() {
    const std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

}  // namespace contract
