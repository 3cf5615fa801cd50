# SPDX-License-Identifier: MIT
"""Planted bugs: the ring of the log, and the writer around it. See plants.py."""

PLANTS = [
    {
        "name": "log: claimed with release only",
        "file": "src/log/ring.hpp",
        "old": "next_after(tail), acq_rel, relaxed)",
        "new": "next_after(tail), release, relaxed)",
        "scenario": "log_stops_under_a_producer",
        "args": "--random 1 --executions 2000",
    },
    {
        "name": "log: place found free relaxed",
        "file": "src/log/ring.hpp",
        "old": "if (turn_of(tail >> 1).load(acquire) ==",
        "new": "if (turn_of(tail >> 1).load(relaxed) ==",
        "scenario": "log_one_producer_two_places",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "log: refused by a word that is out of date",
        "file": "src/log/ring.hpp",
        "old": "      if (now == tail) return false;\n",
        "new": "      return false;\n",
        "scenario": "log_producer_stuck_between_claim_and_publishing",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "log: record published relaxed",
        "file": "src/log/ring.hpp",
        "old": "store(free_in_lap(position) + 1, release);",
        "new": "store(free_in_lap(position) + 1, relaxed);",
        "scenario": "log_one_producer_one_place",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: who takes the flag away does not wake",
        "file": "src/log/ring.hpp",
        "old": "    if ((tail & kFlag) != 0) unpark_all(tail_);",
        "new": "",
        "scenario": "log_one_producer_two_places",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "log: the same turn in each lap",
        "file": "src/log/ring.hpp",
        "old": "static_cast<std::uint32_t>(position / kPlaces) * 2;",
        "new": "0 * static_cast<std::uint32_t>(position / kPlaces);",
        "scenario": "log_three_producers_two_places",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "log: losses told by load and store",
        "file": "src/log/ring.hpp",
        "old": "lost_.load(relaxed) == 0 ? 0 : lost_.exchange(0, relaxed));",
        "new": "lost_.load(relaxed));\n"
               "    lost_.store(0, relaxed);",
        "scenario": "log_three_producers_two_places",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "log: loss counted without waking",
        "file": "src/log/ring.hpp",
        "old": "if (lost_.fetch_add(1, relaxed) == 0) wake();",
        "new": "lost_.fetch_add(1, relaxed);",
        "scenario": "log_gap_that_no_record_follows",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: losses taken by load and store",
        "file": "src/log/ring.hpp",
        "old": "{ return lost_.load(relaxed) == 0 ? 0 : lost_.exchange(0, relaxed); }",
        "new": "{\n"
               "    const std::uint32_t lost = lost_.load(relaxed);\n"
               "    lost_.store(0, relaxed);\n"
               "    return lost;\n"
               "  }",
        "scenario": "log_gap_that_no_record_follows",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: wakes with acquire only",
        "file": "src/log/ring.hpp",
        "old": "tail_.fetch_and(~kFlag, acq_rel) & kFlag",
        "new": "tail_.fetch_and(~kFlag, acquire) & kFlag",
        "scenario": "log_gap_that_no_record_follows",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: wakes only when it sees the flag",
        "file": "src/log/ring.hpp",
        "old": "if ((tail_.fetch_and(~kFlag, acq_rel) & kFlag) != 0)",
        "new": "if ((tail_.load(acquire) & kFlag) != 0 && (tail_.fetch_and(~kFlag, acq_rel) & kFlag) != 0)",
        "scenario": "log_stops_after_its_records",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: record taken relaxed",
        "file": "src/log/ring.hpp",
        "old": "turn.load(acquire) != free_in_lap(head) + 1",
        "new": "turn.load(relaxed) != free_in_lap(head) + 1",
        "scenario": "log_one_producer_one_place",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: what is being written taken for nothing",
        "file": "src/log/ring.hpp",
        "old": "return is_all_taken() ? Taken::kNothing : Taken::kBeingWritten;",
        "new": "return Taken::kNothing;",
        "scenario": "log_producer_stuck_in_the_only_place",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: place given back relaxed",
        "file": "src/log/ring.hpp",
        "old": "turn.store(free_in_lap(head + kPlaces), release);",
        "new": "turn.store(free_in_lap(head + kPlaces), relaxed);",
        "scenario": "log_one_producer_two_places",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "log: taking told with acquire only",
        "file": "src/log/ring.hpp",
        "old": "taken_.exchange((head + 1) << 1, acq_rel)",
        "new": "taken_.exchange((head + 1) << 1, acquire)",
        "scenario": "log_waits_for_the_only_place",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: taking told only to whom it sees",
        "file": "src/log/ring.hpp",
        "old": "    if ((taken_.exchange((head + 1) << 1, acq_rel) & kFlag) != 0)",
        "new": "    if ((taken_.load(relaxed) & kFlag) != 0 && (taken_.exchange((head + 1) << 1, acq_rel) & kFlag) != 0)",
        "scenario": "log_waits_for_the_only_place",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "log: waits for room with release only",
        "file": "src/log/ring.hpp",
        "old": "taken_.fetch_or(kFlag, acq_rel)",
        "new": "taken_.fetch_or(kFlag, release)",
        "scenario": "log_waits_for_the_only_place",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: looks for room before it says that it waits",
        "file": "src/log/ring.hpp",
        "old": "      // acq_rel: either the consumer sees the flag, or this thread sees the place that it has freed.\n"
               "      const Word taken = taken_.fetch_or(kFlag, acq_rel) | kFlag;\n"
               "      const Word tail = tail_.load(relaxed) >> 1;\n"
               "      if (turn_of(tail).load(relaxed) == free_in_lap(tail)) return Waited::kDone;\n",
        "new": "      const Word tail = tail_.load(relaxed) >> 1;\n"
               "      if (turn_of(tail).load(relaxed) == free_in_lap(tail)) return Waited::kDone;\n"
               "      const Word taken = taken_.fetch_or(kFlag, acq_rel) | kFlag;\n",
        "scenario": "log_waits_for_the_only_place",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: all written, looked at relaxed",
        "file": "src/log/ring.hpp",
        "old": "return written_.load(acquire) >> 1 ==",
        "new": "return written_.load(relaxed) >> 1 ==",
        "scenario": "log_asks_whether_all_is_written",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "log: waits for what is written with release only",
        "file": "src/log/ring.hpp",
        "old": "written_.fetch_or(kFlag, acq_rel)",
        "new": "written_.fetch_or(kFlag, release)",
        "scenario": "log_flushes_one_record",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: waits for what is written by load and store",
        "file": "src/log/ring.hpp",
        "old": "const Word written = written_.fetch_or(kFlag, acq_rel) | kFlag;",
        "new": "const Word written = written_.load(acquire) | kFlag;\n"
               "      written_.store(written, release);",
        "scenario": "log_flushes_one_record",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: waits for what is written to the record",
        "file": "src/log/ring.hpp",
        "old": "if (written >> 1 >= target)",
        "new": "if (written >> 1 == target)",
        "scenario": "log_two_flush",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: written told with acquire only",
        "file": "src/log/ring.hpp",
        "old": "written_.exchange(head_.load(relaxed) << 1, acq_rel)",
        "new": "written_.exchange(head_.load(relaxed) << 1, acquire)",
        "scenario": "log_flushes_one_record",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: says that it sleeps with release only",
        "file": "src/log/ring.hpp",
        "old": "tail | kFlag, acq_rel, relaxed)",
        "new": "tail | kFlag, release, relaxed)",
        "scenario": "log_gap_that_no_record_follows",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: looks once whether all is taken, and sleeps",
        "file": "src/log/ring.hpp",
        "old": "    do {\n"
               "      if (tail >> 1 != head_.load(relaxed)) return;\n",
        "new": "    if (tail >> 1 != head_.load(relaxed)) return;\n"
               "    do {\n",
        "scenario": "log_refuses_nobody_while_there_is_room",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: sleeps over a loss",
        "file": "src/log/ring.hpp",
        "old": "if (lost_.load(relaxed) == 0 && may_sleep())",
        "new": "if (may_sleep())",
        "scenario": "log_gap_that_no_record_follows",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: asks whether it may sleep before it says so",
        "file": "src/log/ring.hpp",
        "old": "    Word tail = tail_.load(relaxed);\n"
               "    do {",
        "new": "    if (!may_sleep()) return;\n"
               "    Word tail = tail_.load(relaxed);\n"
               "    do {",
        "also": [
            {"file": "src/log/ring.hpp",
             "old": "if (lost_.load(relaxed) == 0 && may_sleep())",
             "new": "if (lost_.load(relaxed) == 0)"},
        ],
        "scenario": "log_stops_after_its_records",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "log: takes the flag away when it has slept",
        "file": "src/log/ring.hpp",
        "old": "park(tail_, static_cast<std::uint32_t>(tail | kFlag), deadline, false);\n"
               "    }\n",
        "new": "park(tail_, static_cast<std::uint32_t>(tail | kFlag), deadline, false);\n"
               "    }\n"
               "    tail_.fetch_and(~kFlag, acq_rel);\n",
        "scenario": "log_writer_is_replaced_two_places",
        "args": "--random 1 --executions 20000",
        "failure": "deadlock",
    },
    {
        "name": "log: position of the consumer not atomic",
        "file": "src/log/ring.hpp",
        "old": "  Atomic<Word> head_{0};",
        "new": "  Plain<Word> head_{0};",
        "also": [
            {"file": "src/log/ring.hpp", "old": "const Word head = head_.load(relaxed);", "new": "const Word head = head_;"},
            {"file": "src/log/ring.hpp", "old": "head_.store(head + 1, relaxed);", "new": "head_ = head + 1;"},
            {"file": "src/log/ring.hpp", "old": ">> 1 == head_.load(relaxed);", "new": ">> 1 == head_;"},
            {"file": "src/log/ring.hpp", "old": "exchange(head_.load(relaxed) << 1,", "new": "exchange(Word{head_} << 1,"},
            {"file": "src/log/ring.hpp", "old": ">> 1 != head_.load(relaxed))", "new": ">> 1 != head_)"},
        ],
        "scenario": "log_writer_is_replaced_two_places",
        "args": "--random 1 --executions 20000",
        "failure": "data race",
    },
    {
        "name": "log: writer does not publish in front of a stuck producer",
        "file": "tests/model/scenarios/log_writer.hpp",
        "old": "          if (publishes && ring.is_somebody_waiting()) ring.publish_written();\n"
               "          nap();",
        "new": "          nap();",
        "scenario": "log_flushes_in_front_of_a_stuck_producer",
        "args": "--random 1 --executions 2000",
    },
    {
        "name": "log: writer ends without a read-modify-write",
        "file": "tests/model/scenarios/log_ring_stopping.cpp",
        "old": "    log.ring.wake();  // for its read-modify-write\n",
        "new": "",
        "scenario": "log_stops_under_a_producer",
        "args": "--random 1 --executions 20000",
    },
    {
        "name": "log: writer that was replaced goes on",
        "file": "tests/model/scenarios/log_ring_stopping.cpp",
        "old": "    const bool is_still = writer == t;\n",
        "new": "    const bool is_still = writer == t || t == 1;\n",
        "scenario": "log_writer_is_replaced_two_places",
        "args": "--random 1 --executions 20000",
    },
    {
        "name": "log: does not wake when it has not slept",
        "file": "src/log/ring.hpp",
        "old": "    wake();\n  }\n\n  // For a moment",
        "new": "  }\n\n  // For a moment",
        "scenario": "log_gap_while_a_writer_is_replaced",
        "args": "--random 1 --executions 1000000",
    },
]
