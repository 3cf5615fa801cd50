// SPDX-License-Identifier: MIT
// A command as it was when it was run: all that the loop's thread needs to start a child, made on the caller's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operations/command.hpp"
#include "operations/descriptor.hpp"

namespace crochet {

struct Launch {
  // CROCHET_OK, CROCHET_ENOMEM, or libuv's code: no room for the input.
  static int of(const crochet_command& command, std::unique_ptr<Launch>* out_launch);

  crochet_command command;            // its input lies in:
  Descriptor input;                   // none: /dev/null
  std::vector<char*> arguments;       // point into the command; null behind the last
  std::vector<char*> environment;     // the same
  std::vector<std::string> programs;  // where the program may lie, in the order of the host's PATH
};

}  // namespace crochet
