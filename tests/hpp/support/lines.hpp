// SPDX-License-Identifier: MIT
// A sink that keeps what it gets from one origin, so that the library's own lines don't disturb.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "crochet.hpp"

namespace hpp {

inline constexpr const char* kTest = "test";

class Lines {
 public:
  // A log_record with texts of its own.
  struct Line {
    crochet::log_record record;
    std::string origin;
    std::string message;
  };

  explicit Lines(std::string origin = kTest) : origin_(std::move(origin)) {}
  void take(const crochet::log_record& record) {
    if (record.origin != origin_) return;
    const std::lock_guard lock(mutex_);
    lines_.push_back({record, std::string(record.origin), std::string(record.message)});
  }
  crochet::log_sink add(crochet::log_level level = crochet::log_level::trace) {
    return crochet::add_log_sink(level, [this](const crochet::log_record& record) { take(record); });
  }
  std::vector<Line> all() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::vector<std::string> messages() {
    std::vector<std::string> texts;
    for (const Line& line : all()) texts.push_back(line.message);
    return texts;
  }

 private:
  const std::string origin_;
  std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace hpp
