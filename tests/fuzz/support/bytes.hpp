// SPDX-License-Identifier: MIT
// An input, read from its beginning: what to do next, as numbers. Behind its end there are zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fuzz {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

  bool at_end() const { return at_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  std::uint8_t next() { return at_end() ? std::uint8_t{0} : *at_++; }
  // One of 0, 1 ... count - 1.
  unsigned pick(std::size_t count) { return count <= 1 ? 0 : static_cast<unsigned>(next() % count); }
  bool one_in(unsigned count) { return next() % count == 1; }
  // Up to `most` bytes, as many as a byte says.
  std::string text(std::size_t most) {
    std::size_t length = next();
    if (most > 255) length = length << 8 | next();
    if (length > most) length = most;
    if (length > left()) length = left();
    std::string taken(reinterpret_cast<const char*>(at_), length);
    at_ += length;
    return taken;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* const end_;
};

}  // namespace fuzz
