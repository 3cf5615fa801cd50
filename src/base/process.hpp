// SPDX-License-Identifier: MIT
// What has happened to this process: nothing, a fork, or its exit. One word, so that a fork's child handler needs no
// lock and the fast paths pay one load.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace crochet {

enum class ProcessState : std::uint32_t {
  kLive,
  kForked,   // a child that has not been set up: nothing works
  kExiting,  // exit() has come to us: no loop is left
  kNever,    // of no process: see t_may_wait_in
};

// Written by the atfork child handler, by setup in the child, and at exit. relaxed: it publishes nothing.
inline constinit Atomic<ProcessState> process_state{ProcessState::kLive};

inline bool process_is_live() { return process_state.load(relaxed) == ProcessState::kLive; }
inline bool process_is_forked() { return process_state.load(relaxed) == ProcessState::kForked; }

// The state of the process in which this thread may wait without further questions; kNever on a loop's thread. One
// comparison asks for both.
inline constinit thread_local ProcessState t_may_wait_in = ProcessState::kLive;
inline bool may_wait() { return process_state.load(relaxed) == t_may_wait_in; }

}  // namespace crochet
