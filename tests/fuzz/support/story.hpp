// SPDX-License-Identifier: MIT
// What an input was decoded to, line by line, and how a finding ends the process: with those lines.
#pragma once

namespace fuzz {

// Forgets what was told before. With the variable FUZZ_SHOW each line is printed as it is told: before it happens.
void begin_story();
void tell(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Something is not as it must be: prints the story and this, and aborts.
[[noreturn]] void found(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace fuzz
