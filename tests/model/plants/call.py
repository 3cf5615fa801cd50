# SPDX-License-Identifier: MIT
"""Bugs of the call word, its deferreds, its hook and its waits: see ../plants.py.

Weakened orders, all of them: see ../orders.py.
"""

CALL = "src/call/call.cpp"
HEADER = "src/call/call.hpp"
HOOK = "src/call/hook.cpp"
HOT_PATH = "src/call/hot_path.hpp"
WAITING = "src/call/waiting.cpp"
WORD = "src/call/word.hpp"

PLANTS = []


def plant(name, scenario, args, *changes):
    """A change: the file, the old text, the new one."""
    first, *more = (dict(zip(("file", "old", "new"), change)) for change in changes)
    PLANTS.append(dict(first, name=name, scenario=scenario, args=args, also=more))


plant("make-relaxed", "a_label_is_seen_by_all",
      "--random 1 --executions 5000",
      (HOT_PATH, "(handles + 1) * word::kReference), release);",
       "(handles + 1) * word::kReference), relaxed);"))

plant("start-by-load-and-store", "settle_inside_wait_take_cancel_take",
      "--bound 2 --executions 5000",
      (HOT_PATH, "!word.compare_exchange_weak(w, w - word::phase_bits(kOnePhase), acq_rel, relaxed)",
       "(word.store(w - word::phase_bits(kOnePhase), release), false)"))

plant("start-without-looking-at-the-phase", "settle_inside_wait_take_cancel_take",
      "--random 1 --executions 5000",
      (HOT_PATH, """\
    if (!word::starts_plainly(w)) return false;
""",
       ""),
      (HOT_PATH, "word.compare_exchange_weak(w, w - word::phase_bits(kOnePhase), acq_rel, relaxed)",
       "word.compare_exchange_weak(w, word::with_phase(w, Phase::kRunning), acq_rel, relaxed)"))

plant("function-returned-relaxed-look-at-the-deferreds", "settle_outside_wait_cancel",
      "--random 1 --executions 5000",
      (HOT_PATH, "deferreds.load(acquire) != deferred_count(generation, 1)",
       "deferreds.load(relaxed) != deferred_count(generation, 1)"))

plant("function-returned-always-the-last-deferred", "settle_outside_wait_cancel",
      "--bound 2 --executions 5000",
      (HOT_PATH, "if (deferreds.load(acquire) != deferred_count(generation, 1)) {",
       "if (deferreds.load(acquire); false) {"))

plant("claim-by-load-and-store", "two_settlers_one_waiter",
      "--bound 2 --executions 5000",
      (HOT_PATH, "!word.compare_exchange_weak(w, w - word::phase_bits(kOnePhase), acquire, relaxed)",
       "(word.store(w - word::phase_bits(kOnePhase), release), false)"))

plant("settling-not-respected-by-a-second-settler", "two_settlers_one_waiter",
      "--random 1 --executions 5000",
      (HOT_PATH, "if (!word::runs(w, generation)) return false;",
       "if (!word::alive(w, generation) || word::settled(w)) return false;"),
      (HOT_PATH, "word.compare_exchange_weak(w, w - word::phase_bits(kOnePhase), acquire, relaxed)",
       "word.compare_exchange_weak(w, word::with_phase(w, Phase::kSettling), acquire, relaxed)"))

plant("settler-does-not-look-at-the-generation", "stale_settle",
      "--bound 2 --executions 10000",
      (HOT_PATH, "if (!word::runs(w, generation)) return false;",
       "if (word::phase(w) != Phase::kRunning) return false;"))

plant("outcome-written-before-the-claim", "two_settlers_one_waiter",
      "--bound 2 --executions 5000",
      (HOT_PATH, "  return claim(generation) ?",
       """\
  value = result;
  value_drop = result_drop;
  return claim(generation) ?"""))

plant("outcome-written-after-the-publication", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (HOT_PATH, """\
  value = result;
  value_drop = result_drop;
  return publish(Outcome::kValue);""",
       """\
  publish(Outcome::kValue);
  value = result;
  value_drop = result_drop;
  return CROCHET_OK;"""))

plant("publication-relaxed", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word.fetch_add(word::outcome_bits(outcome) - word::phase_bits(kOnePhase), acq_rel)",
       "word.fetch_add(word::outcome_bits(outcome) - word::phase_bits(kOnePhase), relaxed)"))

plant("publication-acquire", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word.fetch_add(word::outcome_bits(outcome) - word::phase_bits(kOnePhase), acq_rel)",
       "word.fetch_add(word::outcome_bits(outcome) - word::phase_bits(kOnePhase), acquire)"))

plant("publication-by-load-and-store", "settle_inside_wait",
      "--bound 2 --executions 20000",
      (HOT_PATH, "const Word before = word.fetch_add(word::outcome_bits(outcome) - word::phase_bits(kOnePhase), acq_rel);",
       """\
const Word before = word.load(relaxed);
  word.store(before + word::outcome_bits(outcome) - word::phase_bits(kOnePhase), release);"""))

plant("settling-in-one-step", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word.compare_exchange_weak(w, w - word::phase_bits(kOnePhase), acquire, relaxed)",
       "word.compare_exchange_weak(w, word::with_phase(w, Phase::kSettled), acq_rel, relaxed)"),
      (HOT_PATH, "word.fetch_add(word::outcome_bits(outcome) - word::phase_bits(kOnePhase), acq_rel)",
       "word.fetch_add(word::outcome_bits(outcome), acq_rel)"))

plant("waiters-not-woken-by-the-settler", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (HOT_PATH, "(before & (word::kWaiters | word::kWatched | word::kFinished))",
       "(before & (word::kWatched | word::kFinished))"))

plant("finished-under-a-settler-not-noticed", "stale_settle",
      "--bound 2 --executions 20000",
      (HOT_PATH, "(before & (word::kWaiters | word::kWatched | word::kFinished))",
       "(before & (word::kWaiters | word::kWatched))"))

plant("stale-settler-keeps-the-rest", "stale_settle",
      "--bound 2 --executions 20000",
      (CALL, """\
  if ((before & word::kJoiners) != 0) unpark_all(word);
  release_reference();
  return CROCHET_OK;
}""",
       """\
  if ((before & word::kJoiners) != 0) unpark_all(word);
  return CROCHET_OK;
}"""))

plant("stale-settler-does-not-wake-joiners", "stale_settle_against_a_join",
      "--bound 2 --executions 5000",
      (CALL, """\
  if ((before & word::kJoiners) != 0) unpark_all(word);
  release_reference();
  return CROCHET_OK;
}""",
       """\
  release_reference();
  return CROCHET_OK;
}"""))

plant("finish-does-not-expect-settling", "stale_settle",
      "--bound 2 --executions 20000",
      (CALL, "if (from == Phase::kSettling) {",
       "if (false) {"))

plant("rejection-claim-by-load-and-store", "reject_with_a_record_against_cancel",
      "--bound 2 --executions 5000",
      (CALL, """\
           !word.compare_exchange_weak(w, word::with_phase(w, Phase::kSettling), acquire, relaxed));""",
       "           (word.store(word::with_phase(w, Phase::kSettling), release), false));"))

plant("rejection-does-not-look-at-the-reason-asked-for", "reject_as_cancelled_against_cancel_with_a_hook",
      "--bound 2 --executions 6000",
      (CALL, "const bool as_asked = (w & word::kAsked) != 0 && means",
       "const bool as_asked = false && means"))

plant("rejection-keeps-its-record-although-it-was-asked-for", "reject_as_cancelled_against_cancel_with_a_hook",
      "--bound 2 --executions 6000",
      (CALL, "status == CROCHET_OK && !as_asked && record != nullptr",
       "status == CROCHET_OK && record != nullptr"))

