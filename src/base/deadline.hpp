// SPDX-License-Identifier: MIT
// A point on the monotonic clock after which a wait gives up; arithmetic saturates, nothing overflows.
#pragma once

#include <cstdint>
#include <limits>

namespace crochet {

inline constexpr std::int64_t kForever = -1;

// Nanoseconds on CLOCK_MONOTONIC.
std::int64_t monotonic_ns() noexcept;

class Deadline {
 public:
  // timeout_ns: 0 has passed already, kForever never passes; other negatives are refused by the caller (valid_timeout).
  static Deadline after(std::int64_t timeout_ns) noexcept {
    if (timeout_ns == kForever) return Deadline(kNever);
    if (timeout_ns == 0) return Deadline(0);
    return Deadline(add(monotonic_ns(), timeout_ns));
  }
  static constexpr Deadline never() noexcept { return Deadline(kNever); }
  static constexpr Deadline at(std::int64_t ns) noexcept { return Deadline(ns); }

  bool is_never() const noexcept { return ns_ == kNever; }
  // No clock is read for a deadline that was 0 from the start, or never comes.
  bool passed() const noexcept { return ns_ == 0 || (ns_ != kNever && monotonic_ns() >= ns_); }
  std::int64_t ns() const noexcept { return ns_; }
  // What a further wait until then may take: 0 when it has passed, or kForever.
  std::int64_t left_ns() const noexcept {
    if (is_never()) return kForever;
    const std::int64_t left = ns_ == 0 ? 0 : ns_ - monotonic_ns();
    return left > 0 ? left : 0;
  }
  Deadline earlier_of(Deadline other) const noexcept { return ns_ < other.ns_ ? *this : other; }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  explicit constexpr Deadline(std::int64_t ns) noexcept : ns_(ns) {}
  static std::int64_t add(std::int64_t now, std::int64_t timeout) noexcept {
    return timeout > kNever - 1 - now ? kNever - 1 : now + timeout;
  }

  std::int64_t ns_;
};

inline bool valid_timeout(std::int64_t timeout_ns) noexcept { return timeout_ns >= kForever; }

}  // namespace crochet
