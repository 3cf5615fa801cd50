// SPDX-License-Identifier: MIT
#include "call/hook.hpp"
#include "log/drop.hpp"

#include <new>

namespace crochet {
namespace {

// Never dereferenced; compares unequal to every hook.
Hook* const kClosed = reinterpret_cast<Hook*>(std::uintptr_t{1});

// Puts `hook` where the former one was. False: closed, nothing changed.
bool replace(SideRecord& side, Hook* hook, Hook** former) {
  Hook* current = side.hook.load(relaxed);
  do {
    if (current == kClosed) return false;
    // acq_rel: with the next one who exchanges the pointer, so that it sees the hook's fields.
  } while (!side.hook.compare_exchange_weak(current, hook, acq_rel, relaxed));
  *former = current;
  return true;
}

// Tells cancellers that there is a hook to be called instead of settling at once. False: too late for that.
bool announce(Call& call, Word generation) {
  Word w = call.word.load(relaxed);
  do {
    if (!word::alive(w, generation) || word::phase(w) != Phase::kRunning) return false;
    if ((w & word::kHooked) != 0) return true;  // if somebody asked meanwhile, it is this hook that will be called
    if ((w & word::kAsked) != 0) return false;
    // acq_rel: with the cancel that sees kHooked, so that the message it posts finds the hook.
  } while (!call.word.compare_exchange_weak(w, w | word::kHooked, acq_rel, relaxed));
  return true;
}

// set_hook() for a call that a deferred keeps from ending meanwhile.
int set_hook_of_held(Call& call, Word generation, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop) {
  if (fn == nullptr && call.side() == nullptr) return CROCHET_OK;
  SideRecord* side = call.need_side();
  Hook* hook = nullptr;
  if (fn != nullptr && side != nullptr) hook = new (std::nothrow) Hook{fn, arg, drop};
  if (fn != nullptr && hook == nullptr) return CROCHET_ENOMEM;

  Hook* former = nullptr;
  if (!replace(*side, hook, &former)) {
    delete hook;
    return CROCHET_EALREADY;
  }
  end_hook(former);
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): it is the side record's now
  if (hook == nullptr || announce(call, generation)) return CROCHET_OK;
  // A stop or a settling came between: take the hook back, unless somebody else owns it by now.
  Hook* expected = hook;
  if (!side->hook.compare_exchange_strong(expected, nullptr, acq_rel, relaxed)) return CROCHET_OK;
  delete hook;
  return CROCHET_EALREADY;
}

}  // namespace

int set_hook(Call& call, Word generation, crochet_call_fn* fn, void* arg, crochet_drop_fn* drop) {
  const Word w = call.word.load(acquire);
  if (!word::alive(w, generation)) return CROCHET_EINVAL;
  if (word::phase(w) != Phase::kRunning || (w & word::kAsked) != 0) return too_late_code(w);
  // A stale handle must not reach the slot's next life, whose side record would be another's.
  if (!call.retain_deferred(generation)) return CROCHET_EINVAL;
  const int status = set_hook_of_held(call, generation, fn, arg, drop);
  call.release_deferred(generation);
  return status;
}

Hook* close_hook(SideRecord& side, bool* was_closed) {
  // acq_rel: acquires the hook's fields from replace().
  Hook* hook = side.hook.exchange(kClosed, acq_rel);
  *was_closed = hook == kClosed;
  return hook == kClosed ? nullptr : hook;
}

void end_hook(Hook* hook) {
  if (hook == nullptr) return;
  if (hook->drop != nullptr) run_drop(hook->drop, hook->arg);
  delete hook;
}

}  // namespace crochet
