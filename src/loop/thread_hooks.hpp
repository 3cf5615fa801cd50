// SPDX-License-Identifier: MIT
// What the host wants done first and last on a loop's thread. Shared by the options that name it and the loops that
// were made with them; whoever lets go of it last drops its argument.
#pragma once

#include <utility>

#include "base/atomic.hpp"
#include "crochet.h"

namespace crochet {

struct ThreadHooks {
  crochet_thread_fn* first;
  crochet_thread_fn* last;
  void* arg;
  crochet_drop_fn* drop;
  Atomic<unsigned> references{1};
};

class ThreadHooksRef {
 public:
  constexpr ThreadHooksRef() = default;
  explicit ThreadHooksRef(ThreadHooks* taken_over) : hooks_(taken_over) {}
  ThreadHooksRef(const ThreadHooksRef& other) : hooks_(other.hooks_) {
    if (hooks_ != nullptr) hooks_->references.fetch_add(1, relaxed);
  }
  ThreadHooksRef& operator=(ThreadHooksRef other) {
    std::swap(hooks_, other.hooks_);
    return *this;
  }
  constexpr ~ThreadHooksRef() noexcept(false) {  // a drop function may end its thread
    if (hooks_ != nullptr) let_go();
  }

  // CROCHET_OK, or the negative code with which the loop is not to start.
  int run_first() const;
  void run_last() const;

 private:
  void let_go();
  int run(crochet_thread_fn* fn) const;

  ThreadHooks* hooks_ = nullptr;
};

}  // namespace crochet
