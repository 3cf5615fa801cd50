// SPDX-License-Identifier: MIT
// How a ready-made operation becomes a call: its state lies in the call's storage. Operations are written against
// crochet.h, as anybody could write them.
#pragma once

#include <uv.h>

#include <new>
#include <utility>

#include "crochet.h"

namespace crochet {

// `Operation` has a static start(), which is the call's function and gets the operation as its argument. It ends with
// the last deferred. `label` is a static string.
template <typename Operation, typename... Arguments>
int run_operation(crochet_loop* loop, const char* label, crochet_result** out_result, Arguments&&... arguments) {
  crochet_call* call = nullptr;
  int status = crochet_call_new(loop, sizeof(Operation), &call);
  if (status == CROCHET_OK) status = crochet_call_set_label(call, label);
  if (status != CROCHET_OK) {
    crochet_call_discard(call);
    return status;
  }
  ::new (crochet_call_storage(call)) Operation(std::forward<Arguments>(arguments)...);
  return crochet_call_run(
      call, Operation::start, [](void* operation) { static_cast<Operation*>(operation)->~Operation(); }, out_result);
}

// Sets an operation's hook, which gets the operation as its argument. False: don't start; it was cancelled meanwhile,
// or has failed for want of memory.
inline bool may_start(crochet_deferred* deferred, crochet_call_fn* on_cancel, void* operation) {
  const int status = crochet_deferred_on_cancel(deferred, on_cancel, operation, nullptr);
  if (status == CROCHET_ENOMEM) crochet_reject(deferred, UV_ENOMEM, nullptr);
  return status == CROCHET_OK;
}

}  // namespace crochet
