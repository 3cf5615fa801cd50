// SPDX-License-Identifier: MIT
// Sinks for tests: one that keeps what it gets, and one that is stuck until it is let go.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/support/durations.hpp"
#include "api/support/gate.hpp"
#include "crochet.h"

namespace contract {

// One of the log's counters.
inline std::uint64_t counted(const char* name) {
  std::uint64_t count = 0;
  EXPECT_EQ(crochet_log_counter(name, &count), CROCHET_OK) << name;
  return count;
}

// What it has kept is shared with the sink, which may live a little longer than this.
class LogSink {
 public:
  struct Line {
    int level;
    std::string origin;
    std::string text;
    std::size_t full_length;
    std::uint64_t thread;
    std::int64_t time_ns;
  };

  explicit LogSink(int level = CROCHET_LOG_TRACE) {
    auto* shared = new std::shared_ptr<Kept>(kept_);
    EXPECT_EQ(crochet_log_add_function(
                  level, keep, shared, [](void* kept) { delete static_cast<std::shared_ptr<Kept>*>(kept); }, &id_),
              CROCHET_OK);
  }
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  ~LogSink() { crochet_log_remove(id_); }

  std::uint64_t id() const { return id_; }
  std::vector<Line> lines() const {
    const std::lock_guard lock(kept_->mutex);
    return kept_->lines;
  }
  std::vector<Line> flushed() const {
    EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
    return lines();
  }
  // Waits until a line with this text has come; the kill timer is the only other end.
  void until(const std::string& text) const {
    std::unique_lock lock(kept_->mutex);
    kept_->comes.wait(lock, [&] {
      for (const Line& line : kept_->lines) {
        if (line.text == text) return true;
      }
      return false;
    });
  }

 private:
  struct Kept {
    mutable std::mutex mutex;
    std::condition_variable comes;
    std::vector<Line> lines;
  };

  static void keep(void* shared, const crochet_log_record* record) {
    Kept& kept = **static_cast<std::shared_ptr<Kept>*>(shared);
    const std::lock_guard lock(kept.mutex);
    kept.lines.push_back({record->level,
                          {record->origin, record->origin_length},
                          {record->message, record->message_length},
                          record->full_length,
                          record->thread,
                          record->time_ns});
    kept.comes.notify_all();
  }

  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
  std::uint64_t id_ = 0;
};

// Blocks the log's thread in its first message, which it logs itself. Then it takes everything. Its gates are shared
// with the sink, which may live a little longer than this.
class BlockedSink {
 public:
  BlockedSink() {
    auto* shared = new std::shared_ptr<Gates>(gates_);
    EXPECT_EQ(crochet_log_add_function(
                  CROCHET_LOG_TRACE,
                  [](void* gates, const crochet_log_record*) {
                    const std::shared_ptr<Gates> kept = *static_cast<std::shared_ptr<Gates>*>(gates);
                    kept->in_sink.open();
                    kept->may_go_on.wait();
                  },
                  shared, [](void* gates) { delete static_cast<std::shared_ptr<Gates>*>(gates); }, &id_),
              CROCHET_OK);
  }
  BlockedSink(const BlockedSink&) = delete;
  BlockedSink& operator=(const BlockedSink&) = delete;
  ~BlockedSink() {
    let_go();
    crochet_log_remove(id_);
  }

  void until_in_sink() {
    EXPECT_EQ(crochet_log(CROCHET_LOG_CRITICAL, "test", "block", 5), CROCHET_OK);
    gates_->in_sink.wait();
  }
  void let_go() { gates_->may_go_on.open(); }

 private:
  struct Gates {
    Gate in_sink;
    Gate may_go_on;
  };

  std::shared_ptr<Gates> gates_ = std::make_shared<Gates>();
  std::uint64_t id_ = 0;
};

}  // namespace contract
