// SPDX-License-Identifier: MIT
#include "measured.hpp"

#include <cinttypes>
#include <cstdio>

namespace bench {

void Measured::print(const char* peer, const Arguments& asked) const {
  std::printf("{\"peer\": \"%s\", \"variant\": \"%s\", \"workload\": \"%s\", \"placement\": \"%s\"", peer,
              asked.variant.c_str(), asked.workload.c_str(), asked.same ? "same" : "cross");
  std::printf(", \"producers\": %zu, \"operations\": %" PRIu64, asked.callers, asked.operations);
  for (const auto& [name, value] : figures_) std::printf(", \"%s\": %.3f", name.c_str(), value);
  std::printf("}\n");
}

}  // namespace bench
