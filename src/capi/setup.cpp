// SPDX-License-Identifier: MIT
// The process and its default loop; options.
#include <cstring>
#include <new>

#include "capi/entry.hpp"
#include "loop/options.hpp"
#include "runtime/runtime.hpp"

using namespace crochet;

int crochet_setup(const crochet_options* options) {
  const crochet_options* chosen = options_or_defaults(options);
  if (chosen == nullptr) return CROCHET_EINVAL;
  if (process_is_forked() && current_loop() != nullptr) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get_or_make();
  return runtime == nullptr ? CROCHET_ENOMEM : runtime->setup(*chosen);
}

int crochet_no_setup(struct uv_loop_s* uv, const crochet_options* options) {
  const crochet_options* chosen = options_or_defaults(options);
  if (uv == nullptr || chosen == nullptr) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get_or_make();
  return runtime == nullptr ? CROCHET_ENOMEM : runtime->no_setup(uv, *chosen);
}

int crochet_shutdown(int64_t grace_ns) {
  if (grace_ns < 0) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get();
  return runtime == nullptr ? CROCHET_OK : runtime->shutdown(grace_ns);
}

int crochet_stash_limits(uint32_t capacity, int64_t time_to_live_ns) {
  if (time_to_live_ns == 0 || !valid_timeout(time_to_live_ns)) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get_or_make();
  if (runtime == nullptr) return CROCHET_ENOMEM;
  runtime->stashed().set_limits(capacity, time_to_live_ns);
  return CROCHET_OK;
}

int crochet_options_new(crochet_options** out_options) {
  if (out_options == nullptr) return CROCHET_EINVAL;
  *out_options = new (std::nothrow) crochet_options;
  return *out_options == nullptr ? CROCHET_ENOMEM : CROCHET_OK;
}

void crochet_options_free(crochet_options* options) {
  if (!are_options(options)) return;
  options->mark = 0;
  delete options;
}

int crochet_options_set_thread_name(crochet_options* options, const char* name) {
  if (!are_options(options) || name == nullptr) return CROCHET_EINVAL;
  std::strncpy(options->thread_name, name, sizeof options->thread_name - 1);
  return CROCHET_OK;
}

int crochet_options_set_stack_size(crochet_options* options, size_t bytes) {
  if (!are_options(options)) return CROCHET_EINVAL;
  if (bytes != 0 && bytes < kSmallestStack) return CROCHET_EINVAL;
  options->stack_size = bytes;
  return CROCHET_OK;
}

int crochet_options_set_spin(crochet_options* options, int64_t loop_spin_ns, int64_t wait_spin_ns) {
  if (!are_options(options)) return CROCHET_EINVAL;
  for (const int64_t ns : {loop_spin_ns, wait_spin_ns}) {
    if (ns < 0 && ns != CROCHET_SPIN_MEASURED) return CROCHET_EINVAL;
  }
  options->loop_spin_ns = loop_spin_ns;
  options->wait_spin_ns = wait_spin_ns;
  return CROCHET_OK;
}

int crochet_options_set_queue_limit(crochet_options* options, uint64_t calls, int64_t wait_ns) {
  if (!are_options(options) || !valid_timeout(wait_ns)) return CROCHET_EINVAL;
  options->queue_limit = calls;
  options->queue_wait_ns = wait_ns;
  return CROCHET_OK;
}

int crochet_options_set_thread_hooks(crochet_options* options, crochet_thread_fn* first, crochet_thread_fn* last,
                                     void* arg, crochet_drop_fn* drop) {
  if (!are_options(options)) return refused(CROCHET_EINVAL, arg, drop);
  auto* hooks = new (std::nothrow) ThreadHooks{first, last, arg, drop};
  if (hooks == nullptr) return refused(CROCHET_ENOMEM, arg, drop);
  options->thread_hooks = ThreadHooksRef(hooks);
  return CROCHET_OK;
}

int crochet_options_set_keep_alive(crochet_options* options, int keep_alive) {
  if (!are_options(options) || (keep_alive != 0 && keep_alive != 1)) return CROCHET_EINVAL;
  options->keep_alive = keep_alive != 0;
  return CROCHET_OK;
}
