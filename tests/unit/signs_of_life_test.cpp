// SPDX-License-Identifier: MIT
// What a loop that stops shows of its own work, and who waits makes of it.
#include "loop/signs_of_life.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>

#include "call/call_memory.hpp"
#include "unit/support/inside.hpp"
#include "unit/support/made_call.hpp"
#include "unit/support/own_loop.hpp"

namespace crochet {

struct SignsOfLifeOf {
  friend SignsOfLife Loop::*field(SignsOfLifeOf);
};
template struct Inside<SignsOfLifeOf, &Loop::signs_of_life_>;

namespace {

void do_pieces(SignsOfLife& signs, std::uint32_t count) {
  while (count-- != 0) signs.piece_done();
}

// The codes of sleeps, one after the other; in each of the first ones a piece of work is shown.
int sleep_through(SignsOfLife& signs, unsigned with_signs, std::initializer_list<int> codes, unsigned* out_sleeps) {
  auto next = codes.begin();
  *out_sleeps = 0;
  return signs.sleep_while_shown([&] {
    if (*out_sleeps < with_signs) do_pieces(signs, SignsOfLife::kPieces);
    ++*out_sleeps;
    return *next++;
  });
}

TEST(SignsOfLife, AreShownForManyPiecesOfWorkEach) {
  SignsOfLife signs;
  do_pieces(signs, SignsOfLife::kPieces - 1);
  EXPECT_EQ(signs.shown(), 0u);
  signs.piece_done();
  EXPECT_EQ(signs.shown(), 1u);
  do_pieces(signs, 3 * SignsOfLife::kPieces);
  EXPECT_EQ(signs.shown(), 4u);
}

TEST(SignsOfLife, KeepTheOneWhoWaitsUntilAMomentBroughtNone) {
  SignsOfLife signs;
  unsigned sleeps = 0;
  constexpr int kOver = CROCHET_ETIMEDOUT;
  EXPECT_EQ(sleep_through(signs, 0, {kOver, 0}, &sleeps), CROCHET_ETIMEDOUT);
  EXPECT_EQ(sleeps, 1u);
  EXPECT_EQ(sleep_through(signs, 3, {kOver, kOver, kOver, kOver, 0}, &sleeps), CROCHET_ETIMEDOUT);
  EXPECT_EQ(sleeps, 4u);
}

TEST(SignsOfLife, LetTheOneWhoWaitsGoWhenItIsOver) {
  SignsOfLife signs;
  unsigned sleeps = 0;
  EXPECT_EQ(sleep_through(signs, 9, {CROCHET_ETIMEDOUT, CROCHET_EBUSY, 0}, &sleeps), CROCHET_EBUSY);
  EXPECT_EQ(sleeps, 2u);
}

// A loop that looks at all calls there are for each phase of its stop was taken for one with a stuck callback.
class SignsOfAStop : public testing::Test {
 protected:
  static constexpr std::uint32_t kCalls = 20 * SignsOfLife::kPieces;

  static void SetUpTestSuite() {
    const std::unique_ptr<Call*[]> calls(new Call*[kCalls]);
    for (std::uint32_t i = 0; i < kCalls; ++i) calls[i] = allocate_call();
    for (std::uint32_t i = 0; i < kCalls; ++i) free_call(calls[i]);
  }
  // How often has it looked at all calls, when it has ended?
  std::uint32_t looks() {
    loop_->request_stop(0);
    EXPECT_EQ(loop_->wait_until_ended(Deadline::after(contract::kKillTimer)), CROCHET_OK);
    return (shown() - before_) / (kCalls / SignsOfLife::kPieces);
  }
  OwnLoop loop_;

 private:
  std::uint32_t shown() { return ((*loop_).*field(SignsOfLifeOf{})).shown(); }
  const std::uint32_t before_ = shown();
};

TEST_F(SignsOfAStop, AreShownInEachOfItsPhases) {
  EXPECT_EQ(looks(), 4u) << "what never started, the hooks, what is unfinished, what is held";
}

TEST_F(SignsOfAStop, AreShownWhileItEndsTheCallsThatAreLeft) {
  const MadeCall held = running_call(nullptr, nullptr, 1, 0, loop_.id());
  EXPECT_GE(looks(), 5u) << "nothing is unfinished but this one: its hook, its end";
  held->observe(held.generation);
  held.release_deferred();
  held.release();
}

TEST_F(SignsOfAStop, AreShownForCallsThatTheLoopHasTakenAndRefuses) {
  contract::Gate go;
  EXPECT_TRUE(post_and_forget(*loop_, [&] { go.wait(); }));
  EXPECT_TRUE(post_and_forget(*loop_, [&] { loop_->request_stop(0); }));
  // More than are looked at in one turn, some of which run before it looks at its queue.
  for (std::uint32_t i = 0; i < kCalls + 4 * SignsOfLife::kPieces; ++i) EXPECT_TRUE(post_and_forget(*loop_, [] {}));
  go.open();
  EXPECT_GE(looks(), 5u);
}

}  // namespace
}  // namespace crochet
