// SPDX-License-Identifier: MIT
// W5, W8: many calls whose functions have run and that nobody has settled: what they take of memory, how long it takes
// to cancel them, and to stop the loop under them.
#pragma once

#include <thread>

#include "arguments.hpp"
#include "harness/clock.hpp"
#include "measured.hpp"
#include "memory.hpp"
#include "peer.hpp"

namespace bench {

// Calls function(caller) while so many calls are held, on a thread of its own.
template <class Peer, class Function>
void with_held(Peer& peer, const Arguments& asked, Measured* out_measured, const Function& function) {
  constexpr std::uint64_t kAtOnce = 1024;  // the queue's memory is not what is measured
  std::thread thread([&] {
    pin_to(asked.caller_cpu(0));
    typename Peer::Caller caller(peer, 0);
    const std::int64_t before = resident_bytes();
    caller.prepare_to_hold(asked.operations);
    for (std::uint64_t i = 0; i < asked.operations; i += kAtOnce) {
      caller.hold(std::min(kAtOnce, asked.operations - i));
      peer.on_loop([] {});
    }
    const std::int64_t bytes = resident_bytes() - before;
    out_measured->add("bytes", static_cast<double>(bytes) / static_cast<double>(asked.operations));
    const std::int64_t begin = monotonic_ns();
    function(caller);
    out_measured->add("ns", static_cast<double>(monotonic_ns() - begin) / static_cast<double>(asked.operations));
    caller.end_held();
  });
  thread.join();
}

}  // namespace bench
