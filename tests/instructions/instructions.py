#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of one operation under callgrind, and holds them against those stored in counts.json.

    instructions.py OPERATION PROGRAM [--write]

Per call, with all that the library does in it; "collect", "forget" and "collect-cpp" count both threads and the program's
own loops as well. More than one above the stored count fails, and so does more than one below: then it is stored anew, with
--write. Only a commit that says why raises one.

counts.json: for each operation its "count" and the "goal" that it was designed for.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

STORED = pathlib.Path(__file__).with_name("counts.json")
SKIPPED = 77
CALLS = 1024
OTHERS = 2  # calls of a round beside those: the gate's and the last
ROUNDS = 4
TOLERATED = 1.0
# Counted by the function; the others by what the programs switch on and off.
FUNCTIONS = {"submit": "crochet_run", "settle": "crochet_resolve", "wait": "crochet_result_wait",
             "release": "crochet_result_release"}


def collected(arguments, function=None):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={folder}/out"]
        if function:
            command.append(f"--toggle-collect={function}")
        done = subprocess.run(command + arguments, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise SystemExit(f"{' '.join(command + arguments)}\n{done.stdout}{done.stderr}")
    return int(found[1])


def count(operation, program):
    if operation in FUNCTIONS:
        function = FUNCTIONS[operation]
        # Without rounds: the warm-up. Each round waits for and releases what it made.
        one, more = (collected([program, "nothing", str(rounds)], function) for rounds in (0, ROUNDS))
        others = 0 if operation == "wait" else OTHERS
        return (more - one) / (ROUNDS * (CALLS + others))
    arguments = [program, str(ROUNDS)] if operation == "collect-cpp" else [program, operation, str(ROUNDS)]
    return collected(arguments) / (ROUNDS * CALLS)


def is_reference_compiler():
    done = subprocess.run(["gcc", "-dumpversion"], capture_output=True, text=True, check=False)
    return done.stdout.split(".")[0].strip() == "12"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operation")
    parser.add_argument("program")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    if not is_reference_compiler():
        print("the counts are those of gcc 12, which this is not: skipped")
        return SKIPPED
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    entry = stored[asked.operation]
    found = count(asked.operation, asked.program)
    print(f"{asked.operation}: {found:.1f} instructions; stored {entry['count']}, goal {entry['goal']}")
    if asked.write:
        entry["count"] = round(found, 1)
        STORED.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
        return 0
    if abs(found - entry["count"]) <= TOLERATED:
        return 0
    print("that is " + ("more than stored" if found > entry["count"] else "less than stored: store it, with --write"))
    return 1


sys.exit(main())
