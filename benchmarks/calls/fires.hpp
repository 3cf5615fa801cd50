// SPDX-License-Identifier: MIT
// W3: calls that nobody waits for, until the last has run.
#pragma once

#include "callers.hpp"
#include "measured.hpp"
#include "peer.hpp"
#include "tally.hpp"

namespace bench {

template <class Peer>
void measure_fires(Peer& peer, const Arguments& asked, Measured* out_measured) {
  constexpr std::uint64_t kBetweenLooks = 256;
  const std::uint64_t each = std::max<std::uint64_t>(asked.operations / asked.callers / kBetweenLooks, 1);
  const std::uint64_t warm_up = std::min<std::uint64_t>(each, 512);
  std::vector<Tally> tallies(asked.callers);
  const std::int64_t ns = run_callers(peer, asked, warm_up, each,
                                      [&](typename Peer::Caller& caller, std::size_t number, std::uint64_t rounds) {
                                        Tally& tally = tallies[number];
                                        tally.expect(rounds * kBetweenLooks);
                                        for (std::uint64_t i = 0; i < rounds; ++i) {
                                          tally.before_sending(kBetweenLooks);
                                          caller.fire(tally, kBetweenLooks);
                                        }
                                        tally.wait_for_all();
                                      });
  out_measured->add("ns", static_cast<double>(ns) / static_cast<double>(each * kBetweenLooks * asked.callers));
}

}  // namespace bench
