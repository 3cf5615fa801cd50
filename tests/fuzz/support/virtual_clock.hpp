// SPDX-License-Identifier: MIT
// A monotonic clock that stands still until it is told to go on, for the threads that ask for it: theirs is the
// library's and libuv's, too. It lies in the past, so that the kernel finds each time-out over at once.
#pragma once

#include <cstdint>

namespace fuzz {

// Sets it back to its beginning. Nobody may remember anything of before.
void reset_virtual_clock();
void advance_virtual_clock(std::int64_t ns);
std::int64_t virtual_now_ns();

// While it lives the calling thread sees the virtual clock.
class OnVirtualClock {
 public:
  explicit OnVirtualClock(bool yes = true);
  ~OnVirtualClock();
  OnVirtualClock(const OnVirtualClock&) = delete;
  OnVirtualClock& operator=(const OnVirtualClock&) = delete;

 private:
  const bool before_;
};

}  // namespace fuzz
