// SPDX-License-Identifier: MIT
// At the end of an input: no call is outstanding, on no loop.
#pragma once

namespace fuzz {

void check_nothing_left();

}  // namespace fuzz
