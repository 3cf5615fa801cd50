// SPDX-License-Identifier: MIT
// What the setters leave in a set of options.
#include "loop/options.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "api/support/owned.hpp"
#include "crochet.h"

namespace crochet {
namespace {

class Options : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_options_new(options_.out()), CROCHET_OK); }
  contract::OwnedOptions options_;
};

TEST_F(Options, BeginWithTheDefaults) {
  EXPECT_STREQ(options_.get()->thread_name, "crochet");
  EXPECT_TRUE(options_.get()->keep_alive);
  EXPECT_EQ(options_.get()->mark, kOptionsMark);
}

TEST_F(Options, KeepAsMuchOfANameAsAThreadCanHave) {
  ASSERT_EQ(crochet_options_set_thread_name(options_.get(), "0123456789abcdefgh"), CROCHET_OK);
  EXPECT_STREQ(options_.get()->thread_name, "0123456789abcde");
}

TEST_F(Options, ForgetALongerNameForAShorter) {
  ASSERT_EQ(crochet_options_set_thread_name(options_.get(), "0123456789abcdefgh"), CROCHET_OK);
  ASSERT_EQ(crochet_options_set_thread_name(options_.get(), "io"), CROCHET_OK);
  EXPECT_STREQ(options_.get()->thread_name, "io");
  ASSERT_EQ(crochet_options_set_thread_name(options_.get(), ""), CROCHET_OK);
  EXPECT_STREQ(options_.get()->thread_name, "");
}

TEST_F(Options, KeepAliveIsOneOrTheOther) {
  EXPECT_EQ(crochet_options_set_keep_alive(options_.get(), 0), CROCHET_OK);
  EXPECT_FALSE(options_.get()->keep_alive);
  EXPECT_EQ(crochet_options_set_keep_alive(options_.get(), 2), CROCHET_EINVAL);
  EXPECT_FALSE(options_.get()->keep_alive);
  EXPECT_EQ(crochet_options_set_keep_alive(options_.get(), 1), CROCHET_OK);
  EXPECT_TRUE(options_.get()->keep_alive);
}

TEST(OptionsWithoutTheirMark, AreLeftAlone) {
  crochet_options strange;
  strange.mark = kOptionsMark + 1;
  EXPECT_EQ(crochet_options_set_thread_name(&strange, "x"), CROCHET_EINVAL);
  EXPECT_EQ(crochet_options_set_keep_alive(&strange, 0), CROCHET_EINVAL);
  crochet_options_free(&strange);  // freeing what was never allocated would not go unnoticed
  EXPECT_STREQ(strange.thread_name, "crochet");
  EXPECT_TRUE(strange.keep_alive);
}

}  // namespace
}  // namespace crochet
