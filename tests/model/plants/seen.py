# SPDX-License-Identifier: MIT
"""Planted bugs: strangers who look at calls, and who read their side records. See plants.py."""

READING = "src/call/side_reading.cpp"
SIGHT = "src/call/sight.cpp"

PLANTS = [
    {
        "name": "side reading: counted after the look",
        "file": READING,
        "old": "  readings.fetch_add(1, relaxed);  // released to the ender by the next one\n",
        "new": "",
        "also": [
            {"file": READING,
             "old": "nullptr : Call::side_record(field);\n",
             "new": "nullptr : Call::side_record(field);\n"
                    "  readings.fetch_add(1, acq_rel);\n"},
        ],
        "scenario": "side_reading_while_the_call_ends",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "side reading: looks by a load",
        "file": READING,
        "old": "call.function.fetch_add(0, acq_rel);",
        "new": "call.function.load(acquire);",
        "scenario": "side_reading_while_the_call_ends",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "side reading: the record is taken out by a store",
        "file": "src/call/call.cpp",
        "old": "  function.exchange(0, acq_rel); ",
        "new": "  function.store(0, release); ",
        "scenario": "side_reading_while_the_call_ends",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "side reading: ended without asking who reads",
        "file": READING,
        "old": "  if (readings.load(acquire) == 0) free_record(record);\n"
               "  else keep(record, record);",
        "new": "  free_record(record);",
        "scenario": "side_reading_while_the_call_ends",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "side reading: a prepared call's field is stored again",
        "file": "src/call/call.cpp",
        "old": "record->function.store(plain_field(fn), relaxed);\n"
               "  else function",
        "new": "record->function.store(plain_field(fn), relaxed), function.store(function.load(relaxed), relaxed);\n"
               "  else function",
        "scenario": "side_reading_of_a_call_that_is_prepared",
        "args": "--bound 2 --executions 4000",
    },
    {
        "name": "side reading: what was kept is freed by who is not the last",
        "file": READING,
        "old": "  if (was_last) free_all(first);\n"
               "  else keep(first, last_of(first));",
        "new": "  free_all(first);",
        "scenario": "side_reading_keeps_two",
        "args": "--random 1 --executions 20000",
    },
    {
        "name": "side reading: who is not the last forgets what was kept",
        "file": READING,
        "old": "  else keep(first, last_of(first));",
        "new": "  else return;",
        "scenario": "side_reading_keeps_two",
        "args": "--random 1 --executions 20000",
    },
    {
        "name": "side reading: only the first of what was kept is kept again",
        "file": READING,
        "old": "keep(first, last_of(first));",
        "new": "keep(first, first);",
        "scenario": "side_reading_keeps_two",
        "args": "--random 1 --executions 100000",
    },
    {
        "name": "side reading: takes what was kept when it counts no more",
        "file": READING,
        "old": "  SideRecord* first = kept.exchange(nullptr, acquire);\n",
        "new": "",
        "also": [
            {"file": READING,
             "old": "  const bool was_last = now <= 1;\n",
             "new": "  const bool was_last = now <= 1;\n"
                    "  SideRecord* first = kept.exchange(nullptr, acquire);\n"},
        ],
        "scenario": "side_reading_keeps_two",
        "args": "--random 1 --executions 100000",
    },
    {
        "name": "side reading: kept by load and store",
        "file": READING,
        "old": "  do {\n"
               "    last->next = head;\n"
               "    // release: with the exchange of who frees them.\n"
               "  } while (!kept.compare_exchange_weak(head, first, release, relaxed));",
        "new": "  last->next = head;\n"
               "  kept.store(first, release);",
        "scenario": "side_reading_by_two_of_two",
        "args": "--random 1 --executions 50000",
    },
    {
        "name": "seen: a time that is there is taken for this life's",
        "file": SIGHT,
        "old": "    if ((w & word::kSeen) != 0) return at->load(relaxed);\n",
        "new": "    if (noted != 0) return noted;\n",
        "scenario": "seen_again_after_a_life_that_was_seen",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "seen: marked before the time stands there",
        "file": SIGHT,
        "old": "    if (!at->compare_exchange_strong(noted, now, relaxed, relaxed)) {\n",
        "new": "    if (!call.word.compare_exchange_strong(w, w | word::kSeen, acq_rel, acquire)) continue;\n"
               "    if (!at->compare_exchange_strong(noted, now, relaxed, relaxed)) {\n",
        "scenario": "seen_over_two_lives_by_two",
        "args": "--random 1 --executions 20000",
    },
    {
        "name": "seen: the mark lives on",
        "file": "src/call/hot_path.hpp",
        "old": "  word.store(word::unused(generation + 1), release);",
        "new": "  word.store(word::unused(generation + 1) | (word.load(relaxed) & word::kSeen), release);",
        "also": [
            {"file": "src/call/hot_path.hpp",
             "old": "  const Word generation = word::generation(word.load(relaxed));\n"
                    "  arg = argument;",
             "new": "  const Word generation = word::generation(word.load(relaxed));\n"
                    "  flags |= word.load(relaxed) & word::kSeen;\n"
                    "  arg = argument;"},
        ],
        "scenario": "seen_again_after_a_life_that_was_seen",
        "args": "--bound 2 --executions 2000",
        "failure": "begun",
    },
    {
        "name": "seen: marked by a store",
        "file": SIGHT,
        "old": "    if (call.word.compare_exchange_weak(w, w | word::kSeen, acq_rel, acquire)) return now;\n",
        "new": "    call.word.store(w | word::kSeen, release);\n"
               "    return now;\n",
        "scenario": "seen_while_it_settles_and_is_released",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "seen: no second look at the word",
        "file": SIGHT,
        "old": "  out->word = call.word.load(acquire);\n",
        "new": "  out->word = first;\n",
        "scenario": "seen_over_two_lives",
        "args": "--bound 2 --executions 20000",
    },
    {
        "name": "seen: the next life's function is told before the last life ended",
        "file": "src/call/hot_path.hpp",
        "old": "  function.store(fn, release);",
        "new": "  function.store(fn, relaxed);",
        "scenario": "seen_over_two_lives",
        "args": "--bound 2 --executions 20000",
    },
]
