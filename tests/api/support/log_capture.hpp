// SPDX-License-Identifier: MIT
// What the library writes to stderr while nobody has set another sink.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <regex>
#include <string>

#include "api/support/durations.hpp"
#include "crochet.h"

// A unit test that does without the C functions has no bridge to flush, either.
#pragma weak crochet_log_flush

namespace contract {

class LogCapture {
 public:
  LogCapture() : file_(memfd_create("log", MFD_CLOEXEC)), stderr_(dup(STDERR_FILENO)) {
    std::fflush(stderr);
    EXPECT_GE(file_, 0);
    EXPECT_EQ(fcntl(file_, F_SETFL, O_APPEND), 0);  // as log files are opened: writers share no offset
    EXPECT_EQ(dup2(file_, STDERR_FILENO), STDERR_FILENO);
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  ~LogCapture() { stop(); }

  // Gives stderr back, and everything written meanwhile: the library's lines without when and by which thread.
  const std::string& stop() {
    if (file_ < 0) return text_;
    const int flushed = crochet_log_flush == nullptr ? CROCHET_OK : crochet_log_flush(kKillTimer);
    EXPECT_TRUE(flushed == CROCHET_OK || flushed == CROCHET_EFORKED) << flushed;
    std::fflush(stderr);
    EXPECT_EQ(dup2(stderr_, STDERR_FILENO), STDERR_FILENO);
    close(stderr_);
    std::array<char, 4096> piece;
    EXPECT_EQ(lseek(file_, 0, SEEK_SET), 0);
    for (;;) {
      const ssize_t got = read(file_, piece.data(), piece.size());
      if (got <= 0) break;
      text_.append(piece.data(), static_cast<std::size_t>(got));
    }
    close(file_);
    file_ = -1;
    std::fputs(text_.c_str(), stderr);  // for whoever reads the test's output
    static const std::regex when_and_who("(^|\n)\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} \\d+ ");
    return text_ = std::regex_replace(text_, when_and_who, "$1");
  }

  static int occurrences(const std::string& text, const std::string& word) {
    int count = 0;
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
    return count;
  }

 private:
  int file_;
  int stderr_;
  std::string text_;
};

}  // namespace contract
