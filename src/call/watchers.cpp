// SPDX-License-Identifier: MIT
#include "call/watchers.hpp"

#include <algorithm>

#include "base/thread_local.hpp"
#include "call/list.hpp"
#include "call/post.hpp"

namespace crochet {
namespace {

constexpr std::uint64_t kOwned = 1;
constexpr std::uint64_t kClosing = 2;
constexpr std::uint64_t kTags = 7;
constexpr std::uint64_t kClosed = 7;
constexpr std::uint32_t kFewestAdds = 16;

Call* node(std::uint64_t head) { return reinterpret_cast<Call*>(static_cast<std::uintptr_t>(head & ~kTags)); }
std::uint64_t address(Call* call) { return reinterpret_cast<std::uintptr_t>(call); }

// After-calls that their loops did not take. Refusing one settles it, which delivers those that wait for it, whose loop
// has most likely stopped as well: a chain of them is as long as its host likes, and a stack is not. So who is refused
// while somebody is at it waits for his turn. Drop functions run here, and one that ends its thread must not end the
// refusing.
class Refusals {
 public:
  static void refuse(Call& after) {
    if (Refusals* present = present_.get()) return present->add(after);
    Refusals all;
    all.add(after);
    all.run();
  }

 private:
  Refusals() { present_.get() = this; }
  ~Refusals() noexcept(false) {
    run();  // the rest, if the thread is being ended
    present_.get() = nullptr;
  }
  void add(Call& after) {
    after.next = nullptr;
    if (first_ == nullptr) first_ = &after;
    else last_->next = &after;
    last_ = &after;
  }
  void run() {
    while (Call* after = first_) {
      first_ = after->next;
      const std::uint32_t loop_id = after->loop.load(relaxed);
      if (after->refuse()) count_never_ran(loop_id, NeverRan::kNotRun);
    }
  }

  struct Tag;
  static ThreadLocal<Refusals*, Tag> present_;

  Call* first_ = nullptr;
  Call* last_ = nullptr;
};

ThreadLocal<Refusals*, Refusals::Tag> Refusals::present_;

// Never runs the after-call's function: that is its loop's to do.
void deliver(Call& watched, Call& after) {
  const std::uint32_t loop_id = after.loop.load(relaxed);
  if (word::settled(after.word.load(acquire))) {
    after.release_reference();  // cancelled or stopped while it waited: a husk
  } else if (loop_id == kNoLoop) {
    if (complete(after)) return;
  } else {
    // The caller holds a reference on `watched`; observed before the after-call can run and let go of it.
    watched.word.fetch_or(word::kObserved, relaxed);  // relaxed: read by who destroys, ordered by the references
    if (SideRecord* side = after.side()) side->waits_for.store(0, relaxed);  // relaxed: it tells, and publishes nothing
    if (!post_to_loop(loop_id, &after)) Refusals::refuse(after);
  }
  watched.release_reference();
}

void deliver_all(Call& watched, Call* oldest_first) {
  while (oldest_first != nullptr) {
    Call* after = oldest_first;
    oldest_first = after->next;  // before it is delivered: then it is somebody else's
    deliver(watched, *after);
  }
}

// The caller owns the list and has seen kClosing, or set it.
void deliver_and_close(Call& watched, SideRecord& side) {
  for (;;) {
    // acq_rel: acquires the nodes from add_watcher()'s release.
    deliver_all(watched, reversed(node(side.watchers.exchange(kOwned | kClosing, acq_rel))));
    std::uint64_t expected = kOwned | kClosing;
    // release: with the acquire load of who comes late and finds it closed.
    if (side.watchers.compare_exchange_strong(expected, kClosed, acq_rel, relaxed)) return;
  }
}

// Takes what was added since, tags kept; oldest first.
Call* take_added(SideRecord& side) {
  std::uint64_t head = side.watchers.load(relaxed);
  while (node(head) != nullptr && !side.watchers.compare_exchange_weak(head, head & kTags, acq_rel, relaxed)) {
  }
  return reversed(node(head));
}

// Drops the husks of cancelled after-calls, so that they stay bounded. The caller holds a reference on `watched`.
void prune(Call& watched, SideRecord& side) {
  if ((side.watchers.fetch_or(kOwned, acq_rel) & kOwned) != 0) return;
  Call* survivors = nullptr;  // newest first, as the list wants it
  std::uint32_t count = 0;
  for (;;) {
    for (Call* added = take_added(side); added != nullptr;) {
      Call* after = added;
      added = after->next;
      if (word::settled(after->word.load(acquire))) {
        deliver(watched, *after);
      } else {
        after->next = survivors;
        survivors = after;
        ++count;
      }
    }
    std::uint64_t expected = kOwned;
    // acq_rel: hands the survivors on to the next owner. acquire on failure: the settler's, for kClosing.
    if (side.watchers.compare_exchange_strong(expected, address(survivors), acq_rel, acquire)) break;
    if ((expected & kClosing) != 0) {
      deliver_all(watched, reversed(survivors));
      deliver_and_close(watched, side);
      return;
    }
  }
  side.adds.store(0, relaxed);
  side.prune_at.store(std::max(kFewestAdds, 2 * count), relaxed);
}

}  // namespace

void add_watcher(Call& watched, Call& after) {
  SideRecord& side = *watched.side();
  watched.retain_certain();  // for this function: the list's own reference may be gone before it ends
  // The result decides below, never an earlier load (W3). acq_rel: with the settler's publication.
  const Word before = watched.word.fetch_or(word::kWatched, acq_rel);
  std::uint64_t head = side.watchers.load(relaxed);
  do {
    if (head == kClosed) {
      side.watchers.load(acquire);  // with deliver_and_close(): W1 for this after-call
      deliver(watched, after);
      watched.release_reference();
      return;
    }
    after.next = node(head);
    // release: the owner that takes the list sees the node.
  } while (!side.watchers.compare_exchange_weak(head, address(&after) | (head & kTags), release, relaxed));
  if (word::settled(before)) {
    deliver_watchers(watched);
  } else if (side.adds.fetch_add(1, relaxed) + 1 >= side.prune_at.load(relaxed)) {
    prune(watched, side);
  }
  watched.release_reference();
}

void deliver_watchers(Call& watched) {
  SideRecord& side = *watched.side();
  if ((side.watchers.fetch_or(kOwned | kClosing, acq_rel) & kOwned) != 0) return;  // the owner will see kClosing
  deliver_and_close(watched, side);
}

}  // namespace crochet
