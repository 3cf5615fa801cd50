// SPDX-License-Identifier: MIT
// What a call costs in memory once everything is warm: no allocation at all, on any thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "api/failing_malloc.hpp"
#include "api/support/default_loop.hpp"
#include "api/support/gate.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {
namespace {

constexpr int kCalls = 10000;

class Allocations : public WithDefaultLoop {
 protected:
  // Once in a few times: when the loop's thread stands still before it gives a call back, one more call is
  // outstanding than ever before.
  template <typename Call>
  static void expect_none_when_warm(const Call& one_call) {
    constexpr int kTimes = 5;
    long fewest = allocated_when_warm(one_call);
    for (int time = 1; time < kTimes && fewest != 0; ++time) fewest = std::min(fewest, allocated_when_warm(one_call));
    EXPECT_EQ(fewest, 0);
  }

 private:
  // Has two threads do `one_call` kCalls times each, twice; what the whole process allocates the second time. Neither
  // thread ends, and nothing else happens, between the two looks at the count.
  template <typename Call>
  static long allocated_when_warm(const Call& one_call) {
    Gate warm[2], measure, measured[2], leave;
    std::thread callers[2];
    for (int i = 0; i < 2; ++i) {
      callers[i] = std::thread([&, i] {
        for (int n = 0; n < kCalls; ++n) one_call();
        warm[i].open();
        measure.wait();
        for (int n = 0; n < kCalls; ++n) one_call();
        measured[i].open();
        leave.wait();
      });
    }
    for (Gate& gate : warm) gate.wait();
    const long before = allocations();
    measure.open();
    for (Gate& gate : measured) gate.wait();
    const long after = allocations();
    leave.open();
    for (std::thread& caller : callers) caller.join();
    return after - before;
  }
};

void resolve_argument(crochet_deferred* deferred, void* arg) { crochet_resolve(deferred, arg, nullptr); }

TEST_F(Allocations, AreCounted) {
  SKIP_WITHOUT_OWN_MALLOC();
  const long before = allocations();
  OwnedOptions options;
  EXPECT_EQ(crochet_options_new(options.out()), CROCHET_OK);  // an allocation inside the shared library
  EXPECT_GT(allocations(), before);
}

TEST_F(Allocations, OfACallAreNone) {
  SKIP_WITHOUT_OWN_MALLOC();
  expect_none_when_warm([] {
    crochet_result* result = nullptr;
    if (crochet_run(nullptr, resolve_argument, nullptr, nullptr, &result) != CROCHET_OK) std::abort();
    if (crochet_result_wait(result, kForever) != CROCHET_OK) std::abort();
    crochet_result_release(result);
  });
}

TEST_F(Allocations, OfACallThatIsWaitedForInOneAreNone) {
  SKIP_WITHOUT_OWN_MALLOC();
  expect_none_when_warm([] {
    if (crochet_wait_for(nullptr, resolve_argument, nullptr, nullptr, kForever, nullptr) != CROCHET_OK) {
      std::abort();
    }
  });
}

TEST_F(Allocations, OfAPreparedCallWithStorageAreNone) {
  SKIP_WITHOUT_OWN_MALLOC();
  expect_none_when_warm([] {
    crochet_call* call = nullptr;
    if (crochet_call_new(nullptr, 48, &call) != CROCHET_OK) std::abort();
    std::memset(crochet_call_storage(call), 1, 48);
    crochet_result* result = nullptr;
    if (crochet_call_run(call, resolve_argument, nullptr, &result) != CROCHET_OK) std::abort();
    if (crochet_result_wait(result, kForever) != CROCHET_OK) std::abort();
    crochet_result_release(result);
  });
}

TEST_F(Allocations, OfADeferredSettledByHandAreNone) {
  SKIP_WITHOUT_OWN_MALLOC();
  expect_none_when_warm([] {
    crochet_deferred* deferred = nullptr;
    crochet_result* result = nullptr;
    if (crochet_deferred_new(nullptr, nullptr, nullptr, &deferred, &result) != CROCHET_OK) std::abort();
    if (crochet_resolve(deferred, nullptr, nullptr) != CROCHET_OK) std::abort();
    crochet_deferred_release(deferred);
    crochet_result_release(result);
  });
}

}  // namespace
}  // namespace contract
