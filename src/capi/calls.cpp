// SPDX-License-Identifier: MIT
// Making calls: at once, waiting, prepared, and many at once.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "call/hot_path.hpp"
#include "call/timing.hpp"
#include "call/waiting.hpp"
#include "call/watchers.hpp"
#include "capi/chain.hpp"
#include "capi/destination.hpp"
#include "capi/prepared.hpp"
#include "capi/warned_wait.hpp"
#include "log/drop.hpp"

using namespace crochet;

namespace {

// A made call was not accepted: ends it, and takes the handle back.
int take_back(Loop& loop, Call* call, crochet_result** out_result, int status) {
  refuse_made(loop, call);
  if (out_result != nullptr) {
    *out_result = nullptr;
    call->release_reference();
  }
  return status;
}

// Makes a call that nobody has seen yet.
inline void make(Call* call, std::uint32_t loop_id, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop,
                 crochet_result** out_result, Word flags = 0) {
  if (out_result == nullptr) {
    call->make(loop_id, Call::plain_field(fn), arg, drop, 0, word::kForgotten | flags);
  } else {
    const Word generation = call->make(loop_id, Call::plain_field(fn), arg, drop, 1, flags);
    *out_result = result_handle(call, generation);  // before the function can start
  }
}

[[gnu::noinline]] int post(Loop& loop, Call* call, crochet_result** out_result) {
  return loop.post_chain(call, call) ? CROCHET_OK : take_back(loop, call, out_result, not_accepted());
}

[[gnu::noinline]] int run_slowly(crochet_loop* loop, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop,
                                 crochet_result** out_result) {
  Destination to{};
  if (out_result != nullptr) *out_result = nullptr;
  int status = fn == nullptr ? CROCHET_EINVAL : find_destination(loop, &to);
  if (status != CROCHET_OK) return refused(status, arg, drop);
  const bool is_limited = to.loop->has_limit();
  if (is_limited) status = to.loop->enter_queue(to.id);
  if (status != CROCHET_OK) return refused(status, arg, drop);
  Call* call = allocate_call();
  if (call == nullptr) {
    if (is_limited) to.loop->leave_queue();
    return refused(CROCHET_ENOMEM, arg, drop);
  }
  make(call, to.id, fn, arg, drop, out_result, is_limited ? word::kConditional : 0);
  return post(*to.loop, call, out_result);
}

Loop& loop_of(const Call& call) { return *loop_table::block(call.loop.load(relaxed)); }

// Does its loop have a limit, and does the call wait for nothing but the loop?
bool counts_for_limit(const Call& call) {
  if (!loop_of(call).has_limit() || is_at_stop(call) || after_of(call) != nullptr) return false;
  const Timing* timing = call.timing();
  return timing == nullptr || timing->delay_ns == 0;
}

// It is prepared: nobody else looks at it.
void make_conditional(Call& call) { call.word.store(call.word.load(relaxed) | word::kConditional, relaxed); }

void begin_timing(Call* call) {
  Timing* timing = call->timing();
  if (timing == nullptr) return;
  timing->begin(call, after_of(*call) != nullptr, counts_for_limit(*call));
  if (timing->delay_ns != 0) call->side()->waits_for.store(SideRecord::kItsTime, relaxed);
}

// What it will wait for, with the reference to it.
Call* take_after(Call& call) {
  SideRecord* side = call.side();
  return side == nullptr ? nullptr : std::exchange(side->after, nullptr);
}

void discard(Call* call) {
  Call* after = take_after(*call);
  if (after != nullptr && !process_is_forked()) after->release_reference();
  call->word.store(word::unused(word::generation(call->word.load(relaxed)) + 1), release);
  call->end_side();
  free_call(call);
}

// Consumes a prepared call: makes it, with its result, and nobody but a sweep has seen it. Null: `*out_status` says
// why, and its storage was dropped.
inline Call* make_prepared(crochet_call* handle, crochet_call_fn* fn, crochet_drop_fn* drop,
                           crochet_result** out_result, int* out_status) {
  if (out_result != nullptr) *out_result = nullptr;
  *out_status = CROCHET_EINVAL;
  Call* call = open(handle);
  if (call == nullptr) return nullptr;
  void* const storage = call->arg;
  if (fn == nullptr || is_special(*call)) {
    if (fn == nullptr || is_parents(*call)) {
      if (drop != nullptr) run_drop(drop, storage);
      discard(call);
      if (fn != nullptr) *out_status = CROCHET_EFORKED;
      return nullptr;
    }
    if (counts_for_limit(*call)) make_conditional(*call);
  }
  const bool forgotten = out_result == nullptr;
  const Word prepared = call->word.load(relaxed) & (word::kAtStop | word::kHasMore | word::kConditional);
  if ((prepared & word::kConditional) != 0) begin_timing(call);
  const Word flags = prepared | (forgotten ? word::kForgotten : 0);
  call->set_function(fn);
  const Word generation = call->make_prepared(call->loop.load(relaxed), storage, drop, forgotten ? 0 : 1, flags);
  if (!forgotten) *out_result = result_handle(call, generation);
  return call;
}

// Queues a made call where it was prepared to go. Otherwise: the code of a call that is not accepted.
int send_off(Loop& loop, Call* call) {
  if (is_at_stop(*call)) return loop.push_at_stop(call) ? CROCHET_OK : not_accepted();
  if (is_conditional(*call) && counts_for_limit(*call)) {
    const int status = loop.enter_queue(call->loop.load(relaxed));
    if (status != CROCHET_OK) return status;
  }
  Call* after = take_after(*call);
  if (after == nullptr) return loop.post(call) ? CROCHET_OK : not_accepted();
  // It may wait for long: the loop's stop must be able to find it.
  if (!loop.accepts(call->loop.load(relaxed))) {
    after->release_reference();
    return not_accepted();
  }
  const Word generation = word::generation(after->word.load(relaxed));
  call->side()->waits_for.store(reinterpret_cast<std::uintptr_t>(result_handle(after, generation)), relaxed);
  add_watcher(*after, *call);
  return CROCHET_OK;
}

// Calls that crochet_call_run_many() has made, oldest first; and which of all was the first that was not accepted. A
// call's place in the caller's array lies in its value, which means nothing before it runs.
class Many {
 public:
  explicit Many(crochet_result** out_results) : results_(out_results) {}

