// SPDX-License-Identifier: MIT
// The road into a loop: one word that is the queue, its wake-up and its closing. docs/internals/queue.md tells why.
//
//   head        meaning                                    who may change it, to what
//   0           the loop is awake, nothing is queued       pusher: a call; loop: kAsleep; closer: kClosed
//   kAsleep     the loop may be blocked                    pusher: a call, and owes a wake-up; loop: 0;
//               (adopted: outside uv_run)                  closer: kClosed, and owes one
//   a call      newest of a list                           pusher: a newer one; loop: 0, and owns the list;
//                                                          closer: kClosed, and owns it
//   kClosed     nothing is accepted any more               nobody
//
// Invariants:
//   Q1  Every write to head is a read-modify-write: whoever closes, or sweeps after that, happens after all pushes.
//   Q2  marks - sends = wake-ups still owed. The wake-up's handle is closed only when that is zero.
//   Q3  A wake-up is counted after it was made.
//   Q4  This memory is never unmapped, and may serve another loop later.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "base/park.hpp"
#include "call/call.hpp"
#include "call/post.hpp"

namespace crochet {

class CallQueue {
 public:
  enum class Push { kQueued, kQueuedOwesWakeUp, kRefused };

  struct Closed {
    Call* list;  // newest first; the closer's now
    bool owes_wake_up;
  };

  // ---- Any thread ----

  // One call, or a chain that the caller has linked: from the newest down to the oldest.
  Push push(Call* call) { return push(call, call); }
  Push push(Call* newest, Call* oldest) {
    Call* head = head_.load(relaxed);
    do {
      if (head == closed()) return Push::kRefused;
      oldest->next = head == asleep() ? nullptr : head;
      // acq_rel, not release: with whoever closes (Q1).
    } while (!head_.compare_exchange_weak(head, newest, acq_rel, relaxed));
    return head == asleep() ? Push::kQueuedOwesWakeUp : Push::kQueued;
  }

  // The common case, and nothing else. False: the loop is asleep or closed, nothing was queued; push() goes on.
  bool push_to_awake(Call* call) {
    Call* head = head_.load(relaxed);
    while (!is_mark(head)) {
      call->next = head;
      // acq_rel: as in push().
      if (head_.compare_exchange_weak(head, call, acq_rel, relaxed)) return true;
    }
    return false;
  }

  // Made the wake-up that push or close said is owed.
  void wake_up_was_sent() {
    // release: with the stopper's acquire, so that the handle is closed after its last use.
    if ((sends_.fetch_add(kOneSend, release) & kStopperWaits) != 0) unpark_all(sends_);
  }

  Closed close() {
    Call* head = head_.exchange(closed(), acq_rel);
    if (head == asleep()) return {nullptr, true};
    return {head == closed() ? nullptr : head, false};
  }

  // Does it accept calls? If yes, whoever closes it later sees what this thread did before: a read-modify-write.
  bool accepts() {
    Call* head = head_.load(relaxed);
    while (head != closed()) {
      if (head_.compare_exchange_weak(head, head, acq_rel, relaxed)) return true;
    }
    return false;
  }

  // Out of date at once.
  bool looks_asleep() const { return head_.load(relaxed) == asleep(); }

  // No may be out of date at once; yes happens after the closing.
  bool looks_closed() const { return head_.load(acquire) == closed(); }

  // ---- The loop's thread ----

  // Takes everything; newest first. `*is_closed`: nothing comes any more.
  Call* take(bool* is_closed) {
    Call* head = head_.load(relaxed);
    do {
      *is_closed = head == closed();
      if (*is_closed) head_.load(acquire);  // the stop that begins now happens after the closing, and all pushes (Q1)
      if (head == nullptr || *is_closed) return nullptr;
      // acq_rel: acquires the calls from their pushers.
    } while (!head_.compare_exchange_weak(head, nullptr, acq_rel, relaxed));
    if (head != asleep()) return head;
    marks_ = marks_ - 1;
    return nullptr;
  }

  // Out of date at once: nothing is there to be taken, nor is it closed.
  bool looks_empty() const { return head_.load(relaxed) == nullptr; }

  // Before the loop may block (adopted: leaves uv_run). False: something is there, or it is closed: take again.
  bool mark_asleep() {
    Call* expected = nullptr;
    if (head_.compare_exchange_strong(expected, asleep(), acq_rel, relaxed)) {
      marks_ = marks_ + 1;
      return true;
    }
    return expected == asleep();
  }

