// SPDX-License-Identifier: MIT
// Codes, names and messages: crochet_status_name(), crochet_status_message().
#include <gtest/gtest.h>
#include <uv.h>

#include <cctype>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/support/at_once.hpp"
#include "crochet.h"

namespace contract {
namespace {

struct Documented {
  std::string name;
  int code;
};

// The codes as crochet.h defines them: its text is the truth that the library is compared with.
std::vector<Documented> codes_in_the_header() {
  std::ifstream header(CROCHET_HEADER);
  const std::regex define(R"(#define\s+(CROCHET_OK|CROCHET_E[A-Z]+)\s+\(?(-?[0-9]+)\)?.*)");
  std::vector<Documented> found;
  for (std::string line; std::getline(header, line);) {
    std::smatch match;
    if (std::regex_match(line, match, define)) found.push_back({match[1], std::stoi(match[2])});
  }
  return found;
}

bool is_one_line(const std::string& text) {
  return !text.empty() && text.find('\n') == std::string::npos && !std::isspace(static_cast<unsigned char>(text[0]));
}

TEST(StatusCode, OfTheHeaderAreKnownByTheirNames) {
  const std::vector<Documented> codes = codes_in_the_header();
  EXPECT_EQ(codes.size(), 25u);
  for (const Documented& code : codes) EXPECT_EQ(crochet_status_name(code.code), code.name);
}

TEST(StatusCode, OfTheHeaderHaveAMessageOfTheirOwn) {
  std::set<std::string> messages;
  const std::vector<Documented> codes = codes_in_the_header();
  for (const Documented& code : codes) {
    const std::string message = crochet_status_message(code.code);
    EXPECT_TRUE(is_one_line(message)) << code.name;
    messages.insert(message);
  }
  EXPECT_EQ(messages.size(), codes.size());
}

TEST(StatusCode, OfTheLibraryLieOutsideTheRangesOfErrnoAndLibuv) {
  for (const Documented& code : codes_in_the_header()) {
    if (code.code == CROCHET_OK) continue;
    EXPECT_LT(code.code, -10000) << code.name;
  }
  EXPECT_NE(CROCHET_ETIMEDOUT, static_cast<int>(UV_ETIMEDOUT));
}

TEST(StatusCode, OfLibuvAreKnown) {
#define EXPECT_KNOWN(name, message)                          \
  EXPECT_STREQ(crochet_status_name(UV_##name), "UV_" #name); \
  EXPECT_STREQ(crochet_status_message(UV_##name), uv_strerror(UV_##name));
  UV_ERRNO_MAP(EXPECT_KNOWN)
#undef EXPECT_KNOWN
}

TEST(StatusCode, ThatNobodyDefinedIsUnknown) {
  for (const int code : {1, 12345, -9999, -10000, -10025, -20000, 2147483647, -2147483647 - 1}) {
    EXPECT_STREQ(crochet_status_name(code), "UNKNOWN") << code;
    EXPECT_TRUE(is_one_line(crochet_status_message(code))) << code;
  }
}

TEST(StatusCode, IsToldToManyThreadsAtOnce) {
  at_once(4, [](int thread) {
    for (int i = 0; i < 1000; ++i) {
      const int code = -20000 - thread * 1000 - i;
      const std::string message = crochet_status_message(code);
      EXPECT_TRUE(is_one_line(message));
      EXPECT_STREQ(crochet_status_message(code), message.c_str());
      EXPECT_STREQ(crochet_status_name(UV_ENOENT), "UV_ENOENT");
      EXPECT_STREQ(crochet_status_message(UV_EACCES), uv_strerror(UV_EACCES));
    }
  });
}

}  // namespace
}  // namespace contract
