// SPDX-License-Identifier: MIT
// The log.
#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "base/named.hpp"
#include "base/process.hpp"
#include "capi/entry.hpp"
#include "log/bridge.hpp"
#include "log/level.hpp"
#include "loop/loop.hpp"
#include "runtime/runtime.hpp"

using namespace crochet;

namespace {

bool is_level(int level) { return level >= CROCHET_LOG_TRACE && level <= CROCHET_LOG_CRITICAL; }

// Null: no memory. Through the runtime, which sees to exit and fork.
LogBridge* need_bridge() {
  if (LogBridge* bridge = LogBridge::get()) return bridge;
  return Runtime::get_or_make() == nullptr ? nullptr : LogBridge::get_or_make();
}

LogMessage message_of(int level, const char* origin, const char* text, std::size_t kept, std::size_t length) {
  const std::size_t of_origin = origin == nullptr ? 0 : strnlen(origin, CROCHET_LOG_ORIGIN_LONGEST);
  return {static_cast<LogLevel>(level), {origin == nullptr ? "" : origin, of_origin}, {text, kept}, length};
}

// The log's thread does not run, or there is not even a bridge. Not on a loop's thread, where a message stays until it
// does; elsewhere, too, when it can't be started.
void start_log_for_message() {
  const int saved_errno = errno;  // a caller may log it next
  LogBridge* bridge = need_bridge();
  if (bridge != nullptr && current_loop() == nullptr) (void)bridge->start();
  errno = saved_errno;
}

// give(bridge): logs it. Its level is on.
template <class Give>
int logged(Give&& give) {
  LogBridge* bridge = LogBridge::get();
  if (bridge == nullptr) {
    start_log_for_message();
    bridge = LogBridge::get();
    if (bridge == nullptr) return CROCHET_ENOMEM;
  }
  if (bridge->is_over()) return CROCHET_ESTOPPED;
  const int status = give(*bridge);
  if (!bridge->is_running()) start_log_for_message();  // after: who ends it has seen the message, or is seen
  return status;
}

int add_sink(int level, LogSink* sink, std::uint64_t* out_id) {
  LogBridge* bridge = need_bridge();
  std::uint64_t id = 0;
  const int status = bridge == nullptr ? CROCHET_ENOMEM : bridge->sinks().add(sink, static_cast<LogLevel>(level), &id);
  if (status != CROCHET_OK) sink->release();
  else if (out_id != nullptr) *out_id = id;
  return status;
}

int why_no_sink(int level, std::uint64_t* out_id) {
  if (out_id != nullptr) *out_id = 0;
  if (!is_level(level)) return CROCHET_EINVAL;
  return process_is_forked() ? CROCHET_EFORKED : CROCHET_OK;
}

}  // namespace

int crochet_log(int level, const char* origin, const char* message, size_t length) {
  if (!is_level(level) || (message == nullptr && length != 0)) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  if (!log_enabled(static_cast<LogLevel>(level))) return CROCHET_OK;
  const LogMessage given = message_of(level, origin, message, length, length);
  return logged([&given](LogBridge& bridge) { return bridge.offer(given); });
}

int crochet_logf(int level, const char* origin, const char* format, ...) {
  if (!is_level(level) || format == nullptr) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  if (!log_enabled(static_cast<LogLevel>(level))) return CROCHET_OK;
  char text[CROCHET_LOG_LONGEST + 1];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0) return CROCHET_EINVAL;
  const auto whole = static_cast<std::size_t>(length);
  const LogMessage made = message_of(level, origin, text, std::min(whole, sizeof text - 1), whole);
  return logged([&made](LogBridge& bridge) { return bridge.offer(made); });
}

