// SPDX-License-Identifier: MIT
// Lets one allocation of the library fail: the program is linked with its archive, and with --wrap for each function
// that allocates, so that this works beside a sanitizer's malloc, too.
#pragma once

namespace fuzz {

// While it lives the allocation number `nth` (from 0) of this thread fails; negative: none.
class FailingAllocation {
 public:
  explicit FailingAllocation(int nth);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  bool has_failed() const;
};

// A callback of the test's own: its allocations do not count.
class UncountedAllocations {
 public:
  UncountedAllocations();
  ~UncountedAllocations();
  UncountedAllocations(const UncountedAllocations&) = delete;
  UncountedAllocations& operator=(const UncountedAllocations&) = delete;

 private:
  const bool before_;
};

}  // namespace fuzz
