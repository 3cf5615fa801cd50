// SPDX-License-Identifier: MIT
// What the process has one of, made by two at once: the second one comes while the first allocates, and is the quicker.
#include <gtest/gtest.h>

#include <new>
#include <utility>

#include "api/support/in_child.hpp"
#include "api/support/log_capture.hpp"
#include "base/deadline.hpp"
#include "log/bridge.hpp"
#include "log/log.hpp"
#include "runtime/runtime.hpp"

namespace {

void (*meanwhile)() = nullptr;  // runs in the next allocation

void run_meanwhile() {
  if (void (*const other)() = std::exchange(meanwhile, nullptr)) other();
}

}  // namespace

// In place of the standard library's, for the library too.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  run_meanwhile();
  try {
    return ::operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  run_meanwhile();
  try {
    return ::operator new(size, alignment);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace crochet {
namespace {

template <class One>
void make_by_two() {
  contract::in_child([] {
    static One* quicker;
    meanwhile = [] { quicker = One::get_or_make(); };
    One* const slower = One::get_or_make();
    EXPECT_EQ(meanwhile, nullptr);
    EXPECT_NE(quicker, nullptr);
    EXPECT_EQ(slower, quicker);
    EXPECT_EQ(One::get(), quicker);
  });
}

TEST(MadeByTwoAtOnce, TheRuntimeIsOne) { make_by_two<Runtime>(); }

TEST(MadeByTwoAtOnce, TheLogIsOne) { make_by_two<LogBridge>(); }

TEST(MadeByTwoAtOnce, TheLogWritesEachLineOnce) {
  contract::in_child([] {
    contract::LogCapture capture;
    meanwhile = [] { LogBridge::get_or_make(); };
    LogBridge::get_or_make();
    log(LogLevel::kError, "said once");
    EXPECT_EQ(LogBridge::get()->flush(Deadline::never()), CROCHET_OK);
    EXPECT_EQ(contract::LogCapture::occurrences(capture.stop(), "said once"), 1);
  });
}

}  // namespace
}  // namespace crochet
