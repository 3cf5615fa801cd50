// SPDX-License-Identifier: MIT
// Many results: completion queues, and waiting for any or all.
#include "loop/completion_queue.hpp"

#include <algorithm>

#include "base/deadline.hpp"
#include "call/hot_path.hpp"
#include "capi/entry.hpp"
#include "loop/loop.hpp"

using namespace crochet;

namespace {

bool is_from_before_fork(const Target& target) {
  return word::outcome(target.call->word.load(relaxed)) == Outcome::kForked;
}

// CROCHET_OK, and `*out_queue`; or the code for a handle that is not good.
int open(const crochet_completion_queue* handle, CompletionQueue** out_queue) {
  if (process_is_forked()) return CROCHET_EFORKED;
  *out_queue = completion_queue_of(handle);
  if (*out_queue != nullptr) return CROCHET_OK;
  const Target anchor = handle::open(handle, handle::kDeferredBit);
  return alive(anchor) && is_from_before_fork(anchor) ? CROCHET_EFORKED : CROCHET_EINVAL;
}

int open(const crochet_result* handle, Target* out_target) {
  if (process_is_forked()) return CROCHET_EFORKED;
  *out_target = target_of(handle);
  if (!alive(*out_target)) return CROCHET_EINVAL;
  return is_from_before_fork(*out_target) ? CROCHET_EFORKED : CROCHET_OK;
}

crochet_result* result_of(const Completion& completion) {
  return result_handle(completion.call, word::generation(completion.call->word.load(relaxed)));
}

int next(crochet_completion_queue* handle, int64_t timeout_ns, bool end_on_signal, crochet_result** out_result,
         uint64_t* out_tag) {
  if (out_tag != nullptr) *out_tag = 0;
  if (out_result == nullptr) return CROCHET_EINVAL;
  *out_result = nullptr;
  CompletionQueue* queue = nullptr;
  int status = open(handle, &queue);
  if (status == CROCHET_OK && !valid_timeout(timeout_ns)) status = CROCHET_EINVAL;
  if (status == CROCHET_OK && current_loop() != nullptr) status = CROCHET_EDEADLK;
  if (status != CROCHET_OK) return status;
  Completion completion{};
  status = queue->next(timeout_ns, end_on_signal, &completion);
  if (status != CROCHET_OK) return status;
  *out_result = result_of(completion);
  if (out_tag != nullptr) *out_tag = completion.tag;
  return CROCHET_OK;
}

// Of what every wait for many asks.
int check_wait(crochet_result* const* results, size_t count, int64_t timeout_ns) {
  if (process_is_forked()) return CROCHET_EFORKED;
  if ((results == nullptr && count != 0) || !valid_timeout(timeout_ns)) return CROCHET_EINVAL;
  for (size_t i = 0; i < count; ++i) {
    Target target{};
    const int status = open(results[i], &target);
    if (status != CROCHET_OK) return status;
  }
  return current_loop() == nullptr ? CROCHET_OK : CROCHET_EDEADLK;
}

}  // namespace

int crochet_completion_queue_new(crochet_completion_queue** out_queue) {
  if (out_queue == nullptr) return CROCHET_EINVAL;
  *out_queue = nullptr;
  if (process_is_forked()) return CROCHET_EFORKED;
  *out_queue = make_completion_queue();
  return *out_queue == nullptr ? CROCHET_ENOMEM : CROCHET_OK;
}

int crochet_completion_queue_watch(crochet_completion_queue* handle, crochet_result* result, uint64_t tag) {
  CompletionQueue* queue = nullptr;
  Target target{};
  int status = open(handle, &queue);
  if (status == CROCHET_OK) status = open(result, &target);
  return status != CROCHET_OK ? status : queue->watch(handle, *target.call, target.generation, tag);
}

int crochet_completion_queue_unwatch(crochet_completion_queue* handle, crochet_result* result) {
  CompletionQueue* queue = nullptr;
  Target target{};
  int status = open(handle, &queue);
  if (status == CROCHET_OK) status = open(result, &target);
  return status != CROCHET_OK ? status : queue->unwatch(*target.call);
}

int crochet_completion_queue_next(crochet_completion_queue* queue, int64_t timeout_ns, crochet_result** out_result,
                                  uint64_t* out_tag) {
  return next(queue, timeout_ns, false, out_result, out_tag);
}

