// SPDX-License-Identifier: MIT
// A look at each allocation that reports failure by null, in the test and in the library. For one file of a program.
#ifndef CROCHET_TESTS_UNIT_SUPPORT_ON_ALLOCATION_HPP
#define CROCHET_TESTS_UNIT_SUPPORT_ON_ALLOCATION_HPP

#include <cstddef>
#include <functional>
#include <new>

namespace crochet {

// clang's sanitizers bring an operator new of their own, which can't be replaced.
#define ALLOCATIONS_ARE_SEEN 1
#ifdef __clang__
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef ALLOCATIONS_ARE_SEEN
#define ALLOCATIONS_ARE_SEEN 0
#endif
#endif
inline constexpr bool kAllocationsAreSeen = ALLOCATIONS_ARE_SEEN;

// Called by the next allocations; what it returns is whether there is memory. It may change itself.
inline std::function<bool()> on_allocation;

inline bool has_memory() {
  const std::function<bool()> asked = on_allocation;
  return !asked || asked();
}

}  // namespace crochet

#if ALLOCATIONS_ARE_SEEN
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return crochet::has_memory() ? ::operator new(size) : nullptr;
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return crochet::has_memory() ? ::operator new(size, alignment) : nullptr;
}
#endif

#endif
