// SPDX-License-Identifier: MIT
#include "call/call.hpp"

#include <cerrno>
#include <exception>
#include <new>

#include "base/forced_unwind.hpp"
#include "base/park.hpp"
#include "base/process.hpp"
#include "base/status.hpp"
#include "call/call_memory.hpp"
#include "call/error_record.hpp"
#include "call/handle.hpp"
#include "call/hook.hpp"
#include "call/hot_path.hpp"
#include "call/post.hpp"
#include "call/side_reading.hpp"
#include "call/timing.hpp"
#include "call/watchers.hpp"
#include "log/drop.hpp"
#include "log/log.hpp"

namespace crochet {
namespace {

constexpr std::uint32_t kOneDeferred = deferred_count(0, 1);

bool counts_for(std::uint32_t deferreds, Word generation) { return (deferreds & word::kHandleMask) == generation; }

// libuv's and errno's code for it; that they are the same is asserted where <uv.h> is known.
bool means_cancelled(int code) { return code == CROCHET_ECANCELED || code == -ECANCELED; }

// A failure without a record keeps its code in the value itself.
void* code_as_value(int code) { return reinterpret_cast<void*>(static_cast<std::intptr_t>(code)); }

bool has_value(Word w) { return word::outcome(w) == Outcome::kValue || word::outcome(w) == Outcome::kFailed; }

bool is_unobserved_failure(Word w) {
  if ((w & (word::kObserved | word::kAsked)) != 0) return false;
  if (word::outcome(w) == Outcome::kBroken) return (w & word::kForgotten) == 0;
  return word::outcome(w) == Outcome::kFailed;
}

}  // namespace

// ---- The loop's thread ----

bool Call::start_conditional() {
  Word w = word.load(relaxed);
  do {
    if (word::phase(w) != Phase::kQueued) return false;
    // acq_rel: as in start().
  } while (
      !word.compare_exchange_weak(w, word::with_phase(w & ~word::kConditional, Phase::kRunning), acq_rel, relaxed));
  return true;
}

void Call::expire() {
  const Word generation = word::generation(word.load(relaxed));
  reject(generation, CROCHET_EEXPIRED, nullptr, 0, nullptr, nullptr);
  release_deferred(generation);  // the one that the function would have been lent
}

void Call::run_hook() {
  SideRecord* record = side();
  std::uint32_t held = deferreds.load(relaxed);
  do {
    if (deferred_count(held) == 0) return;
    // acq_rel: the count is all that matters here; what keeps drop(arg) behind the hook is giving this one back.
  } while (!deferreds.compare_exchange_weak(held, held + kOneDeferred, acq_rel, relaxed));
  const Word generation = held & word::kGenerationMask;

  const Word w = word.load(acquire);
  if (word::phase(w) == Phase::kRunning) {
    bool was_closed = false;
    Hook* hook = record == nullptr ? nullptr : close_hook(*record, &was_closed);
    if (hook != nullptr) {
      call_hook(hook, generation);
    } else if (!was_closed && (w & word::kCancelAsked) != 0) {
      end_as(Outcome::kCancelled, Outcome::kCancelled);  // it was cleared meanwhile
    }
  }
  release_deferred(generation);
}

void Call::deliver_cancel_message() {
  const GivesBack message{*this};
  run_hook();
}

CROCHET_CATCHES_FORCED_UNWIND void Call::call_hook(Hook* hook, Word generation) {
  try {
    hook->function(deferred_handle(this, generation), hook->arg);
  } catch (abi::__forced_unwind&) {
    end_as(Outcome::kStopped, Outcome::kStopped);
    end_hook(hook);
    release_deferred(generation);
    throw;
  } catch (...) {
    callback_has_thrown(generation);
  }
  end_hook(hook);
}

void Call::thread_ends_in_callback(Word generation) {
  end_as(Outcome::kStopped, Outcome::kStopped);  // the loop goes the way of its thread
  release_deferred(generation);
}

void Call::callback_has_thrown(Word generation) {
  try {
    throw;
  } catch (const std::exception& e) {
    reject_thrown(generation, e.what());
  } catch (...) {
    reject_thrown(generation, "an exception of an unknown type");
  }
}

void Call::reject_thrown(Word generation, const char* what) {
  if (reject(generation, CROCHET_EFAILED, what, 0, nullptr, nullptr) == CROCHET_OK) return;
  log(LogLevel::kError, "thrown by a callback of a call that was settled already: %s", what);
}

// ---- Settling ----

int Call::why_not_claimed(Word generation) const {
  const Word w = word.load(acquire);
  return word::alive(w, generation) ? too_late_code(w) : CROCHET_EINVAL;
}

int Call::published_with_company(Word before) {
  tell(before);
  if ((before & word::kFinished) == 0) return CROCHET_OK;
  // A stale settler, who held no deferred: the call was finished under it, which left the rest to it.
  if ((before & word::kJoiners) != 0) unpark_all(word);
  release_reference();
  return CROCHET_OK;
}

int Call::reject(Word generation, int code, const char* message, std::uint64_t type, void* payload,
                 crochet_drop_fn* payload_drop) {
  if (code >= 0) code = CROCHET_EFAILED;
  // The record is made before the claim: between claim and publication there is only room for a few instructions.
  const bool plain = (message == nullptr || *message == '\0') && payload == nullptr && payload_drop == nullptr;
  ErrorRecord* record = plain ? nullptr : ErrorRecord::make(code, message, type, payload, payload_drop);
  Word w = word.load(relaxed);
  int status = CROCHET_OK;
  do {
    if (!word::alive(w, generation)) status = CROCHET_EINVAL;
    else if (word::phase(w) != Phase::kRunning) status = too_late_code(w);
  } while (status == CROCHET_OK &&
           !word.compare_exchange_weak(w, word::with_phase(w, Phase::kSettling), acquire, relaxed));

  const bool as_asked = (w & word::kAsked) != 0 && means_cancelled(code);
  const bool kept = status == CROCHET_OK && !as_asked && record != nullptr;
  if (status == CROCHET_OK) {
    if (!as_asked) {
      value = kept ? static_cast<void*>(record) : code_as_value(code);
      value_drop = kept ? &ErrorRecord::end : nullptr;
    }
    publish(as_asked ? word::reason(w) : Outcome::kFailed);
  }
  if (kept) return status;
  if (record != nullptr) ErrorRecord::end(record);
  else if (payload_drop != nullptr) run_drop(payload_drop, payload);
  return status;
}

int Call::fail_like(Word generation, Call& failed) {
  // The reason rule is reject()'s, which looks again. relaxed: a flag.
  if ((word.load(relaxed) & word::kAsked) != 0 && means_cancelled(failed.error_code())) {
    return reject(generation, CROCHET_ECANCELED, nullptr, 0, nullptr, nullptr);
  }
  if (!claim(generation)) return why_not_claimed(generation);
  value = failed.value;
  value_drop = failed.value_drop;
  failed.value = code_as_value(CROCHET_EFAILED);
  failed.value_drop = nullptr;
  return publish(Outcome::kFailed);
}

void Call::tell(Word before) {
  if ((before & word::kWaiters) != 0) unpark_all(word);
  if ((before & word::kWatched) != 0) deliver_watchers(*this);
}

bool Call::end_as(Outcome queued, Outcome running, Phase* out_from) {
  Word w = word.load(relaxed);
  Phase from{};
  do {
    from = word::phase(w);
    if (!word::unsettled_and_free(w)) return false;
    // acq_rel: against start() and the settlers; releases what the caller did before to the waiters.
  } while (!word.compare_exchange_weak(
      w, from == Phase::kQueued ? word::never_run_as(w, queued) : word::settled_as(w, running), acq_rel, relaxed));
  if (out_from != nullptr) *out_from = from;
  tell(w);
  if (from == Phase::kQueued) never_ran();
  return true;
}

void Call::never_ran() {
  if (drop != nullptr) run_drop(drop, arg);
  // release: with the joiner that sees kFinished, so that drop(arg) happens before its return.
  if ((word.fetch_or(word::kFinished, acq_rel) & word::kJoiners) != 0) unpark_all(word);
}

bool Call::refuse() {
  const bool never_ran = end_as(Outcome::kNotRun, Outcome::kStopped);  // it is queued, or was settled there
  release_reference();
  return never_ran;
}

// ---- Stop and fork ----

bool Call::ask_to_stop() {
  Word w = word.load(relaxed);
  do {
    if (word::phase(w) != Phase::kRunning) return false;
    if ((w & word::kAsked) != 0) return (w & word::kHooked) != 0;
    // acq_rel: with on_cancel, which either sees this or is seen.
  } while (!word.compare_exchange_weak(w, w | word::kStopAsked, acq_rel, acquire));
  return (w & word::kHooked) != 0;
}

bool Call::abandon(std::uint32_t loop_id) {
  Word w = word.load(acquire);
  do {
    if (word::references(w) == 0 || word::finished(w) || (w & (word::kNeverRan | word::kAbandoned)) != 0) return false;
    if (word::phase(w) == Phase::kQueued) return false;  // made just now, and about to be refused
    if (loop.load(relaxed) != loop_id) return false;
    // Lost against a destruction without a read-modify-write (N7) at worst, and then nobody misses it.
  } while (!word.compare_exchange_weak(w, w | word::kAbandoned, acq_rel, acquire));
  if ((w & word::kJoiners) != 0) unpark_all(word);
  return true;
}

void Call::leave_to_parent() {
  const Word w = word.load(relaxed);
  if (word::references(w) == 0) return;
  const Word generation = word::generation(w);
  deferreds.store(deferred_count(generation, 2 * kMaxDeferreds), relaxed);
  word.store(word::settled_as(word::in_generation(generation), Outcome::kForked) | word::kFinished |
                 2 * word::kMaxReferences * word::kReference,
             relaxed);
}

void Call::finish_slowly() {
  if (SideRecord* record = side()) {
    bool was_closed = false;
    end_hook(close_hook(*record, &was_closed));
  }
  if (drop != nullptr) run_drop(drop, arg);

  Word w = word.load(acquire);
  for (;;) {
    const Phase from = word::phase(w);
    if (from == Phase::kSettled && word::references(w) == 1) return destroy(w);  // N7
    Word wanted;  // NOLINT(cppcoreguidelines-init-variables): each way below sets it
    if (from == Phase::kSettling) {
      wanted = w | word::kFinished;  // the stale settler gives the group's reference back
    } else if (from == Phase::kSettled) {
      wanted = (w | word::kFinished) - word::kReference;
    } else {
      wanted = word::settled_as(w, Outcome::kBroken) | word::kFinished;
      // While the watch list is delivered the group's reference keeps the call.
      if ((w & word::kWatched) == 0) wanted -= word::kReference;
    }
    // acq_rel: publishes drop(arg) to joiners and the brokenness to waiters; acquires for destroy().
    if (!word.compare_exchange_weak(w, wanted, acq_rel, acquire)) continue;

    const bool broke = word::unsettled_and_free(w);
    if (broke) log(LogLevel::kDebug, "a deferred was released unsettled: its call is broken");
    if ((broke && (w & word::kWaiters) != 0) || (w & word::kJoiners) != 0) unpark_all(word);
    if (word::references(wanted) == 0) return destroy(wanted);
    if (broke && (w & word::kWatched) != 0) {
      deliver_watchers(*this);
      release_reference();
    }
    return;
  }
}

// ---- Deferreds ----

bool Call::retain_deferred(Word generation) {
  std::uint32_t held = deferreds.load(relaxed);
  do {
    const std::uint32_t count = deferred_count(held);
    if (!counts_for(held, generation) || count == 0 || count >= kMaxDeferreds) return false;
    // relaxed would do for the count; acq_rel keeps a stale retain from being reordered into the slot's next life.
  } while (!deferreds.compare_exchange_weak(held, held + kOneDeferred, acq_rel, relaxed));
  return true;
}

bool Call::release_deferred(Word generation) {
  std::uint32_t held = deferreds.load(relaxed);
  do {
    if (!counts_for(held, generation) || deferred_count(held) == 0) return false;
    // acq_rel: what every holder did happens before the last one drops the argument.
  } while (!deferreds.compare_exchange_weak(held, held - kOneDeferred, acq_rel, relaxed));
  if (deferred_count(held) == 1) finish();
  return true;
}

bool Call::asked_to_end(Word generation) const {
  const Word w = word.load(acquire);
  if (!word::alive(w, generation)) return false;
  if ((w & word::kAsked) != 0) return true;
  if (!word::settled(w)) return false;
  const Outcome outcome = word::outcome(w);
  return outcome == Outcome::kCancelled || outcome == Outcome::kStopped || outcome == Outcome::kNotRun;
}

// ---- Results ----

int Call::cancel(Word generation, int* out_outcome) {
  Word w = word.load(relaxed);
  for (;;) {
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
    const Phase from = word::phase(w);
    if (from == Phase::kSettling || from == Phase::kSettled) {
      if (from == Phase::kSettled && word::outcome(w) == Outcome::kForked) return CROCHET_EFORKED;
      *out_outcome = CROCHET_CANCEL_TOO_LATE;
      return CROCHET_OK;
    }
    const bool hooked = from == Phase::kRunning && (w & word::kHooked) != 0;
    *out_outcome = from == Phase::kQueued ? CROCHET_CANCEL_NOT_RUN : CROCHET_CANCEL_REQUESTED;
    if (hooked && (w & word::kAsked) != 0) return CROCHET_OK;
    const Word asked = (w & word::kAsked) != 0 ? w : w | word::kCancelAsked;
    // With a hook the call travels to its loop once more, as a message, with a reference of its own.
    const Word wanted = hooked                   ? (asked | word::kPosted) + word::kReference
                        : from == Phase::kQueued ? word::never_run_as(asked, Outcome::kCancelled)
                                                 : word::settled_as(asked, word::reason(asked));
    // acq_rel: with on_cancel's kHooked, with start() and the settlers.
    if (!word.compare_exchange_weak(w, wanted, acq_rel, relaxed)) continue;
    if (hooked) {
      const std::uint32_t loop_id = loop.load(relaxed);
      if (!post_to_loop(loop_id, this)) {
        look_for_hooks_again(loop_id);
        release_reference();
      }
    } else {
      tell(w);
      if (from == Phase::kQueued) {
        never_ran();
        count_never_ran(loop.load(relaxed), NeverRan::kCancelled);
      }
    }
    return CROCHET_OK;
  }
}

int Call::take(Word generation, void** out_value, crochet_drop_fn** out_drop) {
  Word w = word.load(acquire);
  do {
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
    if (!word::settled(w)) return CROCHET_EPENDING;
    if (word::outcome(w) != Outcome::kValue) return wait_code(w);
    if ((w & word::kTaken) != 0) return CROCHET_ETAKEN;
    // acq_rel: who destroys the call sees that the value is gone.
  } while (!word.compare_exchange_weak(w, w | word::kTaken, acq_rel, acquire));
  *out_value = value;
  *out_drop = value_drop;
  return CROCHET_OK;
}

bool Call::observe(Word generation) {
  Word w = word.load(acquire);
  do {
    if (!word::alive(w, generation) || !word::settled(w)) return false;
    if (word::outcome(w) == Outcome::kValue || word::outcome(w) == Outcome::kForked) return false;
    if ((w & word::kObserved) != 0) return true;
    // relaxed would do: read by who destroys, ordered by the references. acquire: the caller reads the error next.
  } while (!word.compare_exchange_weak(w, w | word::kObserved, acq_rel, acquire));
  return true;
}

bool Call::retain(Word generation) {
  Word w = word.load(relaxed);
  do {
    const Word handles = word::references(w) - (word::finished(w) ? 0 : 1);
    if (!word::alive(w, generation) || handles >= word::kMaxReferences) return false;
    // acq_rel: a stale retain must not be reordered into the slot's next life.
  } while (!word.compare_exchange_weak(w, w + word::kReference, acq_rel, relaxed));
  return true;
}

// ---- References ----

void Call::retain_certain() { word.fetch_add(word::kReference, relaxed); }

void Call::release_reference() {
  const Word w = word.load(acquire);
  if (word::settled(w) && word::references(w) == 1) return destroy(w);  // N7
  const Word before = word.fetch_sub(word::kReference, acq_rel);
  if (word::references(before) == 1) destroy(before - word::kReference);
}

bool Call::release_slowly(Word generation) {
  if (process_is_forked()) return false;
  // acquire: as in release_handle().
  Word w = word.load(acquire);
  do {
    if (!word::alive(w, generation)) return false;
    if (word::settled(w) && word::references(w) == 1) {  // N7
      destroy(w);
      return true;
    }
    // Never to zero: an unsettled word has the group's reference beside the handle's (N1).
  } while (!word.compare_exchange_weak(w, w - word::kReference, acq_rel, acquire));
  return true;
}

bool Call::release_visited(Word generation) {
  Word w = word.load(relaxed);
  do {
    if (!word::alive(w, generation)) return false;
    // acq_rel: a visitor's retain fails after the last one, and what visitors did happens before the destruction.
  } while (!word.compare_exchange_weak(w, w - word::kReference, acq_rel, relaxed));
  if (word::references(w) == 1) destroy(w - word::kReference);
  return true;
}

void Call::destroy(Word last) {
  if (is_unobserved_failure(last)) {
    const char* what = label();
    log(LogLevel::kError, "nobody looked at this failure: %s%s%s (%s)", what, *what == '\0' ? "" : ": ",
        error_message(), status_name(error_code()));
    count_unobserved(loop.load(relaxed));
  }
  void* const left = value;
  crochet_drop_fn* const left_drop = has_value(last) && (last & word::kTaken) == 0 ? value_drop : nullptr;
  end_life(word::generation(last));
  if (left_drop != nullptr) run_drop(left_drop, left);
  end_side();
  free_call(this);
}

// ---- What belongs to few ----

void Call::set_function(crochet_call_fn* fn) {
  if (SideRecord* record = side()) record->function.store(plain_field(fn), relaxed);
  else function.store(plain_field(fn), release);  // as in make()
}

SideRecord* Call::need_side() {
  std::uint64_t field = function.load(acquire);
  if ((field & kSideTag) != 0) return side();
  auto* record = new (std::nothrow) SideRecord;
  if (record == nullptr) return nullptr;
  record->function.store(field, relaxed);
  // Before the record can be found: who uses it may end the call at once. relaxed: it goes with the record.
  word.fetch_or(word::kHasMore, relaxed);
  // release: publishes the record; acquire on failure: sees the winner's.
  if (function.compare_exchange_strong(field, reinterpret_cast<std::uintptr_t>(record) | kSideTag, release, acquire)) {
    return record;
  }
  delete record;
  return side();
}

Timing* Call::need_timing() {
  SideRecord* record = need_side();
  if (record == nullptr) return nullptr;
  if (record->timing == nullptr) record->timing = new (std::nothrow) Timing;
  if (record->timing != nullptr)
    word.store(word.load(relaxed) | word::kConditional, relaxed);  // nobody else looks at it: R = 0
  return record->timing;
}

Timing* Call::timing() const {
  const SideRecord* record = side();
  return record == nullptr ? nullptr : static_cast<Timing*>(record->timing);
}

void Call::end_side() {
  SideRecord* record = side();
  if (record == nullptr) return function.store(0, release);  // the slot is nobody else's. release: as in make()
  function.exchange(0, acq_rel);                             // with who reads it at this moment: see side_reading.hpp
  end_side_record(record);
}

const char* Call::label() const {
  const SideRecord* record = side();
  const char* text = record == nullptr ? nullptr : record->label.load(relaxed);
  return text == nullptr ? "" : text;
}

int Call::error_code() const {
  const Word w = word.load(acquire);
  switch (word::outcome(w)) {
    case Outcome::kFailed:
      if (value_drop == nullptr) return static_cast<int>(reinterpret_cast<std::intptr_t>(static_cast<void*>(value)));
      return static_cast<ErrorRecord*>(static_cast<void*>(value))->code;
    case Outcome::kNotRun: return CROCHET_ENOTRUN;
    default: return wait_code(w);
  }
}

const char* Call::error_message() const {
  if (word::outcome(word.load(acquire)) == Outcome::kFailed && value_drop != nullptr) {
    char* message = static_cast<ErrorRecord*>(static_cast<void*>(value))->message();
    if (*message != '\0') return message;
  }
  return status_message(error_code());
}

void* Call::error_payload(std::uint64_t type) const {
  if (word::outcome(word.load(acquire)) != Outcome::kFailed || value_drop == nullptr) return nullptr;
  auto* record = static_cast<ErrorRecord*>(static_cast<void*>(value));
  return record->type == type ? record->payload : nullptr;
}

}  // namespace crochet
