// SPDX-License-Identifier: MIT
// Fuzz target: messages of any bytes on their way to a function and to a file.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "crochet.h"
#include "fuzz/support/bytes.hpp"
#include "fuzz/support/story.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using fuzz::found;
using fuzz::tell;

constexpr const char* kLevels[] = {"trace", "debug", "info", "warning", "error", "critical"};

struct Record {
  int level;
  std::string origin;
  std::string message;
  std::size_t full_length;
};

// Written by the log's thread; a flush hands it over.
std::vector<Record> received;

void receive(void*, const crochet_log_record* record) {
  if (record->message[record->message_length] != '\0' || record->origin[record->origin_length] != '\0') {
    found("a text does not end in a 0");
  }
  received.push_back({record->level, std::string(record->origin, record->origin_length),
                      std::string(record->message, record->message_length), record->full_length});
}

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// As crochet.h says it: cut between two characters, so that this and " [...]" fit.
std::string shortened(const std::string& message) {
  if (message.size() <= CROCHET_LOG_LONGEST) return message;
  std::size_t length = CROCHET_LOG_LONGEST - 6;
  for (int i = 0; i < 3 && continues(message[length]); ++i) --length;
  if (continues(message[length])) length = CROCHET_LOG_LONGEST - 6;  // no UTF-8 anyway
  return message.substr(0, length) + " [...]";
}

struct File {
  int descriptor = memfd_create("lines", MFD_CLOEXEC);
  std::string path = "/proc/self/fd/" + std::to_string(descriptor);

  std::string take() const {
    std::string content(static_cast<std::size_t>(lseek(descriptor, 0, SEEK_END)), '\0');
    if (pread(descriptor, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) std::abort();
    if (ftruncate(descriptor, 0) != 0) std::abort();
    return content;
  }
};

const File& begin_once() {
  static const File* const file = [] {
    auto* made = new File;
    (void)crochet_log_remove(CROCHET_LOG_DEFAULT_SINK);
    if (crochet_log_add_function(CROCHET_LOG_TRACE, &receive, nullptr, nullptr, nullptr) != CROCHET_OK) std::abort();
    if (crochet_log_add_file(CROCHET_LOG_TRACE, made->path.c_str(), 0, 0, nullptr) != CROCHET_OK) std::abort();
    return made;
  }();
  return *file;
}

void check_lines(std::string_view content, const std::vector<Record>& expected) {
  for (const Record& record : expected) {
    constexpr std::size_t kDate = 23;  // 2026-11-27 11:32:00.123
    const std::string rest = " " + std::to_string(gettid()) + " " + record.origin + " " + kLevels[record.level] + ": " +
                             record.message + "\n";
    if (content.size() < kDate + rest.size() || content.substr(kDate, rest.size()) != rest) {
      found("a line of the file is \"%.*s\", not \"%s\"", static_cast<int>(content.size()), content.data(),
            rest.c_str());
    }
    content.remove_prefix(kDate + rest.size());
  }
  if (!content.empty()) found("the file has more than was logged");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const File& file = begin_once();
  fuzz::begin_story();
  fuzz::Bytes bytes(data, size);
  received.clear();
  const int threshold = static_cast<int>(bytes.pick(7));
  if (crochet_log_set_level(threshold) != CROCHET_OK) found("log_set_level");
  std::vector<Record> expected;
  for (int i = 0; i < 100 && !bytes.at_end(); ++i) {
    const int level = static_cast<int>(bytes.pick(8)) - 1;
    const unsigned how = bytes.pick(4);
    const std::string origin = bytes.text(40);
    const std::string message = bytes.text(2000);
    const std::string said = origin.substr(0, origin.find('\0'));  // it ends in a 0
    tell("level %d, origin \"%s\", %zu bytes, way %u", level, said.c_str(), message.size(), how);
    int code;
    std::string text = message;
    if (how == 0) {
      text = message.substr(0, message.find('\0'));
      code = crochet_logf(level, origin.c_str(), "%s", text.c_str());
    } else if (how == 1) {
      code = crochet_log_wait(level, origin.c_str(), message.data(), message.size(), CROCHET_FOREVER);
    } else {
      code = crochet_log(level, origin.c_str(), message.data(), message.size());
    }
    const bool valid = level >= CROCHET_LOG_TRACE && level <= CROCHET_LOG_CRITICAL;
    if (code != (valid ? CROCHET_OK : CROCHET_EINVAL)) found("the log says %s", crochet_status_name(code));
    if (!valid || level < threshold) continue;
    expected.push_back({level, said.substr(0, CROCHET_LOG_ORIGIN_LONGEST), shortened(text), text.size()});
  }
  if (crochet_log_flush(CROCHET_FOREVER) != CROCHET_OK) found("log_flush");
  if (received.size() != expected.size()) found("%zu messages came of %zu", received.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Record& came = received[i];
    const Record& went = expected[i];
    if (came.level != went.level || came.origin != went.origin || came.message != went.message ||
        came.full_length != went.full_length) {
      found("message %zu came as \"%s\" of \"%s\"", i, came.message.c_str(), came.origin.c_str());
    }
  }
  check_lines(file.take(), expected);
  return 0;
}
