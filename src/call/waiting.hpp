// SPDX-License-Identifier: MIT
// Waiting for a call: parking on the low half of its word, interrupts, and the difference between settled and finished.
//
// Interrupts: each adds 1 to the word's epoch and sets kInterruptPending. A wait remembers the epoch at the moment it
// became present (its first read-modify-write); it ends when the epoch has moved or the pending bit is set, and takes
// the bit back. So an interrupt reaches all who are present, or else the next one, once.
#pragma once

#include "base/deadline.hpp"
#include "base/spin.hpp"
#include "call/call.hpp"

namespace crochet {

enum class Until { kSettled, kFinished };

// How the wait ended: a code of crochet_result_wait() or, for kFinished, crochet_result_join(). The caller holds a
// reference and is no loop's thread. end_on_signal: the interruptible wait. spin: whether to look for a while before
// sleeping; may be null.
int wait_for_call(Call& call, Word generation, Until until, std::int64_t timeout_ns, bool end_on_signal,
                  Spin* spin = nullptr);

// crochet_result_interrupt(). Async-signal-safe. False: a stale handle.
bool interrupt_waits(Call& call, Word generation);

}  // namespace crochet
