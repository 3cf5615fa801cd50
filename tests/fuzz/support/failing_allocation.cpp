// SPDX-License-Identifier: MIT
#include "fuzz/support/failing_allocation.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <new>

namespace fuzz {
namespace {

thread_local bool counts = false;
thread_local int allowed = 0;
thread_local bool failed = false;

bool admit() {
  if (!counts || allowed-- != 0) return true;
  failed = true;
  errno = ENOMEM;
  return false;
}

}  // namespace

FailingAllocation::FailingAllocation(int nth) {
  allowed = nth;
  failed = false;
  counts = nth >= 0;
}
FailingAllocation::~FailingAllocation() { counts = false; }
bool FailingAllocation::has_failed() const { return failed; }

UncountedAllocations::UncountedAllocations() : before_(counts) { counts = false; }
UncountedAllocations::~UncountedAllocations() { counts = before_; }

}  // namespace fuzz

extern "C" {

#define WRAPPED(type, name, parameters, arguments) \
  type __real_##name parameters;                   \
  type __wrap_##name parameters;                   \
  type __wrap_##name parameters { return fuzz::admit() ? __real_##name arguments : nullptr; }

WRAPPED(void*, malloc, (std::size_t size), (size))
WRAPPED(void*, calloc, (std::size_t count, std::size_t size), (count, size))
WRAPPED(void*, realloc, (void* memory, std::size_t size), (memory, size))
WRAPPED(void*, aligned_alloc, (std::size_t alignment, std::size_t size), (alignment, size))
WRAPPED(void*, _ZnwmRKSt9nothrow_t, (std::size_t size, const std::nothrow_t& nothrow), (size, nothrow))
WRAPPED(void*, _ZnamRKSt9nothrow_t, (std::size_t size, const std::nothrow_t& nothrow), (size, nothrow))
WRAPPED(void*, _ZnwmSt11align_val_tRKSt9nothrow_t,
        (std::size_t size, std::align_val_t alignment, const std::nothrow_t& nothrow), (size, alignment, nothrow))

void* __real__Znwm(std::size_t size);
void* __wrap__Znwm(std::size_t size);
void* __wrap__Znwm(std::size_t size) {
  if (!fuzz::admit()) throw std::bad_alloc();
  return __real__Znwm(size);
}

void* __real_mmap(void* address, std::size_t length, int protection, int flags, int file, off_t offset);
void* __wrap_mmap(void* address, std::size_t length, int protection, int flags, int file, off_t offset);
void* __wrap_mmap(void* address, std::size_t length, int protection, int flags, int file, off_t offset) {
  return fuzz::admit() ? __real_mmap(address, length, protection, flags, file, offset) : MAP_FAILED;
}

}  // extern "C"