  // After it was blocked: pushers need no wake-up any more.
  void mark_awake() {
    Call* expected = asleep();
    if (head_.compare_exchange_strong(expected, nullptr, acq_rel, relaxed)) marks_ = marks_ - 1;
  }

  // Closed, no further marks: waits until every owed wake-up was made. False: the deadline passed.
  bool wait_for_owed_wake_ups(Deadline deadline) {
    // acq_rel: acquires from wake_up_was_sent().
    Word sends = sends_.fetch_or(kStopperWaits, acq_rel) | kStopperWaits;
    while (static_cast<std::uint32_t>(sends >> 1) != marks_) {
      if (park(sends_, word::low_half(sends), deadline, false) == Parked::kTimedOut) return false;
      sends = sends_.load(acquire);
    }
    return true;
  }

  // Ready for another loop; nobody else may know it (any more) but by a stale look.
  void reopen() {
    sends_.store(0, relaxed);
    marks_ = 0;
    head_.exchange(nullptr, acq_rel);  // Q1
  }

 private:
  static constexpr Word kStopperWaits = 1;
  static constexpr Word kOneSend = 2;

  static Call* asleep() { return reinterpret_cast<Call*>(std::uintptr_t{1}); }
  static Call* closed() { return reinterpret_cast<Call*>(std::uintptr_t{2}); }
  // kAsleep or kClosed: no address of a call has these bits.
  static bool is_mark(const Call* head) { return (reinterpret_cast<std::uintptr_t>(head) & 3) != 0; }

  alignas(64) Atomic<Call*> head_{closed()};
  alignas(64) Atomic<Word> sends_{0};
  Plain<std::uint32_t> marks_{0};  // loop's thread only; modulo 2^32, like the sends
};

// Calls that start when the loop stops, last made first. Withdrawn ones stay as husks until the loop prunes them.
class AtStopStack {
 public:
  // False: too late, the call is the caller's as before. `*many_pushes`: the loop should prune.
  bool push(Call* call, bool* many_pushes) {
    Call* head = head_.load(relaxed);
    do {
      if (head == closed()) return false;
      call->next = head;
    } while (!head_.compare_exchange_weak(head, call, acq_rel, relaxed));
    *many_pushes = pushes_.fetch_add(1, relaxed) + 1 == prune_at_.load(relaxed);
    return true;
  }

  // On the loop's thread.
  void prune() {
    Call* kept = nullptr;  // newest first
    std::uint32_t count = 0;
    for (;;) {
      Call* list = head_.load(relaxed);
      while (list != nullptr && list != closed() && !head_.compare_exchange_weak(list, nullptr, acq_rel, relaxed)) {
      }
      if (list != closed()) kept = without_husks(list, kept, &count);
      Call* expected = nullptr;
      pushes_.store(0, relaxed);
      prune_at_.store(kFewestPushes + 2 * count, relaxed);
      if (kept == nullptr || head_.compare_exchange_strong(expected, kept, acq_rel, acquire)) return;
      if (expected != closed()) continue;
      while (Call* call = kept) {  // closed from outside, while this thread was stuck
        kept = call->next;
        const std::uint32_t loop_id = call->loop.load(relaxed);
        if (call->refuse()) count_never_ran(loop_id, NeverRan::kNotRun);
      }
      return;
    }
  }

  Call* close() {  // the list, newest first
    Call* head = head_.exchange(closed(), acq_rel);
    return head == closed() ? nullptr : head;
  }
  void reopen() {
    pushes_.store(0, relaxed);
    prune_at_.store(kFewestPushes, relaxed);
    head_.exchange(nullptr, acq_rel);
  }

 private:
  static constexpr std::uint32_t kFewestPushes = 64;

  // The calls of `list` that still wait, in front of `older`.
  static Call* without_husks(Call* list, Call* older, std::uint32_t* count) {
    Call* first = older;
    Call* last = nullptr;
    while (Call* call = list) {
      list = call->next;
      if (word::settled(call->word.load(acquire))) {
        call->release_reference();
        continue;
      }
      ++*count;
      call->next = older;
      if (last == nullptr) first = call;
      else last->next = call;
      last = call;
    }
    return first;
  }

  static Call* closed() { return reinterpret_cast<Call*>(std::uintptr_t{2}); }

  Atomic<Call*> head_{closed()};
  Atomic<std::uint32_t> pushes_{0};  // since the last pruning; hints, both, that publish nothing
  Atomic<std::uint32_t> prune_at_{kFewestPushes};
};

}  // namespace crochet
