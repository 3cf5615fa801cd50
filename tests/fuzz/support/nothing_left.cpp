// SPDX-License-Identifier: MIT
#include "fuzz/support/nothing_left.hpp"

#include <cstddef>
#include <string>

#include "crochet.h"
#include "fuzz/support/story.hpp"

namespace fuzz {

void check_nothing_left() {
  std::string listed;
  const auto write = [](void* text, const char* more, std::size_t length) {
    static_cast<std::string*>(text)->append(more, length);
    return 0;
  };
  const int code = crochet_dump(nullptr, CROCHET_DUMP_JSON, write, &listed);
  if (code != CROCHET_OK) found("dump: %s", crochet_status_name(code));
  if (listed.find("\"totals\":{\"all\":0,") == std::string::npos) found("something is left: %s", listed.c_str());
}

}  // namespace fuzz
