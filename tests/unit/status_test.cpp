// SPDX-License-Identifier: MIT
// The table of status codes, and the codes of libuv behind it.
#include "base/status.hpp"

#include <gtest/gtest.h>
#include <uv.h>

#include <climits>
#include <initializer_list>
#include <set>
#include <string>
#include <thread>

#include "crochet.h"

namespace crochet {
namespace {

constexpr int kFirst = CROCHET_EFAILED;
constexpr int kLast = CROCHET_ECLOSED;

TEST(Status, OfEachCodeHasANameAndAMessageOfItsOwn) {
  std::set<std::string> names, messages;
  for (int code = kFirst; code >= kLast; --code) {
    const std::string name = status_name(code), message = status_message(code);
    EXPECT_EQ(name.rfind("CROCHET_E", 0), 0u) << code << ": " << name;
    EXPECT_FALSE(message.empty()) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(messages.insert(message).second) << message;
  }
}

TEST(Status, IsNamedAsInTheHeader) {
  EXPECT_STREQ(status_name(CROCHET_OK), "CROCHET_OK");
  EXPECT_STREQ(status_name(CROCHET_EFAILED), "CROCHET_EFAILED");
  EXPECT_STREQ(status_name(CROCHET_ETIMEDOUT), "CROCHET_ETIMEDOUT");
  EXPECT_STREQ(status_name(CROCHET_EVERSION), "CROCHET_EVERSION");
}

TEST(Status, OfAnotherNumberIsUnknown) {
  for (const int code : {kLast - 1, kFirst + 1, 1, 7, -1'000'000, INT_MAX, INT_MIN}) {
    EXPECT_STREQ(status_name(code), "UNKNOWN") << code;
    EXPECT_STRNE(status_message(code), "") << code;
  }
}

TEST(Status, OfLibuvIsPassedOnWhole) {
#define CHECK_CODE(name, message)                    \
  EXPECT_STREQ(status_name(UV_##name), "UV_" #name); \
  EXPECT_STREQ(status_message(UV_##name), uv_strerror(UV_##name));
  UV_ERRNO_MAP(CHECK_CODE)
#undef CHECK_CODE
}

TEST(Status, IsAStaticStringThatNoOtherCallChanges) {
  for (const int code : std::initializer_list<int>{UV_ENOENT, CROCHET_EINVAL, 7}) {
    const char* name = status_name(code);
    const char* message = status_message(code);
    const std::string name_before = name, message_before = message;
    std::thread([] {
      for (int other = 0; other > -200; --other) status_message(other);
    }).join();
    status_name(UV_EMFILE);
    status_message(UV_EMFILE);
    EXPECT_EQ(name, name_before);
    EXPECT_EQ(message, message_before);
    EXPECT_EQ(status_name(code), name) << "the same pointer";
    EXPECT_EQ(status_message(code), message);
  }
}

}  // namespace
}  // namespace crochet
