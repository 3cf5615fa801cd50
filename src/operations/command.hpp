// SPDX-License-Identifier: MIT
// What to run, and how: what crochet_command_... set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crochet.h"

namespace crochet {
inline constexpr std::uint32_t kCommandMark = 0x636f6d6d;
}

struct crochet_command {
  std::string file;
  std::vector<std::string> arguments;  // without the program's name
  std::optional<std::vector<std::string>> environment;
  std::optional<std::string> directory;
  std::optional<std::string> input;
  std::size_t output_limit = std::size_t{1} << 20;
  std::int64_t kill_after_ns = 2 * CROCHET_SECOND;
  std::int64_t linger_ns = CROCHET_SECOND;
  std::uint32_t mark = crochet::kCommandMark;  // tells a handle of ours from something else
};

namespace crochet {

inline bool is_command(const crochet_command* command) { return command != nullptr && command->mark == kCommandMark; }

}  // namespace crochet
