# SPDX-License-Identifier: MIT
"""Planted bugs: stopping by a walk over all slots. See plants.py."""

PLANTS = [
    {
        "name": "sweep: no pin",
        "file": "src/call/sweep.hpp",
        "old": "w + word::kReference, acq_rel, acquire));",
        "new": "w, acq_rel, acquire));",
        "also": [
            {"file": "src/call/sweep.hpp",
             "old": "    const GivesBack pinned{*call};\n",
             "new": ""},
            {"file": "src/call/sweep.hpp",
             "old": "  call.release_reference();  // the slot was recycled",
             "new": "  // the slot was recycled"},
        ],
        "scenario": "sweep_against_settle_and_release",
        "args": "--random 1 --executions 500",
    },
    {
        "name": "sweep: no second look at the loop id",
        "file": "src/call/sweep.hpp",
        "old": "  if (call.loop.load(relaxed) == loop_id) return true;\n",
        "new": "  return true;\n",
        "scenario": "sweep_over_a_slot_recycled_many_times",
        "args": "--bound 2 --executions 10000",
    },
    {
        "name": "sweep: pinned relaxed",
        "file": "src/call/sweep.hpp",
        "old": "w + word::kReference, acq_rel, acquire));",
        "new": "w + word::kReference, relaxed, relaxed));",
        "scenario": "sweep_over_a_recycled_slot",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "sweep: word looked at relaxed, pinned with release only",
        "file": "src/call/sweep.hpp",
        "old": "inline bool pin(Call& call, std::uint32_t loop_id) {\n"
               "  Word w = call.word.load(acquire);",
        "new": "inline bool pin(Call& call, std::uint32_t loop_id) {\n"
               "  Word w = call.word.load(relaxed);",
        "also": [
            {"file": "src/call/sweep.hpp",
             "old": "w + word::kReference, acq_rel, acquire));",
             "new": "w + word::kReference, release, relaxed));"},
        ],
        "scenario": "sweep_over_a_recycled_slot",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "sweep: call made with a relaxed word",
        "file": "src/call/hot_path.hpp",
        "old": "(handles + 1) * word::kReference), release);",
        "new": "(handles + 1) * word::kReference), relaxed);",
        "scenario": "sweep_over_a_recycled_slot",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "sweep: loop id written after the word",
        "file": "src/call/hot_path.hpp",
        "old": "  loop.store(loop_id, release);\n",
        "new": "",
        "also": [
            {"file": "src/call/hot_path.hpp",
             "old": "word::kReference), release);\n"
                    "  return generation;",
             "new": "word::kReference), release);\n"
                    "  loop.store(loop_id, release);\n"
                    "  return generation;"},
        ],
        "scenario": "sweep_over_a_recycled_slot",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "sweep: finish takes a short cut on an unsettled word",
        "file": "src/call/call.cpp",
        "old": "    if (from == Phase::kSettled && word::references(w) == 1) return destroy(w);  // N7",
        "new": "    if (word::references(w) == 1) return destroy(w);",
        "scenario": "sweep_against_a_forgotten_call_that_breaks",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "sweep: refused call is freed without being settled",
        "file": "src/call/call.cpp",
        "old": "  const bool never_ran = end_as(Outcome::kNotRun, Outcome::kStopped);  // it is queued, or was settled there\n",
        "new": "  if (drop != nullptr) run_drop(drop, arg);\n"
               "  word.store(word::settled_as(word.load(relaxed), Outcome::kNotRun) | word::kFinished, release);\n"
               "  const bool never_ran = true;\n",
        "scenario": "sweep_against_a_refused_push",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "sweep: settled by a store",
        "file": "src/call/call.cpp",
        "old": "  } while (!word.compare_exchange_weak(\n"
               "      w, from == Phase::kQueued ? word::never_run_as(w, queued) : word::settled_as(w, running), acq_rel, relaxed));",
        "new": "  } while (false);\n"
               "  word.store(from == Phase::kQueued ? word::never_run_as(w, queued) : word::settled_as(w, running), release);",
        "scenario": "sweep_against_settle_and_release",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "sweep: finished before the argument is dropped",
        "file": "src/call/call.cpp",
        "old": "void Call::never_ran() {\n"
               "  if (drop != nullptr) run_drop(drop, arg);\n",
        "new": "void Call::never_ran() {\n",
        "also": [
            {"file": "src/call/call.cpp",
             "old": "  if ((word.fetch_or(word::kFinished, acq_rel) & word::kJoiners) != 0) unpark_all(word);",
             "new": "  if ((word.fetch_or(word::kFinished, acq_rel) & word::kJoiners) != 0) unpark_all(word);\n"
                    "  if (drop != nullptr) run_drop(drop, arg);"},
        ],
        "scenario": "queue_stopped_from_outside_under_a_caller",
        "args": "--random 1 --executions 500",
    },
]
