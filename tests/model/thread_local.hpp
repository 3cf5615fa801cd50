// SPDX-License-Identifier: MIT
// A variable of which each thread of each execution has its own, made when the thread first asks. To be used in place
// of thread_local: all threads of a scenario are one real thread.
#pragma once

#include <cstdint>
#include <optional>

#include "model/execution.hpp"

namespace crochet::model {

template <class T>
class ThreadLocal {
 public:
  T& get() {
    Instance& mine = instances_[execution.thread()];
    if (mine.execution != execution.number()) {
      mine.value.emplace();
      mine.execution = execution.number();
    }
    return *mine.value;
  }

 private:
  struct Instance {
    std::uint32_t execution = 0;
    std::optional<T> value;
  };

  Instance instances_[kMain + 1];
};

}  // namespace crochet::model
