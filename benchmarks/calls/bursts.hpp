// SPDX-License-Identifier: MIT
// W2: each caller makes 1024 calls, collects their results, and again.
#pragma once

#include "callers.hpp"
#include "measured.hpp"
#include "peer.hpp"

namespace bench {

inline constexpr std::size_t kBurst = 1024;

template <class Peer>
void measure_bursts(Peer& peer, const Arguments& asked, Measured* out_measured) {
  const std::uint64_t each = std::max<std::uint64_t>(asked.operations / asked.callers / kBurst, 1);
  const std::uint64_t warm_up = std::min<std::uint64_t>(each, 32);
  const std::int64_t ns = run_callers(peer, asked, warm_up, each,
                                      [](typename Peer::Caller& caller, std::size_t /*number*/, std::uint64_t bursts) {
                                        for (std::uint64_t i = 0; i < bursts; ++i)
                                          must(caller.burst(kBurst) == kBurst, "the results of a burst");
                                      });
  out_measured->add("ns", static_cast<double>(ns) / static_cast<double>(each * kBurst * asked.callers));
}

}  // namespace bench
