// SPDX-License-Identifier: MIT
// A call: one object of 64 bytes from a type-stable pool, shared by the caller's handles, the producer's deferreds and
// the queue; and every transition of its state word. docs/internals/call.md tells the whole story.
//
// What each field means:
//
//   field       prepared   queued              running                     settled
//   word        R = 0      R = handles + 1     R = handles + 1             R = handles (+ 1 until finished)
//   deferreds   -          1: to be lent       how many deferreds          0 once finished
//   loop        fixed      fixed               fixed                       fixed
//   next        -          link in its queue   link, while kPosted         link of a husk still queued
//   function    function | side record, in every phase; in a free slot: link between magazines
//   arg, drop   storage    the argument        the argument                dropped when finished
//   value, value_drop   -  -                   one settler, in kSettling   the value; code or ErrorRecord
//
// Invariants:
//   N1  R = handles + 1 for all deferreds together (the "group"), which whoever finishes the call gives back.
//   N2  The group's reference of a call that never ran belongs to the queue, stack, heap or watch list it is linked in.
//   N3  arg is dropped exactly once: by who finishes, or by who settled it out of kQueued.
//   N4  The outcome is written between kSettling and kSettled, or not at all (cancelled, stopped, not run, broken).
//   N5  A slot with R = 0 has a settled word; the generation changes before the slot goes back to the pool.
//   N6  Every read-modify-write for a handle is a compare-exchange from a word of the handle's generation with R > 0.
//       The exceptions are harmless to a stranger: kWaiters, kJoiners, and taking kInterruptPending back.
//   N7  A settled word with R = 1 belongs to its one owner: it may be destroyed without a read-modify-write. Unsettled
//       words never are: a sweep may pin them. (So a concurrent double release of a last handle is not detected.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/deadline.hpp"
#include "call/side_record.hpp"
#include "call/word.hpp"
#include "crochet.h"

namespace crochet {

struct alignas(64) Call {
  Atomic<Word> word{word::unused(0)};
  Atomic<std::uint32_t> deferreds{0};  // the generation, and the count above it: see kDeferredCountShift
  Atomic<std::uint32_t> loop{0};       // fixed while R > 0; read by sweeps at any time, hence atomic
  Plain<Call*> next{nullptr};          // owned by whatever list the call is linked in
  Atomic<std::uint64_t> function{0};
  Plain<void*> arg{nullptr};
  Plain<crochet_drop_fn*> drop{nullptr};
  Plain<void*> value{nullptr};
  Plain<crochet_drop_fn*> value_drop{nullptr};

  // ---- Birth. The caller owns the slot alone.

  enum class From { kQueue, kHand };
  // The fields are set, the word last: from here on sweeps see the call. R = 1 for the group + `handles`.
  // Returns the generation that handles must carry.
  // Of a slot that was just allocated. fn: plain_field().
  Word make(std::uint32_t loop_id, std::uint64_t fn, void* argument, crochet_drop_fn* argument_drop, Word handles,
            Word flags, From from = From::kQueue);
  static std::uint64_t plain_field(crochet_call_fn* fn) { return reinterpret_cast<std::uintptr_t>(fn); }
  // The same for a prepared call, in two steps. It may have a side record already, and somebody who reads that
  // (side_reading.hpp): then its function field is left alone. The word's kHasMore must be among the flags.
  void set_function(crochet_call_fn* fn);
  Word make_prepared(std::uint32_t loop_id, void* argument, crochet_drop_fn* argument_drop, Word handles, Word flags,
                     From from = From::kQueue);

  // ---- The loop's thread.

  bool start();              // kQueued -> kRunning. False: a husk, give the group's reference back; or kConditional
  bool start_conditional();  // the same, for a kConditional call whose time has come. False: a husk
  void run();                // after start(): the function, then its deferred is given back
  void expire();             // after start_conditional(): it is too late to run it; it fails with CROCHET_EEXPIRED
  void deliver_cancel_message();  // the hook, if there is still something to cancel; gives the message's reference back
  void run_hook();                // the hook, if it is still there and the call unsettled; the caller holds a reference

  // ---- Deferreds. `generation` is the handle's.

  // With a value. In steps: claim(), then resolve(), which succeeds then; or why_not_claimed().
  int settle(Word generation, void* result, crochet_drop_fn* result_drop);
  bool claim(Word generation);
  int resolve(void* result, crochet_drop_fn* result_drop);
  int why_not_claimed(Word generation) const;
  int reject(Word generation, int code, const char* message, std::uint64_t type, void* payload,
             crochet_drop_fn* payload_drop);
  // As `failed` is, whose failure is moved over: the caller alone has handles of that.
  int fail_like(Word generation, Call& failed);
  bool retain_deferred(Word generation);
  bool release_deferred(Word generation);
  bool asked_to_end(Word generation) const;

  // ---- Results.

