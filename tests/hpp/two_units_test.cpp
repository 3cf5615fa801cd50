// SPDX-License-Identifier: MIT
// The header in two translation units of one program.
#include "hpp/two_units.hpp"
#include "hpp/support/with_loop.hpp"

namespace hpp {
namespace {

class TwoUnits : public WithLoop {};

TEST_F(TwoUnits, ShareResults) {
  EXPECT_EQ(run_there("made there").wait().text, "made there");
  EXPECT_EQ(run_there("then here").then([](const FromThere& f) { return f.text.size(); }).wait(), 9U);
}
TEST_F(TwoUnits, ShareTypesAndExceptions) {
  EXPECT_THROW(crochet::retrieve_result<int>(stash_there()).wait(), crochet::failed_error);
}

}  // namespace
}  // namespace hpp
