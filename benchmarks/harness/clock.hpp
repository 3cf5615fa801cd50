// SPDX-License-Identifier: MIT
// Times, and the processor that a thread runs on.
#pragma once

#include <cstdint>

namespace bench {

std::int64_t monotonic_ns();
std::int64_t real_ns();     // since 1970: what a message carries
std::int64_t cpu_ns();      // the processor's time that this thread has used
std::int64_t waited_ns();   // how long it was ready to run and did not; 0 where the system does not tell
std::uint32_t thread_id();  // of the caller; asked once
void pin_to(int cpu);       // the caller, or the program ends

}  // namespace bench
