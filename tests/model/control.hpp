// SPDX-License-Identifier: MIT
// What scenario code says to the checker.
#pragma once

#include "model/execution.hpp"
#include "model/where.hpp"

namespace crochet::model {

// Fails the execution unless it holds.
inline void expect(bool holds, const char* text, Where where = Where::here()) {
  if (!holds) execution.fail("expected %s (line %d)", text, where.line);
}

// This thread goes on only when the predicate holds. It sees no more than before: read an atomic for that.
// For what is outside of the library: a loop that sleeps until its wake descriptor is readable. See Atomic::peek.
template <class Predicate>
void block_until(Predicate predicate, Where where = Where::here()) {
  execution.point();
  execution.block(condition_of(predicate), Limit::kUntimed, "a condition", where);
}

// The same, or gives up at a moment that the checker chooses. True when the predicate held.
template <class Predicate>
bool block_with_timeout(Predicate predicate, Where where = Where::here()) {
  execution.point();
  return execution.block(condition_of(predicate), Limit::kTimed, "a condition", where);
}

// All others that can run have a turn first. Each round of a spin loop needs one, or it spins up to the step limit.
inline void yield(Where where = Where::here()) {
  execution.point();
  execution.yield(where);
}

// A decision of the scenario's own, from 0 to options - 1.
inline int choose(int options) { return execution.choose(options); }

inline int this_thread() noexcept { return execution.thread(); }

// A signal comes to a thread: it runs handler(subject) in front of its next operation; a park returns for it.
inline void signal(int thread, void (*handler)(void* subject), void* subject) {
  execution.point();
  execution.signal(thread, {handler, subject});
}

inline void allow_spurious_wakeups(int count) noexcept { execution.allowances.spurious_wakeups = count; }
inline void allow_weak_cas_failures(int count) noexcept { execution.allowances.weak_cas_failures = count; }
inline void advance_clock(std::int64_t ns) noexcept { execution.now_ns += ns; }

}  // namespace crochet::model

#define MODEL_EXPECT(condition) ::crochet::model::expect(static_cast<bool>(condition), #condition)
