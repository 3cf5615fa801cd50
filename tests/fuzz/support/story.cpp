// SPDX-License-Identifier: MIT
#include "fuzz/support/story.hpp"

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace fuzz {
namespace {

constexpr std::size_t kLongest = 256 * 1024;

std::mutex mutex;
char story[kLongest];
std::size_t length = 0;

bool shows() {
  static const bool yes = std::getenv("FUZZ_SHOW") != nullptr;
  return yes;
}

}  // namespace

void begin_story() {
  const std::lock_guard lock(mutex);
  length = 0;
}

void tell(const char* format, ...) {
  const std::lock_guard lock(mutex);
  if (length + 512 > kLongest) return;
  char* const line = story + length;
  va_list arguments;
  va_start(arguments, format);
  const int printed = std::vsnprintf(line, 500, format, arguments);
  va_end(arguments);
  length += static_cast<std::size_t>(printed < 500 ? printed : 499);
  story[length++] = '\n';
  if (!shows()) return;
  std::fwrite(line, 1, static_cast<std::size_t>(story + length - line), stderr);
  std::fflush(stderr);
}

void found(const char* format, ...) {
  const std::lock_guard lock(mutex);
  if (!shows()) std::fwrite(story, 1, length, stderr);
  std::fputs("FOUND: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::fflush(stderr);
  std::abort();
}

}  // namespace fuzz