int crochet_log_wait(int level, const char* origin, const char* message, size_t length, int64_t timeout_ns) {
  if (!is_level(level) || (message == nullptr && length != 0) || !valid_timeout(timeout_ns)) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  if (Runtime::is_on_our_thread()) return CROCHET_EDEADLK;
  if (!log_enabled(static_cast<LogLevel>(level))) return CROCHET_OK;
  const LogMessage given = message_of(level, origin, message, length, length);
  const Deadline deadline = Deadline::after(timeout_ns);
  return logged([&](LogBridge& bridge) {
    const int started = bridge.is_running() ? CROCHET_OK : bridge.start();  // or nobody makes room
    const int status = bridge.offer_in_time(given, started == CROCHET_OK ? deadline : Deadline::after(0));
    return status == CROCHET_ETIMEDOUT && started != CROCHET_OK ? started : status;
  });
}

int crochet_log_enabled(int level) { return is_level(level) && log_enabled(static_cast<LogLevel>(level)) ? 1 : 0; }

int crochet_log_level(void) { return static_cast<int>(threshold()); }

int crochet_log_set_level(int level) {
  if (!is_level(level) && level != CROCHET_LOG_OFF) return CROCHET_EINVAL;
  set_threshold(static_cast<LogLevel>(level));
  return CROCHET_OK;
}

int crochet_log_add_function(int level, crochet_log_fn* fn, void* arg, crochet_drop_fn* drop, uint64_t* out_id) {
  int status = why_no_sink(level, out_id);
  if (status == CROCHET_OK && fn == nullptr) status = CROCHET_EINVAL;
  if (status != CROCHET_OK) return refused(status, arg, drop);
  LogSink* sink = new_function_sink(fn, arg, drop);
  return sink == nullptr ? refused(CROCHET_ENOMEM, arg, drop) : add_sink(level, sink, out_id);
}

int crochet_log_add_stderr(int level, uint64_t* out_id) {
  const int status = why_no_sink(level, out_id);
  if (status != CROCHET_OK) return status;
  LogSink* sink = new_stderr_sink();
  return sink == nullptr ? CROCHET_ENOMEM : add_sink(level, sink, out_id);
}

int crochet_log_add_file(int level, const char* path, uint64_t max_bytes, uint32_t max_files, uint64_t* out_id) {
  constexpr std::uint32_t kMostFiles = 200'000;  // spdlog's bound
  int status = why_no_sink(level, out_id);
  if (status == CROCHET_OK && (path == nullptr || max_files > kMostFiles)) status = CROCHET_EINVAL;
  if (status != CROCHET_OK) return status;
  LogSink* sink = new_file_sink(path, max_bytes, max_files, &status);
  return sink == nullptr ? status : add_sink(level, sink, out_id);
}

int crochet_log_add_syslog(int level, const char* ident, int facility, uint64_t* out_id) {
  const int status = why_no_sink(level, out_id);
  if (status != CROCHET_OK) return status;
  LogSink* sink = new_syslog_sink(ident, facility, OpenLog::kNow);
  return sink == nullptr ? CROCHET_ENOMEM : add_sink(level, sink, out_id);
}

int crochet_log_remove(uint64_t id) {
  if (process_is_forked()) return CROCHET_EFORKED;
  LogBridge* bridge = need_bridge();  // it may be the first that is asked for: the sinks of the beginning
  if (bridge == nullptr) return CROCHET_ENOMEM;
  if (!bridge->sinks().remove(id)) return CROCHET_ENOENT;
  bridge->sinks_have_changed();
  return CROCHET_OK;
}

int crochet_log_flush(int64_t timeout_ns) {
  if (!valid_timeout(timeout_ns)) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  if (Runtime::is_on_our_thread()) return CROCHET_EDEADLK;
  LogBridge* bridge = LogBridge::get();
  return bridge == nullptr ? CROCHET_OK : bridge->flush(Deadline::after(timeout_ns));
}

int crochet_log_counter(const char* name, uint64_t* out_count) {
  if (out_count == nullptr) return CROCHET_EINVAL;
  *out_count = 0;
  if (name == nullptr) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  LogCounter which{};
  if (!find_named(kLogCounterNames, name, &which)) return CROCHET_ENOENT;
  const LogBridge* bridge = LogBridge::get();
  if (bridge != nullptr) *out_count = bridge->counted(which);
  return CROCHET_OK;
}

const char* crochet_log_counter_name(uint32_t index) { return name_at(kLogCounterNames, index); }
