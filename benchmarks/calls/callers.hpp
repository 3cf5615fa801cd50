// SPDX-License-Identifier: MIT
// Threads that call: each on its CPU, warmed up, started together behind a barrier; each reads the clock itself.
#pragma once

#include <algorithm>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "arguments.hpp"
#include "harness/clock.hpp"

namespace bench {

// Makes a Caller of the peer's in each thread, calls work(caller, number, warm_up operations), and when all are there
// work(caller, number, operations). Returns the nanoseconds from the first beginning to the last end.
template <class Peer, class Work>
std::int64_t run_callers(Peer& peer, const Arguments& asked, std::uint64_t warm_up, std::uint64_t operations,
                         const Work& work) {
  struct Span {
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };
  std::vector<Span> spans(asked.callers);
  std::barrier all_are_there(static_cast<std::ptrdiff_t>(asked.callers));
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < asked.callers; ++number) {
    threads.emplace_back([&, number] {
      pin_to(asked.caller_cpu(number));
      typename Peer::Caller caller(peer, number);
      work(caller, number, warm_up);
      all_are_there.arrive_and_wait();
      Span span;
      span.begin = monotonic_ns();
      work(caller, number, operations);
      span.end = monotonic_ns();
      spans[number] = span;
      all_are_there.arrive_and_wait();  // nobody tidies up while others are measured
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto first = std::min_element(spans.begin(), spans.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
  const auto last = std::max_element(spans.begin(), spans.end(), [](auto& a, auto& b) { return a.end < b.end; });
  return last->end - first->begin;
}

}  // namespace bench