plant("refused-rejection-keeps-its-record", "reject_with_a_record_against_cancel",
      "--random 1 --executions 5000",
      (CALL, """\
  if (kept) return status;
""",
       """\
  return status;
"""))

plant("a-stop-asks-although-a-cancel-did", "stop_and_cancel_ask_a_call_with_a_hook",
      "--random 1 --executions 5000",
      (CALL, """\
    if ((w & word::kAsked) != 0) return (w & word::kHooked) != 0;
""",
       ""))

plant("stop-of-one-call-by-load-and-store", "refused_call_against_a_sweep",
      "--bound 2 --executions 5000",
      (CALL, """\
!word.compare_exchange_weak(
      w, from == Phase::kQueued ? word::never_run_as(w, queued) : word::settled_as(w, running), acq_rel, relaxed))""",
       """\
(word.store(from == Phase::kQueued ? word::never_run_as(w, queued) : word::settled_as(w, running), release), false))"""))

plant("stop-takes-a-call-that-is-being-settled", "settle_against_stop",
      "--random 1 --executions 5000",
      (CALL, """\
    if (!word::unsettled_and_free(w)) return false;
""",
       """\
    if (word::settled(w)) return false;
"""))

plant("stop-does-not-tell-waiters", "broken_timed_wait_stop",
      "--bound 2 --executions 10000",
      (CALL, """\
  tell(w);
  if (from == Phase::kQueued) never_ran();
  return true;""",
       """\
  if (from == Phase::kQueued) never_ran();
  return true;"""))

plant("stopped-before-it-ran-argument-kept", "refused_call_against_a_sweep",
      "--bound 2 --executions 5000",
      (CALL, """\
  tell(w);
  if (from == Phase::kQueued) never_ran();
  return true;""",
       """\
  tell(w);
  return true;"""))

plant("refused-call-frees-without-settling", "refused_call_against_a_sweep",
      "--bound 2 --executions 5000",
      (CALL, """\
  const bool never_ran = end_as(Outcome::kNotRun, Outcome::kStopped);  // it is queued, or was settled there
""",
       """\
  if (drop != nullptr) run_drop(drop, arg);
  word.store(word::settled_as(word.load(relaxed), Outcome::kNotRun) | word::kFinished, release);
  const bool never_ran = true;
"""))

plant("never-ran-finished-before-the-drop", "cancel_against_join_of_a_queued_call",
      "--random 1 --executions 5000",
      (CALL, """\
  if (drop != nullptr) run_drop(drop, arg);
  // release: with the joiner that sees kFinished, so that drop(arg) happens before its return.
  if ((word.fetch_or(word::kFinished, acq_rel) & word::kJoiners) != 0) unpark_all(word);
""",
       """\
  if ((word.fetch_or(word::kFinished, acq_rel) & word::kJoiners) != 0) unpark_all(word);
  if (drop != nullptr) run_drop(drop, arg);
"""))

plant("never-ran-finished-relaxed", "cancel_against_join_of_a_queued_call",
      "--bound 2 --executions 5000",
      (CALL, "word.fetch_or(word::kFinished, acq_rel)",
       "word.fetch_or(word::kFinished, relaxed)"))

plant("never-ran-finished-acquire", "cancel_against_join_of_a_queued_call",
      "--bound 2 --executions 5000",
      (CALL, "word.fetch_or(word::kFinished, acq_rel)",
       "word.fetch_or(word::kFinished, acquire)"))

plant("never-ran-joiners-not-woken", "cancel_against_join_of_a_queued_call",
      "--random 1 --executions 5000",
      (CALL, "  if ((word.fetch_or(word::kFinished, acq_rel) & word::kJoiners) != 0) unpark_all(word);",
       "  word.fetch_or(word::kFinished, acq_rel);"))

plant("never-ran-finished-by-load-and-store", "cancel_against_join_of_a_queued_call",
      "--bound 2 --executions 5000",
      (CALL, "  if ((word.fetch_or(word::kFinished, acq_rel) & word::kJoiners) != 0) unpark_all(word);",
       """\
  const Word before = word.load(relaxed);
  word.store(before | word::kFinished, release);
  if ((before & word::kJoiners) != 0) unpark_all(word);"""))

plant("stop-asks-by-load-and-store", "hook_installed_against_stop",
      "--random 1 --executions 5000",
      (CALL, "!word.compare_exchange_weak(w, w | word::kStopAsked, acq_rel, acquire)",
       "(word.store(w | word::kStopAsked, release), false)"))

plant("abandon-acq-rel-only", "stale_abandon_and_sweep",
      "--bound 2 --executions 40000",
      (CALL, "word.compare_exchange_weak(w, w | word::kAbandoned, acq_rel, acquire)",
       "word.compare_exchange_weak(w, w | word::kAbandoned, acq_rel, relaxed)"))

plant("abandon-relaxed", "stale_abandon_and_sweep",
      "--bound 2 --executions 40000",
      (CALL, "word.compare_exchange_weak(w, w | word::kAbandoned, acq_rel, acquire)",
       "word.compare_exchange_weak(w, w | word::kAbandoned, relaxed, relaxed)"))

plant("abandon-by-load-and-store", "abandon_against_the_last_deferred_and_a_join",
      "--bound 2 --executions 5000",
      (CALL, "!word.compare_exchange_weak(w, w | word::kAbandoned, acq_rel, acquire)",
       "(word.store(w | word::kAbandoned, release), false)"))

plant("abandon-does-not-wake", "join_of_an_abandoned_call",
      "--bound 2 --executions 5000",
      (CALL, """\
  } while (!word.compare_exchange_weak(w, w | word::kAbandoned, acq_rel, acquire));
  if ((w & word::kJoiners) != 0) unpark_all(word);""",
       "  } while (!word.compare_exchange_weak(w, w | word::kAbandoned, acq_rel, acquire));"))

plant("abandon-does-not-look-at-the-loop", "stale_abandon_and_sweep",
      "--bound 2 --executions 20000",
      (CALL, """\
    if (loop.load(relaxed) != loop_id) return false;
""",
       ""))

plant("join-does-not-look-at-abandoned", "join_of_an_abandoned_call",
      "--bound 2 --executions 5000",
      (WAITING, "(w & word::kAbandoned) != 0) return CROCHET_ESTOPPED;",
       "false) return CROCHET_ESTOPPED;"))

plant("fork-leaves-the-deferreds-as-they-are", "left_to_the_parent_of_a_fork",
      "--bound 2 --executions 5000",
      (CALL, """\
  deferreds.store(deferred_count(generation, 2 * kMaxDeferreds), relaxed);
""",
       ""))

plant("fork-leaves-the-references-as-they-are", "left_to_the_parent_of_a_fork",
      "--bound 2 --executions 5000",
      (CALL, """\
 | word::kFinished |
                 2 * word::kMaxReferences * word::kReference,""",
       " | word::kFinished | word::kReference,"))

plant("finished-before-drop-arg", "join_then_free_the_context",
      "--bound 2 --executions 5000",
      (CALL, """\
  if (drop != nullptr) run_drop(drop, arg);

  Word w = word.load(acquire);
  for (;;) {
""",
       """\
  Word w = word.load(acquire);
  for (;;) {
"""),
      (CALL, """\
if (!word.compare_exchange_weak(w, wanted, acq_rel, acquire)) continue;
""",
       """\
if (!word.compare_exchange_weak(w, wanted, acq_rel, acquire)) continue;
    if (drop != nullptr) run_drop(drop, arg);
"""))