  void make(std::size_t place, crochet_call* handle, crochet_call_fn* fn, crochet_drop_fn* drop) {
    int status = CROCHET_OK;
    Call* call = make_prepared(handle, fn, drop, result(place), &status);
    if (call == nullptr) return refused(place, status);
    call->value = reinterpret_cast<void*>(place);
    call->next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = call;
    last_ = call;
  }
  // As crochet_call_run() would one after the other; those in a row that go to one queue by one operation.
  void send_all_off() {
    while (first_ != nullptr) {
      Loop& loop = loop_of(*first_);
      if (goes_alone(*first_)) {
        Call* call = take_first();
        const int status = send_off(loop, call);
        if (status != CROCHET_OK) take_back(loop, call, status);
        continue;
      }
      Chain row;
      const std::uint32_t id = first_->loop.load(relaxed);
      do {
        row.add(take_first());
      } while (first_ != nullptr && first_->loop.load(relaxed) == id && !goes_alone(*first_));
      if (!row.post(loop)) row.take_all_back([&](Call* call) { take_back(loop, call, not_accepted()); });
    }
  }
  int status() const { return status_; }

 private:
  static bool goes_alone(const Call& call) {
    return is_at_stop(call) || after_of(call) != nullptr || (is_conditional(call) && counts_for_limit(call));
  }

  crochet_result** result(std::size_t place) const { return results_ == nullptr ? nullptr : &results_[place]; }
  Call* take_first() {
    Call* call = first_;
    first_ = call->next;
    return call;
  }
  void take_back(Loop& loop, Call* call, int status) {
    const auto place = reinterpret_cast<std::size_t>(static_cast<void*>(call->value));
    refused(place, status);
    ::take_back(loop, call, result(place), status);
  }
  void refused(std::size_t place, int status) {
    if (status_ != CROCHET_OK && place > first_refused_) return;
    first_refused_ = place;
    status_ = status;
  }

  crochet_result** const results_;
  Call* first_ = nullptr;
  Call* last_ = nullptr;
  std::size_t first_refused_ = 0;
  int status_ = CROCHET_OK;
};

}  // namespace

int crochet_run(crochet_loop* loop, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop,
                crochet_result** out_result) {
  // The common case, with tail calls to all others, so that it needs no frame.
  Destination to{};
  if (fn == nullptr || !find_plain_destination(loop, &to) || !has_call_at_hand()) {
    return run_slowly(loop, fn, arg, drop, out_result);
  }
  Call* call = take_call_at_hand();
  make(call, to.id, fn, arg, drop, out_result);
  return to.loop->post_to_awake(call) ? CROCHET_OK : post(*to.loop, call, out_result);
}

