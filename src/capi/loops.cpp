// SPDX-License-Identifier: MIT
// Further loops, and whose thread this is.
#include <algorithm>

#include "base/named.hpp"
#include "capi/destination.hpp"

using namespace crochet;

int crochet_loop_new(const crochet_options* options, crochet_loop** out_loop) {
  if (out_loop == nullptr) return CROCHET_EINVAL;
  *out_loop = nullptr;
  const crochet_options* chosen = options_or_defaults(options);
  if (chosen == nullptr) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  if (current_loop() != nullptr) return CROCHET_EDEADLK;
  Runtime* runtime = Runtime::get_or_make();
  if (runtime == nullptr) return CROCHET_ENOMEM;
  Loop* loop = nullptr;
  const int status = runtime->new_loop(*chosen, &loop);
  if (status == CROCHET_OK) *out_loop = loop_handle(loop);
  return status;
}

int crochet_loop_adopt(struct uv_loop_s* uv, const crochet_options* options, crochet_loop** out_loop) {
  if (out_loop == nullptr) return CROCHET_EINVAL;
  *out_loop = nullptr;
  const crochet_options* chosen = options_or_defaults(options);
  if (uv == nullptr || chosen == nullptr) return CROCHET_EINVAL;
  if (process_is_forked()) return CROCHET_EFORKED;
  Runtime* runtime = Runtime::get_or_make();
  if (runtime == nullptr) return CROCHET_ENOMEM;
  Loop* loop = nullptr;
  const int status = runtime->adopt_loop(uv, *chosen, &loop);
  if (status == CROCHET_OK) *out_loop = loop_handle(loop);
  return status;
}

int crochet_loop_stop(crochet_loop* loop, int64_t grace_ns) {
  if (loop == nullptr || grace_ns < 0) return CROCHET_EINVAL;
  Destination to{};
  const int status = find_destination(loop, &to);
  if (status != CROCHET_OK) return status;
  return Runtime::get()->stop_loop(*to.loop, grace_ns);
}

int crochet_loop_counter(crochet_loop* loop, const char* name, uint64_t* out_count) {
  if (out_count == nullptr) return CROCHET_EINVAL;
  *out_count = 0;
  Counter which{};
  if (name == nullptr) return CROCHET_EINVAL;
  Destination to{};
  const int status = find_destination(loop, &to);
  if (status != CROCHET_OK) return status;
  if (!find_named(kCounterNames, name, &which)) return CROCHET_ENOENT;
  *out_count = to.loop->read(which);
  return CROCHET_OK;
}

int crochet_loop_histogram(crochet_loop* loop, const char* name, uint64_t* out_counts, uint32_t capacity,
                           uint64_t* out_sum_ns) {
  if (out_counts != nullptr) std::fill_n(out_counts, capacity, 0);
  if (out_sum_ns != nullptr) *out_sum_ns = 0;
  if (name == nullptr || out_counts == nullptr || out_sum_ns == nullptr) return CROCHET_EINVAL;
  if (capacity < Histogram::kBuckets) return CROCHET_EINVAL;
  Destination to{};
  const int status = find_destination(loop, &to);
  if (status != CROCHET_OK) return status;
  Timed which{};
  if (!find_named(kHistogramNames, name, &which)) return CROCHET_ENOENT;
  const Histogram& histogram = to.loop->timed(which);
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) out_counts[i] = histogram.count(i);
  *out_sum_ns = histogram.sum_ns();
  return CROCHET_OK;
}

const char* crochet_loop_histogram_name(uint32_t index) { return name_at(kHistogramNames, index); }

int64_t crochet_histogram_bound(uint32_t bucket) { return bucket < Histogram::kBuckets ? Histogram::bound(bucket) : 0; }

const char* crochet_loop_counter_name(uint32_t index) { return name_at(kCounterNames, index); }

crochet_loop* crochet_loop_retain(crochet_loop* loop) {
  const LoopTarget target = target_of(loop);
  if (target.loop == nullptr || process_is_forked() || target.loop->is_parents()) return nullptr;
  return target.loop->retain_handle(target.generation) ? loop : nullptr;
}

void crochet_loop_release(crochet_loop* loop) {
  const LoopTarget target = target_of(loop);
  if (target.loop == nullptr || process_is_forked() || target.loop->is_parents()) return;
  const Loop::Hold hold(*target.loop);  // the loop may end, and its block be reused, as soon as nobody refers to it
  bool was_last = false;
  if (target.loop->release_handle(target.generation, &was_last) && was_last) target.loop->request_stop(0);
}

crochet_loop* crochet_current_loop(void) {
  const Loop* loop = current_loop();
  return loop == nullptr || process_is_forked() ? nullptr : loop_handle(loop);
}

struct uv_loop_s* crochet_current_uv(void) {
  const Loop* loop = current_loop();
  return loop == nullptr || process_is_forked() ? nullptr : loop->uv();
}
