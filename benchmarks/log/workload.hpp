// SPDX-License-Identifier: MIT
// Messages from a loop's thread, a few in each iteration; how long the iterations take.
#pragma once

#include <cstdint>

#include "histogram.hpp"
#include "peer.hpp"
#include "sink.hpp"

namespace bench {

inline constexpr int kPerIteration = 10;

struct Plan {
  std::uint64_t messages;  // rounded up to whole iterations
  std::uint64_t burst;     // after so many it pauses, unmeasured, until all is written; 0: never
  std::int64_t line_ns;    // what the sink takes while messages come; in the pauses it takes nothing
  int cpu;                 // of the loop's thread
};

struct Measured {
  Histogram iterations;
  std::uint64_t messages = 0;
  std::uint64_t refused = 0;
  std::int64_t total_ns = 0;   // all iterations: log() and the rest of the loop
  std::int64_t cpu_ns = 0;     // of it, on the processor
  std::int64_t waited_ns = 0;  // of it, ready to run while another thread did
  std::uint64_t backlog = 0;   // accepted and not yet written at the end
};

// On crochet's default loop, which must run. Blocks until it is through.
void run(const Plan& plan, Peer& peer, Sink& sink, Measured* out_measured);

}  // namespace bench
