// SPDX-License-Identifier: MIT
// The producer's side of a call.
#include "call/hook.hpp"
#include "call/hot_path.hpp"
#include "capi/destination.hpp"

using namespace crochet;

namespace {

// What an entry point that settles or changes something says first; CROCHET_OK: go on.
int check(const Target& target) {
  if (process_is_forked()) return CROCHET_EFORKED;
  return target.call == nullptr ? CROCHET_EINVAL : CROCHET_OK;
}

[[gnu::noinline]] int not_resolved(crochet_deferred* deferred, void* value, crochet_drop_fn* drop) {
  const Target target = target_of(deferred);
  const int status = check(target);
  return refused(status != CROCHET_OK ? status : target.call->why_not_claimed(target.generation), value, drop);
}

}  // namespace

int crochet_deferred_new(crochet_loop* loop, void* arg, crochet_drop_fn* drop, crochet_deferred** out_deferred,
                         crochet_result** out_result) {
  if (out_result != nullptr) *out_result = nullptr;
  if (out_deferred != nullptr) *out_deferred = nullptr;
  Destination to{};
  const int status = out_deferred == nullptr ? CROCHET_EINVAL : find_destination(loop, &to);
  if (status != CROCHET_OK) return refused(status, arg, drop);
  Call* call = allocate_call();
  if (call == nullptr) return refused(CROCHET_ENOMEM, arg, drop);

  const bool forgotten = out_result == nullptr;
  const Word generation =
      call->make(to.id, 0, arg, drop, forgotten ? 0 : 1, forgotten ? word::kForgotten : 0, Call::From::kHand);
  // It is in no queue: ask after it was made, so that a stop that comes now finds it.
  if (!to.loop->accepts(to.id)) {
    call->end_as(Outcome::kNotRun, Outcome::kStopped);
    call->release_deferred(generation);
    if (!forgotten) call->release_reference();
    return not_accepted();
  }
  *out_deferred = deferred_handle(call, generation);
  if (!forgotten) *out_result = result_handle(call, generation);
  return CROCHET_OK;
}

int crochet_resolve(crochet_deferred* deferred, void* value, crochet_drop_fn* drop) {
  const Target target = target_of(deferred);
  if (check(target) != CROCHET_OK || !target.call->claim(target.generation)) return not_resolved(deferred, value, drop);
  return target.call->resolve(value, drop);
}

int crochet_reject(crochet_deferred* deferred, int code, const char* message) {
  return crochet_reject_with(deferred, code, message, 0, nullptr, nullptr);
}

int crochet_reject_with(crochet_deferred* deferred, int code, const char* message, uint64_t type, void* payload,
                        crochet_drop_fn* drop) {
  const Target target = target_of(deferred);
  const int status = check(target);
  if (status != CROCHET_OK) return refused(status, payload, drop);
  return target.call->reject(target.generation, code, message, type, payload, drop);
}

int crochet_deferred_on_cancel(crochet_deferred* deferred, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop) {
  const Target target = target_of(deferred);
  int status = check(target);
  if (status == CROCHET_OK) status = set_hook(*target.call, target.generation, fn, arg, drop);
  if (status != CROCHET_OK || fn == nullptr) return refused(status, arg, drop);
  return CROCHET_OK;
}

int crochet_deferred_is_cancelled(crochet_deferred* deferred) {
  const Target target = target_of(deferred);
  return check(target) == CROCHET_OK && target.call->asked_to_end(target.generation) ? 1 : 0;
}

crochet_loop* crochet_deferred_loop(crochet_deferred* deferred) {
  const Target target = target_of(deferred);
  if (process_is_forked() || !alive(target)) return nullptr;
  const std::uint32_t id = target.call->loop.load(relaxed);
  const Loop* loop = loop_table::block(id);
  // The id stays until the block is another loop's.
  if (loop == nullptr || loop->id() != id || !loop->is_active()) return nullptr;
  return loop_handle(loop);
}

crochet_deferred* crochet_deferred_retain(crochet_deferred* deferred) {
  const Target target = target_of(deferred);
  return check(target) == CROCHET_OK && target.call->retain_deferred(target.generation) ? deferred : nullptr;
}

void crochet_deferred_release(crochet_deferred* deferred) {
  const Target target = target_of(deferred);
  if (check(target) == CROCHET_OK) target.call->release_deferred(target.generation);
}