plant("broken-by-a-store", "broken_timed_wait_stop",
      "--bound 2 --executions 5000",
      (CALL, """\
if (!word.compare_exchange_weak(w, wanted, acq_rel, acquire)) continue;
""",
       """\
if (from == Phase::kSettled || from == Phase::kSettling) {
      if (!word.compare_exchange_weak(w, wanted, acq_rel, acquire)) continue;
    } else {
      word.store(wanted, release);
    }
"""))

plant("finish-acquire-only", "join_then_free_the_context",
      "--bound 2 --executions 5000",
      (CALL, """\
if (!word.compare_exchange_weak(w, wanted, acq_rel, acquire)) continue;
""",
       """\
if (!word.compare_exchange_weak(w, wanted, acquire, acquire)) continue;
"""))

plant("finish-acq-rel-only", "two_handles_and_the_last_deferred",
      "--random 1 --executions 5000",
      (CALL, """\
if (!word.compare_exchange_weak(w, wanted, acq_rel, acquire)) continue;
""",
       """\
if (!word.compare_exchange_weak(w, wanted, acq_rel, relaxed)) continue;
"""))

plant("finish-release-only", "forgotten_call_that_is_pinned_for_a_moment",
      "--bound 2 --executions 5000",
      (CALL, """\
if (!word.compare_exchange_weak(w, wanted, acq_rel, acquire)) continue;
""",
       """\
if (!word.compare_exchange_weak(w, wanted, release, acquire)) continue;
"""))

plant("finish-looks-relaxed", "two_handles_and_the_last_deferred",
      "--random 1 --executions 5000",
      (CALL, """\
  Word w = word.load(acquire);
  for (;;) {
    const Phase from = word::phase(w);
    if (from == Phase::kSettled && word""",
       """\
  Word w = word.load(relaxed);
  for (;;) {
    const Phase from = word::phase(w);
    if (from == Phase::kSettled && word"""))

plant("finish-sole-owner-of-an-unsettled-call", "forgotten_call_against_a_sweep",
      "--bound 2 --executions 10000",
      (CALL, "if (from == Phase::kSettled && word::references(w) == 1) return destroy(w);",
       """\
if (word::references(w) == 1) return destroy(from == Phase::kSettled ? w : word::settled_as(w, Outcome::kBroken));"""))

plant("reference-given-up-before-finished", "two_handles_and_the_last_deferred",
      "--random 1 --executions 5000",
      (CALL, """\
      wanted = (w | word::kFinished) - word::kReference;
""",
       """\
      if (!word.compare_exchange_weak(w, w - word::kReference, acq_rel, acquire)) continue;
      w = word.fetch_or(word::kFinished, acq_rel);
      if ((w & word::kJoiners) != 0) unpark_all(word);
      return;
"""))

plant("finish-does-not-wake-joiners", "one_settles_the_other_only_releases",
      "--bound 2 --executions 5000",
      (CALL, "if ((broke && (w & word::kWaiters) != 0) || (w & word::kJoiners) != 0) unpark",
       "if (broke && (w & word::kWaiters) != 0) unpark"))

plant("broken-does-not-wake-waiters", "broken_timed_wait_stop",
      "--bound 2 --executions 10000",
      (CALL, "if ((broke && (w & word::kWaiters) != 0) || (w & word::kJoiners) != 0) unpark",
       "if ((w & word::kJoiners) != 0) unpark"))

plant("finish-keeps-the-hook", "cancel_message_against_the_last_release",
      "--bound 2 --executions 5000",
      (CALL, """\
    end_hook(close_hook(*record, &was_closed));
""",
       """\
    close_hook(*record, &was_closed);
"""))

plant("finish-leaves-the-hook-to-be-called", "cancel_message_against_the_last_release",
      "--bound 2 --executions 5000",
      (CALL, """\
    end_hook(close_hook(*record, &was_closed));
""",
       """\
    (void)was_closed;
"""))

plant("fast-finish-forgets-joiners", "join_a_call_without_an_argument",
      "--bound 2 --executions 5000",
      (HOT_PATH, "(w & (word::kJoiners | ",
       "(w & ("))

plant("fast-finish-of-the-last-reference", "a_call_without_an_argument_that_is_let_go",
      "--bound 2 --executions 5000",
      (HOT_PATH, "if (word::references(w) > 1) {",
       "if (word::references(w) > 1 || word::settled(w)) {"))

plant("fast-finish-of-an-unsettled-call", "wait_for_a_broken_call_without_an_argument",
      "--bound 2 --executions 5000",
      (HOT_PATH, """\
      if (word::settled(w) &&
          word.compare""",
       """\
      if (word.compare"""))

plant("fast-finish-acquire-only", "a_call_without_an_argument_that_is_let_go",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word.compare_exchange_strong(w, w + (word::kFinished - word::kReference), acq_rel, relaxed)",
       "word.compare_exchange_strong(w, w + (word::kFinished - word::kReference), acquire, relaxed)"))

plant("fast-finish-by-load-and-store", "a_call_without_an_argument_that_is_let_go",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word.compare_exchange_strong(w, w + (word::kFinished - word::kReference), acq_rel, relaxed)",
       "(word.store(w + (word::kFinished - word::kReference), release), true)"))

plant("fast-finish-looks-relaxed", "plain_call_that_its_waiter_lets_go",
      "--bound 2 --executions 5000",
      (HOT_PATH, """\
inline void Call::finish() {
  Word w = word.load(acquire);""",
       """\
inline void Call::finish() {
  Word w = word.load(relaxed);"""))

plant("fast-finish-keeps-the-hook", "hook_of_a_plain_call",
      "--bound 2 --executions 5000",
      (HOT_PATH, "(word::kJoiners | word::kHasMore",
       "(word::kJoiners"))

plant("fast-finish-keeps-the-value", "plain_call_whose_value_nobody_takes",
      "--bound 2 --executions 5000",
      (HOT_PATH, "if (word::outcome(w) == Outcome::kValue && value_drop == nullptr) {",
       "if (word::outcome(w) == Outcome::kValue) {"))

plant("fast-finish-does-not-look-at-the-outcome", "plain_call_whose_failure_nobody_looked_at",
      "--bound 2 --executions 5000",
      (HOT_PATH, "if (word::outcome(w) == Outcome::kValue && value_drop == nullptr) {",
       "if (value_drop == nullptr) {"))

plant("fast-finish-of-the-last-reference-leaves-the-word", "plain_call_that_its_waiter_lets_go",
      "--bound 2 --executions 5000",
      (HOT_PATH, """\
        end_life(word::generation(w));  // N7
""",
       ""))

plant("fast-finish-of-the-last-reference-same-generation", "stale_retain_of_a_plain_call_that_finishes_last",
      "--bound 2 --executions 5000",
      (HOT_PATH, "end_life(word::generation(w));",
       "end_life(word::generation(w) - 1);"))

plant("forgotten-call-ended-by-a-store", "forgotten_plain_call_that_is_pinned_for_a_moment",
      "--bound 2 --executions 5000",
      (HOT_PATH, "if (word.compare_exchange_strong(w, word::unused(word::generation(w) + 1), acq_rel, relaxed)) {",
       "if (word.store(word::unused(word::generation(w) + 1), release); true) {"))

plant("forgotten-call-that-is-run-ended-by-a-store", "forgotten_plain_call_that_is_run_against_a_sweep",
      "--bound 2 --executions 5000",
      (HOT_PATH, "if (word.compare_exchange_strong(w, word::unused(word::generation(w) + 1), acq_rel, relaxed)) {",
       "if (word.store(word::unused(word::generation(w) + 1), release); true) {"))

plant("forgotten-call-ended-with-release-only", "forgotten_plain_call_that_is_pinned_for_a_moment",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word.compare_exchange_strong(w, word::unused(word::generation(w) + 1), acq_rel, relaxed)",
       "word.compare_exchange_strong(w, word::unused(word::generation(w) + 1), release, relaxed)"))

