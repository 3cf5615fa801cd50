// SPDX-License-Identifier: MIT
// Counts the allocations of the whole process, the library's among them, and makes them fail: the program defines
// malloc and its kin, and mmap, and the shared library's references bind to those.
#pragma once

#include <gtest/gtest.h>

#include "api/support/sanitizers.hpp"
#include "crochet.h"

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

// Lets the n-th allocation of this thread fail, and all after it, for n = 0, 1, ... until `start` succeeds. What it
// says before: check(code, n). No std::function: that would allocate.
template <class Start, class Check>
void fail_in_turn(const Start& start, const Check& check) {
  for (long allowed = 0; allowed < 1000; ++allowed) {
    int code;
    {
      const FailingAllocations rest(allowed);
      code = start();
    }
    if (code == CROCHET_OK) {
      EXPECT_GT(allowed, 0) << "nothing was allocated";
      return;
    }
    check(code, allowed);
  }
  ADD_FAILURE() << "it never succeeded";
}

}  // namespace contract

// Under a sanitizer malloc belongs to the sanitizer.
#define SKIP_WITHOUT_OWN_MALLOC() \
  if (contract::kSanitized) GTEST_SKIP() << "the sanitizer has replaced malloc already"
