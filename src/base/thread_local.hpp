// SPDX-License-Identifier: MIT
// The alias for what each thread has of its own in code that the model checker runs, too.
#pragma once

#ifdef CROCHET_MODEL
#include "model/thread_local.hpp"
#endif

namespace crochet {

#ifdef CROCHET_MODEL
template <class T, class Tag>
using ThreadLocal = model::ThreadLocal<T>;
#else
// Constant at first, trivial at the end. One for each tag.
template <class T, class Tag>
class ThreadLocal {
 public:
  T& get() { return value_; }

 private:
  static inline constinit thread_local T value_{};
};
#endif

}  // namespace crochet
