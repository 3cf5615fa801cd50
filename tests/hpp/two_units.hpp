// SPDX-License-Identifier: MIT
// What the two translation units of two_units_test know of each other.
#pragma once

#include <cstdint>
#include <string>

#include "crochet.hpp"

namespace hpp {
struct FromThere {
  std::string text;
};
crochet::eventual_result<FromThere> run_there(std::string text);
std::uint64_t stash_there();
}  // namespace hpp
