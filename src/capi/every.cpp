// SPDX-License-Identifier: MIT
// A function that runs again and again: crochet_every().
//
// It is made of what anybody can make. Its result is a call without a function, settled here (crochet_deferred_new).
// Each round is a delayed call; when one is not settled as its function returns, an after-call waits for that. They
// hand on a baton, a reference to the result's deferred: whoever loses it, because the loop stops, ends the whole as
// stopped. So the argument lives until no round can run, nor is outstanding.
#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "base/deadline.hpp"
#include "base/schedule.hpp"
#include "call/call.hpp"
#include "call/handle.hpp"
#include "capi/entry.hpp"

using namespace crochet;

namespace {

// The argument of the result's call. What changes is the loop's thread's only.
struct Every {
  crochet_every_fn* const fn;
  void* const arg;
  crochet_drop_fn* const drop;
  Schedule schedule;
  crochet_deferred* deferred = nullptr;  // lent by the batons; set before there is one
  crochet_result* round = nullptr;       // the round that is waited for, or runs
  bool runs = false;                     // its function has begun, and it is not settled

  Target target() const { return target_of(deferred); }
  void end_as_stopped() const { target().call->end_as(Outcome::kStopped, Outcome::kStopped); }

  static void end(void* every) {
    auto* self = static_cast<Every*>(every);
    crochet_result_release(self->round);
    void* const arg = self->arg;
    crochet_drop_fn* const drop = self->drop;
    delete self;
    if (drop != nullptr) run_drop(drop, arg);
  }
};

// In the storage of each call here.
struct Baton {
  Every* every;
  bool is_handed_on;

