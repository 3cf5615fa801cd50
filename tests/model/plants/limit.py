# SPDX-License-Identifier: MIT
"""Planted bugs: the limit of a queue, and who waits for room. See plants.py."""

PLANTS = [
    {
        "name": "limit: entered by load and store",
        "file": "src/loop/queue_limit.hpp",
        "old": "        if (word_.compare_exchange_weak(w, w + kOneCall, relaxed, relaxed)) return CROCHET_OK;\n"
               "        continue;",
        "new": "        word_.store(w + kOneCall, relaxed);\n"
               "        return CROCHET_OK;",
        "scenario": "limit_of_one_lets_everybody_in",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "limit: waits without saying so",
        "file": "src/loop/queue_limit.hpp",
        "old": "      if ((w & kWaiters) == 0 && !word_.compare_exchange_weak(w, w | kWaiters, relaxed, relaxed)) continue;\n"
               "      park(word_, word::low_half(w | kWaiters), deadline, false);",
        "new": "      park(word_, word::low_half(w), deadline, false);",
        "scenario": "limit_of_one_lets_everybody_in",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "limit: says so by load and store",
        "file": "src/loop/queue_limit.hpp",
        "old": "      if ((w & kWaiters) == 0 && !word_.compare_exchange_weak(w, w | kWaiters, relaxed, relaxed)) continue;",
        "new": "      word_.store(w | kWaiters, relaxed);",
        "scenario": "limit_of_one_lets_everybody_in",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "limit: who leaves keeps the mark of those it wakes",
        "file": "src/loop/queue_limit.hpp",
        "old": "(w - kOneCall) & ~kWaiters, relaxed, relaxed));",
        "new": "w - kOneCall, relaxed, relaxed));",
        "scenario": "limit_of_one_lets_everybody_in",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "limit: closing wakes nobody",
        "file": "src/loop/queue_limit.hpp",
        "old": "    word_.fetch_or(kClosed, relaxed);\n"
               "    unpark_all(word_);",
        "new": "    word_.fetch_or(kClosed, relaxed);",
        "scenario": "limit_closed_wakes_who_waits",
        "args": "--bound 2 --executions 20000",
    },
]