plant("forgotten-call-ended-in-the-same-generation", "stale_settle_of_a_forgotten_plain_call",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word::unused(word::generation(w) + 1)",
       "word::unused(word::generation(w))"))

plant("forgotten-call-ended-under-a-settler", "stale_settle_of_a_forgotten_plain_call",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word::phase(w) == Phase::kRunning && (w & word::kForgotten) != 0",
       "(w & word::kForgotten) != 0"))

plant("call-that-is-not-forgotten-ended-without-a-word", "plain_call_that_breaks_unnoticed",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word::phase(w) == Phase::kRunning && (w & word::kForgotten) != 0",
       "word::phase(w) == Phase::kRunning"))

plant("forgotten-call-that-is-pinned-ended", "forgotten_plain_call_that_is_pinned_for_a_moment",
      "--bound 2 --executions 5000",
      (HOT_PATH, "    if (word::references(w) > 1) {",
       "    if (word::references(w) > 1 && (w & word::kForgotten) == 0) {"))

plant("deferred-released-acquire-only", "two_last_deferreds_and_a_take",
      "--bound 2 --executions 5000",
      (CALL, "deferreds.compare_exchange_weak(held, held - kOneDeferred, acq_rel, relaxed)",
       "deferreds.compare_exchange_weak(held, held - kOneDeferred, acquire, relaxed)"))

plant("deferred-released-release-only", "two_last_deferreds_and_a_take",
      "--bound 2 --executions 5000",
      (CALL, "deferreds.compare_exchange_weak(held, held - kOneDeferred, acq_rel, relaxed)",
       "deferreds.compare_exchange_weak(held, held - kOneDeferred, release, relaxed)"))

plant("deferred-released-by-load-and-store", "two_last_deferreds_and_a_take",
      "--bound 2 --executions 5000",
      (CALL, "!deferreds.compare_exchange_weak(held, held - kOneDeferred, acq_rel, relaxed)",
       "(deferreds.store(held - kOneDeferred, release), false)"))

plant("deferred-released-of-any-generation", "stale_deferred_release",
      "--bound 2 --executions 5000",
      (CALL, """\
    if (!counts_for(held, generation) || deferred_count(held) == 0) return false;
    // acq_rel: what""",
       """\
    if (deferred_count(held) == 0) return false;
    // acq_rel: what"""))

plant("deferred-released-from-zero", "stale_deferred_release",
      "--bound 2 --executions 5000",
      (CALL, """\
    if (!counts_for(held, generation) || deferred_count(held) == 0) return false;
    // acq_rel: what""",
       """\
    if (!counts_for(held, generation)) return false;
    // acq_rel: what"""))

plant("deferred-retained-by-check-and-addition", "stale_deferred_retain",
      "--bound 2 --executions 5000",
      (CALL, """\
    // relaxed would do for the count; acq_rel keeps a stale retain from being reordered into the slot's next life.
  } while (!deferreds.compare_exchange_weak(held, held + kOneDeferred, acq_rel, relaxed));""",
       """\
  } while (false);
  deferreds.fetch_add(kOneDeferred, acq_rel);"""))

plant("deferred-retained-of-any-generation", "stale_deferred_retain",
      "--bound 2 --executions 5000",
      (CALL, "if (!counts_for(held, generation) || count == 0 ||",
       "if (count == 0 ||"))

plant("deferred-retained-from-zero", "stale_deferred_retain",
      "--bound 2 --executions 5000",
      (CALL, "if (!counts_for(held, generation) || count == 0 ||",
       "if (!counts_for(held, generation) ||"))

plant("hook-without-taking-a-deferred", "cancel_message_against_the_last_release",
      "--bound 2 --executions 5000",
      (CALL, """\
    if (deferred_count(held) == 0) return;
    // acq_rel""",
       "    // acq_rel"))

plant("hook-takes-its-deferred-by-load-and-store", "cancel_message_against_the_last_release",
      "--random 1 --executions 5000",
      (CALL, """\
    if (deferred_count(held) == 0) return;
    // acq_rel: the count is all that matters here; what keeps drop(arg) behind the hook is giving this one back.
  } while (!deferreds.compare_exchange_weak(held, held + kOneDeferred, acq_rel, relaxed));""",
       """\
    if (deferred_count(held) == 0) return;
  } while ((deferreds.store(held + kOneDeferred, release), false));"""))

plant("hook-called-of-a-settled-call", "cancel_message_of_a_settled_call",
      "--bound 2 --executions 5000",
      (CALL, """\
  if (word::phase(w) == Phase::kRunning) {
    bool was""",
       """\
  {
    bool was"""))

plant("hook-keeps-its-deferred", "cancel_message_against_the_last_release",
      "--random 1 --executions 5000",
      (CALL, """\
    }
  }
  release_deferred(generation);
}""",
       """\
    }
  }
}"""))

plant("hook-kept-after-it-was-called", "two_cancels_of_a_call_with_a_hook",
      "--bound 2 --executions 5000",
      (CALL, """\
    callback_has_thrown(generation);
  }
  end_hook(hook);
""",
       """\
    callback_has_thrown(generation);
  }
"""))

plant("cleared-hook-nobody-cancels", "hook_cleared_while_a_cancel_is_in_flight",
      "--bound 2 --executions 5000",
      (CALL, "      end_as(Outcome::kCancelled, Outcome::kCancelled);  // it was",
       "      ;  // it was"))

plant("called-hook-cancelled-once-more", "stop_and_cancel_ask_a_call_with_a_hook",
      "--random 1 --executions 5000",
      (CALL, "} else if (!was_closed && (w & word::kCancelAsked) != 0) {",
       "} else if ((w & word::kCancelAsked) != 0) {"))

plant("cancel-message-keeps-its-reference", "cancel_message_against_the_last_release",
      "--bound 2 --executions 5000",
      (CALL, "  const GivesBack message{*this};\n", ""))

plant("cancel-acquire-only", "reject_with_a_record_against_cancel",
      "--random 1 --executions 5000",
      (CALL, "if (!word.compare_exchange_weak(w, wanted, acq_rel, relaxed)) continue;",
       "if (!word.compare_exchange_weak(w, wanted, acquire, relaxed)) continue;"))

plant("cancel-release-only", "cancel_message_while_another_thread_settles",
      "--random 1 --executions 5000",
      (CALL, "if (!word.compare_exchange_weak(w, wanted, acq_rel, relaxed)) continue;",
       "if (!word.compare_exchange_weak(w, wanted, release, relaxed)) continue;"))

plant("cancel-by-load-and-store", "settle_inside_wait_take_cancel_take",
      "--bound 2 --executions 5000",
      (CALL, "if (!word.compare_exchange_weak(w, wanted, acq_rel, relaxed)) continue;",
       "word.store(wanted, release);"))

plant("cancel-of-a-call-that-is-being-settled", "reject_with_a_record_against_cancel",
      "--random 1 --executions 5000",
      (CALL, "if (from == Phase::kSettling || from == Phase::kSettled) {",
       "if (from == Phase::kSettled) {"))

plant("cancel-of-any-generation", "stale_cancel",
      "--bound 2 --executions 5000",
      (CALL, """\
  Word w = word.load(relaxed);
  for (;;) {
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
    const Phase from""",
       """\
  Word w = word.load(relaxed);
  for (;;) {
    const Phase from"""))

plant("cancel-message-without-a-reference", "cancel_message_against_the_last_release",
      "--bound 2 --executions 5000",
      (CALL, "(asked | word::kPosted) + word::kReference",
       "(asked | word::kPosted)"))

