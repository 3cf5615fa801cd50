// SPDX-License-Identifier: MIT
// How many CPUs this process may use at once: by its affinity, and by the quota of its control groups.
#pragma once

namespace crochet {

// At least 1; a quota is rounded down. Reads files of the system. root: in front of their paths, for tests.
int usable_cpus(const char* root = "");

}  // namespace crochet
