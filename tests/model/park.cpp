// SPDX-License-Identifier: MIT
// src/base/park.hpp and the clock of src/base/deadline.hpp, as the model has them: Linux futexes on virtual time.
//
// The kernel takes a lock of its own to compare the word and go to sleep, and the same lock to wake. What came before a
// wake-up is therefore visible to a later comparison of the same word, and to nothing else: park promises its caller
// neither to publish nor to see anything, and the model gives exactly that.
#include "base/park.hpp"

#include "model/execution.hpp"
#include "model/names.hpp"

namespace crochet {
namespace {

using model::execution;

// What a parked thread waits for.
struct Sleeper {
  model::Location& location;
  int thread;

  std::uint32_t bit() const { return std::uint32_t{1} << thread; }
  bool woken() const { return (location.parked & bit()) == 0; }
  bool operator()() const {
    return woken() || execution.signalled(thread) || execution.allowances.spurious_wakeups > 0;
  }
};

void lock_and_unlock(model::Location& location) {
  location.bucket.join(execution.clock());
  execution.publish();
}

Parked leave(const Sleeper& sleeper, bool timed, Deadline deadline) {
  if (sleeper.woken()) return Parked::kWoken;
  sleeper.location.parked &= ~sleeper.bit();
  if (execution.signalled(sleeper.thread)) {
    execution.run_handler();
    return Parked::kSignalled;
  }
  if (execution.allowances.spurious_wakeups > 0 && !(timed && execution.choose(2) == 1)) {
    --execution.allowances.spurious_wakeups;
    return Parked::kWoken;
  }
  if (execution.now_ns < deadline.ns()) execution.now_ns = deadline.ns();
  return Parked::kTimedOut;
}

const char* name_of(Parked why) {
  switch (why) {
    case Parked::kWoken: return "woken";
    case Parked::kTimedOut: return "timed out";
    case Parked::kSignalled: return "signalled";
  }
  return "?";
}

}  // namespace

Parked park(const Atomic<std::uint64_t>& word, std::uint32_t expected, Deadline deadline,
            bool notice_signals) noexcept {
  execution.point();
  model::Location& location = word.location();
  const int index = location.choose_under(location.bucket);
  location.see(index);
  lock_and_unlock(location);
  if (static_cast<std::uint32_t>(location.value(index)) != expected) {
    if (execution.tracing()) execution.note({}, "%s: not parked, the word has changed", model::describe(&word));
    return Parked::kWoken;
  }

  Sleeper sleeper{location, execution.thread()};
  location.parked |= sleeper.bit();
  if (execution.tracing()) execution.note({}, "%s: parked", model::describe(&word));
  const bool timed = !deadline.is_never();
  execution.block(model::condition_of(sleeper), timed ? model::Limit::kTimed : model::Limit::kUntimed, "its wake-up",
                  {});
  const Parked why = leave(sleeper, timed, deadline);
  if (execution.tracing()) execution.note({}, "%s: %s", model::describe(&word), name_of(why));
  return why == Parked::kSignalled && !notice_signals ? Parked::kWoken : why;
}

void unpark_all(const Atomic<std::uint64_t>& word) noexcept {
  execution.point();
  model::Location& location = word.location();
  if (execution.tracing()) {
    execution.note({}, "%s: unpark all%s", model::describe(&word), location.parked == 0 ? ", nobody there" : "");
  }
  lock_and_unlock(location);
  location.parked = 0;
}

std::int64_t monotonic_ns() noexcept { return execution.now_ns++; }

}  // namespace crochet