plant("second-cancel-posts-again", "two_cancels_of_a_call_with_a_hook",
      "--random 1 --executions 5000",
      (CALL, """\
    if (hooked && (w & word::kAsked) != 0) return CROCHET_OK;
""",
       ""))

plant("refused-cancel-message-no-look-for-hooks", "cancel_refused_during_the_grace",
      "--bound 2 --executions 5000",
      (CALL, """\
        look_for_hooks_again(loop_id);
""",
       ""))

plant("refused-cancel-message-keeps-its-reference", "cancel_against_stop_of_a_call_with_a_hook",
      "--random 1 --executions 5000",
      (CALL, """\
        look_for_hooks_again(loop_id);
        release_reference();""",
       "        look_for_hooks_again(loop_id);"))

plant("look-for-hooks-before-the-cancel-is-there", "cancel_refused_during_the_grace",
      "--random 1 --executions 5000",
      (CALL, "if (!word.compare_exchange_weak(w, wanted, acq_rel, relaxed)) continue;",
       """\
if (hooked) look_for_hooks_again(loop.load(relaxed));
    if (!word.compare_exchange_weak(w, wanted, acq_rel, relaxed)) continue;"""),
      (CALL, """\
        look_for_hooks_again(loop_id);
""",
       ""))

plant("cancel-does-not-tell-waiters", "settle_inside_wait_take_cancel_take",
      "--random 1 --executions 5000",
      (CALL, """\
      tell(w);
      if (from == Phase::kQueued) {
        never_ran();""",
       """\
      if (from == Phase::kQueued) {
        never_ran();"""))

plant("cancelled-before-it-ran-argument-kept", "settle_inside_wait_take_cancel_take",
      "--random 1 --executions 5000",
      (CALL, """\
      tell(w);
      if (from == Phase::kQueued) {
        never_ran();""",
       """\
      tell(w);
      if (from == Phase::kQueued) {"""))

plant("tell-without-waking", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (CALL, """\
  if ((before & word::kWaiters) != 0) unpark_all(word);
  if ((before & word::kWatched)""",
       "  if ((before & word::kWatched)"))

plant("take-by-load-and-store", "two_takes_and_a_release",
      "--bound 2 --executions 5000",
      (CALL, "!word.compare_exchange_weak(w, w | word::kTaken, acq_rel, acquire)",
       "(word.store(w | word::kTaken, release), false)"))

plant("take-twice", "two_takes_and_a_release",
      "--bound 2 --executions 5000",
      (CALL, """\
    if ((w & word::kTaken) != 0) return CROCHET_ETAKEN;
""",
       ""))

plant("taken-value-dropped-as-well", "two_takes_and_a_release",
      "--bound 2 --executions 5000",
      (CALL, "has_value(last) && (last & word::kTaken) == 0 ? value_drop",
       "has_value(last) ? value_drop"))

plant("untaken-value-kept", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (CALL, """\
  if (left_drop != nullptr) run_drop(left_drop, left);
""",
       """\
  (void)left, (void)left_drop;
"""))

plant("observe-by-load-and-store", "a_failure_that_one_of_two_looked_at",
      "--bound 2 --executions 5000",
      (CALL, "!word.compare_exchange_weak(w, w | word::kObserved, acq_rel, acquire)",
       "(word.store(w | word::kObserved, release), false)"))

plant("observed-of-any-generation", "stale_observe",
      "--bound 2 --executions 5000",
      (CALL, "if (!word::alive(w, generation) || !word::settled(w)) return false;",
       "if (!word::settled(w)) return false;"))

plant("retained-by-check-and-addition", "stale_retain",
      "--bound 2 --executions 5000",
      (CALL, """\
  } while (!word.compare_exchange_weak(w, w + word::kReference, acq_rel, relaxed));
  return true;""",
       """\
  } while (false);
  word.fetch_add(word::kReference, acq_rel);
  return true;"""))

plant("retained-by-load-and-store", "handles_retained_and_released",
      "--bound 2 --executions 5000",
      (CALL, """\
  } while (!word.compare_exchange_weak(w, w + word::kReference, acq_rel, relaxed));
  return true;""",
       """\
  } while ((word.store(w + word::kReference, release), false));
  return true;"""))

plant("retained-of-any-generation", "stale_retain",
      "--bound 2 --executions 10000",
      (CALL, "if (!word::alive(w, generation) || handles",
       "if (handles"))

plant("handle-released-relaxed-look", "two_handles_and_the_last_deferred",
      "--bound 2 --executions 5000",
      (CALL, """\
  Word w = word.load(acquire);
  do {
    if (!word::alive(w, generation)) return false;
    if (word::settled(w) && word::references(w) == 1) {""",
       """\
  Word w = word.load(relaxed);
  do {
    if (!word::alive(w, generation)) return false;
    if (word::settled(w) && word::references(w) == 1) {"""))

plant("handle-released-acquire-only", "two_handles_and_the_last_deferred",
      "--bound 2 --executions 5000",
      (CALL, "word.compare_exchange_weak(w, w - word::kReference, acq_rel, acquire)",
       "word.compare_exchange_weak(w, w - word::kReference, acquire, acquire)"))

plant("handle-released-acq-rel-only", "two_handles_and_the_last_deferred",
      "--bound 2 --executions 5000",
      (CALL, "word.compare_exchange_weak(w, w - word::kReference, acq_rel, acquire)",
       "word.compare_exchange_weak(w, w - word::kReference, acq_rel, relaxed)"))

plant("handle-released-relaxed", "two_handles_and_the_last_deferred",
      "--bound 2 --executions 5000",
      (CALL, "word.compare_exchange_weak(w, w - word::kReference, acq_rel, acquire)",
       "word.compare_exchange_weak(w, w - word::kReference, relaxed, acquire)"))

plant("handle-released-by-load-and-store", "two_handles_and_the_last_deferred",
      "--bound 2 --executions 5000",
      (CALL, "!word.compare_exchange_weak(w, w - word::kReference, acq_rel, acquire)",
       "(word.store(w - word::kReference, release), false)"))

plant("handle-released-of-any-generation", "stale_release",
      "--bound 2 --executions 5000",
      (CALL, """\
    if (!word::alive(w, generation)) return false;
    if (word::settled(w) && word::ref""",
       "    if (word::settled(w) && word::ref"))

plant("handle-released-by-check-and-subtraction", "stale_retain",
      "--bound 2 --executions 5000",
      (CALL, "  } while (!word.compare_exchange_weak(w, w - word::kReference, acq_rel, acquire));",
       """\
  } while (false);
  w = word.fetch_sub(word::kReference, acq_rel);"""))

plant("handle-released-plainly-relaxed-look", "plain_call_that_two_let_go",
      "--bound 2 --executions 5000",
      (HOT_PATH, """\
  const Word w = word.load(acquire);
  if (!word::ends_plainly""",
       """\
  const Word w = word.load(relaxed);
  if (!word::ends_plainly"""))

plant("handle-released-plainly-keeps-the-value", "plain_call_whose_value_nobody_takes",
      "--bound 2 --executions 5000",
      (HOT_PATH, "if (!word::ends_plainly(w, generation) || value_drop != nullptr) return",
       "if (!word::ends_plainly(w, generation)) return"))

plant("handle-released-plainly-of-any-generation", "stale_release_of_a_plain_call",
      "--bound 2 --executions 5000",
      (HOT_PATH, "word::ends_plainly(w, generation)",
       "word::ends_plainly(w, word::generation(w))"))

plant("handle-released-plainly-whatever-the-count", "plain_call_that_two_let_go",
      "--bound 2 --executions 5000",
      (WORD, "(kReferences | kHandleMask | kPhaseMask | kOutcomeMask | kHasMore)) == kReference;",
       "(kHandleMask | kPhaseMask | kOutcomeMask | kHasMore)) == 0;"))

