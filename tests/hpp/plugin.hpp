// SPDX-License-Identifier: MIT
// What plugin.cpp, a shared object with hidden visibility, lets out.
#pragma once

#include <cstdint>
#include <string>

#include "crochet.hpp"

namespace plugin {
// Not exported: each side has its own copy of everything that belongs to it.
struct Page {
  std::string text;
};
// Exported, as an exception must be that is to be caught elsewhere.
struct CROCHET_API PluginError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

CROCHET_API crochet::eventual_result<Page> load(std::string text);
CROCHET_API crochet::eventual_result<Page> load_later(std::string text);
CROCHET_API crochet::eventual_result<void> fail();
CROCHET_API std::uint64_t stash_page(std::string text);
CROCHET_API std::string retrieve_page(std::uint64_t uid);
// "timeout", "cancelled", "stopped", "failed": which class of this side caught what `thrower` of the other side threw.
CROCHET_API std::string caught_as(void (*thrower)());
CROCHET_API std::string cancel_and_tell(crochet::eventual_result<int>& result);
}  // namespace plugin
