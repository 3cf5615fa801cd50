// SPDX-License-Identifier: MIT
//
// crochet_spdlog.hpp: the log of crochet.hpp goes to spdlog sinks and loggers of yours. For programs that have spdlog,
// 1.8 or later, in any of its ways: header-only or compiled, with the fmt that it brings or another one. Headers only.
// The library has a copy of its own, hidden: yours never meets it.
//
//   crochet::remove_default_log_sink();
//   for (const auto& sink : spdlog::default_logger()->sinks()) crochet::log_to(sink).detach();
#ifndef CROCHET_SPDLOG_HPP
#define CROCHET_SPDLOG_HPP

#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "crochet.hpp"

namespace crochet {
inline namespace v0_1 {

namespace detail {
inline spdlog::string_view_t spdlog_text(std::string_view text) { return {text.data(), text.size()}; }
inline spdlog::level::level_enum spdlog_level(log_level level) {
  static_assert(static_cast<int>(log_level::warning) == spdlog::level::warn &&
                    static_cast<int>(log_level::off) == spdlog::level::off,
                "crochet: this spdlog numbers its levels in another way");
  return static_cast<spdlog::level::level_enum>(level);
}
}  // namespace detail

/// Messages arrive as if spdlog had been called where they were logged: time, thread (%t), origin as the logger's name
/// (%n). The sink's own level and pattern hold; without a lock of its own (..._st) it must be the log's alone. What it
/// throws counts as a failure of the sink. What it buffers is its own: flush_log() does not flush it. Null: an error
/// with CROCHET_EINVAL. See crochet::add_log_sink().
inline log_sink log_to(std::shared_ptr<spdlog::sinks::sink> sink, log_level level = log_level::trace) {
  if (sink == nullptr) detail::refuse(CROCHET_EINVAL);
  return add_log_sink(level, [sink = std::move(sink)](const log_record& record) {
    spdlog::details::log_msg message;
    message.logger_name = detail::spdlog_text(record.origin);
    message.level = detail::spdlog_level(record.level);
    message.time = std::chrono::time_point_cast<spdlog::log_clock::duration>(record.time);
    message.thread_id = static_cast<std::size_t>(record.thread);
    message.payload = detail::spdlog_text(record.message);
    if (sink->should_log(message.level)) sink->log(message);
  });
}

/// The same through a logger, with its level, its flush_on() and its backtrace; an asynchronous one puts a second queue
/// behind ours. Lost is what a logger can't be told: %t is the log's thread, %n the logger's own name; and what its
/// sinks throw goes to its error handler and is counted only if that throws, too. To lose nothing, give its sinks one
/// by one.
inline log_sink log_to(std::shared_ptr<spdlog::logger> logger, log_level level = log_level::trace) {
  if (logger == nullptr) detail::refuse(CROCHET_EINVAL);
  return add_log_sink(level, [logger = std::move(logger)](const log_record& record) {
    logger->log(std::chrono::time_point_cast<spdlog::log_clock::duration>(record.time), spdlog::source_loc{},
                detail::spdlog_level(record.level), detail::spdlog_text(record.message));
  });
}

}  // namespace v0_1
}  // namespace crochet

#endif  // CROCHET_SPDLOG_HPP
