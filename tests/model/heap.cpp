// SPDX-License-Identifier: MIT
#include "model/heap.hpp"

#include <cstring>

#include "model/execution.hpp"

namespace crochet::model {

constinit Heap heap;

namespace {
constexpr std::size_t kLine = 64;
}

void* Heap::take(std::size_t size) {
  const std::size_t whole = (size + kLine - 1) / kLine * kLine;
  if (memory_ == nullptr) memory_ = static_cast<std::byte*>(::operator new (kCapacity, std::align_val_t{kLine}));
  if (whole > kCapacity - used_) execution.fail("the heap of %zu bytes is used up", kCapacity);
  std::byte* const piece = memory_ + used_;
  used_ += whole;
  std::memset(piece, 0, size);
  return piece;
}

void* allocate(std::size_t size, const char* what) {
  void* const memory = heap.take(size);
  born(memory, size, what);
  return memory;
}

void deallocate(void* memory) { died(memory); }

}  // namespace crochet::model
