// SPDX-License-Identifier: MIT
// A pointer to hand over together with its drop function; counts how often it was dropped, and on which thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace contract {

class DropCounter {
 public:
  DropCounter() = default;
  DropCounter(const DropCounter&) = delete;
  DropCounter& operator=(const DropCounter&) = delete;

  void* pointer() { return this; }
  static void drop(void* pointer) { static_cast<DropCounter*>(pointer)->dropped(); }

  int count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

  // The thread of the last drop.
  std::thread::id thread() {
    const std::lock_guard lock(mutex_);
    return thread_;
  }

  // Returns when it has been dropped at least once.
  void wait() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(60), [this] { return count_ > 0; })) {
      std::fputs("nothing was dropped\n", stderr);
      std::abort();
    }
  }

 private:
  void dropped() {
    const std::lock_guard lock(mutex_);
    ++count_;
    thread_ = std::this_thread::get_id();
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
  std::thread::id thread_;
};

}  // namespace contract