  static void drop(void* storage) {
    const Baton baton = *static_cast<Baton*>(storage);
    if (!baton.is_handed_on) baton.every->end_as_stopped();
    crochet_deferred_release(baton.every->deferred);
  }
};

struct Next {
  std::int64_t delay_ns;
  crochet_result* after;  // null: nothing
};

int prepare(crochet_loop* loop, Next next, crochet_call** out_call) {
  int status = crochet_call_new(loop, sizeof(Baton), out_call);
  if (status == CROCHET_OK && next.after != nullptr) status = crochet_call_set_after(*out_call, next.after);
  if (status == CROCHET_OK && next.delay_ns != 0) status = crochet_call_set_delay_ns(*out_call, next.delay_ns);
  if (status == CROCHET_OK) return status;
  crochet_call_discard(*out_call);
  return status == CROCHET_EINVAL ? CROCHET_ESTOPPED : status;  // the loop's last handle went meanwhile
}

// With the reference that the caller holds. When it is refused, that has ended the whole as stopped.
int run_with_baton(Every& every, crochet_call* call, crochet_call_fn* fn, crochet_result** out_result) {
  ::new (crochet_call_storage(call)) Baton{&every, false};
  return crochet_call_run(call, fn, &Baton::drop, out_result);
}

// ---- The loop's thread. Who has the baton hands it on, or settles the result.

void begin_round(crochet_deferred* deferred, void* storage);
void round_has_settled(crochet_deferred*, void* storage);

void hand_on(Baton& baton, Next next, crochet_call_fn* fn, crochet_result** out_result) {
  Every& every = *baton.every;
  crochet_call* call = nullptr;
  int status = prepare(crochet_current_loop(), next, &call);
  if (status == CROCHET_OK) {
    crochet_deferred_retain(every.deferred);
    status = run_with_baton(every, call, fn, out_result);
  }
  baton.is_handed_on = status == CROCHET_OK;
  if (status == CROCHET_ESTOPPED) every.end_as_stopped();
  else if (status != CROCHET_OK) crochet_reject(every.deferred, status, nullptr);
}

void plan_round(Baton& baton) {
  // Never without a delay: the loop serves its timers in between, and its limit does not concern what it runs for
  // itself.
  const std::int64_t delay_ns = std::max<std::int64_t>(1, baton.every->schedule.due() - monotonic_ns());
  hand_on(baton, {delay_ns, nullptr}, &begin_round, &baton.every->round);
}

void wait_for_round(Baton& baton) { hand_on(baton, {0, baton.every->round}, &round_has_settled, nullptr); }

// Somebody asked; the hook has not come to it yet, or was never called since a round ran.
bool end_as_asked(const Every& every) {
  if (crochet_deferred_is_cancelled(every.deferred) == 0) return false;
  crochet_reject(every.deferred, CROCHET_ECANCELED, nullptr);
  return true;
}

void fail_as_round_did(const Every& every, crochet_result* round) {
  (void)crochet_result_error(round);  // it counts as looked at: what becomes of it is the result's matter
  const Target to = every.target();
  to.call->fail_like(to.generation, *target_of(round).call);
}

void end_round(Baton& baton) {
  Every& every = *baton.every;
  every.runs = false;
  crochet_result* const round = std::exchange(every.round, nullptr);
  switch (const int code = crochet_result_status(round)) {
    case CROCHET_OK:
      if (end_as_asked(every)) break;
      every.schedule.end(monotonic_ns());
      plan_round(baton);
      break;
    case CROCHET_EFAILED: fail_as_round_did(every, round); break;
    case CROCHET_ESTOPPED: every.end_as_stopped(); break;
    default: crochet_reject(every.deferred, code, nullptr); break;
  }
  crochet_result_release(round);  // last: it may drop a value
}

void begin_round(crochet_deferred* deferred, void* storage) {
  Baton& baton = *static_cast<Baton*>(storage);
  Every& every = *baton.every;
  if (end_as_asked(every)) {
    crochet_resolve(deferred, nullptr, nullptr);
    return;
  }
  every.runs = true;
  const std::uint64_t missed = every.schedule.begin(monotonic_ns());
  try {
    every.fn(deferred, every.arg, missed);
  } catch (...) {
    wait_for_round(baton);  // it will be rejected, or stopped with its thread
    throw;
  }
  if (crochet_result_status(every.round) == CROCHET_EPENDING) wait_for_round(baton);
  else end_round(baton);
}

void round_has_settled(crochet_deferred*, void* storage) { end_round(*static_cast<Baton*>(storage)); }

void begin(crochet_deferred*, void* storage) {
  Baton& baton = *static_cast<Baton*>(storage);
  if (!end_as_asked(*baton.every)) plan_round(baton);
}

// The result's on-cancel hook. A round that runs is asked, and its end awaited; one that waits never runs.
void ask_to_end(crochet_deferred* deferred, void* arg) {
  const Every& every = *static_cast<Every*>(arg);
  if (!every.runs) crochet_reject(deferred, CROCHET_ECANCELED, nullptr);
  crochet_result_cancel(every.round, nullptr);  // null before the first: refused
}

std::int64_t in(std::int64_t first_ns) {
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max() - 1;
  const std::int64_t now = monotonic_ns();
  return first_ns > kLast - now ? kLast : now + first_ns;
}

// The call that begins it. As long as it is not run, all is as if nobody had asked for anything.
int prepare_to_begin(Every& every, crochet_call** out_call) {
  const int status = crochet_deferred_on_cancel(every.deferred, &ask_to_end, &every, nullptr);
  if (status != CROCHET_OK) return status == CROCHET_EALREADY ? CROCHET_ESTOPPED : status;
  crochet_loop* loop = crochet_deferred_loop(every.deferred);
  return loop == nullptr ? CROCHET_ESTOPPED : prepare(loop, {0, nullptr}, out_call);
}

}  // namespace

int crochet_every(crochet_loop* loop, int64_t first_ns, int64_t period_ns, crochet_every_fn* fn, void* arg,
                  crochet_drop_fn* drop, crochet_result** out_result) {
  if (out_result != nullptr) *out_result = nullptr;
  if (fn == nullptr || first_ns < 0 || period_ns < 0) return refused(CROCHET_EINVAL, arg, drop);
  auto* every = new (std::nothrow) Every{fn, arg, drop, Schedule(in(first_ns), period_ns)};
  if (every == nullptr) return refused(CROCHET_ENOMEM, arg, drop);
  int status = crochet_deferred_new(loop, every, &Every::end, &every->deferred, out_result);
  if (status != CROCHET_OK) return status;  // it was dropped there
  crochet_call* call = nullptr;
  status = prepare_to_begin(*every, &call);
  if (status == CROCHET_OK) {
    status = run_with_baton(*every, call, &begin, nullptr);
  } else {
    every->end_as_stopped();
    crochet_deferred_release(every->deferred);
  }
  if (status != CROCHET_OK && out_result != nullptr) crochet_result_release(std::exchange(*out_result, nullptr));
  return status;
}