plant("handle-released-plainly-whatever-the-outcome", "plain_call_whose_failure_nobody_looked_at",
      "--bound 2 --executions 5000",
      (WORD, "(kReferences | kHandleMask | kPhaseMask | kOutcomeMask | kHasMore)) == kReference;",
       "(kReferences | kHandleMask | kPhaseMask | kHasMore)) == kReference;"))

plant("reference-released-relaxed-look", "refused_call_against_a_sweep",
      "--random 1 --executions 5000",
      (CALL, """\
void Call::release_reference() {
  const Word w = word.load(acquire);""",
       """\
void Call::release_reference() {
  const Word w = word.load(relaxed);"""))

plant("reference-released-relaxed", "last_handle_and_last_deferred_against_a_sweep",
      "--bound 2 --executions 5000",
      (CALL, "word.fetch_sub(word::kReference, acq_rel)",
       "word.fetch_sub(word::kReference, relaxed)"))

plant("reference-released-release", "last_handle_and_last_deferred_against_a_sweep",
      "--bound 2 --executions 5000",
      (CALL, "word.fetch_sub(word::kReference, acq_rel)",
       "word.fetch_sub(word::kReference, release)"))

plant("reference-released-acquire", "forgotten_call_that_is_pinned_for_a_moment",
      "--bound 2 --executions 5000",
      (CALL, "word.fetch_sub(word::kReference, acq_rel)",
       "word.fetch_sub(word::kReference, acquire)"))

plant("reference-released-by-load-and-store", "last_handle_and_last_deferred_against_a_sweep",
      "--bound 2 --executions 5000",
      (CALL, "const Word before = word.fetch_sub(word::kReference, acq_rel);",
       """\
const Word before = w;
  word.store(before - word::kReference, release);"""))

plant("destroyed-same-generation", "stale_retain_of_a_plain_call",
      "--bound 2 --executions 5000",
      (HOT_PATH, """\
  end_life(generation);  // N7
""",
       """\
  end_life(generation - 1);
"""))

plant("destroyed-slowly-same-generation", "stale_retain",
      "--bound 2 --executions 5000",
      (CALL, "end_life(word::generation(last));",
       "end_life(word::generation(last) - 1);"))

plant("freed-before-its-generation-ends", "stale_retain",
      "--bound 2 --executions 20000",
      (CALL, """\
  end_side();
  free_call(this);
}""",
       """\
  end_side();
}"""),
      (CALL, """\
  end_life(word::generation(last));
""",
       """\
  free_call(this);
  end_life(word::generation(last));
"""))

plant("fast-destruction-keeps-the-side-record", "two_install_the_side_record_of_a_queued_call",
      "--bound 2 --executions 5000",
      (WORD, "kPhaseMask | kOutcomeMask | kHasMore)) == kReference;",
       "kPhaseMask | kOutcomeMask)) == kReference;"))

plant("looked-at-failure-logged", "a_failure_that_one_of_two_looked_at",
      "--bound 2 --executions 5000",
      (CALL, "if ((w & (word::kObserved | word::kAsked)) != 0) return false;",
       "if ((w & word::kAsked) != 0) return false;"))

plant("forgotten-and-broken-is-logged", "forgotten_call_against_a_sweep",
      "--bound 2 --executions 10000",
      (CALL, "return (w & word::kForgotten) == 0;",
       "return true;"))

plant("side-record-not-told-to-the-last-handle", "two_install_the_side_record_of_a_queued_call",
      "--bound 2 --executions 5000",
      (CALL, "word.fetch_or(word::kHasMore, relaxed);",
       ";"))

plant("side-record-not-told-to-the-last-deferred", "hook_of_a_plain_call",
      "--bound 2 --executions 5000",
      (CALL, "word.fetch_or(word::kHasMore, relaxed);",
       ";"))

plant("side-record-told-by-load-and-store", "side_record_of_a_plain_call_that_ends",
      "--bound 2 --executions 5000",
      (CALL, "word.fetch_or(word::kHasMore, relaxed);",
       "word.store(word.load(relaxed) | word::kHasMore, relaxed);"))

plant("side-record-installed-relaxed", "two_install_the_side_record_of_a_queued_call",
      "--bound 2 --executions 5000",
      (CALL, "kSideTag, release, acquire)",
       "kSideTag, relaxed, acquire)"))

plant("side-record-first-look-relaxed", "two_install_the_side_record_of_a_queued_call",
      "--bound 2 --executions 5000",
      (CALL, """\
  std::uint64_t field = function.load(acquire);
  if ((field & kSideTag) != 0) return side();""",
       """\
  std::uint64_t field = function.load(relaxed);
  if ((field & kSideTag) != 0) return side_record(field);"""))

plant("side-record-loser-keeps-its-own", "two_install_the_side_record_of_a_queued_call",
      "--bound 2 --executions 5000",
      (CALL, """\
  delete record;
  return side();""",
       "  return side();"))

plant("side-record-told-after-it-can-be-found", "hook_of_a_plain_call_whose_side_record_another_installs",
      "--bound 2 --executions 20000",
      (CALL, """\
  word.fetch_or(word::kHasMore, relaxed);
""", ""),
      (CALL, """\
release, acquire)) {
    return record;""", """\
release, acquire)) {
    word.fetch_or(word::kHasMore, relaxed);
    return record;"""))

plant("side-record-installed-by-a-store", "two_install_the_side_record_of_a_queued_call",
      "--bound 2 --executions 5000",
      (CALL, """\
  if (function.compare_exchange_strong(field, reinterpret_cast<std::uintptr_t>(record) | kSideTag, release, acquire)) {
""",
       """\
  function.store(reinterpret_cast<std::uintptr_t>(record) | kSideTag, release);
  if (record != nullptr) {
"""))

plant("side-relaxed", "two_install_the_side_record_of_a_queued_call",
      "--random 1 --executions 5000",
      (HEADER, """\
    const std::uint64_t field = function.load(acquire);
    return (field & kSideTag) == 0 ? nullptr""",
       """\
    const std::uint64_t field = function.load(relaxed);
    return (field & kSideTag) == 0 ? nullptr"""))

plant("plain-function-relaxed", "two_install_the_side_record_of_a_queued_call",
      "--random 1 --executions 5000",
      (HEADER, """\
    const std::uint64_t field = function.load(acquire);
    const std::uint64_t plain""",
       """\
    const std::uint64_t field = function.load(relaxed);
    const std::uint64_t plain"""))

plant("wait-looks-relaxed", "settle_inside_wait",
      "--bound 2 --executions 20000",
      (WAITING, """\
Word w = call.word.load(acquire);
  if (!word::alive(w, generation)) return CROCHET_EINVAL;
  if (done""",
       """\
Word w = call.word.load(relaxed);
  if (!word::alive(w, generation)) return CROCHET_EINVAL;
  if (done"""))

plant("wait-present-relaxed", "settle_inside_wait",
      "--bound 2 --executions 10000",
      (WAITING, """\
w = call.word.fetch_or(flag, acq_rel) | flag;
  const Word epoch""",
       """\
w = call.word.fetch_or(flag, relaxed) | flag;
  const Word epoch"""))

plant("wait-present-release", "settle_inside_wait",
      "--bound 2 --executions 10000",
      (WAITING, """\
w = call.word.fetch_or(flag, acq_rel) | flag;
  const Word epoch""",
       """\
w = call.word.fetch_or(flag, release) | flag;
  const Word epoch"""))

