// SPDX-License-Identifier: MIT
// Failures with a text and a payload.
#include "call/error_record.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "api/support/drop_counter.hpp"

namespace crochet {
namespace {

using contract::DropCounter;

TEST(ErrorRecord, KeepsWhatItWasMadeOf) {
  DropCounter payload;
  ErrorRecord* record = ErrorRecord::make(-7, "went wrong", 42, payload.pointer(), DropCounter::drop);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->code, -7);
  EXPECT_STREQ(record->message(), "went wrong");
  EXPECT_EQ(record->type, 42u);
  EXPECT_EQ(record->payload, payload.pointer());
  EXPECT_EQ(payload.count(), 0);
  ErrorRecord::end(record);
  EXPECT_EQ(payload.count(), 1);
}

TEST(ErrorRecord, HasAnEmptyTextWhenThereWasNone) {
  for (const char* none : {static_cast<const char*>(nullptr), ""}) {
    ErrorRecord* record = ErrorRecord::make(-7, none, 0, nullptr, nullptr);
    EXPECT_STREQ(record->message(), "");
    ErrorRecord::end(record);
  }
}

TEST(ErrorRecord, CopiesTheText) {
  std::string text = "before";
  ErrorRecord* record = ErrorRecord::make(-7, text.c_str(), 0, nullptr, nullptr);
  text = "after!";
  EXPECT_STREQ(record->message(), "before");
  ErrorRecord::end(record);
}

// Whatever the memory held before.
TEST(ErrorRecord, EndsTheTextWhereItEnds) {
  const std::string text = "twelve bytes";
  const std::size_t size = sizeof(ErrorRecord) + text.size() + 1;
  void* used = std::malloc(size);
  ASSERT_NE(used, nullptr);
  std::memset(used, 'x', size);
  std::free(used);
  ErrorRecord* record = ErrorRecord::make(-7, text.c_str(), 0, nullptr, nullptr);
  EXPECT_EQ(record->message(), text);
  ErrorRecord::end(record);
}

TEST(ErrorRecord, CutsATextOffAtItsBound) {
  for (const std::size_t length : {ErrorRecord::kLongestMessage - 1, ErrorRecord::kLongestMessage,
                                   ErrorRecord::kLongestMessage + 1, std::size_t{1} << 20}) {
    const std::string text(length, 'x');
    ErrorRecord* record = ErrorRecord::make(-7, text.c_str(), 0, nullptr, nullptr);
    EXPECT_EQ(std::string(record->message()).size(), std::min(length, ErrorRecord::kLongestMessage));
    ErrorRecord::end(record);
  }
}

TEST(ErrorRecord, LeavesAPayloadWithoutDropAlone) {
  DropCounter payload;
  ErrorRecord::end(ErrorRecord::make(-7, "x", 0, payload.pointer(), nullptr));
  EXPECT_EQ(payload.count(), 0);
}

TEST(ErrorRecord, DropsANullPayloadToo) {
  static int drops = 0;
  ErrorRecord::end(ErrorRecord::make(-7, "x", 0, nullptr, [](void* payload) { drops += payload == nullptr ? 1 : 0; }));
  EXPECT_EQ(drops, 1);
}

}  // namespace
}  // namespace crochet
