// SPDX-License-Identifier: MIT
// A C++ closure as the function and argument of a call, and short cuts that make calls of closures.
#pragma once

#include <functional>
#include <utility>

#include "api/support/durations.hpp"
#include "api/support/owned.hpp"
#include "crochet.h"

namespace contract {

struct Closure {
  std::function<void(crochet_deferred*)> body;

  static Closure* of(std::function<void(crochet_deferred*)> body) { return new Closure{std::move(body)}; }
  static void call(crochet_deferred* deferred, void* arg) { static_cast<Closure*>(arg)->body(deferred); }
  static void drop(void* arg) { delete static_cast<Closure*>(arg); }
};

// crochet_run() of a closure.
inline int run(crochet_loop* loop, std::function<void(crochet_deferred*)> body, crochet_result** out_result) {
  return crochet_run(loop, Closure::call, Closure::of(std::move(body)), Closure::drop, out_result);
}

// crochet_wait_for() of a closure.
inline int wait_for(crochet_loop* loop, std::function<void(crochet_deferred*)> body, std::int64_t timeout_ns,
                    crochet_result** out_result) {
  return crochet_wait_for(loop, Closure::call, Closure::of(std::move(body)), Closure::drop, timeout_ns, out_result);
}

// Runs `body` on the loop's thread and returns when it has returned. The code is the call's: CROCHET_OK when it ran.
inline int on_loop(crochet_loop* loop, const std::function<void()>& body) {
  return wait_for(
      loop,
      [&body](crochet_deferred* deferred) {
        body();
        crochet_resolve(deferred, nullptr, nullptr);
      },
      kForever, nullptr);
}

// Functions for calls that need no argument.
inline void resolve_null(crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); }
inline void reject_plainly(crochet_deferred* deferred, void*) { crochet_reject(deferred, CROCHET_EFAILED, nullptr); }
inline void leave_unsettled(crochet_deferred*, void*) {}

}  // namespace contract
