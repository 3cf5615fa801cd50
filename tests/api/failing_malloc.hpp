// SPDX-License-Identifier: MIT
// Counts the allocations of the whole process, the library's among them, and makes them fail: the program defines
// malloc and its kin, and mmap, and the shared library's references bind to those.
#pragma once

#include <gtest/gtest.h>

#include "api/support/sanitizers.hpp"

namespace contract {

// How many allocations there have been, by whichever thread. Freeing does not count.
long allocations();

// While it lives, allocations of the calling thread fail; the first `allowed` do not.
class FailingAllocations {
 public:
  explicit FailingAllocations(long allowed = 0);
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;
};

}  // namespace contract

// Under a sanitizer malloc belongs to the sanitizer.
#define SKIP_WITHOUT_OWN_MALLOC() \
  if (contract::kSanitized) GTEST_SKIP() << "the sanitizer has replaced malloc already"
