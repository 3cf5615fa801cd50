# SPDX-License-Identifier: MIT
"""Planted bugs: calls that start when their time has come. See plants.py."""

PLANTS = [
    {
        "name": "delays: popping starts them",
        "file": "src/call/word.hpp",
        "old": "return (w & (kPhaseMask | kConditional)) == phase_bits(Phase::kQueued);",
        "new": "return (w & kPhaseMask) == phase_bits(Phase::kQueued);",
        "scenario": "delayed_runs_when_its_time_has_come",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "delays: started by load and store",
        "file": "src/call/call.cpp",
        "old": "    // acq_rel: as in start().\n"
               "  } while (\n"
               "      !word.compare_exchange_weak(w, word::with_phase(w & ~word::kConditional, Phase::kRunning), acq_rel, relaxed));\n"
               "  return true;",
        "new": "  } while (false);\n"
               "  word.store(word::with_phase(w & ~word::kConditional, Phase::kRunning), release);\n"
               "  return true;",
        "scenario": "delayed_cancel_races_the_start",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "delays: an expired call keeps its deferred",
        "file": "src/call/call.cpp",
        "old": "  release_deferred(generation);  // the one that the function would have been lent\n",
        "new": "",
        "scenario": "delayed_cancel_races_the_expiry",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "delays: a husk that waits is forgotten at the stop",
        "file": "tests/model/scenarios/calls_and_loops.cpp",
        "old": "  while (Call* call = waiting_) {\n"
               "    waiting_ = call->next;\n"
               "    call->refuse();\n"
               "  }\n",
        "new": "",
        "scenario": "delayed_stop_and_cancel",
        "args": "--random 1 --executions 20000",
    },
    {
        "name": "delays: a husk is not given back when its time comes",
        "file": "tests/model/scenarios/calls_and_loops.cpp",
        "old": "    if (!call->start_conditional()) call->release_reference();\n"
               "    else if",
        "new": "    if (!call->start_conditional()) continue;\n"
               "    else if",
        "scenario": "delayed_cancel_races_the_start",
        "args": "--bound 2 --executions 20000",
    },
]
