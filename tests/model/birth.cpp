// SPDX-License-Identifier: MIT
#include "model/birth.hpp"

#include <cstdio>
#include <cstdlib>

#include "model/names.hpp"

namespace crochet::model {

void Birth::expect_of_this_execution(const void* object) const noexcept {
  Execution& present = model::execution;
  if (present.number() == Execution::kNone) {
    std::fputs("model: an atomic or plain field is used outside of any execution\n", stderr);
    std::abort();
  }
  if (execution == 0 || execution == present.number()) return;
  present.fail("%s outlived the execution that made it", describe(object));
}

}  // namespace crochet::model