int crochet_completion_queue_next_interruptible(crochet_completion_queue* queue, int64_t timeout_ns,
                                                crochet_result** out_result, uint64_t* out_tag) {
  return next(queue, timeout_ns, true, out_result, out_tag);
}

int crochet_completion_queue_drain(crochet_completion_queue* handle, size_t capacity, crochet_result** out_results,
                                   uint64_t* out_tags, size_t* out_count) {
  if (out_count == nullptr) return CROCHET_EINVAL;
  *out_count = 0;
  if (out_results == nullptr && capacity != 0) return CROCHET_EINVAL;
  CompletionQueue* queue = nullptr;
  const int status = open(handle, &queue);
  if (status != CROCHET_OK) return status;
  // Some at a time, so that settled calls need not be stored here as something else first.
  constexpr size_t kAtOnce = 64;
  for (bool is_over = false;;) {
    Completion some[kAtOnce];
    const size_t wanted = std::min(kAtOnce, capacity - *out_count);
    const size_t count = queue->drain(wanted, some, &is_over);
    for (size_t i = 0; i < count; ++i) {
      out_results[*out_count + i] = result_of(some[i]);
      if (out_tags != nullptr) out_tags[*out_count + i] = some[i].tag;
    }
    *out_count += count;
    if (count == kAtOnce) continue;
    return is_over && *out_count == 0 ? CROCHET_ECLOSED : CROCHET_OK;
  }
}

int crochet_completion_queue_descriptor(crochet_completion_queue* handle, int* out_descriptor) {
  if (out_descriptor == nullptr) return CROCHET_EINVAL;
  *out_descriptor = -1;
  CompletionQueue* queue = nullptr;
  const int status = open(handle, &queue);
  return status != CROCHET_OK ? status : queue->open_descriptor(out_descriptor);
}

int crochet_completion_queue_close(crochet_completion_queue* handle) {
  CompletionQueue* queue = nullptr;
  const int status = open(handle, &queue);
  if (status == CROCHET_OK) queue->close();
  return status;
}

crochet_completion_queue* crochet_completion_queue_retain(crochet_completion_queue* handle) {
  if (process_is_forked() || completion_queue_of(handle) == nullptr) return nullptr;
  const Target anchor = handle::open(handle, handle::kDeferredBit);
  return anchor.call->retain(anchor.generation) ? handle : nullptr;
}

void crochet_completion_queue_release(crochet_completion_queue* handle) {
  if (!process_is_forked() && completion_queue_of(handle) != nullptr) release_completion_queue(handle);
}

int crochet_wait_any(crochet_result* const* results, size_t count, int64_t timeout_ns, size_t* out_index) {
  if (out_index == nullptr) return CROCHET_EINVAL;
  *out_index = count;
  int status = check_wait(results, count, timeout_ns);
  if (status != CROCHET_OK) return status;
  for (size_t i = 0; i < count; ++i) {
    if (crochet_result_status(results[i]) == CROCHET_EPENDING) continue;
    *out_index = i;
    return CROCHET_OK;
  }
  crochet_completion_queue* queue = nullptr;
  status = crochet_completion_queue_new(&queue);
  for (size_t i = 0; i < count && status == CROCHET_OK; ++i) {
    status = crochet_completion_queue_watch(queue, results[i], i);
    if (status == CROCHET_EALREADY) status = CROCHET_OK;  // it is there several times
  }
  if (status == CROCHET_OK) {
    crochet_result* first = nullptr;
    uint64_t index = count;
    status = crochet_completion_queue_next(queue, timeout_ns, &first, &index);
    if (status == CROCHET_OK) *out_index = static_cast<size_t>(index);
    crochet_result_release(first);
  }
  crochet_completion_queue_release(queue);
  return status;
}

int crochet_wait_all(crochet_result* const* results, size_t count, int64_t timeout_ns) {
  int status = check_wait(results, count, timeout_ns);
  const Deadline deadline = Deadline::after(timeout_ns);
  for (size_t i = 0; i < count && status == CROCHET_OK; ++i) {
    if (crochet_result_status(results[i]) != CROCHET_EPENDING) continue;
    const int code = crochet_result_wait(results[i], deadline.left_ns());
    const bool is_final = code >= CROCHET_EBROKEN;
    if (!is_final) status = code;
  }
  return status;
}
