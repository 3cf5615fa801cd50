// SPDX-License-Identifier: MIT
// crochet_spdlog.hpp: a host's own sinks and loggers get what is logged. This program's spdlog is header-only.
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include <sstream>

#include "crochet_spdlog.hpp"
#include "hpp/support/lines.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

using crochet::log_level;
using crochet::log_sink;

// A sink whose text is looked at once the log was flushed.
class Text {
 public:
  explicit Text(const std::string& pattern = "%n %l %v") { sink_->set_pattern(pattern); }
  const std::shared_ptr<spdlog::sinks::ostream_sink_st>& sink() const { return sink_; }
  std::string flushed() const {
    EXPECT_TRUE(crochet::flush_log(kKillTimer));
    return text_.str();
  }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::sinks::ostream_sink_st> sink_ = std::make_shared<spdlog::sinks::ostream_sink_st>(text_);
};

class ThrowingSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (message.payload == spdlog::string_view_t("throw")) throw spdlog::spdlog_ex("the disk is full");
  }
  void flush_() override {}
};

class SpdlogSink : public WithLoop {
 protected:
  void SetUp() override {
    WithLoop::SetUp();
    crochet::set_log_level(log_level::trace);
  }
  void TearDown() override {
    crochet::set_log_level(log_level::warning);
    WithLoop::TearDown();
  }
};

TEST_F(SpdlogSink, GetsMessageLevelAndOriginAsTheyAre) {
  const Text text;
  const log_sink sink = crochet::log_to(text.sink());
  crochet::log(log_level::trace, "net", "{} and %s");
  crochet::log(log_level::warning, "", "no origin");
  crochet::log(log_level::critical, "net", "");
  EXPECT_EQ(text.flushed(), "net trace {} and %s\n warning no origin\nnet critical \n");
}
TEST_F(SpdlogSink, GetsTimeAndThreadOfTheCall) {
  // Written with spdlog's own clock at both ends: seconds and nanoseconds.
  const Text text("%E %F %t");
  const log_sink sink = crochet::log_to(text.sink());
  const auto begin = std::chrono::system_clock::now();
  const long thread = crochet::run([] {
                        crochet::log(log_level::info, "x");
                        return static_cast<long>(gettid());
                      }).wait();
  const auto end = std::chrono::system_clock::now();
  long seconds = 0, nanoseconds = 0, seen = 0;
  std::istringstream(text.flushed()) >> seconds >> nanoseconds >> seen;
  const std::chrono::system_clock::time_point time(std::chrono::seconds(seconds) +
                                                   std::chrono::nanoseconds(nanoseconds));
  EXPECT_GE(time, begin);
  EXPECT_LE(time, end);
  EXPECT_EQ(seen, thread);
}
TEST_F(SpdlogSink, KeepsItsOwnLevelBesideTheOneGiven) {
  const Text by_sink, by_log;
  by_sink.sink()->set_level(spdlog::level::err);
  const log_sink first = crochet::log_to(by_sink.sink());
  const log_sink second = crochet::log_to(by_log.sink(), log_level::error);
  crochet::log(log_level::info, "x", "info");
  crochet::log(log_level::error, "x", "error");
  EXPECT_EQ(by_sink.flushed(), "x error error\n");
  EXPECT_EQ(by_log.flushed(), "x error error\n");
}
TEST_F(SpdlogSink, ThatThrowsIsCounted) {
  const std::uint64_t failures = crochet::log_counter("sink_failures");
  const log_sink sink = crochet::log_to(std::make_shared<ThrowingSink>());
  for (const char* const message : {"fine", "throw", "fine", "throw"}) crochet::log(log_level::info, "x", message);
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(crochet::log_counter("sink_failures"), failures + 2);
}
TEST_F(SpdlogSink, IsHeldUntilItIsRemoved) {
  contract::Gate ended;
  std::shared_ptr<spdlog::sinks::sink> held(new ThrowingSink, [&ended](spdlog::sinks::sink* sink) {
    delete sink;
    ended.open();
  });
  log_sink sink = crochet::log_to(std::move(held));
  crochet::log(log_level::info, "x", "fine");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_FALSE(ended.is_open());
  EXPECT_TRUE(sink.remove());
  ended.wait();
}
TEST_F(SpdlogSink, MustBeOne) {
  EXPECT_EQ(code_of([] { crochet::log_to(spdlog::sink_ptr()).detach(); }), CROCHET_EINVAL);
  EXPECT_EQ(code_of([] { crochet::log_to(std::shared_ptr<spdlog::logger>()).detach(); }), CROCHET_EINVAL);
}

class SpdlogLogger : public SpdlogSink {};

TEST_F(SpdlogLogger, GetsMessagesUnderItsOwnNameAndLevel) {
  const Text text;
  const auto logger = std::make_shared<spdlog::logger>("host", text.sink());
  logger->set_level(spdlog::level::warn);
  const log_sink sink = crochet::log_to(logger);
  crochet::log(log_level::info, "net", "below its level");
  crochet::log(log_level::warning, "net", "{} and %s");
  EXPECT_EQ(text.flushed(), "host warning {} and %s\n");
}
TEST_F(SpdlogLogger, GetsTheTimeOfTheCall) {
  const Text text("%E %F");
  const log_sink sink = crochet::log_to(std::make_shared<spdlog::logger>("host", text.sink()));
  Lines lines("net");
  const log_sink beside = lines.add();
  crochet::log(log_level::warning, "net", "x");
  std::istringstream stream(text.flushed());
  long seconds = 0, nanoseconds = 0;
  stream >> seconds >> nanoseconds;
  ASSERT_EQ(lines.all().size(), 1U);
  EXPECT_EQ(lines.all()[0].record.time.time_since_epoch(),
            std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds));
}
TEST_F(SpdlogLogger, KeepsItsSinksFailuresToItself) {
  const auto logger = std::make_shared<spdlog::logger>("host", std::make_shared<ThrowingSink>());
  int handled = 0;
  logger->set_error_handler([&handled](const std::string&) { ++handled; });
  const std::uint64_t failures = crochet::log_counter("sink_failures");
  log_sink sink = crochet::log_to(logger);
  crochet::log(log_level::warning, "x", "throw");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(crochet::log_counter("sink_failures"), failures);
  logger->set_error_handler([](const std::string& what) { throw std::runtime_error(what); });
  crochet::log(log_level::warning, "x", "throw");
  EXPECT_TRUE(crochet::flush_log(kKillTimer));
  EXPECT_EQ(crochet::log_counter("sink_failures"), failures + 1);
}
TEST_F(SpdlogLogger, MayBeAsynchronous) {
  const Text text;
  {
    const auto pool = std::make_shared<spdlog::details::thread_pool>(64, 1);
    const auto logger = std::make_shared<spdlog::async_logger>("host", text.sink(), pool);
    const log_sink sink = crochet::log_to(logger);
    crochet::log(log_level::warning, "net", "through two queues");
    EXPECT_TRUE(crochet::flush_log(kKillTimer));
  }  // ending the pool, it writes what it has
  EXPECT_EQ(text.flushed(), "host warning through two queues\n");
}

}  // namespace
}  // namespace hpp
