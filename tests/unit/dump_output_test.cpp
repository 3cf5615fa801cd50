// SPDX-License-Identifier: MIT
// Numbers and foreign text in a listing: what is UTF-8 is passed on, byte by byte at its bounds, and nothing else.
#include "runtime/dump_output.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace crochet {
namespace {

template <class Write>
std::string written(Write&& write) {
  std::string text;
  DumpOutput out(
      [](void* to, const char* bytes, std::size_t length) {
        static_cast<std::string*>(to)->append(bytes, length);
        return 0;
      },
      &text);
  write(out);
  out.flush();
  EXPECT_TRUE(out.goes_on());
  return text;
}

std::string json(const std::string& text) {
  return written([&](DumpOutput& out) { out.json(text); });
}
std::string line(const std::string& text) {
  return written([&](DumpOutput& out) { out.line(text); });
}
std::string seconds(std::int64_t ns) {
  return written([&](DumpOutput& out) { out.seconds(ns); });
}

TEST(SecondsOfAListing, HaveThreeDigitsBehindThePoint) {
  EXPECT_EQ(seconds(0), "0.000 s");
  EXPECT_EQ(seconds(999'999), "0.000 s");
  EXPECT_EQ(seconds(1'000'000), "0.001 s");
  EXPECT_EQ(seconds(999'999'999), "0.999 s");
  EXPECT_EQ(seconds(1'000'000'000), "1.000 s");
  EXPECT_EQ(seconds(61'234'567'890), "61.234 s");
  EXPECT_EQ(seconds(-1), "0.000 s");
  EXPECT_EQ(seconds(-5'000'000'000), "0.000 s");
}

TEST(NumbersOfAListing, AreWrittenInFull) {
  EXPECT_EQ(written([](DumpOutput& out) { out << std::uint64_t{0}; }), "0");
  EXPECT_EQ(written([](DumpOutput& out) { out << UINT64_MAX; }), "18446744073709551615");
  EXPECT_EQ(written([](DumpOutput& out) { out.hexadecimal(UINT64_MAX); }), "0xffffffffffffffff");
}

// Lead bytes, and the least and the greatest byte that may follow them (RFC 3629, 4).
struct Lead {
  int first, last;
  int least, most;
  std::string rest;
};
const std::vector<Lead> kLeads = {
    {0xc2, 0xdf, 0x80, 0xbf, ""},         {0xe0, 0xe0, 0xa0, 0xbf, "\x80"},     {0xe1, 0xec, 0x80, 0xbf, "\xbf"},
    {0xed, 0xed, 0x80, 0x9f, "\x80"},     {0xee, 0xef, 0x80, 0xbf, "\x80"},     {0xf0, 0xf0, 0x90, 0xbf, "\x80\xbf"},
    {0xf1, 0xf3, 0x80, 0xbf, "\xbf\x80"}, {0xf4, 0xf4, 0x80, 0x8f, "\x80\x80"},
};

std::string character(int first, int second, const std::string& rest) {
  return std::string{static_cast<char>(first), static_cast<char>(second)} + rest;
}
std::string replaced(std::size_t bytes) {
  std::string text;
  while (bytes-- != 0) text += "\\ufffd";
  return "\"" + text + "\"";
}

TEST(Utf8OfAListing, IsPassedOnUpToItsBounds) {
  for (const Lead& lead : kLeads) {
    for (int first = lead.first; first <= lead.last; ++first) {
      for (const int second : {lead.least, lead.most}) {
        const std::string good = character(first, second, lead.rest);
        EXPECT_EQ(json(good), "\"" + good + "\"") << std::hex << first << " " << second;
      }
    }
  }
}

TEST(Utf8OfAListing, IsReplacedBeyondItsBounds) {
  for (const Lead& lead : kLeads) {
    for (int first = lead.first; first <= lead.last; ++first) {
      for (const int second : {lead.least - 1, lead.most + 1}) {
        const std::string bad = json(character(first, second, lead.rest));
        EXPECT_EQ(bad.substr(0, 7), "\"\\ufffd") << std::hex << first << " " << second;
      }
    }
  }
  for (const int first : {0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xff}) {
    EXPECT_EQ(json(character(first, 0x80, "\x80\x80")), replaced(4)) << std::hex << first;
  }
}

TEST(Utf8OfAListing, IsReplacedWhereItIsCutOrOutOfRange) {
  for (const Lead& lead : kLeads) {
    const std::string good = character(lead.first, lead.least, lead.rest);
    for (std::size_t length = 1; length < good.size(); ++length) {
      EXPECT_EQ(json(good.substr(0, length)), replaced(length)) << std::hex << lead.first;
    }
    for (std::size_t i = 2; i < good.size(); ++i) {
      for (const char bad : {'\x7e', '\xc2'}) {  // below and above what follows
        std::string text = good;
        text[i] = bad;
        EXPECT_EQ(json(text).substr(0, 7), "\"\\ufffd") << std::hex << lead.first << " " << i;
      }
    }
  }
}

TEST(TextOfAListing, HasNoControlCharacters) {
  EXPECT_EQ(json(std::string("\0\x1f \x7e\x7f", 5)), R"("\u0000\u001f ~\u007f")");
  EXPECT_EQ(line(std::string("\0\x1f \x7e\x7f", 5)), R"(\x00\x1f ~\x7f)");
  EXPECT_EQ(json("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(line("a\"b\\c"), R"(a"b\c)");
  EXPECT_EQ(json(""), "\"\"");
  EXPECT_EQ(line("caf\xc3\xa9\xff"), "caf\xc3\xa9\xff") << "as it is";
}

TEST(TextOfAListing, IsHandedOnWhenThereIsSome) {
  int pieces = 0;
  DumpOutput out(
      [](void* count, const char*, std::size_t) {
        ++*static_cast<int*>(count);
        return 0;
      },
      &pieces);
  out.flush();
  EXPECT_EQ(pieces, 0);
  out << "x";
  out.flush();
  out.flush();
  EXPECT_EQ(pieces, 1);
}

TEST(TextOfAListing, MayBeLongerThanAPiece) {
  const std::string much(10'000, 'x');
  EXPECT_EQ(line(much), much);
  EXPECT_EQ(json(much), "\"" + much + "\"");
}

}  // namespace
}  // namespace crochet
