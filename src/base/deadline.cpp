// SPDX-License-Identifier: MIT
#include "base/deadline.hpp"

#include <ctime>

namespace crochet {

std::int64_t monotonic_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace crochet
