// SPDX-License-Identifier: MIT
// How many calls may be queued on a loop and not started: who calls enters first, or waits for room; the loop, which
// pops the call, leaves for it.
//
// Only loops that were given a limit pay: their calls are made by the slow road, and are kConditional, so that the loop
// starts them by its slow road, too.
//
//   word    calls inside (high half) | the loop's id | closed | somebody waits     waiters park on the low half
//
// The id is in the word, so that who waits never takes the next loop's word for that of his own.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "base/park.hpp"
#include "base/process.hpp"
#include "call/word.hpp"
#include "crochet.h"

namespace crochet {

class QueueLimit {
 public:
  // Before anybody knows the loop of that id; who still waits for room in its block's former one finds it. calls: 0:
  // none.
  void set(std::uint32_t loop_id, std::uint64_t calls, std::int64_t wait_ns) {
    most_.store(std::min<std::uint64_t>(calls, UINT32_MAX), relaxed);
    wait_ns_.store(wait_ns, relaxed);
    word_.store(of(loop_id), relaxed);
  }
  bool is_set() const { return most_.load(relaxed) != 0; }

  // Any thread. CROCHET_OK: entered; CROCHET_EAGAIN, CROCHET_ESTOPPED, CROCHET_EFORKED. may_wait: not a loop's thread.
  // Nothing keeps the block meanwhile: it may serve another loop, with or without a limit, when the wait is over.
  int enter(std::uint32_t loop_id, bool may_wait) {
    const Deadline deadline = Deadline::after(may_wait ? wait_ns_.load(relaxed) : 0);
    Word w = word_.load(relaxed);
    for (;;) {
      if ((w & kClosed) != 0 || (w & kLoop) != of(loop_id)) return CROCHET_ESTOPPED;
      if (inside(w) < most_.load(relaxed)) {
        // relaxed: a count; the calls go by the queue.
        if (word_.compare_exchange_weak(w, w + kOneCall, relaxed, relaxed)) return CROCHET_OK;
        continue;
      }
      if (process_is_forked()) return CROCHET_EFORKED;
      if (deadline.passed()) return CROCHET_EAGAIN;
      // So that who leaves next sees that somebody waits, or has left before.
      if ((w & kWaiters) == 0 && !word_.compare_exchange_weak(w, w | kWaiters, relaxed, relaxed)) continue;
      park(word_, word::low_half(w | kWaiters), deadline, false);
      w = word_.load(relaxed);
    }
  }

  // For one call, which came by the queue: so this sees that it entered.
  void leave() {
    Word w = word_.load(relaxed);
    do {
      if (inside(w) == 0) return;  // it entered before the block became another loop's
    } while (!word_.compare_exchange_weak(w, (w - kOneCall) & ~kWaiters, relaxed, relaxed));
    if ((w & kWaiters) != 0) unpark_all(word_);
  }

  // The loop accepts nothing any more: nobody waits from here on.
  void close() {
    word_.fetch_or(kClosed, relaxed);
    unpark_all(word_);
  }

 private:
  static constexpr Word kWaiters = 1;
  static constexpr Word kClosed = 2;
  static constexpr Word kLoop = 0xffff'fffc;
  static constexpr Word kOneCall = Word{1} << 32;
  static Word of(std::uint32_t loop_id) { return (Word{loop_id} << 2) & kLoop; }
  static std::uint64_t inside(Word w) { return w >> 32; }

  // relaxed, all of it: they publish nothing but themselves; who knows a loop's id has seen its limit. Who found the
  // block when it was another loop's may look.
  Atomic<std::uint64_t> most_{0};    // fixed from start or adopt to the end
  Atomic<std::int64_t> wait_ns_{0};  // the same
  Atomic<Word> word_{0};
};

}  // namespace crochet
