// SPDX-License-Identifier: MIT
// How a child process ended, and what it wrote: the value of crochet_command_run().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "crochet.h"

namespace crochet {

struct Written {
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> bytes;  // with a 0 behind; null: none
  std::size_t length = 0;
  bool truncated = false;
};

}  // namespace crochet

struct crochet_process_exit {
  int status;
  int signal;
  std::int64_t pid;
  crochet::Written output;
  crochet::Written errors;
};
