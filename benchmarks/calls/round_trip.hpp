// SPDX-License-Identifier: MIT
// W1, W4, W6: calls that are waited for one by one.
#pragma once

#include "callers.hpp"
#include "measured.hpp"
#include "peer.hpp"
#include "samples.hpp"

namespace bench {

// one(caller) makes a call and returns its result.
template <class Peer, class One>
void measure_round_trips(Peer& peer, const Arguments& asked, const One& one, Measured* out_measured) {
  const std::uint64_t each = asked.operations / asked.callers;
  must(each != 0, "an operation for each caller");
  const std::uint64_t warm_up = std::min<std::uint64_t>(each / 4, 20'000 / asked.callers);
  std::vector<Samples> samples(asked.callers, Samples(each));
  const std::int64_t ns = run_callers(peer, asked, warm_up, each,
                                      [&](typename Peer::Caller& caller, std::size_t number, std::uint64_t operations) {
                                        Samples& mine = samples[number];
                                        mine.clear();
                                        std::int64_t before = monotonic_ns();
                                        for (std::uint64_t i = 0; i < operations; ++i) {
                                          must(one(caller) == 1, "the result of a call");
                                          const std::int64_t now = monotonic_ns();
                                          mine.add(now - before);
                                          before = now;
                                        }
                                      });
  out_measured->add("ns", static_cast<double>(ns) / static_cast<double>(each * asked.callers));
  if (asked.callers != 1) return;
  out_measured->add("p50", samples[0].quantile(0.5));
  out_measured->add("p99", samples[0].quantile(0.99));
  out_measured->add("p999", samples[0].quantile(0.999));
}

}  // namespace bench
