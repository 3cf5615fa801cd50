// SPDX-License-Identifier: MIT
// A turn of the loop: what is queued is run before libuv polls, and whether it may block then; spinning; and what
// becomes of callbacks that do not return.
#include <pthread.h>

#include <utility>

#include "base/forced_unwind.hpp"
#include "base/process.hpp"
#include "call/hot_path.hpp"
#include "loop/loop.hpp"

namespace crochet {
namespace {

// Reversing a list is cheap, but a list of millions is not.
constexpr unsigned kReverseAtOnce = 4096;
// How long a loop that spins leaves timers and descriptors alone: ten times as long as looking at them takes.
constexpr std::int64_t kSpinSlice = 5'000;

}  // namespace

void Loop::before_poll() {
  // libuv would abort. The thread unwinds from here, as from a callback that ends it.
  if (descriptors_lost_.load(acquire) && !adopted_) pthread_exit(nullptr);
  counters_.add_alone(Counter::kTurns);
  DrainBudget budget;  // for all rounds: calls may make calls for ever
  for (;;) {
    if (!drain(budget) || stop_begun()) return;
    if (spin()) {
      if (queue_.looks_empty()) return;
      continue;
    }
    // Fails also when the queue was closed meanwhile: the next round sees that, and begins the stop.
    if (!queue_.mark_asleep()) continue;
    ++sleeps_;
    return;
  }
}

// In slices, between which libuv serves timers and descriptors without blocking.
bool Loop::spin() {
  if (!spins_) {
    if (!loop_spin_.is_worth_it()) return false;
    spins_ = true;
    spin_end_ = Deadline::after(loop_spin_.limit_ns());
  } else if (spin_end_.passed()) {
    spins_ = false;
    keep_awake(false);
    loop_spin_.was_in_vain();
    return false;
  }
  keep_awake(true);
  if (Spin::until(spin_end_.earlier_of(Deadline::after(kSpinSlice)), [this] { return !queue_.looks_empty(); })) {
    loop_spin_.was_worth_it();
    spin_end_ = Deadline::after(loop_spin_.limit_ns());
  }
  return true;
}

bool Loop::is_kept_awake() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(&handles_.busy)) != 0; }

void Loop::keep_awake(bool yes) {
  if (yes == is_kept_awake()) return;
  if (yes) uv_idle_start(&handles_.busy, [](uv_idle_t*) {});
  else uv_idle_stop(&handles_.busy);
}

void Loop::after_poll() {
  if (!adopted_) {
    queue_.mark_awake();
    return;
  }
  rounds_.fetch_add(1, relaxed);
  // Control may leave uv_run now: a push must be able to wake it, or a wake-up be under way.
  before_poll();
  if (is_kept_awake() && wake_up_.is_ours()) wake_up_.send();
}

void Loop::drain() {
  DrainBudget budget;
  drain(budget);
}

bool Loop::drain(DrainBudget& budget) {
  if (stop_ == Stop::kForked) pthread_exit(nullptr);  // a callback of the host's own returned in the child
  if (stop_begun()) return true;
  struct Round {
    DrainBudget& budget;
    bool all;
  } round{budget, true};
  run_callbacks(
      [](Loop& loop, void* context) {
        auto* it = static_cast<Round*>(context);
        it->all = loop.run_ready(it->budget);
      },
      &round);
  if (stop_begun()) return true;
  keep_awake(!round.all || spins_);
  return round.all;
}

[[gnu::always_inline]] inline void Loop::run_or_bury_inline(Call* call) {
  // A message is no queued call any more, and does not start.
  if (call->loop.load(relaxed) != id() || !call->start()) return bury(call);
  if (!is_own(*call)) counters_.add_alone(Counter::kRun);
  call->run();
}

[[gnu::always_inline]] inline void Loop::run_until_due(DrainBudget& budget) {
  struct Rest {
    Loop& loop;
    Call* calls;
    ~Rest() {  // also when a callback ends the thread
      loop.running_.store(nullptr, relaxed);
      if (calls == nullptr) return;
      Call* last = calls;
      // Only a host that runs its libuv loop inside a callback of that loop has put something there meanwhile.
      while (loop.ready_ != nullptr && last->next != nullptr) last = last->next;
      if (loop.ready_ != nullptr) last->next = loop.ready_;
      loop.ready_ = calls;
    }
  } rest{*this, std::exchange(ready_, nullptr)};
  while (rest.calls != nullptr && !budget.is_due()) {
    Call* call = rest.calls;
    rest.calls = call->next;  // before it starts: then the link may be somebody else's
    running_.store(call, release);
    run_or_bury_inline(call);
    if (stop_begun()) return;
  }
}

bool Loop::run_ready(DrainBudget& budget) {
  for (;;) {
    run_until_due(budget);
    if (stop_begun()) {  // in a callback
      if (stop_ != Stop::kForked) refuse_linked();
      return true;
    }
    if (ready_ == nullptr) {
      if (!refill()) return true;
      if (ready_ != nullptr) continue;
    }
    // It is time to look around, or a long list is being reversed.
    if (queue_.looks_closed()) begin_stop();  // what is left over is not run any more
    if (stop_begun()) return true;
    const bool is_spent = budget.is_spent();
    if (samples_.is_on()) samples_.ran(progress(), is_spent, budget.looked_ns());
    if (is_spent) return false;
  }
}

bool Loop::refill() {
  Call* list = incoming_;
  if (list == nullptr) {
    if (samples_.is_on()) samples_.ran(progress(), true);
    bool is_closed = false;
    list = queue_.take(&is_closed);
    if (is_closed) begin_stop();
    if (list == nullptr) return false;
    if (samples_.took()) samples_.begin(progress());
  }
  Call* reversed = reversing_;
  for (unsigned i = 0; list != nullptr && i < kReverseAtOnce; ++i) {
    Call* next = list->next;
    list->next = reversed;
    reversed = list;
    list = next;
  }
  incoming_ = list;
  (list == nullptr ? ready_ : reversing_) = reversed;
  if (list == nullptr) reversing_ = nullptr;
  return true;
}

CROCHET_CATCHES_FORCED_UNWIND void Loop::run_callbacks(void (*body)(Loop& loop, void* context), void* context) {
  try {
    body(*this, context);
  } catch (abi::__forced_unwind&) {
    // pthread_exit or a cancellation in a callback. Our own thread sees it in run_until_ended().
    if (adopted_) died();
    throw;
  }
  // A callback forked and returned in the child: going on here would steal the parent's wake-ups.
  if (process_is_forked()) pthread_exit(nullptr);
}

void Loop::run_or_bury(Call* call) {
  running_.store(call, release);
  run_or_bury_inline(call);
  running_.store(nullptr, relaxed);
}

void Loop::bury(Call* call) {
  const Word w = call->word.load(acquire);
  if (is_message(w)) call->deliver_cancel_message();
  else if (call->loop.load(relaxed) != id())
    refuse(call);  // made for a loop that has ended, whose control block this was
  else if (word::phase(w) == Phase::kQueued) take_conditional(call);
  else bury_husk(call, w);
}

}  // namespace crochet
