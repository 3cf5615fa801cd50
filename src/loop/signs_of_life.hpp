// SPDX-License-Identifier: MIT
// What the thread of a loop that stops shows of its own work. It may have tens of millions of calls to look at, several
// times, and who waits for the end is not to take that for a callback that is stuck.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"
#include "crochet.h"

namespace crochet {

class SignsOfLife {
 public:
  // So many pieces of work make one sign. Callbacks run in between: as many of them take far longer than a moment when
  // they are slow, so that they do not stretch the stop.
  static constexpr std::uint32_t kPieces = 1024;

  // The loop's thread: looked at one call more, or settled one.
  void piece_done() {
    if (++pieces_ % kPieces == 0) shown_.store(shown_.load(relaxed) + 1, relaxed);
  }
  std::uint32_t shown() const { return shown_.load(relaxed); }

  // Any thread. sleep() sleeps for a moment at most, and gives CROCHET_ETIMEDOUT when that is over. Again and again,
  // until it gives something else, or a moment has brought no sign.
  template <class Sleep>
  int sleep_while_shown(Sleep&& sleep) const {
    for (;;) {
      const std::uint32_t before = shown();
      const int code = sleep();
      if (code != CROCHET_ETIMEDOUT || shown() == before) return code;
    }
  }

 private:
  std::uint32_t pieces_ = 0;        // the loop's thread only
  Atomic<std::uint32_t> shown_{0};  // relaxed: publishes nothing, it only has to change
};

}  // namespace crochet
