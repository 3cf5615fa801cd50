// SPDX-License-Identifier: MIT
// The caller's side of a call.
#include "call/hot_path.hpp"
#include "capi/destination.hpp"
#include "capi/warned_wait.hpp"

using namespace crochet;

namespace {

[[gnu::noinline]] int wait(crochet_result* result, int64_t timeout_ns, Until until, bool end_on_signal) {
  if (process_is_forked()) return CROCHET_EFORKED;
  const Target target = target_of(result);
  if (target.call == nullptr || !valid_timeout(timeout_ns)) return CROCHET_EINVAL;
  if (current_loop() != nullptr) return alive(target) ? CROCHET_EDEADLK : CROCHET_EINVAL;
  return wait_with_warning(target, until, timeout_ns, end_on_signal);
}

}  // namespace

int crochet_result_wait(crochet_result* result, int64_t timeout_ns) {
  // The common case, and nothing else: a value is there, and waiting is allowed.
  const Target target = target_of(result);
  if (target.call != nullptr && may_wait() && valid_timeout(timeout_ns) &&
      word::has_value(target.call->word.load(acquire), target.generation)) {
    return CROCHET_OK;
  }
  return wait(result, timeout_ns, Until::kSettled, false);
}

int crochet_result_wait_interruptible(crochet_result* result, int64_t timeout_ns) {
  return wait(result, timeout_ns, Until::kSettled, true);
}

int crochet_result_join(crochet_result* result, int64_t timeout_ns) {
  return wait(result, timeout_ns, Until::kFinished, false);
}

int crochet_result_status(crochet_result* result) {
  if (process_is_forked()) return CROCHET_EFORKED;
  const Target target = target_of(result);
  if (target.call == nullptr) return CROCHET_EINVAL;
  const Word w = target.call->word.load(acquire);
  if (!word::alive(w, target.generation)) return CROCHET_EINVAL;
  return word::settled(w) ? wait_code(w) : CROCHET_EPENDING;
}

void* crochet_result_value(crochet_result* result) {
  const Target target = target_of(result);
  if (target.call == nullptr || process_is_forked()) return nullptr;
  const Word w = target.call->word.load(acquire);
  const bool there = word::alive(w, target.generation) && word::settled(w) && word::outcome(w) == Outcome::kValue &&
                     (w & word::kTaken) == 0;
  return there ? target.call->value : nullptr;
}

int crochet_result_take(crochet_result* result, void** out_value, crochet_drop_fn** out_drop) {
  crochet_drop_fn* ignored = nullptr;
  if (out_drop == nullptr) out_drop = &ignored;
  *out_drop = nullptr;
  if (out_value == nullptr) return CROCHET_EINVAL;
  *out_value = nullptr;
  if (process_is_forked()) return CROCHET_EFORKED;
  const Target target = target_of(result);
  return target.call == nullptr ? CROCHET_EINVAL : target.call->take(target.generation, out_value, out_drop);
}

const crochet_error* crochet_result_error(crochet_result* result) {
  const Target target = target_of(result);
  if (target.call == nullptr || process_is_forked() || !target.call->observe(target.generation)) return nullptr;
  return reinterpret_cast<const crochet_error*>(result);
}

int crochet_result_cancel(crochet_result* result, int* out_outcome) {
  int ignored = 0;
  if (out_outcome == nullptr) out_outcome = &ignored;
  *out_outcome = CROCHET_CANCEL_NONE;
  if (process_is_forked()) return CROCHET_EFORKED;
  const Target target = target_of(result);
  return target.call == nullptr ? CROCHET_EINVAL : target.call->cancel(target.generation, out_outcome);
}

int crochet_result_interrupt(crochet_result* result) {
  if (process_is_forked()) return CROCHET_EFORKED;
  const Target target = target_of(result);
  if (target.call == nullptr || !interrupt_waits(*target.call, target.generation)) return CROCHET_EINVAL;
  const Word w = target.call->word.load(relaxed);
  return word::settled(w) && word::outcome(w) == Outcome::kForked ? CROCHET_EFORKED : CROCHET_OK;
}

int crochet_result_stash(crochet_result* result, uint64_t type, uint64_t* out_uid) {
  if (out_uid == nullptr) return CROCHET_EINVAL;
  *out_uid = 0;
  if (process_is_forked()) return CROCHET_EFORKED;
  const Target target = target_of(result);
  if (!alive(target)) return CROCHET_EINVAL;
  if (word::outcome(target.call->word.load(relaxed)) == Outcome::kForked) return CROCHET_EFORKED;
  if (!target.call->retain(target.generation)) return CROCHET_EINVAL;
  const int status = Runtime::get()->stash(target.call, target.generation, type, out_uid);
  if (status != CROCHET_OK) target.call->release_handle(target.generation);
  return status;
}

int crochet_retrieve_result(uint64_t uid, uint64_t type, crochet_result** out_result) {
  if (out_result == nullptr) return CROCHET_EINVAL;
  *out_result = nullptr;
  if (process_is_forked()) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get();
  if (runtime == nullptr) return CROCHET_ENOENT;
  Call* call = nullptr;
  Word generation = 0;
  const int status = runtime->stashed().take(uid, type, &call, &generation);
  if (status == CROCHET_OK) *out_result = result_handle(call, generation);
  return status;
}

crochet_result* crochet_result_retain(crochet_result* result) {
  const Target target = target_of(result);
  if (target.call == nullptr || process_is_forked()) return nullptr;
  return target.call->retain(target.generation) ? result : nullptr;
}

void crochet_result_release(crochet_result* result) {
  const Target target = target_of(result);
  // In a forked child as well: what release_handle() does at once is the handle's alone.
  if (target.call != nullptr) target.call->release_handle(target.generation);
}
