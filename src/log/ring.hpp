// SPDX-License-Identifier: MIT
// The ring between who logs and who writes: bounded, any number of producers, one consumer at a time.
//
// A place is found as in Dmitry Vyukov's bounded queue for many producers: its turn says whose turn it is, in which
// lap. What is added here: the producers' word also tells that the consumer sleeps, so that it is woken by exactly one
// of them, and by none while it is awake; what finds no room is counted; and two words to wait at, for room and for
// what is written.
//
//   turn of a place, in lap n   2n: free, for the producer that claims the position; 2n + 1: full, the consumer's
//   tail_      the next position to claim * 2 | the consumer sleeps. Whoever takes the bit away wakes it: a consumer
//   that was
//              replaced may set it, too, and is never wrongly clear.
//   written_   positions whose records are written * 2 | somebody waits for more
//   taken_     positions whose records are taken * 2 | somebody waits for room
//
// Invariants:
//   R1  A record is touched by who claimed its position, until its turn is full, and then by the consumer, until it is
//   free. R2  The consumer sleeps only when every position that was claimed is taken, or its producer still owes the
//   wake-up. R3  Every write to tail_ is a read-modify-write: whoever counts a loss sees that the consumer sleeps, or
//   is seen by it. R4  A position is taken, then written; both only grow.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "base/park.hpp"

namespace crochet {

// kPlaces: a power of two. Record: what fill and read make of it.
template <class Record, std::uint32_t kPlaces>
class LogRing {
 public:
  using Word = std::uint64_t;
  enum class Taken { kRecord, kNothing, kBeingWritten };
  enum class Waited { kDone, kTimedOut, kGivenUp };

  // ---- Producers: any thread, never waiting ----

  // fill(Record&, lost): lost is how many found no room since the record before. False: there is no room now.
  template <class Fill>
  bool offer(Fill&& fill) {
    Word tail = tail_.load(relaxed);
    for (;;) {
      if (turn_of(tail >> 1).load(acquire) ==
          free_in_lap(tail >> 1)) {  // acquire: the consumer has left the record (R1)
        // acq_rel: who claims after the consumer has ended sees that it has. (R3 needs no order.)
        if (tail_.compare_exchange_weak(tail, next_after(tail), acq_rel, relaxed)) break;
        continue;
      }
      const Word now = tail_.load(relaxed);  // it may have been out of date, which the turn shows and has made visible
      if (now == tail) return false;
      tail = now;
    }
    const Word position = tail >> 1;
    fetch_for_writing(record_of(position + kAhead));
    fill(record_of(position), lost_.load(relaxed) == 0 ? 0 : lost_.exchange(0, relaxed));
    turn_of(position).store(free_in_lap(position) + 1, release);  // release: publishes the record (R1)
    if ((tail & kFlag) != 0) unpark_all(tail_);                   // it took the flag away: R2
    return true;
  }

  // What found no room, and will not come again: the next record tells, or the consumer does when there is none.
  void count_lost() {
    if (lost_.fetch_add(1, relaxed) == 0) wake();  // R3
  }

  // Waits until there may be room. keep_waiting() is asked after each sleep.
  template <class KeepWaiting>
  Waited wait_for_room(Deadline deadline, KeepWaiting&& keep_waiting) {
    for (;;) {
      // acq_rel: either the consumer sees the flag, or this thread sees the place that it has freed.
      const Word taken = taken_.fetch_or(kFlag, acq_rel) | kFlag;
      const Word tail = tail_.load(relaxed) >> 1;
      if (turn_of(tail).load(relaxed) == free_in_lap(tail)) return Waited::kDone;
      const Parked parked = park(taken_, static_cast<std::uint32_t>(taken), deadline, false);
      if (!keep_waiting()) return Waited::kGivenUp;
      if (parked == Parked::kTimedOut) return Waited::kTimedOut;
    }
  }

  // ---- Any thread ----

  // The consumer looks again, if it sleeps: at what the caller has changed before.
  void wake() {
    if ((tail_.fetch_and(~kFlag, acq_rel) & kFlag) != 0) unpark_all(tail_);
  }

  bool is_all_written() const { return written_.load(acquire) >> 1 == tail_.load(relaxed) >> 1; }

  // Waits until all that was claimed before is written. keep_waiting() is asked after each sleep.
  template <class KeepWaiting>
  Waited wait_until_written(Deadline deadline, KeepWaiting&& keep_waiting) {
    const Word target = tail_.load(relaxed) >> 1;
    for (;;) {
      // acq_rel: acquires what writing it did.
      const Word written = written_.fetch_or(kFlag, acq_rel) | kFlag;
      if (written >> 1 >= target) return Waited::kDone;
      const Parked parked = park(written_, static_cast<std::uint32_t>(written), deadline, false);
      if (!keep_waiting()) return Waited::kGivenUp;
      if (parked == Parked::kTimedOut) return Waited::kTimedOut;
    }
  }

