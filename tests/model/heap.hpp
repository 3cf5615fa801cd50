// SPDX-License-Identifier: MIT
// Memory that lives as long as the execution: what is freed is marked dead, and never handed out again before the end.
// So a use after free finds the object still there, is reported, and addresses are the same whenever a trail is
// replayed.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "model/lifetimes.hpp"

namespace crochet::model {

// Zeroed, aligned for everything up to a cache line.
void* allocate(std::size_t size, const char* what);
void deallocate(void* memory);

template <class T, class... Arguments>
T* create(const char* what, Arguments&&... arguments) {
  return ::new (allocate(sizeof(T), what)) T{std::forward<Arguments>(arguments)...};
}

template <class T>
void destroy(T* object) {
  object->~T();
  deallocate(object);
}

class Heap {
 public:
  void clear() noexcept { used_ = 0; }
  void* take(std::size_t size);

 private:
  static constexpr std::size_t kCapacity = std::size_t{16} << 20;

  std::size_t used_ = 0;
  std::byte* memory_ = nullptr;  // made once, kept for good
};

extern constinit Heap heap;

}  // namespace crochet::model
