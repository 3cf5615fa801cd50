// SPDX-License-Identifier: MIT
// Text on its way to a function of the host's, in pieces of a few kilobytes, so that a listing of any length needs no
// memory; and how text is made harmless on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crochet.h"

namespace crochet {

class DumpOutput {
 public:
  DumpOutput(crochet_dump_fn* write, void* arg) : write_(write), arg_(arg) {}
  DumpOutput(const DumpOutput&) = delete;
  DumpOutput& operator=(const DumpOutput&) = delete;

  DumpOutput& operator<<(std::string_view text);
  DumpOutput& operator<<(std::uint64_t number);
  DumpOutput& hexadecimal(std::uint64_t number);  // 0x...
  DumpOutput& seconds(std::int64_t ns);           // 1.234 s
  // Of anybody's: on one line, whatever it holds.
  DumpOutput& line(std::string_view text);
  // The same as a JSON string, quotes included: valid also where the text is no UTF-8.
  DumpOutput& json(std::string_view text);

  void flush();
  // False: the host's function has had enough; the rest goes nowhere.
  bool goes_on() const { return status_ == CROCHET_OK; }
  int status() const { return status_; }

 private:
  void put(char byte);

  crochet_dump_fn* const write_;
  void* const arg_;
  int status_ = CROCHET_OK;
  std::size_t length_ = 0;
  char buffer_[4096];
};

}  // namespace crochet
