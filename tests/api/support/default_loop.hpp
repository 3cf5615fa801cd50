// SPDX-License-Identifier: MIT
// Fixtures: a default loop for each test, or only the promise that whatever a test set up is shut down after it.
#pragma once

#include <gtest/gtest.h>

#include "api/support/durations.hpp"
#include "crochet.h"

namespace contract {

class ShutDownAfterwards : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(crochet_shutdown(kSecond), CROCHET_OK); }
};

class WithDefaultLoop : public ShutDownAfterwards {
 protected:
  void SetUp() override { ASSERT_EQ(crochet_setup(nullptr), CROCHET_OK); }
};

}  // namespace contract
