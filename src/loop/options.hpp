// SPDX-License-Identifier: MIT
// How a loop is made: what crochet_options_... set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crochet.h"
#include "loop/thread_hooks.hpp"

namespace crochet {

// libuv alone puts 12 KiB of events on the stack of a loop's thread.
inline constexpr std::size_t kSmallestStack = std::size_t{64} * 1024;
inline constexpr int kThreadNameSize = 16;  // with its end, as the kernel has it
inline constexpr std::uint32_t kOptionsMark = 0x6f707473;

}  // namespace crochet

struct crochet_options {
  std::uint32_t mark = crochet::kOptionsMark;  // tells a handle of ours from something else
  char thread_name[crochet::kThreadNameSize] = "crochet";
  bool keep_alive = true;
  std::size_t stack_size = 0;     // of the loop's thread, in bytes; 0: the system's default
  std::int64_t loop_spin_ns = 0;  // or CROCHET_SPIN_MEASURED
  std::int64_t wait_spin_ns = 0;
  std::uint64_t queue_limit = 0;  // calls; 0: none
  std::int64_t queue_wait_ns = 0;
  crochet::ThreadHooksRef thread_hooks{};
};

namespace crochet {

inline constexpr crochet_options kDefaultOptions{};

inline bool are_options(const crochet_options* options) { return options != nullptr && options->mark == kOptionsMark; }

// What a parameter that may be null means; null: it is no handle of ours.
inline const crochet_options* options_or_defaults(const crochet_options* options) {
  if (options == nullptr) return &kDefaultOptions;
  return are_options(options) ? options : nullptr;
}

}  // namespace crochet
