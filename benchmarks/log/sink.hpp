// SPDX-License-Identifier: MIT
// Where every peer's lines end: it takes a given time for each, asleep, as one does who waits for a disk or a socket.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace bench {

class Sink {
 public:
  // The thread that writes is moved to this processor by its first line.
  explicit Sink(int cpu) : cpu_(cpu) {}

  // ---- One thread at a time ----
  void write(std::string_view text) {
    take_line(text);
    written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  // A line that no caller has given: it takes as long.
  void write_of_its_own(std::string_view text) {
    take_line(text);
    own_lines_.store(own_lines_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // ---- Any thread ----
  void set_line_ns(std::int64_t ns) { line_ns_.store(ns, std::memory_order_relaxed); }
  bool is_in_line() const { return is_in_line_.load(std::memory_order_relaxed); }
  std::uint64_t written() const { return written_.load(std::memory_order_acquire); }
  std::uint64_t own_lines() const { return own_lines_.load(std::memory_order_acquire); }
  // What a line that should have taken its time has taken, on average; 0: there was none.
  std::int64_t mean_line_ns() const;

 private:
  void take_line(std::string_view text) {
    if (!is_pinned_) pin();
    last_byte_ = text.back();
    const std::int64_t ns = line_ns_.load(std::memory_order_relaxed);
    if (ns != 0) sleep(ns);
  }
  void pin();
  void sleep(std::int64_t ns);

  const int cpu_;
  bool is_pinned_ = false;       // the writer's, as the next
  volatile char last_byte_ = 0;  // the text is looked at
  std::atomic<std::int64_t> line_ns_{0};
  alignas(64) std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> own_lines_{0};
  std::atomic<bool> is_in_line_{false};
  std::atomic<std::int64_t> slept_ns_{0};
  std::atomic<std::int64_t> sleeps_{0};
};

}  // namespace bench
