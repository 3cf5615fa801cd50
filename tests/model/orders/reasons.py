# SPDX-License-Identifier: MIT
"""Why orders survive that no scenario kills when they are weakened: see ../orders.py.

A reason names what it is about (file, function, a part of the operation as it is written, nth, role, order, to; a list:
any of these), its kind, and why. Each survivor has exactly one, and each reason a survivor.

    stronger   the scenarios, and what we know, need less
    together   `with` does the same work: with both weakened a scenario fails, which is tried as well
    outside    needed only by what the model does not have
    hint       what it reads may be out of date with any order; who acts on it looks again
"""

CALL = "src/call/call.cpp"
HOT_PATH = "src/call/hot_path.hpp"
HOOK = "src/call/hook.cpp"
SWEEP = "src/call/sweep.hpp"
SIGHT = "src/call/sight.cpp"
WAITING = "src/call/waiting.cpp"
WATCHERS = "src/call/watchers.cpp"
RING = "src/log/ring.hpp"
QUEUE = "src/loop/call_queue.hpp"
COMPLETIONS = "src/loop/completion_queue.cpp"

REASONS = []


def reason(kind, why, file, function, operation=None, others=None, **where):
    entry = {"kind": kind, "why": why, "file": file, "function": function, "operation": operation, "with": others, **where}
    REASONS.append({field: value for field, value in entry.items() if value is not None})


def stronger(why, *where, **more):
    reason("stronger", why, *where, **more)


def together(why, others, file, function, operation=None, **more):
    reason("together", why, file, function, operation, others, **more)


def hint(why, *where, **more):
    reason("hint", why, *where, **more)


def outside(why, *where, **more):
    reason("outside", why, *where, **more)


PIN_RELEASES = {"file": SWEEP, "function": "pin", "role": "success", "to": "acquire"}

# ---- A call's word

stronger("it tells a reader that the bit and the fields go together; the fields came by the queue that the call was taken "
         "from, only the bits count here, and a read-modify-write goes on with the release sequence that make() began",
         [HOT_PATH, CALL], ["Call::start", "Call::start_conditional"])
stronger("nobody has touched the outcome's fields in this life of the slot, and how the settler got its deferred has "
         "ordered the life's beginning; the next claim may have another reason",
         [HOT_PATH, CALL], ["Call::claim", "Call::reject"], "compare_exchange", to="relaxed")
stronger("handles are left (R > 1): it ends nothing, so it reads nothing of others",
         HOT_PATH, "Call::finish", "word::kFinished - word::kReference", to="release")
stronger("a compare-exchange here never lets go of the last reference (N1): the last look, which acquires, does",
         CALL, "Call::release_slowly", "compare_exchange", to="release")
stronger("who settles a call so reads nothing of it that others have written since it was made",
         CALL, "Call::end_as", to="release")
stronger("nothing is read after it", CALL, "Call::never_ran", to="release")
together("the pin that every stop takes before releases as well", [PIN_RELEASES],
         CALL, "Call::ask_to_stop", role="success", to="acquire")
stronger("that a hook is there is told by the bit; the hook itself comes by close_hook()",
         CALL, "Call::ask_to_stop", role="success", to="release")
stronger("the acquire half is not needed, and the release half is the pin's as well", CALL, "Call::ask_to_stop",
         role="success", to="relaxed")
hint("it is looked at again by the compare-exchange", CALL, "Call::ask_to_stop", role="failure")
stronger("a joiner that is told ESTOPPED may free nothing, so there is nothing that it must see",
         CALL, "Call::abandon", role="success")
stronger("only the count matters; drop(arg) stays behind the hook by the release of the deferred that is taken here, and "
         "a read-modify-write goes on with the release sequences of those who gave theirs back",
         CALL, "Call::run_hook", "deferreds")
hint("the hook itself comes by an exchange, and a settling by a compare-exchange", CALL, "Call::run_hook", "word.load")
hint("a code is all that is told", CALL, "Call::why_not_claimed")
stronger("only the count matters, and the generation beside it; drop(arg) stays behind by the release of that deferred",
         CALL, "Call::retain_deferred")
