// SPDX-License-Identifier: MIT
// Abuse by another libuv than the one built against: row B14. This program's functions come before libuv's of the same
// names, so that the library asks these what it has found.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>

#include "abuse/own_process.hpp"
#include "api/support/closure.hpp"
#include "api/support/host_loop.hpp"
#include "api/support/log_capture.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace {

// What is found; zeros: what is really there.
struct Found {
  unsigned version = 0;
  std::string version_string;
  std::size_t loop_size = 0;
  std::size_t handle_size = 0;
  uv_handle_type handle_type = UV_UNKNOWN_HANDLE;  // whose size that is
};
Found found;

template <typename Function>
Function libuvs(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

unsigned int uv_version(void) { return found.version != 0 ? found.version : libuvs<unsigned (*)()>("uv_version")(); }

const char* uv_version_string(void) {
  return found.version != 0 ? found.version_string.c_str() : libuvs<const char* (*)()>("uv_version_string")();
}

std::size_t uv_loop_size(void) {
  return found.loop_size != 0 ? found.loop_size : libuvs<std::size_t (*)()>("uv_loop_size")();
}

std::size_t uv_handle_size(uv_handle_type type) {
  return found.handle_size != 0 && found.handle_type == type
             ? found.handle_size
             : libuvs<std::size_t (*)(uv_handle_type)>("uv_handle_size")(type);
}

}  // extern "C"

namespace contract {
namespace {

std::string text_of(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

Found version(int major, int minor, int patch) {
  Found other;
  other.version = static_cast<unsigned>(major << 16 | minor << 8 | patch);
  other.version_string = text_of(major, minor, patch);
  return other;
}

// Each way to a loop is refused with one line that names both versions, and leaves nothing: without that libuv all
// works.
void is_refused(const Found& other) {
  in_own_process([&other] {
    const std::string built_against = text_of(UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH);
    const std::string found_one = other.version != 0 ? other.version_string : uv_version_string();
    HostLoop host;
    OwnedLoop loop;
    const std::array<std::function<int()>, 4> ways = {
        [] { return crochet_setup(nullptr); },
        [&host] { return crochet_no_setup(host.uv(), nullptr); },
        [&loop] { return crochet_loop_new(nullptr, loop.out()); },
        [&loop, &host] { return crochet_loop_adopt(host.uv(), nullptr, loop.out()); },
    };
    for (const auto& way : ways) {
      LogCapture log;
      found = other;
      EXPECT_EQ(way(), CROCHET_EVERSION);
      found = {};
      const std::string text = log.stop();
      EXPECT_EQ(LogCapture::occurrences(text, "\n"), 1) << text;
      EXPECT_EQ(LogCapture::occurrences(text, built_against), built_against == found_one ? 2 : 1) << text;
      EXPECT_GE(LogCapture::occurrences(text, found_one), 1) << text;
      EXPECT_FALSE(loop);
      EXPECT_EQ(crochet_current_loop(), nullptr);
    }
    EXPECT_EQ(host.close(), 0);
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
  });
}

void works(const Found& other) {
  in_own_process([&other] {
    found = other;
    EXPECT_EQ(crochet_setup(nullptr), CROCHET_OK);
    EXPECT_EQ(on_loop(nullptr, [] {}), CROCHET_OK);
    EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK);
  });
}

TEST(AbuseB14, ALibuvOfAnotherMajorVersionIsRefused) {
  is_refused(version(UV_VERSION_MAJOR + 1, UV_VERSION_MINOR, UV_VERSION_PATCH));
  is_refused(version(UV_VERSION_MAJOR - 1, UV_VERSION_MINOR, UV_VERSION_PATCH));
}

TEST(AbuseB14, AnOlderLibuvIsRefused) {
  is_refused(version(UV_VERSION_MAJOR, UV_VERSION_MINOR - 1, UV_VERSION_PATCH));
  if (UV_VERSION_PATCH > 0) is_refused(version(UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH - 1));
}

TEST(AbuseB14, ALibuvOfTheRightVersionWithAnotherSizeOfItsLoopIsRefused) {
  Found other;
  other.loop_size = sizeof(uv_loop_t) + 8;
  is_refused(other);
  other.loop_size = sizeof(uv_loop_t) - 8;
  is_refused(other);
}

TEST(AbuseB14, SoIsOneWithAnotherSizeOfAHandleThatTheLibraryUses) {
  for (const uv_handle_type type : {UV_ASYNC, UV_PREPARE, UV_CHECK, UV_IDLE, UV_TIMER}) {
    SCOPED_TRACE(uv_handle_type_name(type));
    Found other;
    other.handle_type = type;
    other.handle_size = uv_handle_size(type) + 8;
    is_refused(other);
  }
}

TEST(AbuseB14, ANewerLibuvOfTheSameMajorVersionWorks) {
  works(version(UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH));
  works(version(UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH + 1));
  works(version(UV_VERSION_MAJOR, UV_VERSION_MINOR + 1, 0));
}

}  // namespace
}  // namespace contract
