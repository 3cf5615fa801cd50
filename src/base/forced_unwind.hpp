// SPDX-License-Identifier: MIT
// Letting pthread_exit and thread cancellation through: glibc ends a thread by an exception without an object, which a
// function must catch and rethrow before its catch (...), or the process is aborted.
#pragma once

#include <cxxabi.h>

// For functions with `catch (abi::__forced_unwind&)`: there is no object to bind the reference to, and the sanitizer
// for undefined behaviour says so. That is the ABI's way, not a mistake of ours.
#define CROCHET_CATCHES_FORCED_UNWIND __attribute__((no_sanitize("null", "alignment")))
