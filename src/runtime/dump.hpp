// SPDX-License-Identifier: MIT
// What goes on in this process: its loops, and every call that is not finished, as text or as JSON.
//
// Any thread, a loop's own and one that is stuck included. Nothing is locked, no loop is asked: what changes meanwhile
// is listed as it was, or as it is. While the host's function has a piece of it, only a loop's block is held, which
// can't be used for another loop then.
#pragma once

#include "crochet.h"

namespace crochet {

class Loop;

enum class DumpFormat { kText, kJson };

// only: null: all loops, and calls of loops that have ended. The code that `write` ended it with, or CROCHET_OK.
int dump(Loop* only, DumpFormat format, crochet_dump_fn* write, void* arg);

}  // namespace crochet
