// SPDX-License-Identifier: MIT
// Several threads that start the same thing at the same moment.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "api/support/gate.hpp"

namespace contract {

// Runs body(0) ... body(threads - 1), each on a thread of its own, and returns when all have returned.
inline void at_once(int threads, const std::function<void(int)>& body) {
  Gate start;
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&start, &body, i] {
      start.wait();
      body(i);
    });
  }
  start.open();
  for (std::thread& thread : running) thread.join();
}

}  // namespace contract
