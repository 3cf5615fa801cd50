# SPDX-License-Identifier: MIT
"""Planted bugs: calls that run when the loop stops. See plants.py."""

PLANTS = [
    {
        "name": "at-stop: pushed relaxed",
        "file": "src/loop/call_queue.hpp",
        "old": "    } while (!head_.compare_exchange_weak(head, call, acq_rel, relaxed));\n"
               "    *many",
        "new": "    } while (!head_.compare_exchange_weak(head, call, relaxed, relaxed));\n"
               "    *many",
        "scenario": "at_stop_made_while_stopping",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "at-stop: stack closed with release only",
        "file": "src/loop/call_queue.hpp",
        "old": "    Call* head = head_.exchange(closed(), acq_rel);\n"
               "    return head == closed() ? nullptr : head;",
        "new": "    Call* head = head_.exchange(closed(), release);\n"
               "    return head == closed() ? nullptr : head;",
        "scenario": "at_stop_made_while_stopping",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "at-stop: pruned by load and store",
        "file": "src/loop/call_queue.hpp",
        "old": "      while (list != nullptr && list != closed() && !head_.compare_exchange_weak(list, nullptr, acq_rel, relaxed)) {\n"
               "      }",
        "new": "      if (list != nullptr && list != closed()) head_.store(nullptr, release);",
        "scenario": "at_stop_prune_push_and_cancel",
        "args": "--bound 2 --executions 500",
    },
    {
        "name": "at-stop: pruned with release only",
        "file": "src/loop/call_queue.hpp",
        "old": "!head_.compare_exchange_weak(list, nullptr, acq_rel, relaxed)",
        "new": "!head_.compare_exchange_weak(list, nullptr, release, relaxed)",
        "scenario": "at_stop_prune_push_and_cancel",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "at-stop: survivors put back by a store",
        "file": "src/loop/call_queue.hpp",
        "old": "if (kept == nullptr || head_.compare_exchange_strong(expected, kept, acq_rel, acquire)) return;",
        "new": "if (kept != nullptr) head_.store(kept, release);\n"
               "      return;",
        "scenario": "at_stop_prune_push_and_cancel",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "at-stop: survivors put back with acquire only",
        "file": "src/loop/call_queue.hpp",
        "old": "head_.compare_exchange_strong(expected, kept, acq_rel, acquire)) return;",
        "new": "head_.compare_exchange_strong(expected, kept, acquire, acquire)) return;",
        "scenario": "at_stop_prune_and_settle_from_outside",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "at-stop: survivors lost when closed meanwhile",
        "file": "src/loop/call_queue.hpp",
        "old": "      while (Call* call = kept) {  // closed from outside",
        "new": "      while (Call* call = nullptr) {  // closed from outside",
        "scenario": "at_stop_prune_and_settle_from_outside",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "at-stop: first sweep does not spare them",
        "file": "tests/model/scenarios/calls_and_loops.cpp",
        "old": "    if ((w & word::kAtStop) != 0) return;\n",
        "new": "",
        "scenario": "at_stop_cancel_races_the_stop",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "at-stop: flag set after the init store",
        "file": "tests/model/scenarios/at_stop_calls.cpp",
        "old": "    make(call, one, 1, word::kAtStop);",
        "new": "    make(call, one, 1);\n"
               "    call.call->word.fetch_or(word::kAtStop, relaxed);",
        "scenario": "at_stop_made_while_stopping",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "at-stop: link read after it was run",
        "file": "tests/model/scenarios/calls_and_loops.cpp",
        "old": "    Call* next = call->next;\n"
               "    if (call->start()) call->run();\n"
               "    else call->release_reference();\n"
               "    call = next;",
        "new": "    if (call->start()) call->run();\n"
               "    else call->release_reference();\n"
               "    call = call->next;",
        "scenario": "at_stop_cancel_races_the_stop",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "at-stop: left in the stack when given up from outside",
        "file": "tests/model/scenarios/calls_and_loops.cpp",
        "old": "  for (Call* call = at_stop_.close(); call != nullptr;) {\n"
               "    Call* next = call->next;\n"
               "    call->refuse();",
        "new": "  for (Call* call = nullptr; call != nullptr;) {\n"
               "    Call* next = call->next;\n"
               "    call->refuse();",
        "scenario": "at_stop_prune_and_settle_from_outside",
        "args": "--bound 2 --executions 200",
    },
]
