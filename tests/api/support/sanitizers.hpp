// SPDX-License-Identifier: MIT
// Which sanitizer this program is built with; for the few tests that can't work under one.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define CONTRACT_ADDRESS_SANITIZER 1
#elif defined(__SANITIZE_THREAD__)
#define CONTRACT_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONTRACT_ADDRESS_SANITIZER 1
#elif __has_feature(thread_sanitizer)
#define CONTRACT_THREAD_SANITIZER 1
#endif
#endif

namespace contract {

#if defined(CONTRACT_ADDRESS_SANITIZER)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif
#if defined(CONTRACT_THREAD_SANITIZER)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
inline constexpr bool kSanitized = kAddressSanitizer || kThreadSanitizer;

}  // namespace contract

// The thread sanitizer puts a signal off while a thread sleeps in a system call that it does not know, and knows no
// threads in a child that was forked beside others: a few tests can't work under it.
#define SKIP_UNDER_THREAD_SANITIZER(why) \
  if (contract::kThreadSanitizer) GTEST_SKIP() << "the thread sanitizer " why

// A child that was forked while other threads were busy: the thread sanitizer knows no threads of its, and the address
// sanitizer's allocator may be locked there for ever, by a thread that was left behind.
#define SKIP_WHERE_A_FORKED_CHILD_CANT_BEGIN_ANEW() \
  if (contract::kSanitized) GTEST_SKIP() << "a sanitizer can't go on in a child that was forked beside busy threads"

// What does not fit into any memory is refused, as without a sanitizer. Weak, since several files of a program may
// include this.
#if defined(CONTRACT_THREAD_SANITIZER)
extern "C" __attribute__((weak)) const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "die_after_fork=0:allocator_may_return_null=1"; }
#elif defined(CONTRACT_ADDRESS_SANITIZER)
extern "C" __attribute__((weak)) const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
#endif
