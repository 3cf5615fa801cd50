// SPDX-License-Identifier: MIT
#include "call/waiting.hpp"

#include <algorithm>

#include "base/park.hpp"
#include "base/process.hpp"

namespace crochet {
namespace {

bool done(Word w, Until until) { return until == Until::kSettled ? word::settled(w) : word::finished(w); }

int code(Word w, Until until) {
  if (until == Until::kSettled || word::outcome(w) == Outcome::kForked) return wait_code(w);
  return CROCHET_OK;
}

bool interrupted(Word w, Word epoch_at_start) {
  return (w & word::kInterruptPending) != 0 || word::epoch(w) != epoch_at_start;
}

// True: it is done, or the handle was released meanwhile.
bool spin_for_call(const Call& call, Word generation, Until until, std::int64_t timeout_ns, Spin& spin) {
  const std::int64_t limit = spin.limit_ns();
  const Deadline end = Deadline::after(timeout_ns == kForever ? limit : std::min(limit, timeout_ns));
  bool interrupted = false;
  const bool found = Spin::until(end, [&] {
    const Word w = call.word.load(relaxed);  // who acts on it looks again
    interrupted = (w & word::kInterruptPending) != 0;
    return interrupted || !word::alive(w, generation) || done(w, until);
  });
  if (interrupted) return false;
  if (found) spin.was_worth_it();
  else spin.was_in_vain();
  return found;
}

}  // namespace

int wait_for_call(Call& call, Word generation, Until until, std::int64_t timeout_ns, bool end_on_signal, Spin* spin) {
  // acquire: with the settling (or the finish) that made it so.
  Word w = call.word.load(acquire);
  if (!word::alive(w, generation)) return CROCHET_EINVAL;
  if (done(w, until)) return code(w, until);
  // Not present for interrupts yet: one that comes meanwhile is for the next wait, which this is in a moment.
  if (spin != nullptr && timeout_ns != 0 && spin->is_worth_it()) {
    if (spin_for_call(call, generation, until, timeout_ns, *spin)) {
      w = call.word.load(acquire);
      return word::alive(w, generation) ? code(w, until) : CROCHET_EINVAL;
    }
  }

  const Deadline deadline = Deadline::after(timeout_ns);
  const Deadline look_at = end_on_signal ? deadline.earlier_of(Deadline::after(kLongestDeafness)) : deadline;
  const Word flag = until == Until::kSettled ? word::kWaiters : word::kJoiners;
  // Always, even if the flag is there: from this operation on the wait is present for interrupts.
  w = call.word.fetch_or(flag, acq_rel) | flag;
  const Word epoch = word::epoch(w);
  for (;;) {
    // The handle was released under this wait: the slot may be somebody else's by now.
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
    if (done(w, until)) return code(w, until);
    if (until == Until::kFinished && (w & word::kAbandoned) != 0) return CROCHET_ESTOPPED;
    if (interrupted(w, epoch)) {
      // acq_rel: what the interrupter did is seen; the result, if it came meanwhile, as well.
      w = call.word.fetch_and(~word::kInterruptPending, acq_rel);
      if (!word::alive(w, generation)) return CROCHET_EINVAL;
      if (done(w, until)) return code(w, until);
      if (interrupted(w, epoch)) return CROCHET_EINTR;
      continue;
    }
    if (process_is_forked()) return CROCHET_EFORKED;
    switch (timeout_ns == 0 ? Parked::kTimedOut : park(call.word, word::low_half(w), look_at, end_on_signal)) {
      case Parked::kWoken: w = call.word.load(acquire); break;
      case Parked::kSignalled: return CROCHET_EINTR;
      case Parked::kTimedOut:
        // The last look is a read-modify-write: it sees an interrupt that came before it, and the result.
        w = call.word.fetch_or(flag, acq_rel) | flag;
        if (!word::alive(w, generation)) return CROCHET_EINVAL;
        if (done(w, until)) return code(w, until);
        if (interrupted(w, epoch)) break;
        return end_on_signal && !deadline.passed() ? CROCHET_EINTR : CROCHET_ETIMEDOUT;
    }
  }
}

bool interrupt_waits(Call& call, Word generation) {
  Word w = call.word.load(relaxed);
  for (;;) {
    if (!word::alive(w, generation)) return false;
    // Until the call is finished: a join waits for longer than the result. Never two interrupts in one.
    const Word next = word::finished(w) ? w : word::next_epoch(w) | word::kInterruptPending;
    // acq_rel: with the waiter's read-modify-writes, always, so that one of the two sees the other.
    if (call.word.compare_exchange_weak(w, next, acq_rel, relaxed)) break;
  }
  if (!word::finished(w) && (w & (word::kWaiters | word::kJoiners)) != 0) unpark_all(call.word);
  return true;
}

}  // namespace crochet
