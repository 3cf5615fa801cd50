// SPDX-License-Identifier: MIT
// What operations of ours that have something open do when the grace of their loop's stop is over: they end it, since
// the loop's thread is about to go.
//
// An on-cancel hook has asked politely at the beginning of the stop, but is called once only, and does not know how
// long the grace is.
#pragma once

#include <cstdint>

#include "base/deadline.hpp"

namespace crochet {

// The loop's thread only.
class GraceEnd {
 public:
  enum class Chance {
    kFirst,  // end it now, whatever it takes
    kLast,   // that took too long: close what is yours; `end` is in no list any more
    kNone,   // the loop never turns again: as much as can be done without libuv; in no list any more either
  };
  using Fn = void(GraceEnd& end, Chance which);

  explicit GraceEnd(Fn* fn) : fn_(fn) {}
  GraceEnd(const GraceEnd&) = delete;
  GraceEnd& operator=(const GraceEnd&) = delete;

 private:
  friend class GraceEnds;
  Fn* const fn_;
  GraceEnd* next_ = nullptr;
  GraceEnd** link_ = nullptr;  // what points here; null: in no list
};

class GraceEnds {
 public:
  void add(GraceEnd& end) {
    end.next_ = first_;
    end.link_ = &first_;
    if (first_ != nullptr) first_->link_ = &end.next_;
    first_ = &end;
  }
  static void remove(GraceEnd& end) {
    if (end.link_ == nullptr) return;
    *end.link_ = end.next_;
    if (end.next_ != nullptr) end.next_->link_ = end.link_;
    end.link_ = nullptr;
  }

  // The grace is over. True: it goes on in the loop's turn after `*out_ms`, when this is to be called again.
  bool go_on(unsigned* out_ms) {
    switch (phase_) {
      case Phase::kBefore:
        if (first_ == nullptr) return false;
        phase_ = Phase::kEnding;
        last_moment_ = Deadline::after(kTime);
        for (GraceEnd* end = first_; end != nullptr;) {
          GraceEnd* next = end->next_;  // it may remove itself
          end->fn_(*end, GraceEnd::Chance::kFirst);
          end = next;
        }
        *out_ms = kTick;
        return true;
      case Phase::kEnding:
        *out_ms = kTick;
        if (first_ != nullptr && !last_moment_.passed()) return true;
        phase_ = Phase::kOver;
        while (GraceEnd* end = first_) {
          remove(*end);
          end->fn_(*end, GraceEnd::Chance::kLast);
        }
        *out_ms = kTick;  // not in this turn of libuv: what they closed is closed by then
        return true;
      case Phase::kOver: break;
    }
    return false;
  }
  // Without a stop: the loop's thread ends, or the process.
  void end_without_loop() {
    while (GraceEnd* end = first_) {
      remove(*end);
      end->fn_(*end, GraceEnd::Chance::kNone);
    }
  }
  void reset() { phase_ = Phase::kBefore; }

 private:
  enum class Phase { kBefore, kEnding, kOver };
  static constexpr std::int64_t kTime = 500'000'000;  // well below what a stop waits for a callback
  static constexpr unsigned kTick = 1;

  GraceEnd* first_ = nullptr;
  Phase phase_ = Phase::kBefore;
  Deadline last_moment_ = Deadline::never();
};

}  // namespace crochet
