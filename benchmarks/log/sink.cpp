// SPDX-License-Identifier: MIT
#include "sink.hpp"

#include <sys/prctl.h>

#include <ctime>

#include "harness/clock.hpp"

namespace bench {

std::int64_t Sink::mean_line_ns() const {
  const std::int64_t sleeps = sleeps_.load(std::memory_order_relaxed);
  return sleeps == 0 ? 0 : slept_ns_.load(std::memory_order_relaxed) / sleeps;
}

void Sink::pin() {
  pin_to(cpu_);
  prctl(PR_SET_TIMERSLACK, 1UL);  // or the kernel adds up to 50 us to each sleep
  is_pinned_ = true;
}

void Sink::sleep(std::int64_t ns) {
  const std::int64_t begin = monotonic_ns();
  const std::int64_t end = begin + ns;
  const timespec until{static_cast<std::time_t>(end / 1'000'000'000), static_cast<long>(end % 1'000'000'000)};
  is_in_line_.store(true, std::memory_order_relaxed);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
  is_in_line_.store(false, std::memory_order_relaxed);
  slept_ns_.fetch_add(monotonic_ns() - begin, std::memory_order_relaxed);
  sleeps_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace bench
