// SPDX-License-Identifier: MIT
// What every entry point asks first: is there a process state in which anything works, and is this handle good?
#pragma once

#include "base/process.hpp"
#include "call/handle.hpp"
#include "call/word.hpp"
#include "crochet.h"
#include "log/drop.hpp"

namespace crochet {

inline bool alive(const Target& target) {
  return target.call != nullptr && word::alive(target.call->word.load(acquire), target.generation);
}

// Rule 5: what was handed over and not accepted is dropped.
inline int refused(int status, void* pointer, crochet_drop_fn* drop) {
  if (drop != nullptr) run_drop(drop, pointer);
  return status;
}

// What somebody is told whose call was not accepted.
inline int not_accepted() { return process_is_forked() ? CROCHET_EFORKED : CROCHET_ESTOPPED; }

}  // namespace crochet
