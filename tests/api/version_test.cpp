// SPDX-License-Identifier: MIT
// crochet_version() and the header's CROCHET_VERSION_...
#include <gtest/gtest.h>

#include <cstdint>

#include "crochet.h"

namespace contract {
namespace {

TEST(Version, IsThatOfTheHeader) {
  EXPECT_EQ(crochet_version(), (std::uint32_t{CROCHET_VERSION_MAJOR} << 16) |
                                   (std::uint32_t{CROCHET_VERSION_MINOR} << 8) | std::uint32_t{CROCHET_VERSION_PATCH});
}

TEST(Version, NumbersFitIntoTheirBits) {
  EXPECT_LT(CROCHET_VERSION_MINOR, 256);
  EXPECT_LT(CROCHET_VERSION_PATCH, 256);
}

}  // namespace
}  // namespace contract