plant("wait-present-by-load-and-store", "settle_inside_wait",
      "--bound 2 --executions 7000",
      (WAITING, """\
w = call.word.fetch_or(flag, acq_rel) | flag;
  const Word epoch""",
       """\
w = call.word.load(acquire) | flag;
  call.word.store(w, release);
  const Word epoch"""))

plant("wait-present-by-its-first-look", "wait_that_begins_after_the_interrupt",
      "--bound 2 --executions 5000",
      (WAITING, """\
w = call.word.fetch_or(flag, acq_rel) | flag;
  const Word epoch""",
       """\
if ((w & flag) == 0) w = call.word.fetch_or(flag, acq_rel) | flag;
  const Word epoch"""))

plant("epoch-before-it-is-present", "wait_that_begins_after_the_interrupt",
      "--bound 2 --executions 5000",
      (WAITING, """\
w = call.word.fetch_or(flag, acq_rel) | flag;
  const Word epoch""",
       """\
const Word epoch = word::epoch(w);
  w = call.word.fetch_or(flag, acq_rel) | flag;
  const Word ignored"""))

plant("wait-does-not-look-again", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (WAITING, """\
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
    if (done(w, until)) return code(w, until);
""",
       """\
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
"""))

plant("wait-goes-on-in-a-stranger", "stale_wait",
      "--bound 2 --executions 5000",
      (WAITING, """\
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
    if (done(w, until)) return code(w, until);
""",
       """\
    if (done(w, until)) return code(w, until);
"""))

plant("timed-wait-returns-a-strangers-result", "stale_timed_wait",
      "--bound 2 --executions 20000",
      (WAITING, """\
        if (!word::alive(w, generation)) return CROCHET_EINVAL;
        if (done""",
       """\
        if (done"""))

plant("hook-set-without-holding-the-call", "stale_on_cancel_against_the_end",
      "--bound 2 --executions 20000",
      (HOOK, """\
  if (!call.retain_deferred(generation)) return CROCHET_EINVAL;
  const int status = set_hook_of_held(call, generation, fn, arg, drop);
  call.release_deferred(generation);
  return status;
""",
       """\
  return set_hook_of_held(call, generation, fn, arg, drop);
"""))

plant("interrupt-taken-relaxed", "interrupt_of_two_waits_that_are_settled",
      "--random 1 --executions 5000",
      (WAITING, "w = call.word.fetch_and(~word::kInterruptPending, acq_rel);",
       "w = call.word.fetch_and(~word::kInterruptPending, relaxed);"))

plant("interrupt-taken-release", "interrupt_of_two_waits_that_are_settled",
      "--random 1 --executions 5000",
      (WAITING, "w = call.word.fetch_and(~word::kInterruptPending, acq_rel);",
       "w = call.word.fetch_and(~word::kInterruptPending, release);"))

plant("interrupt-taken-by-load-and-store", "interrupt_of_two_waits_that_are_settled",
      "--random 1 --executions 5000",
      (WAITING, "w = call.word.fetch_and(~word::kInterruptPending, acq_rel);",
       """\
w = call.word.load(acquire);
      call.word.store(w & ~word::kInterruptPending, release);"""))

plant("interrupt-not-taken", "interrupt_against_one_wait",
      "--bound 2 --executions 5000",
      (WAITING, "w = call.word.fetch_and(~word::kInterruptPending, acq_rel);",
       "w = call.word.fetch_or(0, acq_rel);"))

plant("interrupt-taken-result-not-seen", "interrupt_of_two_waits_that_are_settled",
      "--random 1 --executions 5000",
      (WAITING, """\
acq_rel);
      if (!word::alive(w, generation)) return CROCHET_EINVAL;
      if (done(w, until)) return code(w, until);
      if (interrupted(w, epoch)) return""",
       """\
acq_rel);
      if (!word::alive(w, generation)) return CROCHET_EINVAL;
      if (interrupted(w, epoch)) return"""))

plant("interrupt-of-another-taken-for-its-own", "one_pending_interrupt_two_waits",
      "--bound 2 --executions 5000",
      (WAITING, """\
if (interrupted(w, epoch)) return CROCHET_EINTR;
      continue;""",
       "return CROCHET_EINTR;"))

plant("woken-looks-relaxed", "settle_inside_wait",
      "--bound 2 --executions 5000",
      (WAITING, """\
w = call.word.load(acquire); break;""",
       """\
w = call.word.load(relaxed); break;"""))

plant("last-look-a-plain-load", "interrupt_against_a_time_out",
      "--bound 2 --executions 5000",
      (WAITING, """\
        w = call.word.fetch_or(flag, acq_rel) | flag;
        if (!word::alive(w, generation)) return CROCHET_EINVAL;
        if (done""",
       """\
        w = call.word.load(acquire);
        if (!word::alive(w, generation)) return CROCHET_EINVAL;
        if (done"""))

plant("last-look-relaxed", "time_out_against_settling",
      "--bound 2 --executions 5000",
      (WAITING, """\
        w = call.word.fetch_or(flag, acq_rel) | flag;
        if (!word::alive(w, generation)) return CROCHET_EINVAL;
        if (done""",
       """\
        w = call.word.fetch_or(flag, relaxed) | flag;
        if (!word::alive(w, generation)) return CROCHET_EINVAL;
        if (done"""))

plant("last-look-release", "time_out_against_settling",
      "--bound 2 --executions 5000",
      (WAITING, """\
        w = call.word.fetch_or(flag, acq_rel) | flag;
        if (!word::alive(w, generation)) return CROCHET_EINVAL;
        if (done""",
       """\
        w = call.word.fetch_or(flag, release) | flag;
        if (!word::alive(w, generation)) return CROCHET_EINVAL;
        if (done"""))

plant("last-look-without-the-result", "time_out_against_settling",
      "--bound 2 --executions 5000",
      (WAITING, """\
        if (done(w, until)) return code(w, until);
        if (interrupted(w, epoch)) break;""",
       "        if (interrupted(w, epoch)) break;"))

plant("last-look-without-the-interrupt", "interrupt_against_a_time_out",
      "--bound 2 --executions 5000",
      (WAITING, """\
        if (interrupted(w, epoch)) break;
""",
       ""))

plant("joins-have-no-flag-of-their-own", "join_a_call_settled_inside",
      "--bound 2 --executions 5000",
      (WAITING, "until == Until::kSettled ? word::kWaiters : word::kJoiners",
       "word::kWaiters"))

plant("join-returns-at-the-result", "join_then_free_the_context",
      "--bound 2 --executions 5000",
      (WAITING, "word::settled(w) : word::finished(w); }",
       "word::settled(w) : word::settled(w); }"))

plant("interrupt-acquire-only", "interrupt_against_one_wait",
      "--bound 2 --executions 5000",
      (WAITING, "call.word.compare_exchange_weak(w, next, acq_rel, relaxed)",
       "call.word.compare_exchange_weak(w, next, acquire, relaxed)"))

plant("interrupt-by-load-and-store", "interrupt_against_one_wait",
      "--bound 2 --executions 5000",
      (WAITING, "if (call.word.compare_exchange_weak(w, next, acq_rel, relaxed)) break;",
       """\
call.word.store(next, release);
    break;"""))

plant("interrupt-without-an-epoch", "interrupt_reaches_both_who_are_present",
      "--bound 2 --executions 5000",
      (WAITING, "word::next_epoch(w) | word::kInterruptPending;",
       "w | word::kInterruptPending;"))

plant("interrupt-without-a-pending-bit", "interrupt_against_one_wait",
      "--bound 2 --executions 5000",
      (WAITING, "word::next_epoch(w) | word::kInterruptPending;",
       "word::next_epoch(w);"))

