// SPDX-License-Identifier: MIT
// spdlog's asynchronous logger. The message is given as a whole, so that nothing is formatted, as in crochet_log().
#define SPDLOG_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#define FMT_HEADER_ONLY
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>

#include <memory>

#include "peer.hpp"

namespace bench {
namespace {

class SpdlogSink : public spdlog::sinks::sink {
 public:
  explicit SpdlogSink(Sink& to) : to_(to) {}
  void log(const spdlog::details::log_msg& message) override {
    to_.write(std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush() override {}
  void set_pattern(const std::string& /*pattern*/) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter> /*formatter*/) override {}

 private:
  Sink& to_;
};

class SpdlogPeer : public Peer {
 public:
  SpdlogPeer(Sink& sink, spdlog::async_overflow_policy policy)
      : pool_(std::make_shared<spdlog::details::thread_pool>(kPlaces, 1)),
        logger_(std::make_shared<spdlog::async_logger>(kOrigin, std::make_shared<SpdlogSink>(sink), pool_, policy)) {}

  bool log(std::string_view text) override {
    logger_->log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size()));
    return true;
  }
  std::uint64_t overwritten() const override { return pool_->overrun_counter(); }

 private:
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace

std::unique_ptr<Peer> new_overrun_oldest_peer(Sink& sink) {
  return std::make_unique<SpdlogPeer>(sink, spdlog::async_overflow_policy::overrun_oldest);
}
std::unique_ptr<Peer> new_block_peer(Sink& sink) {
  return std::make_unique<SpdlogPeer>(sink, spdlog::async_overflow_policy::block);
}

}  // namespace bench
