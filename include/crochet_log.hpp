// SPDX-License-Identifier: MIT
//
// crochet_log.hpp: the log. A part of crochet.hpp, which includes it.
//
//   crochet::log(crochet::log_level::info, "downloads", [&] { return "got " + url; });
//   crochet::log_sink file = crochet::add_file_log(crochet::log_level::debug, "downloads.log");
#ifndef CROCHET_LOG_HPP
#define CROCHET_LOG_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "crochet.hpp"

namespace crochet {
inline namespace v0_1 {

class log_sink;
enum class log_level;

// clang-format off
namespace detail {
template <class Message, class Log> bool log(log_level level, Message&& message, const Log& log_text);
template <class F> void write(void* sink, const crochet_log_record* record);
template <class Add, class... A> log_sink add_sink(Add* add, log_level level, A... arguments);
}  // namespace detail

enum class log_level {
  trace = CROCHET_LOG_TRACE, debug = CROCHET_LOG_DEBUG, info = CROCHET_LOG_INFO, warning = CROCHET_LOG_WARNING,
  error = CROCHET_LOG_ERROR, critical = CROCHET_LOG_CRITICAL, off = CROCHET_LOG_OFF };
// clang-format on

/// A message on its way into a sink. Its texts are lent for the call. See crochet_log_record.
struct log_record {
  std::chrono::system_clock::time_point time;
  std::uint64_t thread;  // who logged it, as in gettid()
  log_level level;
  std::string_view origin;
  std::string_view message;
  std::size_t full_length;  // of the message, before it was cut
};

/// Would a message of this level be kept? See crochet_log_enabled(), crochet_log_level(), crochet_log_set_level().
inline bool log_enabled(log_level level) { return crochet_log_enabled(static_cast<int>(level)) != 0; }
inline log_level current_log_level() { return static_cast<log_level>(crochet_log_level()); }
inline void set_log_level(log_level level) { detail::check(crochet_log_set_level(static_cast<int>(level))); }

/// Logs a message: text, or a function that makes text, which is called here, and only when the level is on: format
/// there with what you like. False: it could not be kept, for want of room or since the process is exiting; only a bad
/// argument is an error. `origin`, who says it, may be null. See crochet_log().
template <class Message>
bool log(log_level level, const char* origin, Message&& message) {
  return detail::log(level, std::forward<Message>(message), [origin](int l, const char* text, std::size_t length) {
    return crochet_log(l, origin, text, length);
  });
}
template <class Message>
bool log(log_level level, Message&& message) {
  return crochet::log(level, nullptr, std::forward<Message>(message));
}
/// The same, but it waits for room. On a loop's thread: deadlock_error. See crochet_log_wait().
template <class Message>
bool log_wait(timeout time, log_level level, const char* origin, Message&& message) {
  return detail::log(level, std::forward<Message>(message), [=](int l, const char* text, std::size_t length) {
    return crochet_log_wait(l, origin, text, length, time.ns());
  });
}
template <class Message>
bool log_wait(timeout time, log_level level, Message&& message) {
  return crochet::log_wait(time, level, nullptr, std::forward<Message>(message));
}

/// A sink that was added; destroying it removes the sink and waits for nothing. An empty one, default-made or moved-from,
/// has the id 0. See crochet_log_remove().
class [[nodiscard]] log_sink {
 public:
  log_sink() = default;
  explicit log_sink(std::uint64_t taken_over) noexcept : id_(taken_over) {}
  log_sink(log_sink&& other) noexcept : id_(other.detach()) {}
  log_sink& operator=(log_sink other) noexcept { return std::swap(id_, other.id_), *this; }
  ~log_sink() {
    if (id_ != 0) crochet_log_remove(id_);
  }
  std::uint64_t id() const noexcept { return id_; }
  /// The sink stays. log_sink(id).remove() removes it later.
  std::uint64_t detach() noexcept { return std::exchange(id_, 0); }
  /// False: it was not there any more.
  bool remove() {
    const int status = crochet_log_remove(id_);
    if (status != CROCHET_ENOENT) detail::check(status);
    id_ = 0;
    return status == CROCHET_OK;
  }

 private:
  std::uint64_t id_ = 0;
};

/// A sink that calls a copy of f with each log_record, on the log's thread. What f throws counts as a failure of the
/// sink. f is destroyed once the sink was removed and its last message is through. See crochet_log_add_function().
template <class F>
log_sink add_log_sink(log_level level, F&& f) {
  using function = std::decay_t<F>;
  static_assert(std::is_invocable_v<function&, const log_record&>,
                "crochet: a sink is called with a const log_record&");
  return detail::add_sink(crochet_log_add_function, level, detail::write<function>, new function(std::forward<F>(f)),
                          detail::end_on_heap<function>);
}
/// See crochet_log_add_stderr(), crochet_log_add_file(), crochet_log_add_syslog().
inline log_sink add_stderr_log(log_level level) { return detail::add_sink(crochet_log_add_stderr, level); }
inline log_sink add_file_log(log_level level, const std::string& path, std::uint64_t max_bytes = 0,
                             std::uint32_t max_files = 0) {
  return detail::add_sink(crochet_log_add_file, level, path.c_str(), max_bytes, max_files);
}
inline log_sink add_syslog(log_level level, const char* ident = nullptr, int facility = 0) {
  return detail::add_sink(crochet_log_add_syslog, level, ident, facility);
}
/// The sink of the beginning. False: it was not there any more. See CROCHET_LOG_DEFAULT_SINK.
inline bool remove_default_log_sink() { return log_sink(CROCHET_LOG_DEFAULT_SINK).remove(); }

/// Blocks until everything that was logged before is written. False: not in time, or the log ended meanwhile. On a
/// loop's thread: deadlock_error. See crochet_log_flush().
inline bool flush_log(timeout time = {}) {
  const int status = crochet_log_flush(time.ns());
  if (status != CROCHET_ETIMEDOUT && status != CROCHET_ESTOPPED) detail::check(status);
  return status == CROCHET_OK;
}
/// See crochet_log_counter().
inline std::uint64_t log_counter(const char* name) {
  std::uint64_t count = 0;
  detail::check(crochet_log_counter(name, &count));
  return count;
}

// ==== Below: how it is done ==========================================================================================

namespace detail {

// A message that can't be kept is no reason to throw: who logs can't do anything about it.
inline bool kept(int status) {
  if (status == CROCHET_EINVAL || status == CROCHET_EDEADLK) refuse(status);
  return status == CROCHET_OK;
}

template <class Message, class Log>
bool log(log_level level, Message&& message, const Log& log_text) {
  const int number = static_cast<int>(level);
  if constexpr (std::is_convertible_v<Message&&, std::string_view>) {
    const std::string_view text = std::forward<Message>(message);
    return detail::kept(log_text(number, text.data(), text.size()));
  } else {
    static_assert(std::is_invocable_r_v<std::string_view, Message>,
                  "crochet: a message is text, or a function that makes text");
    if (crochet_log_enabled(number) == 0)
      return detail::kept(level >= log_level::trace && level < log_level::off ? CROCHET_OK : CROCHET_EINVAL);
    const auto& made = std::forward<Message>(message)();
    const std::string_view text = made;
    return detail::kept(log_text(number, text.data(), text.size()));
  }
}

// The call of a sink. No noexcept: what it throws is the library's to catch.
template <class F>
void write(void* sink, const crochet_log_record* record) {
  using clock = std::chrono::system_clock;
  const log_record seen = {
      clock::time_point(std::chrono::duration_cast<clock::duration>(std::chrono::nanoseconds(record->time_ns))),
      record->thread,
      static_cast<log_level>(record->level),
      {record->origin, record->origin_length},
      {record->message, record->message_length},
      record->full_length};
  (*static_cast<F*>(sink))(seen);
}

template <class Add, class... A>
log_sink add_sink(Add* add, log_level level, A... arguments) {
  std::uint64_t id = 0;
  check(add(static_cast<int>(level), arguments..., &id));
  return log_sink(id);
}

}  // namespace detail

}  // namespace v0_1
}  // namespace crochet

#endif  // CROCHET_LOG_HPP
