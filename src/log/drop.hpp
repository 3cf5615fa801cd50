// SPDX-License-Identifier: MIT
// Ending what a host has handed over.
#pragma once

#include "crochet.h"

namespace crochet {

// Runs a drop function; what it throws is logged, a forced unwind passes.
void run_drop(crochet_drop_fn* drop, void* pointer);

}  // namespace crochet
