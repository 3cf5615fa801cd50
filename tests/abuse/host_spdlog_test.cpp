// SPDX-License-Identifier: MIT
// Abuse by a host that has spdlog and fmt of its own, in another version: row F5. This program exports all that its
// headers brought along, as a host may; host_spdlog_other makes the other version. host_spdlog_symbols.py looks at
// which symbols the two meet, and there is none.
#include <gtest/gtest.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "api/support/durations.hpp"
#include "api/support/log_capture.hpp"
#include "crochet.h"
#include "crochet_spdlog.hpp"

// It is another one indeed, under the same names.
using spdlog::details::log_msg;
static_assert(SPDLOG_VER_MINOR == 99 && FMT_VERSION == 99999);
static_assert(offsetof(log_msg, color_range_start) >= offsetof(log_msg, thread_id) + 2 * sizeof(std::size_t));
static_assert(std::is_same_v<decltype(&spdlog::sinks::sink::another_version), void (spdlog::sinks::sink::*)()>);
static_assert(std::is_same_v<decltype(&spdlog::memory_buf_t::another_version), void (fmt::detail::buffer<char>::*)()>);

namespace contract {
namespace {

constexpr int kLines = 50;

// Long enough that spdlog's buffer of 250 bytes grows.
std::string line(int number) { return "line " + std::to_string(number) + " " + std::string(300, 'x'); }

class AbuseF5 : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "crochet-host-spdlog-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_TRACE), CROCHET_OK);
  }
  void TearDown() override {
    EXPECT_EQ(crochet_log_set_level(CROCHET_LOG_WARNING), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
    std::filesystem::remove_all(folder_);
  }
  std::string path(const char* name) const { return folder_ / name; }
  std::string content(const char* name) const {
    const std::ifstream file(path(name));
    return (std::ostringstream() << file.rdbuf()).str();
  }
  std::shared_ptr<spdlog::sinks::sink> host_file(const char* name) const {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path(name));
    sink->set_pattern("%n|%l|%v|");
    return sink;
  }

 private:
  std::filesystem::path folder_;
};

void log_lines(const char* origin) {
  for (int i = 0; i < kLines; ++i) {
    const std::string text = line(i);
    EXPECT_EQ(crochet_log_wait(CROCHET_LOG_INFO, origin, text.data(), text.size(), kForever), CROCHET_OK);
  }
}

TEST_F(AbuseF5, BothWriteAtTheSameTime) {
  LogCapture capture;
  std::uint64_t id = 0;
  ASSERT_EQ(crochet_log_add_file(CROCHET_LOG_TRACE, path("library.txt").c_str(), 0, 0, &id), CROCHET_OK);
  spdlog::logger host("host", host_file("host.txt"));
  std::thread library([] { log_lines("library"); });
  for (int i = 0; i < kLines; ++i) host.info("{:>5}|{}", i, line(i));
  library.join();
  host.flush();
  EXPECT_EQ(crochet_log_flush(kForever), CROCHET_OK);
  EXPECT_EQ(crochet_log_remove(id), CROCHET_OK);
  const std::string host_text = content("host.txt");
  const std::string library_text = content("library.txt");
  const std::string stderr_text = capture.stop();
  EXPECT_EQ(LogCapture::occurrences(host_text, "host|info|"), kLines);
  EXPECT_EQ(LogCapture::occurrences(host_text, "\n"), kLines);
  EXPECT_EQ(LogCapture::occurrences(library_text, "\n"), kLines);
  for (int i = 0; i < kLines; ++i) {
    EXPECT_EQ(LogCapture::occurrences(host_text, "|" + line(i) + "|\n"), 1) << i;
    EXPECT_EQ(LogCapture::occurrences(library_text, line(i) + "\n"), 1) << i;
    EXPECT_EQ(LogCapture::occurrences(stderr_text, line(i) + "\n"), 1) << i;
  }
}

TEST_F(AbuseF5, TheHostsSinksAndLoggersGetTheLog) {
  EXPECT_EQ(crochet_log_remove(CROCHET_LOG_DEFAULT_SINK), CROCHET_OK);
  const auto file = host_file("sink.txt");
  const auto logger = std::make_shared<spdlog::logger>("host", host_file("logger.txt"));
  {
    const crochet::log_sink to_sink = crochet::log_to(file);
    const crochet::log_sink to_logger = crochet::log_to(logger);
    log_lines("library");
    EXPECT_TRUE(crochet::flush_log());
  }
  file->flush();
  logger->flush();
  const std::string sink_text = content("sink.txt");
  const std::string logger_text = content("logger.txt");
  for (int i = 0; i < kLines; ++i) {
    EXPECT_EQ(LogCapture::occurrences(sink_text, "library|info|" + line(i) + "|\n"), 1) << i;
    EXPECT_EQ(LogCapture::occurrences(logger_text, "host|info|" + line(i) + "|\n"), 1) << i;
  }
}

TEST_F(AbuseF5, EachMeetsItsOwnExceptionsOnly) {
  std::uint64_t id = 0;
  EXPECT_EQ(crochet_log_add_file(CROCHET_LOG_TRACE, "/proc/nowhere/log.txt", 0, 0, &id), UV_ENOENT);
  EXPECT_EQ(crochet_log_add_file(CROCHET_LOG_TRACE, "/proc/nowhere/log.txt", 100, 1, &id), UV_ENOENT);
  EXPECT_THROW(spdlog::sinks::basic_file_sink_mt("/proc/nowhere/log.txt"), spdlog::spdlog_ex);
  EXPECT_THROW(static_cast<void>(fmt::format(fmt::runtime("{"))), fmt::format_error);
}

}  // namespace
}  // namespace contract