  int cancel(Word generation, int* out_outcome);
  int take(Word generation, void** out_value, crochet_drop_fn** out_drop);
  bool observe(Word generation);
  bool retain(Word generation);
  bool release_handle(Word generation);
  // The same for a settled call that others retain by a handle without holding a reference (the anchor of a completion
  // queue): N7 does not hold for it.
  bool release_visited(Word generation);

  // ---- References that are certain to be there: the group's, a pin's, a list's.

  void retain_certain();
  void release_reference();
  // kQueued or kRunning -> kSettled without an outcome of its own; wakes, and drops the argument of a call that never
  // ran. False: somebody else settled it. The caller holds a reference. `*from`: as what it was settled, if it was.
  bool end_as(Outcome queued, Outcome running, Phase* from = nullptr);
  // end_as for a call that is linked nowhere any more: gives the group's reference back as well. True: it is this that
  // kept it from being run.
  bool refuse();

  // ---- Stop and fork.

  // By a stopping loop, of a call that it pinned: a running one is asked to end. True: it has a hook, to be run.
  bool ask_to_stop();
  // The loop has ended: who joins a call that is not finished need not wait any more. True: this is such a call, and
  // the first to say so was this.
  bool abandon(std::uint32_t loop_id);
  // In a forked child, alone: whatever was going on belongs to the parent. Answers CROCHET_EFORKED for ever, is never
  // used again, and releases do nothing: the counts are out of their reach.
  void leave_to_parent();

  // ---- What belongs to few.

  SideRecord* side() const {  // null: none yet
    // acquire: with the installer's release, for the record's fields.
    const std::uint64_t field = function.load(acquire);
    return (field & kSideTag) == 0 ? nullptr : side_record(field);
  }
  SideRecord* need_side();  // null: no memory. Any thread that holds a reference, or owns the prepared call
  Timing* need_timing();    // by who prepares the call: it becomes kConditional. Null: no memory
  Timing* timing() const;   // null: none; it may start at any time
  void end_side();          // by who destroys the call, or throws a prepared one away
  crochet_call_fn* plain_function() const {
    const std::uint64_t field = function.load(acquire);
    const std::uint64_t plain = (field & kSideTag) == 0 ? field : side_record(field)->function.load(relaxed);
    return reinterpret_cast<crochet_call_fn*>(static_cast<std::uintptr_t>(plain));
  }
  const char* label() const;  // "" when there is none

  int error_code() const;  // of a settled word that the caller has seen
  const char* error_message() const;
  void* error_payload(std::uint64_t type) const;

  static constexpr std::uint64_t kSideTag = std::uint64_t{1} << 63;  // no address has it
  static SideRecord* side_record(std::uint64_t field) {
    return reinterpret_cast<SideRecord*>(static_cast<std::uintptr_t>(field & ~kSideTag));
  }
  static constexpr int kDeferredCountShift = 6;
  static constexpr std::uint32_t kMaxDeferreds = std::uint32_t{1} << 24;

 private:
  void call_hook(Hook* hook, Word generation);  // and ends it
  // How a callback ended other than by returning, in its handler. The caller does not come to give the deferred back
  // when the thread ends.
  void thread_ends_in_callback(Word generation);
  void callback_has_thrown(Word generation);
  void reject_thrown(Word generation, const char* what);
  int publish(Outcome outcome);  // kSettling -> kSettled; CROCHET_OK
  int published_with_company(Word before);
  void finish();  // the last deferred reference has gone
  void finish_slowly();
  void never_ran();  // after kQueued -> kSettled: drops the argument, then kFinished
  bool release_slowly(Word generation);
  void destroy(Word last);  // nobody refers to it any more
  void end_life(Word generation);
  static constexpr Phase kOnePhase{1};  // from each phase to the next
  void tell(Word before);               // after a settling that replaced `before`: wakes waiters, closes the watch list
};

// A reference that is given back at the end of a scope, also when user code in it ends the thread.
struct GivesBack {
  Call& call;
  ~GivesBack() noexcept(false) { call.release_reference(); }
};

#ifndef CROCHET_MODEL
static_assert(sizeof(Call) == 64);
#endif

// What a wait returns, by outcome.
inline constexpr int kWaitCodes[8] = {CROCHET_OK,       CROCHET_EFAILED, CROCHET_ECANCELED, CROCHET_ESTOPPED,
                                      CROCHET_ESTOPPED, CROCHET_EBROKEN, CROCHET_EFORKED,   CROCHET_EINVAL};
inline int wait_code(Word settled_word) { return kWaitCodes[static_cast<Word>(word::outcome(settled_word))]; }

// What somebody is told who comes too late to settle, or to set a hook.
inline int too_late_code(Word w) { return word::outcome(w) == Outcome::kForked ? CROCHET_EFORKED : CROCHET_EALREADY; }

// A cancel message and a call to be started travel the same way: which is it? The loop has popped it.
inline bool is_message(Word w) { return (w & word::kPosted) != 0; }

}  // namespace crochet
