// SPDX-License-Identifier: MIT
// Corks: calls are gathered, and queued together.
//
// A cork lies in the storage of a slot of the call pool that is never made a call: so memory is recycled, and a stale
// handle refused, as with prepared calls. Its handles have the bit of deferreds', so that neither is taken for the
// other.
#include <new>
#include <utility>

#include "call/hot_path.hpp"
#include "capi/chain.hpp"
#include "capi/destination.hpp"

using namespace crochet;

namespace {

// One thread's at a time. Like a prepared call it holds no reference to its loop: the id tells it from a later one.
struct Cork {
  Loop* loop;
  std::uint32_t id;
  Chain gathered;  // accepted, as their callers were told

  // Asked without a look at the queue, which every pusher writes to: a stop leaves kRunning before it closes it. The
  // state first: of a later loop it is seen running only when its id is seen, too.
  bool loop_accepts() const { return loop->state() == Loop::State::kRunning && loop->id() == id; }
  bool is_parents() const { return process_is_forked() || loop->is_parents(); }
  int not_accepted() const { return is_parents() ? CROCHET_EFORKED : CROCHET_ESTOPPED; }
};

Cork* open(crochet_cork* handle, Call** out_slot) {
  const Target target = handle::open(handle, handle::kDeferredBit);
  if (target.call == nullptr) return nullptr;
  const Word w = target.call->word.load(acquire);
  if (word::generation(w) != target.generation || word::references(w) != 0) return nullptr;
  *out_slot = target.call;
  return static_cast<Cork*>(static_cast<void*>(target.call->arg));
}
Cork* open(crochet_cork* handle) {
  Call* slot = nullptr;
  return open(handle, &slot);
}

// Ends the slot's use, with a cork that holds nothing.
void give_back(Call* slot) {
  slot->word.store(word::unused(word::generation(slot->word.load(relaxed)) + 1), release);
  slot->end_side();
  free_call(slot);
}

// They were accepted: who settles them counts them, unless that was the stop's sweep.
void take_all_back(Chain& calls, Loop& loop, std::uint32_t id) {
  calls.take_all_back([&loop, id](Call* call) {
    if (call->refuse()) loop.count(id, Counter::kNotRun, 1);
  });
}

// To a loop that has a limit: one after the other, as there is room. CROCHET_EAGAIN: what found none is in the chain.
int post_limited(Chain& calls, Loop& loop, std::uint32_t id) {
  Call* list = calls.take_oldest_first();
  int status = CROCHET_OK;
  while (list != nullptr) {
    status = loop.enter_queue(id);
    if (status != CROCHET_OK) break;
    Call* call = list;
    list = call->next;
    // relaxed: it goes with the call. Nobody but a sweep has seen that.
    call->word.fetch_or(word::kConditional, relaxed);
    if (loop.post(call)) continue;
    call->next = list;
    list = call;
    status = not_accepted();
    break;
  }
  while (Call* call = list) {
    list = call->next;
    calls.add(call);
  }
  return status;
}

// The cork may be gone when this returns: drop functions run here, which may free it.
int flush(Cork& cork) {
  Chain calls = std::exchange(cork.gathered, {});
  if (calls.empty()) return CROCHET_OK;
  Loop& loop = *cork.loop;
  const std::uint32_t id = cork.id;
  // Another loop may have the block by now, or have it a moment later: then it buries what is not meant for it.
  if (loop.id() == id && loop.has_limit()) {
    const int status = post_limited(calls, loop, id);
    if (status == CROCHET_OK) return status;
    if (status == CROCHET_EAGAIN) {
      cork.gathered = calls;
      return status;
    }
  } else if (loop.id() == id && calls.post(loop)) {
    return CROCHET_OK;
  }
  take_all_back(calls, loop, id);
  return not_accepted();
}

[[gnu::noinline]] int not_gathered(const Cork& cork, Call* call) {
  const int status = cork.not_accepted();
  refuse_made(*cork.loop, call);
  return status;
}

// The slot is nobody else's.
inline int gather(Cork& cork, Call* call, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop) {
  call->make(cork.id, Call::plain_field(fn), arg, drop, 0, word::kForgotten);
  // Asked after it was made, so that a stop that comes now finds it; one that doesn't leaves it to the flush.
  if (!cork.loop_accepts()) return not_gathered(cork, call);
  cork.gathered.add(call);
  return CROCHET_OK;
}

[[gnu::noinline]] int gather_slowly(Cork* cork, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop) {
  if (fn == nullptr || cork == nullptr) return refused(CROCHET_EINVAL, arg, drop);
  if (process_is_forked()) return refused(CROCHET_EFORKED, arg, drop);
  Call* call = allocate_call();
  return call == nullptr ? refused(CROCHET_ENOMEM, arg, drop) : gather(*cork, call, fn, arg, drop);
}

}  // namespace

int crochet_cork_new(crochet_loop* loop, crochet_cork** out_cork) {
  if (out_cork == nullptr) return CROCHET_EINVAL;
  *out_cork = nullptr;
  Destination to{};
  const int status = find_destination(loop, &to);
  if (status != CROCHET_OK) return status;
  if (to.loop->looks_closed()) return not_accepted();
  Call* slot = allocate_call_with_storage(sizeof(Cork));
  if (slot == nullptr) return CROCHET_ENOMEM;
  slot->arg = ::new (call_storage(slot)) Cork{to.loop, to.id, {}};
  const Word generation = word::generation(slot->word.load(relaxed));
  *out_cork = reinterpret_cast<crochet_cork*>(handle::make(slot, generation, handle::kDeferredBit));
  return CROCHET_OK;
}

int crochet_cork_run(crochet_cork* handle, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop) {
  // The common case, with tail calls to all others, so that it needs no frame.
  Cork* cork = open(handle);
  if (fn == nullptr || cork == nullptr || process_is_forked() || !has_call_at_hand()) {
    return gather_slowly(cork, fn, arg, drop);
  }
  return gather(*cork, take_call_at_hand(), fn, arg, drop);
}

int crochet_cork_flush(crochet_cork* handle) {
  Cork* cork = open(handle);
  if (cork == nullptr) return CROCHET_EINVAL;
  return cork->is_parents() ? CROCHET_EFORKED : flush(*cork);
}

void crochet_cork_free(crochet_cork* handle) {
  Call* slot = nullptr;
  Cork* cork = open(handle, &slot);
  if (cork == nullptr || cork->is_parents()) return;
  Cork last = *cork;
  give_back(slot);
  flush(last);
  take_all_back(last.gathered, *last.loop, last.id);  // what a limit did not let in
}