together("one of the two looks must acquire the settling",
         [{"file": CALL, "function": "Call::take", "role": "success", "to": "release"}], CALL, "Call::take", "word.load")
together("one of the two looks must acquire the settling",
         [{"file": CALL, "function": "Call::take", "operation": "word.load", "to": "relaxed"}],
         CALL, "Call::take", role="success", to="release")
stronger("the bit is all that is told; what the taker did is ordered by its reference",
         CALL, "Call::take", role="success", to="acquire")
stronger("the look before has acquired the settling, and the bit needs no order",
         CALL, "Call::take", role="success", to="relaxed")
hint("it is looked at again by the compare-exchange", CALL, "Call::take", role="failure")
together("one of the two looks must acquire the settling",
         [{"file": CALL, "function": "Call::observe", "role": "success", "to": "release"}], CALL, "Call::observe", "word.load")
together("one of the two looks must acquire the settling",
         [{"file": CALL, "function": "Call::observe", "operation": "word.load", "to": "relaxed"}],
         CALL, "Call::observe", role="success", to="release")
stronger("the bit is all that is told, to who destroys, by the references", CALL, "Call::observe", role="success",
         to="acquire")
stronger("the look before has acquired the settling, and the bit needs no order", CALL, "Call::observe", role="success",
         to="relaxed")
hint("it is looked at again by the compare-exchange", CALL, "Call::observe", role="failure")
stronger("nothing is read by it that the handle's giver has not ordered", CALL, "Call::retain", to="release")
stronger("what its caller did before is told by what the reference is for: by kWatched, or by its release",
         CALL, "Call::retain", to=["acquire", "relaxed"])
stronger("side() looks again, and acquires", CALL, "Call::need_side", "function.load")
stronger("side() looks again, and acquires", CALL, "Call::need_side", role="failure")
stronger("who may ask has seen the call settled, by a look that acquires: observe()",
         CALL, ["Call::error_code", "Call::error_message", "Call::error_payload"])

# ---- Sweeps

stronger("a call that a sweep must not miss happened before it: its loop is seen with any order. What is done with a "
         "pinned call comes after the success, which acquires",
         SWEEP, "pin", "word.load")
stronger("as the first look", SWEEP, "pin", role="failure")
together("what follows a pin releases as well: here the settling",
         [{"file": CALL, "function": "Call::end_as", "to": "acquire"}], SWEEP, "pin", role="success", to="acquire")

# ---- Looking at what goes on

stronger("what it returns is a time of its own, and nothing is read after it", SIGHT, "note", "kSeen", role="success",
         to="release")
stronger("the time that it has put there itself is of this life, and none before it can be read any more",
         SIGHT, "note", "kSeen", role="failure")
hint("a count that is told, and nothing else; make() stores it relaxed", SIGHT, "see", "deferreds")
stronger("nothing of the call is read after it", SIGHT, "see", "word.load", nth=1)
stronger("SideReading looks again, and acquires; a plain function is told, not called", SIGHT, "see_name")
stronger("a word without the mark tells nothing: note() puts a time of its own there, and acquires when it looks again",
         SIGHT, "see_all")

# ---- Hooks

stronger("nothing is read after it", HOOK, "announce", to="release")
stronger("it takes back what is its own: nobody else has seen that hook", HOOK, "set_hook_of_held")
hint("it only spares the rest; retain_deferred() and announce() decide", HOOK, "set_hook")
stronger("closing publishes nothing", HOOK, "close_hook", to="acquire")

# ---- Waiting

stronger("who waits publishes nothing", WAITING, "wait_for_call", to="acquire")
stronger("an interrupt reads nothing", WAITING, "interrupt_waits", to="release")

# ---- The pool

stronger("the look before it, or the exchange that failed, has acquired this very head: the tag says so",
         "src/call/depot.hpp", "Depot::pop", role="success")
stronger("an empty place tells nothing", "src/call/pool.cpp", "Pool::publish", "slabs_", to="release")

