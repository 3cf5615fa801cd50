# SPDX-License-Identifier: MIT
"""Planted bugs: completion queues. See plants.py."""

QUEUE = "src/loop/completion_queue.cpp"

PLANTS = [
    {
        "name": "completions: who waits is not told of those who saw no mark",
        "file": QUEUE,
        "old": "    announce();  // those who pushed meanwhile saw no mark",
        "new": "    descriptor_.raise();",
        "scenario": "completions_two_settle_two_wait",
        "args": "--random 1 --executions 20000",
        "failure": "deadlock",
    },
    {
        "name": "completions: descriptor lowered after the mark",
        "file": QUEUE,
        "old": "    if (!is_closed_) descriptor_.lower();  // C2\n"
               "    if (ready_.mark_asleep()) return false;",
        "new": "    if (ready_.mark_asleep()) {\n"
               "      if (!is_closed_) descriptor_.lower();\n"
               "      return false;\n"
               "    }",
        "scenario": "completions_are_polled_for",
        "args": "--random 1 --executions 20000",
        "failure": "deadlock",
    },
    {
        "name": "completions: descriptor not lowered",
        "file": QUEUE,
        "old": "    if (!is_closed_) descriptor_.lower();  // C2\n",
        "new": "",
        "scenario": "completions_are_polled_for",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "completions: descriptor opened without a look at the queue",
        "file": QUEUE,
        "old": "    if (taken_ != nullptr || refill() || is_closed_) descriptor_.raise();",
        "new": "    if (taken_ != nullptr || is_closed_) descriptor_.raise();",
        "scenario": "completions_descriptor_asked_for_meanwhile",
        "args": "--bound 2 --executions 2000",
        "failure": "deadlock",
    },
    {
        "name": "completions: sleeper counted after its look",
        "file": QUEUE,
        "old": "  Word events = events_.fetch_add(kSleeper, acq_rel) + kSleeper;\n"
               "  for (Parked why = Parked::kWoken;;) {\n"
               "    status = look();\n"
               "    if (status != CROCHET_ETIMEDOUT || why == Parked::kTimedOut) break;\n",
        "new": "  Word events = 0;\n"
               "  for (Parked why = Parked::kWoken;;) {\n"
               "    status = look();\n"
               "    if (status != CROCHET_ETIMEDOUT || why == Parked::kTimedOut) break;\n"
               "    events = events_.fetch_add(kSleeper, acq_rel) + kSleeper;\n",
        "scenario": "completions_wait_for_one",
        "args": "--random 1 --executions 20000",
        "failure": "deadlock",
    },
    {
        "name": "completions: who settles does not look for sleepers",
        "file": QUEUE,
        "old": "  if (before >= kSleeper) unpark_all(events_);",
        "new": "",
        "scenario": "completions_wait_for_one",
        "args": "--random 1 --executions 20000",
        "failure": "deadlock",
    },
    {
        "name": "completions: anchor not visited",
        "file": QUEUE,
        "old": "  const bool is_there = anchor.call->retain(anchor.generation);",
        "new": "  const bool is_there = anchor.call->retain(anchor.generation);\n"
               "  if (is_there) anchor.call->release_visited(anchor.generation);",
        "also": [{"file": QUEUE,
                  "old": "  if (is_there) anchor.call->release_visited(anchor.generation);\n  return is_wanted;",
                  "new": "  return is_wanted;"}],
        "scenario": "completions_queue_ends_meanwhile",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "completions: last reference given back without a read-modify-write",
        "file": QUEUE,
        "old": "  const Target anchor = anchor_of(handle);\n"
               "  anchor.call->release_visited(anchor.generation);\n"
               "}",
        "new": "  const Target anchor = anchor_of(handle);\n"
               "  anchor.call->release_handle(anchor.generation);\n"
               "}",
        "scenario": "completions_queue_ends_meanwhile",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "completions: visitor's release does not destroy",
        "file": "src/call/call.cpp",
        "old": "  if (word::references(w) == 1) destroy(w - word::kReference);\n  return true;",
        "new": "  return true;",
        "scenario": "completions_queue_ends_meanwhile",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "completions: over while one is about to come",
        "file": "src/loop/completion_queue.hpp",
        "old": "  bool is_over() const CROCHET_UNDER(mutex_) { return is_closed_ && watches_.empty(); }",
        "new": "  bool is_over() const CROCHET_UNDER(mutex_) { return is_closed_; }",
        "scenario": "completions_closed_meanwhile",
        "args": "--random 1 --executions 20000",
        "failure": "expected",
    },
    {
        "name": "completions: closing wakes nobody",
        "file": QUEUE,
        "old": "      entry->release_reference();\n    }\n  }\n  announce();\n}",
        "new": "      entry->release_reference();\n    }\n  }\n}",
        "scenario": "completions_closed_meanwhile",
        "args": "--random 1 --executions 20000",
        "failure": "deadlock",
    },
]
