// SPDX-License-Identifier: MIT
// Does a loop stand still? Decided from looks at it, one every now and then: no threads and no clock of its own.
#pragma once

#include <algorithm>
#include <cstdint>

namespace crochet {

class BlockWatch {
 public:
  // What a look found. The same `at` as at the last look, and not asleep: it has not gone on meanwhile.
  struct Look {
    const void* call;     // what its thread runs; null: no call
    std::uint64_t run;    // how many it has run,
    std::uint64_t turns;  // and how often it went round
    bool is_asleep;
  };

  enum class Verdict {
    kFine,
    kBlocked,       // for longer than the threshold: to be told
    kStillBlocked,  // and for twice as long as when that was told
    kGoesOn,        // it was told, and is over
  };

  // usual_ns: how long it should be since the last look. What is more was no time of the loop's: the process stood
  // still as a whole (in a debugger, on a suspended machine).
  Verdict look(const Look& now, std::int64_t now_ns, std::int64_t usual_ns, std::int64_t threshold_ns) {
    const std::int64_t passed = std::min(now_ns - looked_ns_, 2 * usual_ns);
    looked_ns_ = now_ns;
    const bool stands_still = now.call == last_.call && now.run == last_.run && now.turns == last_.turns &&
                              !now.is_asleep && !last_.is_asleep;
    last_ = now;
    if (!stands_still) {
      const bool was_told = told_at_ns_ != 0;
      told_for_ns_ = blocked_ns_;
      if (was_told) told_for_ns_ += passed;
      blocked_ns_ = told_at_ns_ = 0;
      return was_told ? Verdict::kGoesOn : Verdict::kFine;
    }
    blocked_ns_ += passed;
    told_for_ns_ = blocked_ns_;
    if (told_at_ns_ == 0 && blocked_ns_ < threshold_ns) return Verdict::kFine;
    if (told_at_ns_ != 0 && blocked_ns_ < 2 * told_at_ns_) return Verdict::kFine;
    const bool is_first = told_at_ns_ == 0;
    told_at_ns_ = blocked_ns_;
    return is_first ? Verdict::kBlocked : Verdict::kStillBlocked;
  }

  // How long: at least that while it is blocked; when it goes on, no longer than that.
  std::int64_t blocked_ns() const { return told_for_ns_; }
  bool is_blocked() const { return told_at_ns_ != 0; }

 private:
  Look last_{nullptr, 0, 0, true};
  std::int64_t looked_ns_ = 0;
  std::int64_t blocked_ns_ = 0;  // as seen
  std::int64_t told_at_ns_ = 0;  // what that was when it was told last; 0: it was not
  std::int64_t told_for_ns_ = 0;
};

}  // namespace crochet
