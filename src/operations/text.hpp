// SPDX-License-Identifier: MIT
// A copy of a string of the caller's, or none; running out of memory is an answer, not an exception.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace crochet {

class Text {
 public:
  // False: no memory. Null stays null.
  bool assign(const char* text) {
    bytes_.reset();
    if (text == nullptr) return true;
    const std::size_t size = std::strlen(text) + 1;
    bytes_.reset(new (std::nothrow) char[size]);
    if (bytes_ == nullptr) return false;
    std::memcpy(bytes_.get(), text, size);
    return true;
  }
  const char* get() const { return bytes_.get(); }

 private:
  std::unique_ptr<char[]> bytes_;
};

}  // namespace crochet