  // ---- The consumer: one at a time, each happening after the one before ----

  // read(const Record&) copies the record out: its place is free afterwards.
  template <class Read>
  Taken take(Read&& read) {
    const Word head = head_.load(relaxed);
    Atomic<std::uint32_t>& turn = turn_of(head);
    if (turn.load(acquire) != free_in_lap(head) + 1) {  // acquire: the record that its producer published
      return is_all_taken() ? Taken::kNothing : Taken::kBeingWritten;
    }
    read(record_of(head));
    turn.store(free_in_lap(head + kPlaces), release);  // release: this thread has left the record (R1)
    head_.store(head + 1, relaxed);
    // acq_rel: see wait_for_room(). The flag goes with the wake-up.
    if ((taken_.exchange((head + 1) << 1, acq_rel) & kFlag) != 0) unpark_all(taken_);
    return Taken::kRecord;
  }

  bool is_all_taken() const { return tail_.load(relaxed) >> 1 == head_.load(relaxed); }

  // Takes at most what lay in the ring at one moment, unread. Returns how many.
  std::uint32_t discard() {
    std::uint32_t discarded = 0;
    while (discarded < kPlaces && take([](const Record&) {}) == Taken::kRecord) ++discarded;
    return discarded;
  }

  // How many found no room, when take() has found nothing.
  std::uint32_t take_lost() { return lost_.load(relaxed) == 0 ? 0 : lost_.exchange(0, relaxed); }

  bool is_somebody_waiting() const { return (written_.load(relaxed) & kFlag) != 0; }

  // What was taken is written now.
  void publish_written() {
    // acq_rel: releases what writing it did, to who waits.
    if ((written_.exchange(head_.load(relaxed) << 1, acq_rel) & kFlag) != 0) unpark_all(written_);
  }

  // Until a record, a loss or wake(), or the deadline. Returns at once when something is there, or when may_sleep(),
  // which is asked once everybody else sees that the consumer sleeps, says no. What was taken must be published as
  // written before: who waits for that does not wake.
  template <class MaySleep>
  void sleep(Deadline deadline, MaySleep&& may_sleep) {
    Word tail = tail_.load(relaxed);
    do {
      if (tail >> 1 != head_.load(relaxed)) return;
      // acq_rel: sees what was changed before wake() (R3).
    } while (!tail_.compare_exchange_weak(tail, tail | kFlag, acq_rel, relaxed));
    if (lost_.load(relaxed) == 0 && may_sleep()) {
      park(tail_, static_cast<std::uint32_t>(tail | kFlag), deadline, false);
    }
    // The flag may be another's by now, who sleeps: who takes it away wakes.
    wake();
  }

  // For a moment, without anybody being told: no producer has to wake.
  void nap(std::int64_t ns) {
    const Word tail = tail_.load(relaxed);
    park(tail_, static_cast<std::uint32_t>(tail), Deadline::after(ns), false);
  }

 private:
  static constexpr Word kFlag = 1;
  static constexpr Word kAhead = 4;

  // Its first lines are still in the cache of the CPU that has read them in the lap before: half of what a message
  // costs, when it is waited for (docs/benchmarks/log.md).
  static void fetch_for_writing(const Record& record) {
    const char* const bytes = reinterpret_cast<const char*>(&record);
    __builtin_prefetch(bytes, 1);
    __builtin_prefetch(bytes + 64, 1);
  }

  static Word next_after(Word tail) { return ((tail >> 1) + 1) << 1; }
  static std::uint32_t free_in_lap(Word position) { return static_cast<std::uint32_t>(position / kPlaces) * 2; }
  Atomic<std::uint32_t>& turn_of(Word position) { return turns_[position % kPlaces]; }
  Record& record_of(Word position) { return records_[position % kPlaces]; }

  alignas(64) Atomic<Word> tail_{0};
  Atomic<std::uint32_t> lost_{0};  // relaxed: a number that publishes nothing; R3 tells when it is looked at
  alignas(64) Atomic<Word> taken_{0};
  Atomic<Word> written_{0};
  Atomic<Word> head_{0};  // the consumer's; relaxed: one that was replaced may look at it on its way to sleep
  alignas(64) Atomic<std::uint32_t> turns_[kPlaces] = {};
  Record records_[kPlaces];  // not touched before it is used: memory that a quiet program does not need
};

}  // namespace crochet
