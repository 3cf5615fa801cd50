// SPDX-License-Identifier: MIT
// Scenarios: waiting for many results, and completion queues.
#include "faults/scenarios/scenario.hpp"

namespace faults {
namespace {

constexpr std::size_t kMany = 5;

void release_queue(crochet_completion_queue* queue) { CALL(crochet_completion_queue_release, queue); }
using Queue = Handle<crochet_completion_queue, release_queue>;

// As many as can be made.
std::size_t run_all(Result (&results)[kMany]) {
  std::size_t count = 0;
  while (count < kMany) {
    if (CALL(crochet_run, nullptr, gives_token, token(), drop_token, results[count].out()) != CROCHET_OK) break;
    ++count;
  }
  return count;
}

void wait_many(const Armed& armed) {
  set_up();
  armed.begin();
  Result results[kMany];
  crochet_result* handles[kMany];
  const std::size_t count = run_all(results);
  for (std::size_t i = 0; i < count; ++i) handles[i] = results[i].get();
  crochet_result* const* const all = handles;
  std::size_t index = 0;
  if (count != 0) CALL(crochet_wait_any, all, count, CROCHET_FOREVER, &index);
  MUST(CALL(crochet_wait_all, all, count, CROCHET_FOREVER) == CROCHET_OK);
  armed.end();
  shut_down();
}

// One that is handed out.
void next(const Queue& queue, bool interruptible) {
  Result out;
  std::uint64_t tag = 0;
  if (!interruptible) {
    CALL(crochet_completion_queue_next, queue.get(), CROCHET_FOREVER, out.out(), &tag);
  } else {
    while (CALL(crochet_completion_queue_next_interruptible, queue.get(), CROCHET_FOREVER, out.out(), &tag) ==
           CROCHET_EINTR) {
    }
  }
  MUST(static_cast<bool>(out));
}

void completion_queue(const Armed& armed) {
  set_up();
  armed.begin();
  Queue queue;
  Result results[kMany];
  const std::size_t count = run_all(results);
  if (CALL(crochet_completion_queue_new, queue.out()) == CROCHET_OK) {
    std::size_t watched = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (CALL(crochet_completion_queue_watch, queue.get(), results[i].get(), i) == CROCHET_OK) ++watched;
    }
    int descriptor = -1;
    CALL(crochet_completion_queue_descriptor, queue.get(), &descriptor);
    for (std::size_t i = 0; i < count; ++i) settle(results[i]);
    if (watched > 0) next(queue, false);
    if (watched > 1) next(queue, true);
    std::size_t drained = 1;
    while (watched > 2 && drained != 0) {
      crochet_result* out[kMany];
      CALL(crochet_completion_queue_drain, queue.get(), kMany, out, nullptr, &drained);
      for (std::size_t i = 0; i < drained; ++i) CALL(crochet_result_release, out[i]);
      watched -= drained;
    }
    MUST(watched <= 2);
    Deferred deferred;
    Result pending;
    CALL(crochet_deferred_new, nullptr, nullptr, nullptr, deferred.out(), pending.out());
    if (pending && CALL(crochet_completion_queue_watch, queue.get(), pending.get(), 9u) == CROCHET_OK) {
      MUST(CALL(crochet_completion_queue_unwatch, queue.get(), pending.get()) == CROCHET_OK);
    }
    MUST(CALL(crochet_completion_queue_retain, queue.get()) == queue.get());
    CALL(crochet_completion_queue_release, queue.get());
    MUST(CALL(crochet_completion_queue_close, queue.get()) == CROCHET_OK);
  }
  queue.reset();
  armed.end();
  shut_down();
}

}  // namespace

const Scenario kQueues[] = {{"wait_many", wait_many}, {"completion_queue", completion_queue}, {nullptr, nullptr}};

}  // namespace faults
