// SPDX-License-Identifier: MIT
// How much of this process is in memory.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace bench {

inline std::int64_t resident_bytes() {
  long long all = 0;
  long long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%lld %lld", &all, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace bench
