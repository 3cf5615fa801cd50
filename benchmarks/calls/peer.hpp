// SPDX-License-Identifier: MIT
// What a peer is: one class, in one file of its own below peers/, measured by program.hpp. It need not derive from
// anything and leaves out what makes no sense for it; the workloads ask by `requires`. Every call returns 1, so that
// sums show that each has run.
//
//   class XPeer {
//    public:
//     explicit XPeer(const Arguments&);                    // the loop runs, in a thread of its own, when it returns
//     ~XPeer();                                            // ends both
//     void on_loop(const std::function<void()>& function); // runs it there, waits; not measured
//     void echo(int socket);                               // w9: what is read from the socket is written there, by
//     void end_echo();                                     //     the loop, until the end
//     void stop();                                         // w8: ends the loop while calls are held
//
//     class Caller {                                       // made by each calling thread, on that thread
//      public:
//       Caller(XPeer&, std::size_t number);
//       int call_and_wait();                               // w1, w6: a call, and its result
//       int call_timer_and_wait();                         // w4: the same, which a timer of 0 ms settles
//       std::size_t burst(std::size_t count);              // w2: makes so many calls, then collects their results
//       void fire(Tally& tally, std::size_t count);        // w3: calls of tally.add_one(), nobody waits for them
//       void prepare_to_hold(std::size_t count);           // w5, w8: makes room, in all, for
//       void hold(std::size_t count);                      //     so many calls more, that nobody settles
//       void end_held();                                   //     settles or forgets them, if the loop still runs
//       void cancel_held();                                // w8: cancels them; returns when all have ended so
//       void list_held();                                  // w8: lists them
//     };
//   };
#pragma once

#include <cstdio>
#include <cstdlib>

namespace bench {

inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(EXIT_FAILURE);
}

}  // namespace bench
