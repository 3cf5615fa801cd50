// SPDX-License-Identifier: MIT
// Further loops, and whose thread this is.
#include "capi/destination.hpp"

using namespace crochet;

namespace {

const crochet_options kDefaults{};

int hand_out(int status, Loop* loop, crochet_loop** out_loop) {
  if (loop != nullptr) *out_loop = loop_handle(loop);
  return status;
}

}  // namespace

int crochet_loop_new(const crochet_options* options, crochet_loop** out_loop) {
  if (out_loop == nullptr) return CROCHET_EINVAL;
  *out_loop = nullptr;
  if (options != nullptr && options->mark != kOptionsMark) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  if (current_loop() != nullptr) return CROCHET_EDEADLK;
  Runtime* runtime = Runtime::get_or_make();
  if (runtime == nullptr) return CROCHET_ENOMEM;
  Loop* loop = nullptr;
  return hand_out(runtime->new_loop(options == nullptr ? kDefaults : *options, &loop), loop, out_loop);
}

int crochet_loop_adopt(struct uv_loop_s* uv, const crochet_options* options, crochet_loop** out_loop) {
  if (out_loop == nullptr) return CROCHET_EINVAL;
  *out_loop = nullptr;
  if (uv == nullptr || (options != nullptr && options->mark != kOptionsMark)) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get_or_make();
  if (runtime == nullptr) return CROCHET_ENOMEM;
  Loop* loop = nullptr;
  return hand_out(runtime->adopt_loop(uv, options == nullptr ? kDefaults : *options, &loop), loop, out_loop);
}

int crochet_loop_stop(crochet_loop* loop, int64_t grace_ns) {
  if (loop == nullptr || grace_ns < 0) return CROCHET_EINVAL;
  Destination to{};
  const int status = find_destination(loop, &to);
  if (status != CROCHET_OK) return status;
  return Runtime::get()->stop_loop(*to.loop, grace_ns);
}

crochet_loop* crochet_loop_retain(crochet_loop* loop) {
  const LoopTarget target = target_of(loop);
  return target.loop != nullptr && target.loop->retain_handle(target.generation) ? loop : nullptr;
}

void crochet_loop_release(crochet_loop* loop) {
  const LoopTarget target = target_of(loop);
  bool was_last = false;
  if (target.loop == nullptr || !target.loop->release_handle(target.generation, &was_last)) return;
  if (was_last && !target.loop->is_parents() && !process_is_forked()) target.loop->request_stop(0);
}

crochet_loop* crochet_current_loop(void) {
  const Loop* loop = current_loop();
  return loop == nullptr || process_is_forked() ? nullptr : loop_handle(loop);
}

struct uv_loop_s* crochet_current_uv(void) {
  const Loop* loop = current_loop();
  return loop == nullptr || process_is_forked() ? nullptr : loop->uv();
}
