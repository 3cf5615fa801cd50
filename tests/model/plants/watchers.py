# SPDX-License-Identifier: MIT
"""Planted bugs: after-calls: adding, pruning, delivering, closing. See plants.py."""

PLANTS = [
    {
        "name": "watchers: phase decided on an earlier load",
        "file": "src/call/watchers.cpp",
        "old": "  const Word before = watched.word.fetch_or(word::kWatched, acq_rel);",
        "new": "  const Word before = watched.word.load(acquire);\n"
               "  watched.word.fetch_or(word::kWatched, acq_rel);",
        "scenario": "watchers_cancel_of_a_waiting_after_call",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: watched flag by load and store",
        "file": "src/call/watchers.cpp",
        "old": "  const Word before = watched.word.fetch_or(word::kWatched, acq_rel);",
        "new": "  const Word before = watched.word.load(acquire);\n"
               "  watched.word.store(before | word::kWatched, release);",
        "scenario": "watchers_first_in_first_out",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: late adder does not deliver",
        "file": "src/call/watchers.cpp",
        "old": "  if (word::settled(before)) {\n"
               "    deliver_watchers(watched);\n"
               "  } else if",
        "new": "  if (word::settled(before)) {\n"
               "  } else if",
        "scenario": "watchers_first_in_first_out",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "watchers: adder keeps no reference of its own",
        "file": "src/call/watchers.cpp",
        "old": "  watched.retain_certain();  // for this function: the list's own reference may be gone before it ends\n",
        "new": "",
        "also": [
            {"file": "src/call/watchers.cpp",
             "old": "    prune(watched, side);\n"
                    "  }\n"
                    "  watched.release_reference();\n",
             "new": "    prune(watched, side);\n"
                    "  }\n"},
            {"file": "src/call/watchers.cpp",
             "old": "      deliver(watched, after);\n"
                    "      watched.release_reference();\n"
                    "      return;",
             "new": "      deliver(watched, after);\n"
                    "      return;"},
        ],
        "scenario": "watchers_adder_has_no_handle",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "watchers: link read after the delivery",
        "file": "src/call/watchers.cpp",
        "old": "    oldest_first = after->next;  // before it is delivered: then it is somebody else's\n"
               "    deliver(watched, *after);",
        "new": "    deliver(watched, *after);\n"
               "    oldest_first = after->next;",
        "scenario": "watchers_first_in_first_out",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: closed by a store",
        "file": "src/call/watchers.cpp",
        "old": "    if (side.watchers.compare_exchange_strong(expected, kClosed, acq_rel, relaxed)) return;",
        "new": "    side.watchers.store(kClosed, release);\n"
               "    return;",
        "scenario": "watchers_first_in_first_out",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: list taken with release only",
        "file": "src/call/watchers.cpp",
        "old": "side.watchers.exchange(kOwned | kClosing, acq_rel)",
        "new": "side.watchers.exchange(kOwned | kClosing, release)",
        "scenario": "watchers_first_in_first_out",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: added relaxed",
        "file": "src/call/watchers.cpp",
        "old": "compare_exchange_weak(head, address(&after) | (head & kTags), release, relaxed)",
        "new": "compare_exchange_weak(head, address(&after) | (head & kTags), relaxed, relaxed)",
        "scenario": "watchers_first_in_first_out",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: settler does not look for another owner",
        "file": "src/call/watchers.cpp",
        "old": "void deliver_watchers(Call& watched) {\n"
               "  SideRecord& side = *watched.side();\n"
               "  if ((side.watchers.fetch_or(kOwned | kClosing, acq_rel) & kOwned) != 0) return;",
        "new": "void deliver_watchers(Call& watched) {\n"
               "  SideRecord& side = *watched.side();\n"
               "  side.watchers.fetch_or(kOwned | kClosing, acq_rel);",
        "scenario": "watchers_first_in_first_out",
        "args": "--random 1 --executions 500",
    },
    {
        "name": "watchers: settler owns the list by load and store",
        "file": "src/call/watchers.cpp",
        "old": "void deliver_watchers(Call& watched) {\n"
               "  SideRecord& side = *watched.side();\n"
               "  if ((side.watchers.fetch_or(kOwned | kClosing, acq_rel) & kOwned) != 0) return;",
        "new": "void deliver_watchers(Call& watched) {\n"
               "  SideRecord& side = *watched.side();\n"
               "  const std::uint64_t was = side.watchers.load(acquire);\n"
               "  side.watchers.store(was | kOwned | kClosing, release);\n"
               "  if ((was & kOwned) != 0) return;",
        "scenario": "watchers_first_in_first_out",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: pruner does not look for another owner",
        "file": "src/call/watchers.cpp",
        "old": "  if ((side.watchers.fetch_or(kOwned, acq_rel) & kOwned) != 0) return;\n"
               "  Call* survivors",
        "new": "  side.watchers.fetch_or(kOwned, acq_rel);\n"
               "  Call* survivors",
        "scenario": "watchers_two_pruners_and_the_settler",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: pruner takes with release only",
        "file": "src/call/watchers.cpp",
        "old": "side.watchers.compare_exchange_weak(head, head & kTags, acq_rel, relaxed)",
        "new": "side.watchers.compare_exchange_weak(head, head & kTags, release, relaxed)",
        "scenario": "watchers_two_pruners_and_the_settler",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: pruner takes by a store",
        "file": "src/call/watchers.cpp",
        "old": "  while (node(head) != nullptr && !side.watchers.compare_exchange_weak(head, head & kTags, acq_rel, relaxed)) {\n"
               "  }",
        "new": "  if (node(head) != nullptr) side.watchers.store(head & kTags, release);",
        "scenario": "watchers_two_pruners_and_the_settler",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: pruner puts back with acquire only",
        "file": "src/call/watchers.cpp",
        "old": "if (side.watchers.compare_exchange_strong(expected, address(survivors), acq_rel, acquire)) break;",
        "new": "if (side.watchers.compare_exchange_strong(expected, address(survivors), acquire, acquire)) break;",
        "scenario": "watchers_two_pruners_and_the_settler",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: pruner puts back by a store",
        "file": "src/call/watchers.cpp",
        "old": "if (side.watchers.compare_exchange_strong(expected, address(survivors), acq_rel, acquire)) break;",
        "new": "side.watchers.store(address(survivors), release);\n"
               "    break;",
        "scenario": "watchers_two_pruners_and_the_settler",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: pruner does not see that the call settled",
        "file": "src/call/watchers.cpp",
        "old": "    if ((expected & kClosing) != 0) {",
        "new": "    if (false) {",
        "scenario": "watchers_two_pruners_and_the_settler",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: refused after-call is not settled",
        "file": "src/call/watchers.cpp",
        "old": "if (after->refuse()) count_never_ran(loop_id, NeverRan::kNotRun);",
        "new": "(void)loop_id;\n      after->release_reference();",
        "scenario": "watchers_refused_push_of_a_forgotten_call",
        "args": "--bound 2 --executions 2000",
    },
    {
        "name": "watchers: reference kept when delivered",
        "file": "src/call/watchers.cpp",
        "old": "  watched.release_reference();\n"
               "}\n"
               "\n"
               "void deliver_all",
        "new": "}\n"
               "\n"
               "void deliver_all",
        "scenario": "watchers_first_in_first_out",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "watchers: list closed before the call is settled",
        "file": "src/call/hot_path.hpp",
        "old": "  const Word before = word.fetch_add(",
        "new": "  if ((word.load(relaxed) & word::kWatched) != 0) deliver_watchers(*this);\n"
               "  const Word before = word.fetch_add(",
        "also": [
            {"file": "src/call/hot_path.hpp",
             "old": "#include \"call/call_memory.hpp\"",
             "new": "#include \"call/call_memory.hpp\"\n"
                    "#include \"call/watchers.hpp\""},
        ],
        "scenario": "watchers_first_in_first_out",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: group reference given up with the brokenness",
        "file": "src/call/call.cpp",
        "old": "      if ((w & word::kWatched) == 0) wanted -= word::kReference;",
        "new": "      wanted -= word::kReference;",
        "also": [
            {"file": "src/call/call.cpp",
             "old": "      deliver_watchers(*this);\n"
                    "      release_reference();\n"
                    "    }\n"
                    "    return;",
             "new": "      deliver_watchers(*this);\n"
                    "    }\n"
                    "    return;"},
        ],
        "scenario": "watchers_broken_delivers",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: broken without telling watchers",
        "file": "src/call/call.cpp",
        "old": "    if (broke && (w & word::kWatched) != 0) {\n"
               "      deliver_watchers(*this);",
        "new": "    if (broke && (w & word::kWatched) != 0) {",
        "scenario": "watchers_broken_delivers",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: side record installed relaxed",
        "file": "src/call/call.cpp",
        "old": "reinterpret_cast<std::uintptr_t>(record) | kSideTag, release, acquire)",
        "new": "reinterpret_cast<std::uintptr_t>(record) | kSideTag, relaxed, acquire)",
        "scenario": "watchers_two_adders_and_a_cancel",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: side record not told to who ends the call",
        "file": "src/call/call.cpp",
        "old": "word.fetch_or(word::kHasMore, relaxed);",
        "new": ";",
        "scenario": "watchers_first_in_first_out",
        "args": "--bound 2 --executions 200",
    },
    {
        "name": "watchers: second side record kept",
        "file": "src/call/call.cpp",
        "old": "  delete record;\n"
               "  return side();",
        "new": "  return side();",
        "scenario": "watchers_two_adders_and_a_cancel",
        "args": "--random 1 --executions 200",
    },
    {
        "name": "watchers: side record not freed",
        "file": "src/call/call.cpp",
        "old": "  end_side_record(record);\n",
        "new": "",
        "scenario": "watchers_first_in_first_out",
        "args": "--bound 2 --executions 200",
    },
]
