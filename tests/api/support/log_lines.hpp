// SPDX-License-Identifier: MIT
// Lines of the log as they come, to be waited for.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "crochet.h"

namespace contract {

// What it keeps is shared with its sink, which may live a little longer.
class LogLines {
 public:
  LogLines() {
    auto* shared = new std::shared_ptr<Kept>(kept_);
    EXPECT_EQ(crochet_log_add_function(
                  CROCHET_LOG_TRACE, keep, shared, [](void* kept) { delete static_cast<std::shared_ptr<Kept>*>(kept); },
                  &id_),
              CROCHET_OK);
  }
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;
  ~LogLines() { crochet_log_remove(id_); }

  // Waits for a line with this text that was not waited for before, and returns it; the kill timer is the only other
  // end.
  std::string until(const std::string& text) {
    std::unique_lock lock(kept_->mutex);
    for (;;) {
      for (Line& line : kept_->lines) {
        if (line.was_found || line.text.find(text) == std::string::npos) continue;
        line.was_found = true;
        return line.text;
      }
      kept_->comes.wait(lock);
    }
  }
  int level_of(const std::string& text) const {
    const std::lock_guard lock(kept_->mutex);
    for (const Line& line : kept_->lines) {
      if (line.text == text) return line.level;
    }
    return -1;
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(kept_->mutex);
    std::vector<std::string> texts;
    for (const Line& line : kept_->lines) texts.push_back(line.text);
    return texts;
  }

 private:
  struct Line {
    int level;
    std::string text;
    bool was_found;
  };
  struct Kept {
    std::mutex mutex;
    std::condition_variable comes;
    std::vector<Line> lines;
  };

  static void keep(void* shared, const crochet_log_record* record) {
    Kept& kept = **static_cast<std::shared_ptr<Kept>*>(shared);
    const std::lock_guard lock(kept.mutex);
    kept.lines.push_back({record->level, {record->message, record->message_length}, false});
    kept.comes.notify_all();
  }

  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
  std::uint64_t id_ = 0;
};

}  // namespace contract
