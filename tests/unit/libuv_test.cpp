// SPDX-License-Identifier: MIT
// Does the libuv found at run time fit? This program answers for it: its own definitions come before the library's.
#include <gtest/gtest.h>
#include <uv.h>

#include <string>

#include "api/support/log_capture.hpp"
#include "base/status.hpp"
#include "crochet.h"
#include "loop/loop.hpp"

namespace {

struct FakeLibuv {
  unsigned version = UV_VERSION_HEX;
  std::size_t loop_size = sizeof(uv_loop_t);
  std::size_t extra_handle_size = 0;
  uv_handle_type extra_of = UV_UNKNOWN_HANDLE;
};
FakeLibuv libuv;

std::size_t built_size(uv_handle_type type) {
  switch (type) {
    case UV_ASYNC: return sizeof(uv_async_t);
    case UV_POLL: return sizeof(uv_poll_t);
    case UV_PREPARE: return sizeof(uv_prepare_t);
    case UV_CHECK: return sizeof(uv_check_t);
    case UV_IDLE: return sizeof(uv_idle_t);
    case UV_TIMER: return sizeof(uv_timer_t);
    default: return 0;
  }
}

}  // namespace

unsigned int uv_version(void) { return libuv.version; }
size_t uv_loop_size(void) { return libuv.loop_size; }
size_t uv_handle_size(uv_handle_type type) {
  return built_size(type) + (type == libuv.extra_of ? libuv.extra_handle_size : 0);
}

namespace crochet {
namespace {

using contract::LogCapture;

class CheckLibuv : public testing::Test {
 protected:
  void SetUp() override { libuv = FakeLibuv{}; }
};

TEST_F(CheckLibuv, AcceptsTheOneBuiltAgainst) {
  LogCapture capture;
  EXPECT_EQ(check_libuv(), CROCHET_OK);
  EXPECT_EQ(capture.stop(), "");
}

TEST_F(CheckLibuv, AcceptsANewerOne) {
  libuv.version = UV_VERSION_HEX + 1;
  EXPECT_EQ(check_libuv(), CROCHET_OK);
  libuv.version = UV_VERSION_HEX + (1 << 8);
  EXPECT_EQ(check_libuv(), CROCHET_OK);
}

TEST_F(CheckLibuv, RefusesAnOlderOne) {
  libuv.version = UV_VERSION_HEX - 1;
  EXPECT_EQ(check_libuv(), CROCHET_EVERSION);
}

TEST_F(CheckLibuv, RefusesAnotherMajorVersion) {
  libuv.version = UV_VERSION_HEX + (1 << 16);
  EXPECT_EQ(check_libuv(), CROCHET_EVERSION);
}

TEST_F(CheckLibuv, RefusesALoopOfAnotherSize) {
  libuv.loop_size += 8;
  EXPECT_EQ(check_libuv(), CROCHET_EVERSION);
}

TEST_F(CheckLibuv, RefusesEachHandleOfAnotherSize) {
  libuv.extra_handle_size = 8;
  for (const uv_handle_type type : {UV_ASYNC, UV_POLL, UV_PREPARE, UV_CHECK, UV_IDLE, UV_TIMER}) {
    libuv.extra_of = type;
    EXPECT_EQ(check_libuv(), CROCHET_EVERSION) << type;
  }
}

TEST_F(CheckLibuv, NamesBothVersionsInOneLine) {
  libuv.version = 0x020304;
  LogCapture capture;
  EXPECT_EQ(check_libuv(), CROCHET_EVERSION);
  const std::string& text = capture.stop();
  const std::string built = std::to_string(UV_VERSION_MAJOR) + "." + std::to_string(UV_VERSION_MINOR) + "." +
                            std::to_string(UV_VERSION_PATCH);
  EXPECT_NE(text.find(built), std::string::npos) << text;
  EXPECT_NE(text.find("2.3.4"), std::string::npos) << text;
  EXPECT_EQ(LogCapture::occurrences(text, "\n"), 1);
}

TEST_F(CheckLibuv, SaysWhenItWasTheSizes) {
  libuv.loop_size += 8;
  LogCapture capture;
  EXPECT_EQ(check_libuv(), CROCHET_EVERSION);
  EXPECT_NE(capture.stop().find("sizes"), std::string::npos);
}

TEST_F(CheckLibuv, KeepsALoopFromBeingMade) {
  libuv.version = 0x020304;
  contract::LogCapture capture;
  crochet_loop* loop = nullptr;
  EXPECT_EQ(crochet_loop_new(nullptr, &loop), CROCHET_EVERSION);
  EXPECT_EQ(loop, nullptr);
}

TEST(ForeignStatus, IsLibuvsOwn) {
  EXPECT_STREQ(foreign_status_name(UV_ENOENT), "UV_ENOENT");
  EXPECT_STREQ(foreign_status_message(UV_ENOENT), uv_strerror(UV_ENOENT));
}

TEST(ForeignStatus, OfNoCodeOfLibuvsIsNone) {
  for (const int code : {0, 7, -1'000'000, CROCHET_EINVAL}) {
    EXPECT_EQ(foreign_status_name(code), nullptr) << code;
    EXPECT_EQ(foreign_status_message(code), nullptr) << code;
  }
}

}  // namespace
}  // namespace crochet