plant("interrupt-gives-up-when-it-sees-no-waiter", "interrupt_against_one_wait",
      "--bound 2 --executions 5000",
      (WAITING, """\
bool interrupt_waits(Call& call, Word generation) {
  Word w = call.word.load(relaxed);
""",
       """\
bool interrupt_waits(Call& call, Word generation) {
  Word w = call.word.load(acquire);
  if ((w & (word::kWaiters | word::kJoiners)) == 0) return true;
"""))

plant("interrupt-gives-up-when-it-sees-one-pending", "two_interrupts_against_two_waits",
      "--random 1 --executions 5000",
      (WAITING, """\
bool interrupt_waits(Call& call, Word generation) {
  Word w = call.word.load(relaxed);
""",
       """\
bool interrupt_waits(Call& call, Word generation) {
  Word w = call.word.load(acquire);
  if ((w & word::kInterruptPending) != 0) return true;
"""))

plant("two-interrupts-in-one", "second_interrupt_reaches_who_came_between",
      "--random 1 --executions 5000",
      (WAITING, "const Word next = word::finished(w) ? w :",
       "const Word next = word::finished(w) || (w & word::kInterruptPending) != 0 ? w :"))

plant("interrupt-until-settled-only", "interrupt_against_one_join",
      "--bound 2 --executions 5000",
      (WAITING, "const Word next = word::finished(w) ? w :",
       "const Word next = word::settled(w) ? w :"))

plant("interrupt-does-not-wake", "interrupt_against_one_wait",
      "--bound 2 --executions 5000",
      (WAITING, """\
  if (!word::finished(w) && (w & (word::kWaiters | word::kJoiners)) != 0) unpark_all(call.word);
""",
       ""))

plant("interrupt-does-not-wake-joiners", "interrupt_against_one_join",
      "--bound 2 --executions 5000",
      (WAITING, "(w & (word::kWaiters | word::kJoiners)) != 0) unpark",
       "(w & word::kWaiters) != 0) unpark"))

plant("interrupt-of-any-generation", "stale_interrupt",
      "--bound 2 --executions 5000",
      (WAITING, """\
    if (!word::alive(w, generation)) return false;
    // Until""",
       "    // Until"))

plant("hook-put-in-place-acquire-only", "hook_replaced_while_a_cancel_is_in_flight",
      "--random 1 --executions 5000",
      (HOOK, "side.hook.compare_exchange_weak(current, hook, acq_rel, relaxed)",
       "side.hook.compare_exchange_weak(current, hook, acquire, relaxed)"))

plant("hook-put-in-place-release-only", "two_hooks_installed_against_cancel",
      "--random 1 --executions 5000",
      (HOOK, "side.hook.compare_exchange_weak(current, hook, acq_rel, relaxed)",
       "side.hook.compare_exchange_weak(current, hook, release, relaxed)"))

plant("hook-put-in-place-by-load-and-store", "hook_replaced_while_a_cancel_is_in_flight",
      "--random 1 --executions 5000",
      (HOOK, "!side.hook.compare_exchange_weak(current, hook, acq_rel, relaxed)",
       "(side.hook.store(hook, release), false)"))

plant("hook-put-in-place-of-a-closed-one", "hook_replaced_while_a_cancel_is_in_flight",
      "--random 1 --executions 5000",
      (HOOK, """\
    if (current == kClosed) return false;
""",
       """\
    if (current == kClosed) current = nullptr;
"""),
      (HOOK, "while (!side.hook.compare_exchange_weak(current, hook, acq_rel, relaxed));",
       """\
while (false);
  side.hook.exchange(hook, acq_rel);"""))

plant("hook-announced-acquire-only", "hook_installed_against_cancel",
      "--bound 2 --executions 5000",
      (HOOK, "call.word.compare_exchange_weak(w, w | word::kHooked, acq_rel, relaxed)",
       "call.word.compare_exchange_weak(w, w | word::kHooked, acquire, relaxed)"))

plant("hook-announced-by-load-and-store", "hook_installed_against_cancel",
      "--random 1 --executions 5000",
      (HOOK, "!call.word.compare_exchange_weak(w, w | word::kHooked, acq_rel, relaxed)",
       "(call.word.store(w | word::kHooked, release), false)"))

plant("hook-announced-although-somebody-asked", "hook_installed_against_stop",
      "--random 1 --executions 5000",
      (HOOK, """\
    if ((w & word::kAsked) != 0) return false;
""",
       ""))

plant("hook-not-announced", "hook_installed_against_cancel",
      "--bound 2 --executions 5000",
      (HOOK, "if (hook == nullptr || announce(call, generation)) return",
       "if (hook == nullptr || true) return"))

plant("hook-refused-but-left-there", "hook_installed_against_cancel",
      "--random 1 --executions 5000",
      (HOOK, """\
  Hook* expected = hook;
  if (!side->hook.compare_exchange_strong(expected, nullptr, acq_rel, relaxed)) return CROCHET_OK;
  delete hook;
""",
       ""))

plant("hook-taken-back-by-a-store", "two_hooks_installed_against_cancel",
      "--random 1 --executions 5000",
      (HOOK, """\
  Hook* expected = hook;
  if (!side->hook.compare_exchange_strong(expected, nullptr, acq_rel, relaxed)) return CROCHET_OK;
""",
       """\
  side->hook.store(nullptr, release);
"""))

plant("replaced-hook-kept", "hook_replaced_while_a_cancel_is_in_flight",
      "--bound 2 --executions 5000",
      (HOOK, """\
  end_hook(former);
""",
       ""))

plant("hook-closed-relaxed", "hook_replaced_while_a_cancel_is_in_flight",
      "--random 1 --executions 5000",
      (HOOK, "side.hook.exchange(kClosed, acq_rel)",
       "side.hook.exchange(kClosed, relaxed)"))

plant("hook-closed-release", "hook_replaced_while_a_cancel_is_in_flight",
      "--random 1 --executions 5000",
      (HOOK, "side.hook.exchange(kClosed, acq_rel)",
       "side.hook.exchange(kClosed, release)"))

plant("hook-closed-by-load-and-store", "hook_replaced_while_a_cancel_is_in_flight",
      "--random 1 --executions 5000",
      (HOOK, "Hook* hook = side.hook.exchange(kClosed, acq_rel);",
       """\
Hook* hook = side.hook.load(acquire);
  side.hook.store(kClosed, release);"""))

plant("hook-taken-but-not-closed", "stop_and_cancel_ask_a_call_with_a_hook",
      "--random 1 --executions 5000",
      (HOOK, "side.hook.exchange(kClosed, acq_rel)",
       "side.hook.exchange(nullptr, acq_rel)"))

plant("take-sees-nothing", "take_without_a_wait",
      "--bound 2 --executions 5000",
      (CALL, "word.compare_exchange_weak(w, w | word::kTaken, acq_rel, acquire)",
       "word.compare_exchange_weak(w, w | word::kTaken, release, relaxed)"),
      (CALL, """\
  Word w = word.load(acquire);
  do {
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
    if (!word::settled(w)) return CROCHET_EPENDING;""",
       """\
  Word w = word.load(relaxed);
  do {
    if (!word::alive(w, generation)) return CROCHET_EINVAL;
    if (!word::settled(w)) return CROCHET_EPENDING;"""))

plant("observe-sees-nothing", "observe_without_a_wait",
      "--bound 2 --executions 5000",
      (CALL, "word.compare_exchange_weak(w, w | word::kObserved, acq_rel, acquire)",
       "word.compare_exchange_weak(w, w | word::kObserved, release, relaxed)"),
      (CALL, """\
  Word w = word.load(acquire);
  do {
    if (!word::alive(w, generation) || !word::settled(w)) return false;""",
       """\
  Word w = word.load(relaxed);
  do {
    if (!word::alive(w, generation) || !word::settled(w)) return false;"""))
