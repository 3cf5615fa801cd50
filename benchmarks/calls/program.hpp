// SPDX-License-Identifier: MIT
// The main function of every peer: measures it under one workload. rounds.py runs it many times.
#pragma once

#include <functional>

#include "arguments.hpp"
#include "bursts.hpp"
#include "echo.hpp"
#include "fires.hpp"
#include "held.hpp"
#include "measured.hpp"
#include "peer.hpp"
#include "round_trip.hpp"

namespace bench {

// False: the peer leaves this workload out.
template <class Peer>
bool measure(Peer& peer, const Arguments& asked, Measured* out_measured) {
  using Caller = typename Peer::Caller;
  const std::string& workload = asked.workload;
  if (workload == "w1" || workload == "w6") {
    if constexpr (requires(Caller & caller) { caller.call_and_wait(); }) {
      measure_round_trips(
          peer, asked, [](Caller& caller) { return caller.call_and_wait(); }, out_measured);
      return true;
    }
  } else if (workload == "w2") {
    if constexpr (requires(Caller & caller) { caller.burst(kBurst); }) {
      measure_bursts(peer, asked, out_measured);
      return true;
    }
  } else if (workload == "w3") {
    if constexpr (requires(Caller & caller, Tally & tally) { caller.fire(tally, 1); }) {
      measure_fires(peer, asked, out_measured);
      return true;
    }
  } else if (workload == "w4") {
    if constexpr (requires(Caller & caller) { caller.call_timer_and_wait(); }) {
      measure_round_trips(
          peer, asked, [](Caller& caller) { return caller.call_timer_and_wait(); }, out_measured);
      return true;
    }
  } else if (workload == "w5") {
    if constexpr (requires(Caller & caller) { caller.hold(1); }) {
      with_held(peer, asked, out_measured, [](Caller&) {});
      return true;
    }
  } else if (workload == "w8cancel") {
    if constexpr (requires(Caller & caller) { caller.cancel_held(); }) {
      with_held(peer, asked, out_measured, [](Caller& caller) { caller.cancel_held(); });
      return true;
    }
  } else if (workload == "w8list") {
    if constexpr (requires(Caller & caller) { caller.list_held(); }) {
      with_held(peer, asked, out_measured, [](Caller& caller) { caller.list_held(); });
      return true;
    }
  } else if (workload == "w8stop") {
    if constexpr (requires { peer.stop(); }) {
      with_held(peer, asked, out_measured, [&](Caller&) { peer.stop(); });
      return true;
    }
  } else if (workload == "w9" || workload == "w9alone") {
    if constexpr (requires { peer.end_echo(); }) {
      measure_echo(peer, asked, workload == "w9alone", out_measured);
      return true;
    }
  }
  return false;
}

template <class Peer>
int run_program(const char* name, int count, char** words) {
  const Arguments asked = read_arguments(count, words);
  Measured measured;
  {
    Peer peer(asked);
    peer.on_loop([&] { pin_to(asked.loop_cpu()); });
    if (!measure(peer, asked, &measured)) {
      std::fprintf(stderr, "%s leaves out %s\n", name, asked.workload.c_str());
      return 3;
    }
  }
  measured.print(name, asked);
  return EXIT_SUCCESS;
}

}  // namespace bench
