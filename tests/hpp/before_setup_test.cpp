// SPDX-License-Identifier: MIT
// A process in which nobody has called setup(): a program of its own, since only the first test of one sees that.
#include "hpp/support/tracked.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

TEST(BeforeSetup, CallsAreRefusedAndTheirArgumentsEnded) {
  struct Tag {};
  EXPECT_EQ(code_of([] { crochet::run([c = Tracked<Tag>()] {}); }), CROCHET_ENOTSETUP);
  EXPECT_EQ(code_of([] { crochet::run_in_loop([] {})(); }), CROCHET_ENOTSETUP);
  EXPECT_EQ(code_of([] { crochet::wait_for(1s, [] {})(); }), CROCHET_ENOTSETUP);
  EXPECT_EQ(code_of([] { crochet::deferred<int>(); }), CROCHET_ENOTSETUP);
  EXPECT_EQ(code_of([] { crochet::loop_owned<Tracked<Tag>>(); }), CROCHET_ENOTSETUP);
  EXPECT_EQ(Tracked<Tag>::alive, 0);
}
TEST(BeforeSetup, AFurtherLoopWorks) {
  const crochet::loop other;
  EXPECT_EQ(other.run([] { return 1; }).wait(), 1);
  EXPECT_EQ(other.run([] { return crochet::deferred<int>(); }).ready(kKillTimer), true) << "broken, on that loop";
  EXPECT_EQ(other.stop(1s), crochet::stop_outcome::ended);
}

}  // namespace
}  // namespace hpp
