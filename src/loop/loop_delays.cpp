// SPDX-License-Identifier: MIT
// Calls that do not start just because they were popped (kConditional): those that wait for a time, those that must not
// start after one, and all those of a loop that has a limit. One timer of libuv's, for the first that waits.
#include <pthread.h>

#include <algorithm>

#include "call/hot_path.hpp"
#include "loop/loop.hpp"

namespace crochet {

void Loop::bury_husk(Call* call, Word w) {
  if ((w & word::kConditional) != 0) leave_queue_for(*call);
  call->release_reference();
}

void Loop::take_conditional(Call* call) {
  leave_queue_for(*call);
  Timing* timing = call->timing();
  if (timing == nullptr) return start_in_time(call);
  timing->count_delay();
  if (timing->delay_ns == 0) return start_in_time(call);
  const std::int64_t first = due_.first().ns();
  call->side()->waits_for.store(SideRecord::kItsTime, relaxed);  // it tells, and publishes nothing
  due_.insert(*timing);
  if (due_.first().ns() != first) set_due_timer();
}

void Loop::leave_queue_for(const Call& call) {
  const Timing* timing = call.timing();
  if (timing == nullptr || timing->is_limited) limit_.leave();
}

void Loop::start_in_time(Call* call) {
  if (!call->start_conditional()) return call->release_reference();  // cancelled or stopped meanwhile
  const Timing* timing = call->timing();
  if (timing != nullptr && timing->expired()) {
    counters_.add_alone(Counter::kExpired);
    call->expire();
  } else {
    counters_.add_alone(Counter::kRun);
    call->run();
  }
}

// Rounded up, since coming too early is coming twice.
std::uint64_t Loop::ms_until(Deadline time) {
  const std::int64_t wait_ns = time.ns() - monotonic_ns();
  return wait_ns <= 0 ? 0 : static_cast<std::uint64_t>(wait_ns) / 1'000'000 + 1;
}

void Loop::set_due_timer(std::uint64_t at_least_ms) {
  const Deadline first = due_.first();
  if (first.is_never()) {
    uv_timer_stop(&handles_.due);
    return;
  }
  uv_update_time(uv_);
  uv_timer_start(
      &handles_.due, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->run_due(); },
      std::max(at_least_ms, ms_until(first)), 0);
}

void Loop::run_due() {
  if (stop_ == Stop::kForked) pthread_exit(nullptr);  // a callback of the host's own returned in the child
  if (stop_begun()) return;
  DrainBudget budget;
  run_callbacks([](Loop& loop, void* context) { loop.run_due(*static_cast<DrainBudget*>(context)); }, &budget);
}

void Loop::run_due(DrainBudget& budget) {
  struct NoneRuns {
    Loop& loop;
    ~NoneRuns() { loop.running_.store(nullptr, relaxed); }  // also when a callback ends the thread
  } none_runs{*this};
  const std::int64_t now = monotonic_ns();  // what becomes due meanwhile is for the next turn
  while (!due_.empty() && due_.first().ns() <= now) {
    if (queue_.looks_closed()) begin_stop();
    if (stop_begun()) return;
    if (budget.is_due() && budget.is_spent()) break;
    Call* call = due_.take();
    running_.store(call, release);  // as in run_until_due()
    start_in_time(call);
  }
  // Not at once: libuv would come back in the same turn, and neither the queue nor a descriptor would have its own.
  set_due_timer(1);
}

}  // namespace crochet
