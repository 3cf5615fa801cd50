// SPDX-License-Identifier: MIT
// A completion queue: results are watched, and handed out in the order in which they settle, to threads that sleep here
// or to a loop of somebody else's that polls a descriptor.
//
// A watch is an entry: a slot of the call pool that is linked in the watched call's list (call/watchers.hpp) like an
// after-call, and then in the queue's stack. So settling allocates nothing, and no completion can be lost for want of
// room.
//
//   entry's word   linked in                 left by
//   kQueued        the watched call's list   a CAS to settled: who wins decides what becomes of it
//   settled        a watched list: a husk, freed when that is next gone through; or the stack: to be handed out
//
// Consumers share a mutex. Who settles must not wait for them: he pushes to a stack that is a CallQueue, whose consumer
// sleeps by its mark: kAsleep stands in it when nothing is there to be handed out, and who replaces that mark
// announces.
//
// Invariants:
//   C1  Outside the mutex either something is there to be taken, or kAsleep stands.
//   C2  The descriptor is low only while kAsleep stands: it is lowered before the mark is set, and raised by who
//       replaces it, or by a consumer that came too late to set it. (So it may be high for a moment with nothing
//       there.) A closed queue's is never lowered.
//   C3  watches_ has every entry that was not handed out, and holds a reference to it.
//   C4  An entry in the stack brings the reference on its watched call along (W2), for the consumer.
//
// The queue itself is the value of a settled call, its anchor, whose handles users hold. Entries refer to the anchor
// without a reference: who delivers visits it with one of his own, which a stale anchor refuses. So an anchor's last
// reference is always given back by a read-modify-write (Call::release_visited).
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "base/event_descriptor.hpp"
#include "base/mutex.hpp"
#include "call/call.hpp"
#include "crochet.h"
#include "loop/call_queue.hpp"

namespace crochet {

struct Completion {
  Call* call;  // with a reference
  std::uint64_t tag;
};

class CompletionQueue {
 public:
  CompletionQueue();
  ~CompletionQueue();  // what was not handed out is let go; drop functions may run
  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;

  // ---- Consumers: any thread, one at a time inside.

  // `anchor` leads to this queue. CROCHET_OK, CROCHET_EALREADY, CROCHET_ECLOSED, CROCHET_ENOMEM; CROCHET_EINVAL: no
  // such call any more.
  int watch(const crochet_completion_queue* anchor, Call& watched, Word generation, std::uint64_t tag);
  int unwatch(Call& watched);  // CROCHET_OK, CROCHET_EALREADY: it has settled; CROCHET_ENOENT
  // CROCHET_OK, CROCHET_ECLOSED: nothing will come any more; CROCHET_ETIMEDOUT, CROCHET_EINTR, CROCHET_EFORKED.
  int next(std::int64_t timeout_ns, bool end_on_signal, Completion* out);
  std::size_t drain(std::size_t capacity, Completion* out, bool* is_over);
  int open_descriptor(int* out_descriptor);  // once made, always the same. Or a code of the system's
  void close();

  // ---- Who settles: never blocks. The entry, whose claim was won, is the queue's from here on.

  void deliver(Call* entry);

 private:
  struct Watch {
    Call* entry;
    std::uint64_t tag;
  };

  bool take(Completion* out) CROCHET_UNDER(mutex_);
  bool refill() CROCHET_UNDER(mutex_);
  bool is_over() const CROCHET_UNDER(mutex_) { return is_closed_ && watches_.empty(); }

  void announce();

  CallQueue ready_;             // its consumer is who has mutex_
  EventDescriptor descriptor_;  // opened and lowered under mutex_, raised by anybody
  Atomic<Word> events_{0};      // the low half counts announcements, and is parked on; the high half counts who sleeps

  Mutex mutex_;
  Plain<Call*> taken_ CROCHET_GUARDED_BY(mutex_){nullptr};               // taken out of ready_: oldest first
  std::unordered_map<Call*, Watch> watches_ CROCHET_GUARDED_BY(mutex_);  // by what is watched
  Plain<bool> is_closed_ CROCHET_GUARDED_BY(mutex_){false};
};

// The handle of a queue is that of its anchor. Null: it is none.
crochet_completion_queue* make_completion_queue();
CompletionQueue* completion_queue_of(const crochet_completion_queue* handle);
void release_completion_queue(const crochet_completion_queue* handle);  // of a queue

}  // namespace crochet
