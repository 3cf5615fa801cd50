// SPDX-License-Identifier: MIT
// How long calls are queued and run, from samples: about one batch in sixteen is timed, so that no call pays for a
// clock.
//
// A batch is what the loop takes from its queue at once. The one before a sample is when the sample is armed: its time
// is the earliest at which a call of the sample can have been queued. If the loop slept in between, the caller who woke
// it says when: he makes a system call anyway.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "loop/histogram.hpp"

namespace crochet {

class Samples {
 public:
  // What the loop counts: calls that were run, and how often it went to sleep.
  struct Progress {
    std::uint64_t run;
    std::uint64_t sleeps;
  };

  const Histogram& of(Timed what) const { return histograms_[static_cast<std::size_t>(what)]; }
  void clear() {
    for (Histogram& histogram : histograms_) histogram.clear();
    left_ = 2;
    is_on_ = false;
    wants_stamp_.store(false, relaxed);
    stamp_.store(0, relaxed);
  }

  // ---- Any thread: who wakes the loop. relaxed: a stamp that is lost, or late, is a sample that is not taken.
  void woken() {
    if (wants_stamp_.load(relaxed)) stamp_.store(monotonic_ns(), relaxed);
  }

  // ---- The loop's thread.
  // A batch was taken. True: it is time for begin().
  bool took() { return --left_ < 2; }
  void begin(Progress now, std::int64_t now_ns = monotonic_ns()) {
    if (left_ == 1) {  // the next one is the sample
      armed_at_ns_ = now_ns;
      sleeps_ = now.sleeps;
      wants_stamp_.store(true, relaxed);
      return;
    }
    left_ = until_next();
    wants_stamp_.store(false, relaxed);
    is_on_ = true;
    queued_ns_ = queued_at_most(now, now_ns);
    begun_ns_ = from_ns_ = now_ns;
    run_ = now.run;
  }
  bool is_on() const { return is_on_; }
  // Some calls of the sample have been run since the last look; is it through?
  void ran(Progress now, bool is_through, std::int64_t now_ns = monotonic_ns()) {
    const std::uint64_t count = now.run - run_;
    if (count != 0) {
      histogram(Timed::kRun).add((now_ns - from_ns_) / static_cast<std::int64_t>(count), count);
      if (queued_ns_ >= 0) histogram(Timed::kQueued).add(queued_ns_ + (from_ns_ - begun_ns_), count);
    }
    from_ns_ = now_ns;
    run_ = now.run;
    if (is_through) is_on_ = false;
  }

 private:
  // Between 9 and 24, never in step with what comes at regular intervals.
  int until_next() {
    jitter_ = (jitter_ * 5 + 3) % 16;
    return 9 + jitter_;
  }

  Histogram& histogram(Timed what) { return histograms_[static_cast<std::size_t>(what)]; }
  // -1: not known; it was woken by something else.
  std::int64_t queued_at_most(Progress now, std::int64_t now_ns) const {
    if (now.sleeps == sleeps_) return now_ns - armed_at_ns_;
    const std::int64_t stamp = stamp_.load(relaxed);
    return stamp < armed_at_ns_ || stamp > now_ns ? -1 : now_ns - stamp;
  }

  Histogram histograms_[kHistograms];

  Atomic<bool> wants_stamp_{false};
  Atomic<std::int64_t> stamp_{0};

  // The loop's thread only.
  int left_ = 2;  // batches until the next sample, with that
  int jitter_ = 0;
  bool is_on_ = false;
  std::int64_t armed_at_ns_ = 0;
  std::uint64_t sleeps_ = 0;     // before it was armed
  std::int64_t queued_ns_ = -1;  // at most, when it began; -1: not known
  std::int64_t begun_ns_ = 0;
  std::int64_t from_ns_ = 0;  // of the last look, with
  std::uint64_t run_ = 0;     // what had been run then
};

}  // namespace crochet
