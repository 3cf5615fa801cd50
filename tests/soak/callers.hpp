// SPDX-License-Identifier: MIT
// Storms of calls to the default loop, made in every way, and each seen to its end.
#pragma once

#include "soak/accounts.hpp"
#include "soak/crew.hpp"

namespace soak {

// One batch of calls; when it returns, nothing of them is left anywhere.
void make_batch(Accounts& accounts, Random& random);

}  // namespace soak
