// SPDX-License-Identifier: MIT
// A request in libuv's thread pool as a call. One that is queued there can be cancelled; one that runs can't be
// stopped: then the hook settles the call at once, and the request's memory stays until libuv's callback gives the
// deferred back.
#pragma once

#include <uv.h>

#include "crochet.h"
#include "operations/operation.hpp"

namespace crochet {

// `Derived` has begin(), which hands request_ to libuv and returns its code; libuv's callback calls answer() or fail().
template <typename Derived, typename Request>
class Lookup {
 public:
  Lookup() = default;
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  static void start(crochet_deferred* deferred, void* arg) {
    auto* self = static_cast<Derived*>(arg);
    if (!may_start(deferred, on_cancel, self)) return;
    self->deferred_ = crochet_deferred_retain(deferred);
    self->request_.data = self;
    const int code = self->begin();
    if (code == 0) return;
    crochet_reject(deferred, code, nullptr);
    crochet_deferred_release(self->deferred_);
  }

 protected:
  static Derived& of(const Request* request) { return *static_cast<Derived*>(request->data); }

  void answer(void* value, crochet_drop_fn* drop) {
    crochet_resolve(deferred_, value, drop);
    crochet_deferred_release(deferred_);  // the last: this ends here
  }
  void fail(int code) {
    // What libuv calls it that its queue was left in time.
    crochet_reject(deferred_, code == UV_EAI_CANCELED ? CROCHET_ECANCELED : code, nullptr);
    crochet_deferred_release(deferred_);
  }

  Request request_{};  // libuv has it from begin() to the callback

 private:
  static void on_cancel(crochet_deferred* deferred, void* arg) {
    auto* self = static_cast<Derived*>(arg);
    // 0: it was still queued, and the callback comes soon.
    if (uv_cancel(reinterpret_cast<uv_req_t*>(&self->request_)) != 0)
      crochet_reject(deferred, CROCHET_ECANCELED, nullptr);
  }

  crochet_deferred* deferred_ = nullptr;  // held as long as libuv has the request
};

}  // namespace crochet
