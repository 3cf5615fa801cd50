// SPDX-License-Identifier: MIT
// One reference to a handle of the library's, given back at the end of the scope.
#pragma once

#include <utility>

#include "crochet.h"

namespace contract {

template <typename Handle, void (*give_back)(Handle*)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle* handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(other.release()) {}
  Owned& operator=(Owned&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Owned() { reset(); }

  Handle* get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

  // For an out-parameter; what was held before is given back.
  Handle** out() {
    reset();
    return &handle_;
  }
  // Hands the reference to the caller.
  Handle* release() { return std::exchange(handle_, nullptr); }
  void reset(Handle* handle = nullptr) { give_back(std::exchange(handle_, handle)); }

 private:
  Handle* handle_ = nullptr;
};

using OwnedOptions = Owned<crochet_options, crochet_options_free>;
using OwnedLoop = Owned<crochet_loop, crochet_loop_release>;
using OwnedCall = Owned<crochet_call, crochet_call_discard>;
using OwnedResult = Owned<crochet_result, crochet_result_release>;
using OwnedDeferred = Owned<crochet_deferred, crochet_deferred_release>;

}  // namespace contract
