// SPDX-License-Identifier: MIT
// The second translation unit of two_units_test that includes crochet.hpp.
#include "hpp/two_units.hpp"

namespace hpp {
crochet::eventual_result<FromThere> run_there(std::string text) {
  return crochet::run([](std::string t) { return FromThere{std::move(t)}; }, std::move(text));
}
std::uint64_t stash_there() {
  return crochet::run([]() -> int { throw crochet::failed_error(CROCHET_EFAILED, "thrown there"); }).stash();
}
}  // namespace hpp
