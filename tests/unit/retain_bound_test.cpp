// SPDX-License-Identifier: MIT
// A9: more retains of one handle than the stated bound, through the functions of crochet.h; the counters are started
// just below it.
#include <gtest/gtest.h>

#include "api/support/owned.hpp"
#include "call/handle.hpp"
#include "call/hot_path.hpp"
#include "crochet.h"
#include "loop/loop_handle.hpp"
#include "unit/support/inside_loop.hpp"

namespace crochet {

namespace {

constexpr std::uint32_t kBound = std::uint32_t{1} << 24;
constexpr std::uint32_t kBelow = 3;

class AbuseA9 : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(crochet_loop_new(nullptr, loop_.out()), CROCHET_OK);
    ASSERT_EQ(crochet_deferred_new(loop_.get(), nullptr, nullptr, deferred_.out(), result_.out()), CROCHET_OK);
  }
  void TearDown() override {
    crochet_resolve(deferred_.get(), nullptr, nullptr);
    deferred_.reset();
    result_.reset();
    EXPECT_EQ(crochet_shutdown(0), CROCHET_OK);
  }
  // How many were given out; counts no further than anybody would need to see that there is no bound.
  template <class Handle>
  static std::uint32_t retained(Handle* handle, Handle* (*retain)(Handle*)) {
    std::uint32_t count = 0;
    while (count < 100 && retain(handle) == handle) ++count;
    return count;
  }

  contract::OwnedLoop loop_;
  contract::OwnedDeferred deferred_;
  contract::OwnedResult result_;
};

TEST_F(AbuseA9, AResultRetainedBeyondItsBoundGivesNullAndNeverWraps) {
  Call& call = *target_of(result_.get()).call;
  call.word.fetch_add((kBound - 1 - kBelow) * word::kReference);
  EXPECT_EQ(retained(result_.get(), crochet_result_retain), kBelow);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(crochet_result_retain(result_.get()), nullptr);
  EXPECT_EQ(crochet_result_status(result_.get()), CROCHET_EPENDING) << "the handle is as good as before";
  crochet_result_release(result_.get());
  EXPECT_EQ(retained(result_.get(), crochet_result_retain), 1u);
  call.word.fetch_sub((kBound - 1) * word::kReference);
}

TEST_F(AbuseA9, ACompletionQueueRetainedBeyondItsBoundGivesNullAndNeverWraps) {
  crochet_completion_queue* queue = nullptr;
  ASSERT_EQ(crochet_completion_queue_new(&queue), CROCHET_OK);
  Call& anchor = *handle::open(queue, handle::kDeferredBit).call;
  anchor.word.fetch_add((kBound - 1 - kBelow) * word::kReference);
  EXPECT_EQ(retained(queue, crochet_completion_queue_retain), kBelow);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(crochet_completion_queue_retain(queue), nullptr);
  std::size_t count = 1;
  EXPECT_EQ(crochet_completion_queue_drain(queue, 0, nullptr, nullptr, &count), CROCHET_OK) << "as good as before";
  crochet_completion_queue_release(queue);
  EXPECT_EQ(retained(queue, crochet_completion_queue_retain), 1u);
  anchor.word.fetch_sub((kBound - 1) * word::kReference);
  crochet_completion_queue_release(queue);
}

TEST_F(AbuseA9, ADeferredRetainedBeyondItsBoundGivesNullAndNeverWraps) {
  Call& call = *target_of(deferred_.get()).call;
  call.deferreds.fetch_add(deferred_count(0, kBound - 1 - kBelow));
  EXPECT_EQ(retained(deferred_.get(), crochet_deferred_retain), kBelow);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(crochet_deferred_retain(deferred_.get()), nullptr);
  EXPECT_EQ(crochet_result_status(result_.get()), CROCHET_EPENDING);
  crochet_deferred_release(deferred_.get());
  EXPECT_EQ(retained(deferred_.get(), crochet_deferred_retain), 1u);
  call.deferreds.fetch_sub(deferred_count(0, kBound - 1));
}

TEST_F(AbuseA9, ALoopRetainedBeyondItsBoundGivesNullAndNeverWraps) {
  Loop& loop = *target_of(loop_.get()).loop;
  Atomic<std::uint64_t>& references = references_of(loop);
  references.fetch_add(kBound - 1 - kBelow);
  EXPECT_EQ(retained(loop_.get(), crochet_loop_retain), kBelow);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(crochet_loop_retain(loop_.get()), nullptr);
  crochet_loop_release(loop_.get());
  EXPECT_EQ(retained(loop_.get(), crochet_loop_retain), 1u);
  EXPECT_EQ(loop.state(), Loop::State::kRunning) << "no release was taken for the last";
  references.fetch_sub(kBound - 1);
}

// Stashing takes a reference, too.
TEST_F(AbuseA9, AResultAtItsBoundIsNotStashed) {
  Call& call = *target_of(result_.get()).call;
  call.word.fetch_add((kBound - 1) * word::kReference);
  std::uint64_t uid = 1;
  EXPECT_EQ(crochet_result_stash(result_.get(), 1, &uid), CROCHET_EINVAL);
  EXPECT_EQ(uid, 0u);
  call.word.fetch_sub((kBound - 1) * word::kReference);
}

// And so does a call that is to start after it.
TEST_F(AbuseA9, NoCallStartsAfterAResultAtItsBound) {
  contract::OwnedCall after;
  ASSERT_EQ(crochet_call_new(loop_.get(), 0, after.out()), CROCHET_OK);
  Call& call = *target_of(result_.get()).call;
  call.word.fetch_add((kBound - 1) * word::kReference);
  EXPECT_EQ(crochet_call_set_after(after.get(), result_.get()), CROCHET_EINVAL);
  call.word.fetch_sub((kBound - 1) * word::kReference);
  EXPECT_EQ(crochet_call_set_after(after.get(), result_.get()), CROCHET_OK) << "it waits for nothing yet";
}

}  // namespace
}  // namespace crochet
