// SPDX-License-Identifier: MIT
// Where messages go. Written to by one thread at a time; removed while it may be in the middle of that.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "crochet.h"
#include "log/level.hpp"
#include "log/record.hpp"

namespace crochet {

class LogSink {
 public:
  LogSink() = default;
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  virtual ~LogSink() = default;

  // May block, and throw: a failure. Nothing stays in a buffer of the process.
  virtual void write(const LogRecord& record) = 0;

  void retain() noexcept { references_.fetch_add(1, relaxed); }
  void release();  // with the last one it ends, on this thread

  std::uint64_t id = 0;               // fixed when it is added, as is the level
  LogLevel level = LogLevel::kTrace;  // the lowest that it gets
  Atomic<bool> is_busy{false};        // acquired and released by who writes; one left behind may be in it for ever
  bool has_failed = false;            // and that was said; of who is busy with it

 private:
  virtual void end() {}  // user code, which may end this thread

  Atomic<std::uint32_t> references_{1};
};

// Null: no memory. Uncancelled.
LogSink* new_function_sink(crochet_log_fn* fn, void* arg, crochet_drop_fn* drop) noexcept;
LogSink* new_stderr_sink() noexcept;
// openlog() now, or with the first message: it may hang in a forked child, where somebody may have held the C library's
// lock.
enum class OpenLog { kNow, kLater };
LogSink* new_syslog_sink(const char* ident, int facility, OpenLog when) noexcept;
// The file's directory must be there. *out_status: CROCHET_OK, or why there is none.
LogSink* new_file_sink(const char* path, std::uint64_t max_bytes, std::uint32_t max_files, int* out_status) noexcept;

}  // namespace crochet
