// SPDX-License-Identifier: MIT
// Looking at calls of others: what is seen, what is not, and that nothing comes of it.
#include "call/sight.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "call/handle.hpp"
#include "call/hot_path.hpp"
#include "call/side_reading.hpp"

namespace crochet {
namespace {

constexpr std::uint32_t kLoop = 4000;

void nothing(crochet_deferred*, void*) {}

class SightTest : public testing::Test {
 protected:
  void SetUp() override { call_ = allocate_call(); }
  Word make(Word handles = 1, Word flags = 0) {
    call_->set_function(nothing);
    return call_->make_prepared(kLoop, nullptr, nullptr, handles, flags);
  }
  void end(Word generation) {
    EXPECT_TRUE(call_->start());
    EXPECT_TRUE(call_->release_deferred(generation));
    call_->observe(generation);
    EXPECT_TRUE(call_->release_handle(generation));
  }
  int count() {
    int found = 0;
    for_each_outstanding(kLoop, [&found](Call&, const Sight&) { return ++found != 0; });
    return found;
  }

  Call* call_ = nullptr;
};

TEST_F(SightTest, SeesACallFromItsMakingToItsFinish) {
  Sight sight;
  EXPECT_FALSE(see(*call_, &sight));
  const Word generation = make();
  ASSERT_TRUE(see(*call_, &sight));
  EXPECT_EQ(word::phase(sight.word), Phase::kQueued);
  EXPECT_EQ(sight.loop, kLoop);
  EXPECT_EQ(sight.deferreds, 1u);
  EXPECT_EQ(sight.function, nothing);
  EXPECT_EQ(sight.label, nullptr);
  EXPECT_EQ(sight.id, reinterpret_cast<std::uintptr_t>(result_handle(call_, generation)));
  EXPECT_EQ(count(), 1);
  EXPECT_TRUE(call_->start());
  EXPECT_EQ(call_->settle(generation, nullptr, nullptr), CROCHET_OK);
  EXPECT_TRUE(see(*call_, &sight)) << "settled, and held";
  EXPECT_TRUE(call_->release_deferred(generation));
  EXPECT_FALSE(see(*call_, &sight)) << "finished";
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(call_->release_handle(generation));
}

TEST_F(SightTest, ChangesNothingButTheMark) {
  const Word generation = make();
  const Word before = call_->word.load(relaxed);
  Sight sight;
  ASSERT_TRUE(see(*call_, &sight));
  EXPECT_EQ(call_->word.load(relaxed), before | word::kSeen);
  end(generation);
}

TEST_F(SightTest, KeepsTheFirstTimeForOneLifeAndNoLonger) {
  for (Word life = 0; life < 3 * word::kGenerations; ++life) {
    const Word generation = make();
    const std::int64_t made = monotonic_ns();
    Sight first, second;
    ASSERT_TRUE(see(*call_, &first));
    ASSERT_TRUE(see(*call_, &second));
    EXPECT_GE(first.first_seen, made);
    EXPECT_EQ(second.first_seen, first.first_seen);
    end(generation);
    Call* const again = allocate_call();
    ASSERT_EQ(again, call_) << "the slot that was freed last";
  }
}

TEST_F(SightTest, KeepsASideRecordWhileItIsReadAndNoLonger) {
  SideRecord* record = call_->need_side();
  record->label.store("read", relaxed);
  const Word generation = make(1, word::kHasMore);
  {
    const SideReading reading(*call_);
    ASSERT_EQ(reading.record(), record);
    end(generation);
    EXPECT_STREQ(reading.record()->label.load(relaxed), "read");  // under the address sanitizer: not freed
    const SideReading later(*call_);
    EXPECT_EQ(later.record(), nullptr);
  }
}

TEST_F(SightTest, IsSafeWhileRecordsComeAndGo) {
  std::atomic<bool> over{false};
  std::thread looker([&over] {
    while (!over) {
      for_each_outstanding(kLoop, [](Call&, const Sight& sight) {
        EXPECT_STREQ(sight.label == nullptr ? "labelled" : sight.label, "labelled");
        return true;
      });
    }
  });
  for (int i = 0; i < 20'000; ++i) {
    call_->need_side()->label.store("labelled", relaxed);
    end(make(1, word::kHasMore));
    call_ = allocate_call();
  }
  over = true;
  looker.join();
}

}  // namespace
}  // namespace crochet