# ---- Watchers

hint("release_reference() looks again before it destroys", WATCHERS, "deliver")
hint("deliver() looks again", WATCHERS, "prune", "word.load")
stronger("who takes the list publishes nothing by it", WATCHERS, "deliver_and_close", "exchange(kOwned", to="acquire")
stronger("who takes the list publishes nothing by it", WATCHERS, "take_added", to="acquire")
stronger("whoever finds it closed marks the watched call observed, by a read-modify-write that can't miss the settling",
         WATCHERS, "deliver_and_close", "kClosed")
outside("load buffering. deliver() marks the watched call observed by a read-modify-write after it, which the model "
        "can't let come before the settling", WATCHERS, "add_watcher", "watchers.load")
outside("load buffering, as in add_watcher()", WATCHERS, "prune", role="failure")
stronger("the exchange that takes the list acquires the nodes", WATCHERS, "prune", "fetch_or")
stronger("a list that is still empty tells nothing", WATCHERS, "prune", role="success", to="release")
stronger("the exchange that takes the list acquires the nodes, and the settling is told by the word",
         WATCHERS, "deliver_watchers")
stronger("that the call has settled is told by the value: a read-modify-write can't miss it",
         WATCHERS, "add_watcher", "fetch_or", to="release")

# ---- The queue

stronger("by taking, the loop tells nothing. It stays a read-modify-write, and so release sequences go on (Q1)",
         QUEUE, "CallQueue::take", "compare_exchange", to="acquire")
stronger("it owes no wake-up, and reads nothing of the calls below. That a closing happens after it is the "
         "release half's doing (Q1)", QUEUE, "CallQueue::push_to_awake", to="release")
stronger("an empty head tells nothing", QUEUE, "CallQueue::mark_asleep", to="release")
stronger("nothing hangs on it: what was pushed is acquired by take(). It stays a read-modify-write (Q1)",
         QUEUE, "CallQueue::mark_awake")
stronger("the stopper tells nothing but that it waits", QUEUE, "CallQueue::wait_for_owed_wake_ups", "fetch_or",
         to="acquire")
stronger("nobody pushes while it is closed: there is nothing to see", QUEUE, "CallQueue::reopen", to="release")
stronger("who pushes reads nothing of the calls below", QUEUE, "AtStopStack::push", to="release")
stronger("who takes the list tells nothing by it", QUEUE, "AtStopStack::prune", "nullptr", to="acquire")
stronger("an empty stack tells nothing", QUEUE, "AtStopStack::prune", "kept", role="success", to="release")
stronger("what came meanwhile is taken by the compare-exchange above; kClosed tells nothing", QUEUE, "AtStopStack::prune",
         role="failure")
hint("release_reference() looks again before it destroys", QUEUE, "AtStopStack::without_husks")
stronger("who is refused reads nothing of the closer's", QUEUE, "AtStopStack::close", to="acquire")
stronger("the queue is reopened after it, with a release, and nobody knows the loop before", QUEUE, "AtStopStack::reopen")

# ---- Completion queues

stronger("who announces a completion has replaced the mark that the sleeper's look left, and who closes had the mutex after "
         "it: both orders are there already, and who was seen to sleep is woken by the count alone",
         COMPLETIONS, ["CompletionQueue::announce", "CompletionQueue::next"], "events_")
stronger("who has a handle of the queue got it after the queue was made", COMPLETIONS, "completion_queue_of")

# ---- The ring of the log

stronger("a record is published by its turn", RING, "LogRing::offer", "tail_.compare_exchange", to="acquire")
stronger("who waits tells nothing but that it waits", RING, "LogRing::wait_for_room", to="acquire")
stronger("who waits tells nothing but that it waits", RING, "LogRing::wait_until_written", to="acquire")
stronger("who tells looks at nothing", RING, ["LogRing::wake", "LogRing::take", "LogRing::publish_written"], to="release")
stronger("who goes to sleep looks, and tells nothing but that", RING, "LogRing::sleep", to="acquire")
