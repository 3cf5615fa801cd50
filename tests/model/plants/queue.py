# SPDX-License-Identifier: MIT
"""Planted bugs: the call queue, its wake-ups, its closing and its reuse. See plants.py."""

PLANTS = [
    {
        "name": "queue: push succeeds with release only",
        "file": "src/loop/call_queue.hpp",
        "old": "    } while (!head_.compare_exchange_weak(head, newest, acq_rel, relaxed));\n"
               "    return head == asleep()",
        "new": "    } while (!head_.compare_exchange_weak(head, newest, release, relaxed));\n"
               "    return head == asleep()",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "queue: push succeeds with acquire only",
        "file": "src/loop/call_queue.hpp",
        "old": "    } while (!head_.compare_exchange_weak(head, newest, acq_rel, relaxed));\n"
               "    return head == asleep()",
        "new": "    } while (!head_.compare_exchange_weak(head, newest, acquire, relaxed));\n"
               "    return head == asleep()",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: push to an awake loop succeeds with acquire only",
        "file": "src/loop/call_queue.hpp",
        "old": "      if (head_.compare_exchange_weak(head, call, acq_rel, relaxed)) return true;",
        "new": "      if (head_.compare_exchange_weak(head, call, acquire, relaxed)) return true;",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--random 1 --executions 5000",
    },
    {
        "name": "queue: push to an awake loop by load and store",
        "file": "src/loop/call_queue.hpp",
        "old": "      if (head_.compare_exchange_weak(head, call, acq_rel, relaxed)) return true;",
        "new": "      head_.store(call, release);\n"
               "      return true;",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: push to an awake loop links but once",
        "file": "src/loop/call_queue.hpp",
        "old": "    while (!is_mark(head)) {\n"
               "      call->next = head;\n",
        "new": "    call->next = head;\n"
               "    while (!is_mark(head)) {\n",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: push to an awake loop does not recognise asleep",
        "file": "src/loop/call_queue.hpp",
        "old": "    while (!is_mark(head)) {\n"
               "      call->next = head;\n",
        "new": "    while (head != closed()) {\n"
               "      call->next = head == asleep() ? nullptr : head;\n",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: push to an awake loop does not recognise closed",
        "file": "src/loop/call_queue.hpp",
        "old": "    while (!is_mark(head)) {\n"
               "      call->next = head;\n",
        "new": "    while (head != asleep()) {\n"
               "      call->next = head == closed() ? nullptr : head;\n",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: push to an awake loop that sleeps taken for done",
        "file": "tests/model/scenarios/queue_loop.hpp",
        "old": "    if (queue.push_to_awake(&node)) {\n"
               "      accept(node, was_closed);\n"
               "      return true;\n"
               "    }\n",
        "new": "    queue.push_to_awake(&node);\n"
               "    accept(node, was_closed);\n"
               "    return true;\n",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: push to an awake loop done twice",
        "file": "tests/model/scenarios/queue_loop.hpp",
        "old": "    if (queue.push_to_awake(&node)) {\n"
               "      accept(node, was_closed);\n"
               "      return true;\n"
               "    }\n",
        "new": "    queue.push_to_awake(&node);\n",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: chain linked at its newest call, own loop",
        "file": "src/loop/call_queue.hpp",
        "old": "      oldest->next = head == asleep() ? nullptr : head;",
        "new": "      newest->next = head == asleep() ? nullptr : head;",
        "scenario": "queue_own_loop_a_chain_and_two_calls",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: chain linked at its newest call, adopted loop",
        "file": "src/loop/call_queue.hpp",
        "old": "      oldest->next = head == asleep() ? nullptr : head;",
        "new": "      newest->next = head == asleep() ? nullptr : head;",
        "scenario": "queue_adopted_loop_a_chain_and_two_calls",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: chain pushed by its oldest call",
        "file": "src/loop/call_queue.hpp",
        "old": "head_.compare_exchange_weak(head, newest, acq_rel, relaxed)",
        "new": "head_.compare_exchange_weak(head, oldest, acq_rel, relaxed)",
        "scenario": "queue_own_loop_a_chain_and_two_calls",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: chain forgets what was queued before",
        "file": "src/loop/call_queue.hpp",
        "old": "      oldest->next = head == asleep() ? nullptr : head;",
        "new": "      oldest->next = nullptr;",
        "scenario": "queue_own_loop_a_chain_and_two_calls",
        "args": "--random 1 --executions 5000",
    },
    {
        "name": "queue: take succeeds with release only",
        "file": "src/loop/call_queue.hpp",
        "old": "    } while (!head_.compare_exchange_weak(head, nullptr, acq_rel, relaxed));\n"
               "    if (head != asleep()) return head;",
        "new": "    } while (!head_.compare_exchange_weak(head, nullptr, release, relaxed));\n"
               "    if (head != asleep()) return head;",
        "scenario": "queue_own_loop_uv_1_44",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: take by exchange while another closes",
        "file": "src/loop/call_queue.hpp",
        "old": "    } while (!head_.compare_exchange_weak(head, nullptr, acq_rel, relaxed));\n"
               "    if (head != asleep()) return head;",
        "new": "    } while (false);\n"
               "    head = head_.exchange(nullptr, acq_rel);\n"
               "    if (head == closed()) return nullptr;\n"
               "    if (head != asleep()) return head;",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: asleep left standing over a wake-up",
        "file": "src/loop/call_queue.hpp",
        "old": "      if (head == nullptr || *is_closed) return nullptr;",
        "new": "      if (head == nullptr || *is_closed || head == asleep()) return nullptr;",
        "scenario": "queue_adopted_loop_that_blocks",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "queue: asleep left standing over a wake-up and the check phase",
        "file": "src/loop/call_queue.hpp",
        "old": "      if (head == nullptr || *is_closed) return nullptr;",
        "new": "      if (head == nullptr || *is_closed || head == asleep()) return nullptr;",
        "also": [
            {"file": "tests/model/scenarios/queue_loop.hpp",
             "old": "      queue.mark_awake();\n",
             "new": ""},
        ],
        "scenario": "queue_closed_against_one_producer",
        "args": "--random 1 --executions 50000",
    },
    {
        "name": "queue: closed seen without acquire",
        "file": "src/loop/call_queue.hpp",
        "old": "      if (*is_closed) head_.load(acquire);  // the stop that begins now happens after the closing, and all pushes (Q1)\n",
        "new": "",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: closed seen without acquire between two calls",
        "file": "src/loop/call_queue.hpp",
        "old": "head_.load(acquire) == closed()",
        "new": "head_.load(relaxed) == closed()",
        "scenario": "queue_closed_with_work_left_over",
        "args": "--bound 2 --executions 50000",
    },
    {
        "name": "queue: asleep set by a store",
        "file": "src/loop/call_queue.hpp",
        "old": "    if (head_.compare_exchange_strong(expected, asleep(), acq_rel, relaxed)) {",
        "new": "    if (head_.load(relaxed) == nullptr) {\n"
               "      head_.store(asleep(), release);",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: asleep set with acquire only",
        "file": "src/loop/call_queue.hpp",
        "old": "    if (head_.compare_exchange_strong(expected, asleep(), acq_rel, relaxed)) {",
        "new": "    if (head_.compare_exchange_strong(expected, asleep(), acquire, relaxed)) {",
        "scenario": "queue_closed_with_work_left_over",
        "args": "--random 1 --executions 20000",
    },
    {
        "name": "queue: asleep set relaxed",
        "file": "src/loop/call_queue.hpp",
        "old": "    if (head_.compare_exchange_strong(expected, asleep(), acq_rel, relaxed)) {",
        "new": "    if (head_.compare_exchange_strong(expected, asleep(), relaxed, relaxed)) {",
        "scenario": "queue_closed_with_work_left_over",
        "args": "--random 1 --executions 20000",
    },
    {
        "name": "queue: asleep taken back by a store",
        "file": "src/loop/call_queue.hpp",
        "old": "    if (head_.compare_exchange_strong(expected, nullptr, acq_rel, relaxed)) marks_ = marks_ - 1;",
        "new": "    if (head_.load(relaxed) == expected) {\n"
               "      head_.store(nullptr, release);\n"
               "      marks_ = marks_ - 1;\n"
               "    }",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "queue: close with release only",
        "file": "src/loop/call_queue.hpp",
        "old": "    Call* head = head_.exchange(closed(), acq_rel);\n"
               "    if (head == asleep())",
        "new": "    Call* head = head_.exchange(closed(), release);\n"
               "    if (head == asleep())",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: close with acquire only",
        "file": "src/loop/call_queue.hpp",
        "old": "    Call* head = head_.exchange(closed(), acq_rel);\n"
               "    if (head == asleep())",
        "new": "    Call* head = head_.exchange(closed(), acquire);\n"
               "    if (head == asleep())",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: closer that replaced asleep does not send",
        "file": "src/loop/call_queue.hpp",
        "old": "return {nullptr, true};",
        "new": "return {nullptr, false};",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 1000",
    },
    {
        "name": "queue: handle ends without waiting for owed wake-ups",
        "file": "src/loop/call_queue.hpp",
        "old": "    while (static_cast<std::uint32_t>(sends >> 1) != marks_) {",
        "new": "    while (false) {",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: wake-up counted before it was made",
        "file": "tests/model/scenarios/queue_loop.hpp",
        "old": "    wake_up.send();\n"
               "    queue.wake_up_was_sent();",
        "new": "    queue.wake_up_was_sent();\n"
               "    wake_up.send();",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: stopper says that it waits by load and store",
        "file": "src/loop/call_queue.hpp",
        "old": "    Word sends = sends_.fetch_or(kStopperWaits, acq_rel) | kStopperWaits;",
        "new": "    Word sends = sends_.load(acquire) | kStopperWaits;\n"
               "    sends_.store(sends, release);",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 1000",
    },
    {
        "name": "queue: wake-up counted relaxed",
        "file": "src/loop/call_queue.hpp",
        "old": "    if ((sends_.fetch_add(kOneSend, release) & kStopperWaits) != 0) unpark_all(sends_);",
        "new": "    if ((sends_.fetch_add(kOneSend, relaxed) & kStopperWaits) != 0) unpark_all(sends_);",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: stopper looks at the count relaxed, first",
        "file": "src/loop/call_queue.hpp",
        "old": "    Word sends = sends_.fetch_or(kStopperWaits, acq_rel) | kStopperWaits;",
        "new": "    Word sends = sends_.fetch_or(kStopperWaits, relaxed) | kStopperWaits;",
        "scenario": "queue_closed_against_one_producer",
        "args": "--random 1 --executions 500",
    },
    {
        "name": "queue: stopper looks at the count relaxed, again",
        "file": "src/loop/call_queue.hpp",
        "old": "      sends = sends_.load(acquire);",
        "new": "      sends = sends_.load(relaxed);",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: stopper is not woken",
        "file": "src/loop/call_queue.hpp",
        "old": "    if ((sends_.fetch_add(kOneSend, release) & kStopperWaits) != 0) unpark_all(sends_);",
        "new": "    sends_.fetch_add(kOneSend, release);",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: adopted loop marks only before it polls",
        "file": "tests/model/scenarios/queue_loop.hpp",
        "old": "  void after_poll_adopted() {\n"
               "    before_poll();",
        "new": "  void after_poll_adopted() {\n"
               "    queue.mark_awake();\n"
               "    drain();",
        "scenario": "queue_adopted_loop_uv_1_44",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: adopted loop leaves work over and sends nothing",
        "file": "tests/model/scenarios/queue_loop.hpp",
        "old": "    if (busy_) wake_up.send();",
        "new": "",
        "scenario": "queue_adopted_loop_bounded_drain",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "queue: loop that sees it closed polls without stopping",
        "file": "tests/model/scenarios/queue_loop.hpp",
        "old": "      if (!drain(&left) || stopping_) return;",
        "new": "      if (!drain(&left) || queue.looks_closed()) return;",
        "scenario": "queue_closed_against_one_producer",
        "args": "--bound 2 --executions 50000",
    },
    {
        "name": "queue: reopened relaxed",
        "file": "src/loop/call_queue.hpp",
        "old": "    head_.exchange(nullptr, acq_rel);  // Q1",
        "new": "    head_.exchange(nullptr, relaxed);  // Q1",
        "scenario": "queue_reused_under_a_late_question",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: reopened with acquire only",
        "file": "src/loop/call_queue.hpp",
        "old": "    head_.exchange(nullptr, acq_rel);  // Q1",
        "new": "    head_.exchange(nullptr, acquire);  // Q1",
        "scenario": "queue_reused_under_a_late_question",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: reopened without counting anew",
        "file": "src/loop/call_queue.hpp",
        "old": "    sends_.store(0, relaxed);\n",
        "new": "",
        "scenario": "queue_reused_under_a_late_producer",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: link read after the call was run",
        "file": "tests/model/scenarios/calls_and_loops.cpp",
        "old": "      ready = call->next;\n"
               "      process(call);",
        "new": "      process(call);\n"
               "      ready = call->next;",
        "scenario": "queue_runs_calls_of_two_callers",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "queue: accepts by a load",
        "file": "src/loop/call_queue.hpp",
        "old": "      if (head_.compare_exchange_weak(head, head, acq_rel, relaxed)) return true;",
        "new": "      return true;",
        "scenario": "sweep_finds_a_deferred_made_by_hand",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: accepts with acquire only",
        "file": "src/loop/call_queue.hpp",
        "old": "      if (head_.compare_exchange_weak(head, head, acq_rel, relaxed)) return true;",
        "new": "      if (head_.compare_exchange_weak(head, head, acquire, relaxed)) return true;",
        "scenario": "sweep_finds_a_deferred_made_by_hand",
        "args": "--bound 2 --executions 5000",
    },
    {
        "name": "queue: accepts with release only",
        "file": "src/loop/call_queue.hpp",
        "old": "      if (head_.compare_exchange_weak(head, head, acq_rel, relaxed)) return true;",
        "new": "      if (head_.compare_exchange_weak(head, head, release, relaxed)) return true;",
        "scenario": "queue_reused_under_a_late_question",
        "args": "--bound 2 --executions 200",
    },
]
