// SPDX-License-Identifier: MIT
#include "loop/completion_queue.hpp"

#include <new>

#include "base/park.hpp"
#include "base/process.hpp"
#include "call/call_memory.hpp"
#include "call/handle.hpp"
#include "call/hot_path.hpp"
#include "call/list.hpp"
#include "call/post.hpp"
#include "call/watchers.hpp"

namespace crochet {
namespace {

constexpr Word kSleeper = Word{1} << 32;
constexpr Word kEvents = kSleeper - 1;

// Who wins has it: to be handed out, or to be forgotten.
bool claim(Call& entry) { return entry.end_as(Outcome::kNotRun, Outcome::kNotRun); }

Target anchor_of(const crochet_completion_queue* handle) { return handle::open(handle, handle::kDeferredBit); }

void end_queue(void* queue) { delete static_cast<CompletionQueue*>(queue); }

}  // namespace

// ---- Watching ----

CompletionQueue::CompletionQueue() {
  ready_.reopen();
  ready_.mark_asleep();  // C1
}

CompletionQueue::~CompletionQueue() {
  close();
  Completion left;
  while (take(&left)) left.call->release_reference();
  descriptor_.close();
}

int CompletionQueue::watch(const crochet_completion_queue* anchor, Call& watched, Word generation, std::uint64_t tag) {
  if (!watched.retain(generation)) return CROCHET_EINVAL;  // for the list (W2)
  Call* entry = watched.need_side() == nullptr ? nullptr : allocate_call();
  int status = entry == nullptr ? CROCHET_ENOMEM : CROCHET_OK;
  if (entry != nullptr) {
    // Of no loop. Two references: the list's, and that of watches_.
    entry->make(kNoLoop, 0, const_cast<crochet_completion_queue*>(anchor), nullptr, 1, 0);
    entry->value = &watched;
    const Locked locked(mutex_);
    try {
      if (is_closed_) status = CROCHET_ECLOSED;
      else if (!watches_.try_emplace(&watched, Watch{entry, tag}).second) status = CROCHET_EALREADY;
    } catch (const std::bad_alloc&) {
      status = CROCHET_ENOMEM;
    }
  }
  if (status == CROCHET_OK) {
    add_watcher(watched, *entry);
    return status;
  }
  if (entry != nullptr) {
    claim(*entry);
    entry->release_reference();
    entry->release_reference();
  }
  watched.release_reference();
  return status;
}

int CompletionQueue::unwatch(Call& watched) {
  const Locked locked(mutex_);
  const auto found = watches_.find(&watched);
  if (found == watches_.end()) return CROCHET_ENOENT;
  Call* entry = found->second.entry;
  if (!claim(*entry)) return CROCHET_EALREADY;
  watches_.erase(found);
  entry->release_reference();
  return CROCHET_OK;
}

void CompletionQueue::close() {
  {
    const Locked locked(mutex_);
    is_closed_ = true;
    for (auto watch = watches_.begin(); watch != watches_.end();) {
      Call* entry = watch->second.entry;
      if (!claim(*entry)) {  // it is there, or about to be
        ++watch;
        continue;
      }
      watch = watches_.erase(watch);
      entry->release_reference();
    }
  }
  announce();
}

// ---- Who settles ----

void CompletionQueue::deliver(Call* entry) {
  if (ready_.push(entry) == CallQueue::Push::kQueuedOwesWakeUp) announce();
}

void CompletionQueue::announce() {
  descriptor_.raise();
  Word before = events_.load(relaxed);
  // acq_rel: with the sleeper's fetch_add(). Either it sees what came, or it is seen here.
  while (!events_.compare_exchange_weak(before, (before & ~kEvents) | ((before + 1) & kEvents), acq_rel, relaxed)) {
  }
  if (before >= kSleeper) unpark_all(events_);
}

// ---- Consumers ----

int CompletionQueue::next(std::int64_t timeout_ns, bool end_on_signal, Completion* out) {
  const Deadline deadline = Deadline::after(timeout_ns);
  const Deadline look_at = end_on_signal ? deadline.earlier_of(Deadline::after(kLongestDeafness)) : deadline;
  const auto look = [&] {
    const Locked locked(mutex_);
    if (take(out)) return CROCHET_OK;
    return is_over() ? CROCHET_ECLOSED : CROCHET_ETIMEDOUT;
  };
  int status = look();
  if (status != CROCHET_ETIMEDOUT || timeout_ns == 0) return status;
  // acq_rel: with announce(). It wakes who is counted by then, and who comes later sees what it announced.
  Word events = events_.fetch_add(kSleeper, acq_rel) + kSleeper;
  for (Parked why = Parked::kWoken;;) {
    status = look();
    if (status != CROCHET_ETIMEDOUT || why == Parked::kTimedOut) break;
    why = park(events_, word::low_half(events), look_at, end_on_signal);
    if (process_is_forked()) return CROCHET_EFORKED;  // by a signal handler that ran meanwhile: nothing may be touched
    if (why == Parked::kSignalled) break;
    // acquire: as above.
    events = events_.load(acquire);
  }
  events_.fetch_sub(kSleeper, relaxed);  // publishes nothing
  return status == CROCHET_ETIMEDOUT && end_on_signal && !deadline.passed() ? CROCHET_EINTR : status;
}

std::size_t CompletionQueue::drain(std::size_t capacity, Completion* out, bool* is_over) {
  const Locked locked(mutex_);
  std::size_t count = 0;
  while (count < capacity && take(&out[count])) ++count;
  *is_over = this->is_over();
  return count;
}

int CompletionQueue::open_descriptor(int* out_descriptor) {
  const Locked locked(mutex_);
  if (!descriptor_.is_open()) {
    const int status = descriptor_.open();
    if (status != 0) return status;
    // Who pushed without seeing it did so before this looks; who pushes later sees it: both look at one word.
    if (taken_ != nullptr || refill() || is_closed_) descriptor_.raise();
  }
  *out_descriptor = descriptor_.number();
  return CROCHET_OK;
}

bool CompletionQueue::take(Completion* out) {
  if (taken_ == nullptr && !refill()) return false;
  Call* entry = taken_;
  taken_ = entry->next;
  const auto found = watches_.find(static_cast<Call*>(static_cast<void*>(entry->value)));
  *out = {found->first, found->second.tag};
  watches_.erase(found);
  entry->release_reference();
  entry->release_reference();
  if (taken_ == nullptr) refill();  // C1
  return true;
}

bool CompletionQueue::refill() {
  for (;;) {
    bool is_closed = false;
    taken_ = reversed(ready_.take(&is_closed));
    if (taken_ != nullptr) return true;
    if (!is_closed_) descriptor_.lower();  // C2
    if (ready_.mark_asleep()) return false;
    announce();  // those who pushed meanwhile saw no mark
  }
}

// ---- Anchors ----

crochet_completion_queue* make_completion_queue() {
  auto* queue = new (std::nothrow) CompletionQueue;
  Call* anchor = queue == nullptr ? nullptr : allocate_call();
  if (anchor == nullptr) {
    delete queue;
    return nullptr;
  }
  const Word generation = anchor->make(kNoLoop, 0, nullptr, nullptr, 1, 0, Call::From::kHand);
  anchor->settle(generation, queue, end_queue);
  anchor->release_deferred(generation);
  return reinterpret_cast<crochet_completion_queue*>(handle::make(anchor, generation, handle::kDeferredBit));
}

CompletionQueue* completion_queue_of(const crochet_completion_queue* handle) {
  const Target anchor = anchor_of(handle);
  if (anchor.call == nullptr) return nullptr;
  const bool is_queue =
      word::has_value(anchor.call->word.load(acquire), anchor.generation) && anchor.call->value_drop == end_queue;
  return is_queue ? static_cast<CompletionQueue*>(static_cast<void*>(anchor.call->value)) : nullptr;
}

void release_completion_queue(const crochet_completion_queue* handle) {
  const Target anchor = anchor_of(handle);
  anchor.call->release_visited(anchor.generation);
}

// From a list of watchers (call/post.hpp).
bool complete(Call& entry) {
  const Target anchor = anchor_of(static_cast<const crochet_completion_queue*>(static_cast<void*>(entry.arg)));
  // A stale one: its queue has ended, and claimed all that was watched.
  const bool is_there = anchor.call->retain(anchor.generation);
  const bool is_wanted = is_there && claim(entry);
  if (is_wanted) static_cast<CompletionQueue*>(static_cast<void*>(anchor.call->value))->deliver(&entry);
  else entry.release_reference();
  if (is_there) anchor.call->release_visited(anchor.generation);
  return is_wanted;
}

}  // namespace crochet
