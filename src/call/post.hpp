// SPDX-License-Identifier: MIT
// What calls ask of whoever runs the loops and hands out completions; they know no classes of theirs. Defined by the
// loop layer.
#pragma once

#include <cstdint>

namespace crochet {

struct Call;

// Queues the call on its loop and wakes the loop if it sleeps. False: the loop accepts nothing any more, the call is
// the caller's as before. Any thread; never blocks.
bool post_to_loop(std::uint32_t loop_id, Call* call);

// A cancel message was refused: tells a loop that is stopping to look for hooks again while its grace lasts.
void look_for_hooks_again(std::uint32_t loop_id);

// Counted once for each call that was accepted and whose function never runs: by whoever settles it. Any thread.
enum class NeverRan { kCancelled, kNotRun };
void count_never_ran(std::uint32_t loop_id, NeverRan why);

// An entry of a completion queue (a watcher of no loop), whose watched call has settled: it goes to its queue, with the
// reference on the watched call. False: nobody wants it any more, it was let go; the reference is the caller's as
// before.
bool complete(Call& entry);
// Counted for each failure that nobody looked at: when its call is destroyed. Any thread.
void count_unobserved(std::uint32_t loop_id);

}  // namespace crochet
