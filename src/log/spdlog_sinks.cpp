// SPDX-License-Identifier: MIT
// The sinks that spdlog writes: the one file that knows it.
//
// A host may have spdlog and fmt of its own, in another version. Ours are compiled in from their headers, under other
// names: nothing of ours can be taken for the host's, neither by the dynamic linker nor, in a static link, by the
// linker.
#define spdlog crochet_spdlog
#define fmt crochet_fmt
#define SPDLOG_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#define FMT_HEADER_ONLY
#define SPDLOG_PREVENT_CHILD_FD  // what the host executes does not inherit a log file
#include <fcntl.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/syslog_sink.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>

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
template <class Sink>
class SpdlogSink : public LogSink {
 public:
  template <class... Arguments>
  explicit SpdlogSink(const char* pattern, Arguments&&... arguments) : sink_(std::forward<Arguments>(arguments)...) {
    sink_.set_pattern(pattern);
  }

  void write(const LogRecord& record) override { sink_.log(shown(record)); }
  void flush() override { sink_.flush(); }

 private:
  Sink sink_;
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
    if (max_bytes_ == 0) {
      sink_ = std::make_unique<spdlog::sinks::basic_file_sink_st>(path_, false, handlers);
    } else {
      sink_ = std::make_unique<spdlog::sinks::rotating_file_sink_st>(path_, max_bytes_, max_files_, false, handlers);
    }
    sink_->set_pattern(kLine);
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

// Without memory, or for another reason that spdlog throws: null.
template <class Sink, class... Arguments>
LogSink* make(Arguments&&... arguments) noexcept {
  try {
    return new SpdlogSink<Sink>(std::forward<Arguments>(arguments)...);
  } catch (...) {
    return nullptr;
  }
}

}  // namespace

LogSink* new_stderr_sink() noexcept {
  return make<spdlog::sinks::ansicolor_stderr_sink<spdlog::details::console_nullmutex>>(kLine);
}

LogSink* new_syslog_sink(const char* ident, int facility) noexcept {
  try {
    // The system's log knows when and who.
    return make<spdlog::sinks::syslog_sink_st>("%n: %v", std::string(ident == nullptr ? "" : ident), 0, facility, true);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

LogSink* new_file_sink(const char* path, std::uint64_t max_bytes, std::uint32_t max_files, int* out_status) noexcept {
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
