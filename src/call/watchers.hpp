// SPDX-License-Identifier: MIT
// Who waits for a call to settle without a thread of its own: after-calls, and entries of completion queues, which are
// slots of the pool as well, made for no loop. In the order in which they were added.
//
// The list's head lives in the watched call's side record: a node (newest first) with two tag bits, or closed.
//   kOwned    somebody empties or prunes the list: the settler, or an adder
//   kClosing  the call has settled: the owner delivers, then closes
//   kClosed   delivered; who comes now is delivered at once
// Invariants:
//   W1  The call is settled before its list is closed, so that a delivered after-call sees it settled.
//   W2  A node in the list holds one reference on the watched call, and the list the node's group reference (N2).
//   W3  kWatched is set before a node is added; who settles without seeing it leaves the list to the adder.
// A preempted owner delays delivery, never loses it.
#pragma once

#include <cstdint>

#include "call/call.hpp"

namespace crochet {

inline constexpr std::uint32_t kNoLoop = 0;

// Adds a made (kQueued) after-call or entry. The watched call has a side record; the reference on it that the
// after-call keeps (W2) passes to the list.
void add_watcher(Call& watched, Call& after);

// By who settled `watched` and saw kWatched in the word it replaced. The caller holds a reference on it.
void deliver_watchers(Call& watched);

}  // namespace crochet
