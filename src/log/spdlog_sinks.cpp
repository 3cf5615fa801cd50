// SPDX-License-Identifier: MIT
// The sinks that spdlog writes: the one file that knows it.
//
// A host may have spdlog and fmt of its own, in another version. Ours are compiled in from their headers, under other
// names: nothing of ours can be taken for the host's, neither by the dynamic linker nor, in a static link, by the
// linker.
#define spdlog crochet_spdlog
#define fmt crochet_fmt
#define SPDLOG_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL 1  // as Debian's copy has it
#define FMT_HEADER_ONLY
#define SPDLOG_PREVENT_CHILD_FD  // what the host executes does not inherit a log file
#include <fcntl.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/syslog_sink.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

#include "base/cancellation.hpp"
#include "log/sink.hpp"

namespace crochet {
namespace {

// 2026-11-27 11:32:00.123 4711 crochet error: what happened
constexpr const char* kLine = "%Y-%m-%d %H:%M:%S.%e %t %n %^%l%$: %v";

spdlog::details::log_msg shown(const LogRecord& record) {
  const std::chrono::nanoseconds since_1970(record.time_ns);
  const std::string_view origin = record.origin_view();
  const std::string_view text = record.text_view();
  spdlog::details::log_msg message(
      spdlog::log_clock::time_point(std::chrono::duration_cast<spdlog::log_clock::duration>(since_1970)),
      spdlog::source_loc{}, spdlog::string_view_t(origin.data(), origin.size()),
      static_cast<spdlog::level::level_enum>(record.level), spdlog::string_view_t(text.data(), text.size()));
  message.thread_id = record.thread;
  return message;
}

// Written to by one thread at a time: spdlog's own need no lock.
class StderrSink : public LogSink {
 public:
  StderrSink() { sink_.set_pattern(kLine); }
  void write(const LogRecord& record) override { sink_.log(shown(record)); }

 private:
  spdlog::sinks::ansicolor_stderr_sink<spdlog::details::console_nullmutex> sink_;
};

class SyslogSink : public LogSink {
 public:
  SyslogSink(const char* ident, int facility)
      : ident_(ident == nullptr ? "" : ident), facility_(facility == 0 ? LOG_USER : facility) {}

  void open() {
    auto made = std::make_unique<spdlog::sinks::syslog_sink_st>(ident_, 0, facility_, true);
    made->set_pattern("%n: %v");  // the system's log knows when and who
    sink_ = std::move(made);      // as a whole, or not at all
  }
  void write(const LogRecord& record) override {
    if (sink_ == nullptr) open();
    sink_->log(shown(record));
  }

 private:
  const std::string ident_;
  const int facility_;
  std::unique_ptr<spdlog::sinks::sink> sink_;
};

// spdlog's own is not fit for use any more once a write or a rotation has failed: then it is closed, and opened again
// for the next message.
class FileSink : public LogSink {
 public:
  FileSink(const char* path, std::uint64_t max_bytes, std::uint32_t max_files)
      : path_(path), max_bytes_(max_bytes), max_files_(max_files) {}

  void open() {
    // spdlog makes missing directories, and tries again for a while: neither is wanted here.
    const int file = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) throw std::system_error(errno, std::generic_category(), path_);
    close(file);
    spdlog::file_event_handlers handlers;
    // No buffer: a forked child that leaves by exit() would write it once more.
    handlers.after_open = [](const spdlog::filename_t&, std::FILE* stream) {
      std::setvbuf(stream, nullptr, _IONBF, 0);
    };
    std::unique_ptr<spdlog::sinks::sink> made;
    if (max_bytes_ == 0) {
      made = std::make_unique<spdlog::sinks::basic_file_sink_st>(path_, false, handlers);
    } else {
      made = std::make_unique<spdlog::sinks::rotating_file_sink_st>(path_, max_bytes_, max_files_, false, handlers);
    }
    made->set_pattern(kLine);
    sink_ = std::move(made);  // as a whole, or not at all
  }

  void write(const LogRecord& record) override {
    if (sink_ == nullptr) open();
    try {
      sink_->log(shown(record));
    } catch (...) {
      sink_.reset();
      throw;
    }
  }

 private:
  const std::string path_;
  const std::uint64_t max_bytes_;
  const std::uint32_t max_files_;
  std::unique_ptr<spdlog::sinks::sink> sink_;
};

}  // namespace

LogSink* new_stderr_sink() noexcept {
  const CancellationOff uncancelled;
  try {
    return new StderrSink;
  } catch (...) {
    return nullptr;
  }
}

LogSink* new_syslog_sink(const char* ident, int facility, OpenLog when) noexcept {
  const CancellationOff uncancelled;
  try {
    auto sink = std::make_unique<SyslogSink>(ident, facility);
    if (when == OpenLog::kNow) sink->open();
    return sink.release();
  } catch (...) {
    return nullptr;
  }
}

LogSink* new_file_sink(const char* path, std::uint64_t max_bytes, std::uint32_t max_files, int* out_status) noexcept {
  const CancellationOff uncancelled;
  *out_status = CROCHET_ENOMEM;
  try {
    auto sink = std::make_unique<FileSink>(path, max_bytes, max_files);
    sink->open();
    *out_status = CROCHET_OK;
    return sink.release();
  } catch (const std::system_error& e) {
    *out_status = -e.code().value();
  } catch (...) {
  }
  return nullptr;
}

}  // namespace crochet