int crochet_wait_for(crochet_loop* loop, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop, int64_t timeout_ns,
                     crochet_result** out_result) {
  crochet_result* own = nullptr;
  crochet_result** out = out_result != nullptr ? out_result : &own;
  *out = nullptr;
  int status = fn == nullptr || !valid_timeout(timeout_ns) ? CROCHET_EINVAL : CROCHET_OK;
  if (status == CROCHET_OK && current_loop() != nullptr)
    status = process_is_forked() ? CROCHET_EFORKED : CROCHET_EDEADLK;
  if (status != CROCHET_OK) return refused(status, arg, drop);
  status = crochet_run(loop, fn, arg, drop, out);
  if (status != CROCHET_OK) return status;

  const Target target = target_of(*out);
  int code = wait_with_warning(target, Until::kSettled, timeout_ns, false);
  if (code == CROCHET_ETIMEDOUT) {
    int outcome = CROCHET_CANCEL_NONE;
    target.call->cancel(target.generation, &outcome);
    // Decided meanwhile; a settler may still be a few instructions away from publishing it.
    if (outcome == CROCHET_CANCEL_TOO_LATE) {
      code = wait_for_call(*target.call, target.generation, Until::kSettled, kForever, false);
    }
  }
  if (out == &own) target.call->release_handle(target.generation);
  return code;
}

int crochet_call_new(crochet_loop* loop, size_t storage_size, crochet_call** out_call) {
  if (out_call == nullptr) return CROCHET_EINVAL;
  *out_call = nullptr;
  Destination to{};
  const int status = find_destination(loop, &to);
  if (status != CROCHET_OK) return status;
  if (to.loop->looks_closed()) return not_accepted();
  Call* call = allocate_call_with_storage(storage_size);
  if (call == nullptr) return CROCHET_ENOMEM;
  call->loop.store(to.id, relaxed);
  call->arg = storage_size == 0 ? nullptr : call_storage(call);
  *out_call = prepared_handle(call, word::generation(call->word.load(relaxed)));
  return CROCHET_OK;
}

void* crochet_call_storage(crochet_call* handle) {
  const Call* call = open(handle);
  return call == nullptr || is_parents(*call) ? nullptr : static_cast<void*>(call->arg);
}

int crochet_call_set_label(crochet_call* handle, const char* label) {
  Call* call = open(handle);
  if (call == nullptr || label == nullptr) return CROCHET_EINVAL;
  if (is_parents(*call)) return CROCHET_EFORKED;
  SideRecord* side = call->need_side();
  if (side == nullptr) return CROCHET_ENOMEM;
  side->label.store(label, relaxed);
  return CROCHET_OK;
}

int crochet_call_set_after(crochet_call* handle, crochet_result* result) {
  Call* call = open(handle);
  const Target watched = target_of(result);
  if (process_is_forked() || (call != nullptr && is_parents(*call))) return CROCHET_EFORKED;
  if (call == nullptr || is_at_stop(*call) || !alive(watched)) return CROCHET_EINVAL;
  if (word::outcome(watched.call->word.load(relaxed)) == Outcome::kForked) return CROCHET_EFORKED;
  SideRecord* side = call->need_side();
  // The watched call's record holds the list: this is the only place that can say that there is no memory for it.
  if (side == nullptr || watched.call->need_side() == nullptr) return CROCHET_ENOMEM;
  if (side->after != nullptr) return CROCHET_EALREADY;
  if (!watched.call->retain(watched.generation)) return CROCHET_EINVAL;
  side->after = watched.call;
  return CROCHET_OK;
}

int crochet_call_set_at_stop(crochet_call* handle) {
  Call* call = open(handle);
  if (call == nullptr) return CROCHET_EINVAL;
  if (is_parents(*call)) return CROCHET_EFORKED;
  if (after_of(*call) != nullptr || is_conditional(*call)) return CROCHET_EINVAL;
  call->word.store(call->word.load(relaxed) | word::kAtStop, relaxed);  // nobody else looks at it: R = 0
  return CROCHET_OK;
}

int crochet_call_run(crochet_call* handle, crochet_call_fn* fn, crochet_drop_fn* drop, crochet_result** out_result) {
  int status = CROCHET_OK;
  Call* call = make_prepared(handle, fn, drop, out_result, &status);
  if (call == nullptr) return status;
  Loop& loop = loop_of(*call);
  const int sent = send_off(loop, call);
  return sent == CROCHET_OK ? CROCHET_OK : take_back(loop, call, out_result, sent);
}

int crochet_call_run_many(crochet_call* const* calls, size_t count, crochet_call_fn* fn, crochet_drop_fn* drop,
                          crochet_result** out_results) {
  if (count == 0) return CROCHET_OK;
  if (calls == nullptr) {
    if (out_results != nullptr) std::fill_n(out_results, count, nullptr);
    return CROCHET_EINVAL;
  }
  Many many(out_results);
  // All are made before the first is queued: then every result is there before any function can start.
  for (size_t i = 0; i < count; ++i) many.make(i, calls[i], fn, drop);
  many.send_all_off();
  return many.status();
}

void crochet_call_discard(crochet_call* handle) {
  if (Call* call = open(handle)) discard(call);
}
