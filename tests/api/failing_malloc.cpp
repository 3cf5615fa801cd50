// SPDX-License-Identifier: MIT
#include "api/failing_malloc.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace contract {
namespace {

// relaxed: it counts, it publishes nothing. The test's own order (one thread, or gates) makes it exact where it looks.
std::atomic<long> made{0};
thread_local bool failing = false;
thread_local long still_allowed = 0;

#if !defined(CONTRACT_ADDRESS_SANITIZER) && !defined(CONTRACT_THREAD_SANITIZER)
// Counts one allocation. False: it must fail.
bool admit() {
  made.fetch_add(1, std::memory_order_relaxed);
  return !failing || still_allowed-- > 0;
}
#endif

}  // namespace

long allocations() { return made.load(std::memory_order_relaxed); }

FailingAllocations::FailingAllocations(long allowed) {
  still_allowed = allowed;
  failing = true;
}

FailingAllocations::~FailingAllocations() { failing = false; }

}  // namespace contract

#if !defined(CONTRACT_ADDRESS_SANITIZER) && !defined(CONTRACT_THREAD_SANITIZER)
extern "C" {

// glibc's own, by the names that stay when malloc is replaced.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept {
  if (contract::admit()) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  if (contract::admit()) return __libc_calloc(count, size);
  errno = ENOMEM;
  return nullptr;
}

void* realloc(void* memory, std::size_t size) noexcept {
  if (contract::admit()) return __libc_realloc(memory, size);
  errno = ENOMEM;
  return nullptr;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  if (contract::admit()) return __libc_memalign(alignment, size);
  errno = ENOMEM;
  return nullptr;
}

void* memalign(std::size_t alignment, std::size_t size) noexcept { return aligned_alloc(alignment, size); }

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  void* const got = contract::admit() ? __libc_memalign(alignment, size) : nullptr;
  if (got == nullptr) return ENOMEM;
  *memory = got;
  return 0;
}

void* mmap(void* address, std::size_t length, int protection, int flags, int file, off_t offset) noexcept {
  if (!contract::admit()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, length, protection, flags, file, offset));
}

}  // extern "C"
#endif
