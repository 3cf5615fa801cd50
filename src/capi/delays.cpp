// SPDX-License-Identifier: MIT
// When a call may start; and a result that is nothing but a time.
#include "call/timing.hpp"
#include "capi/prepared.hpp"

using namespace crochet;

namespace {

// What the setters of a prepared call's times ask first. CROCHET_OK: *out_timing is there.
int open_timing(crochet_call* handle, int64_t ns, Timing** out_timing) {
  Call* call = open(handle);
  if (call == nullptr || !valid_timeout(ns)) return CROCHET_EINVAL;
  if (is_parents(*call)) return CROCHET_EFORKED;
  if (is_at_stop(*call)) return CROCHET_EINVAL;
  *out_timing = call->need_timing();
  return *out_timing == nullptr ? CROCHET_ENOMEM : CROCHET_OK;
}

void wake(crochet_deferred* deferred, void*) { crochet_resolve(deferred, nullptr, nullptr); }

}  // namespace

int crochet_call_set_delay_ns(crochet_call* handle, int64_t delay_ns) {
  Timing* timing = nullptr;
  const int status = open_timing(handle, delay_ns, &timing);
  if (status == CROCHET_OK) timing->delay_ns = delay_ns;
  return status;
}

int crochet_call_set_deadline_ns(crochet_call* handle, int64_t timeout_ns) {
  Timing* timing = nullptr;
  const int status = open_timing(handle, timeout_ns, &timing);
  if (status == CROCHET_OK) timing->timeout_ns = timeout_ns;
  return status;
}

int crochet_sleep(crochet_loop* loop, int64_t duration_ns, crochet_result** out_result) {
  if (out_result == nullptr) return CROCHET_EINVAL;
  *out_result = nullptr;
  if (!valid_timeout(duration_ns)) return CROCHET_EINVAL;
  crochet_call* call = nullptr;
  int status = crochet_call_new(loop, 0, &call);
  if (status != CROCHET_OK) return status;
  // Never without a delay, with which it waits for its time, and takes no room in the queue.
  status = crochet_call_set_delay_ns(call, duration_ns == 0 ? 1 : duration_ns);
  if (status == CROCHET_OK) return crochet_call_run(call, &wake, nullptr, out_result);
  crochet_call_discard(call);
  return status;
}
