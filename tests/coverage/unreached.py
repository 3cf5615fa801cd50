#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds what no test reaches against the list of what none can.

    unreached.py REPORT [--branches]   gcovr's report as JSON: prints each line that was not reached and is not listed, and
                                       each entry of the list that was reached after all; with --branches, the lines that
                                       were left in fewer ways than the compiler sees
    unreached.py --list                looks at the list alone: is it short, and does each entry still name a line?

unreached.txt has an entry on each line: file, the line's text and a reason, with " | " between them. Where a line occurs
more than once in its file, one of them may be unreached for each entry.

What only a lost race reaches is a matter of luck here, and the model checker's to reach: the reason is "race: " and the file
of tests/ that shows it. Such a line may be reached or not.

Of branches a share is asked for: they have the compiler's own among them (a null test before a delete, clean-up that
never throws), and those of a compare-exchange or a system call that is to be tried again are not counted.
"""
import collections
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = pathlib.Path(__file__).with_name("unreached.txt")
MOST = 10
REASONS = {
    "cannot fail here",      # the system's or a library's function: asked so, it has no way to fail
    "needs another kernel",  # what a kernel or a container of our time lacks
    "needs a fault",         # a call of the system's that fails: tests/faults lets it
    "too many for a test",   # thousands of threads or descriptors
}
RACE = "race: "
RETRIES = re.compile(r"compare_exchange_(?:weak|strong)\(|errno == EINTR")
LEAST_BRANCHES = 90  # per cent


def squeeze(text):
    return " ".join(text.split())


def read_list(text):
    """[(file, line's text, reason)], problems"""
    entries, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        file, _, rest = line.partition(" | ")
        code, _, reason = rest.rpartition(" | ")
        reason = reason.strip()
        if reason.startswith(RACE):
            if not (ROOT / reason[len(RACE):]).is_file():
                problems.append(f"unreached.txt:{number}: there is no {reason[len(RACE):]}")
        elif reason not in REASONS:
            problems.append(f"unreached.txt:{number}: '{reason}' is no reason ({', '.join(sorted(REASONS))})")
        entries.append((file.strip(), squeeze(code), reason))
    count = sum(not reason.startswith(RACE) for _, _, reason in entries)
    if count > MOST:
        problems.append(f"unreached.txt: {count} entries, {MOST} at most: test it, or take it out")
    return entries, problems


def stale(entries, sources):
    """Entries that name no line. sources: file -> lines."""
    wanted = collections.Counter((file, code) for file, code, _ in entries)
    return [f"{file}: has {there} lines, the list names {count}: {code}" for (file, code), count in wanted.items()
            if (there := sum(squeeze(line) == code for line in sources(file))) < count]


def lines_of_report(report, sources):
    """(file, line's number, its text, reached, branches, of them missed)"""
    for file in report["files"]:
        texts = sources(file["file"])
        for line in file["lines"]:
            if line.get("gcovr/noncode"):
                continue
            branches = line.get("branches", [])
            text = squeeze(texts[line["line_number"] - 1])
            missed = sum(branch["count"] == 0 for branch in branches)
            if RETRIES.search(text):
                branches, missed = [], 0
            yield file["file"], line["line_number"], text, line["count"] > 0, len(branches), missed


def compare(entries, lines):
    """lines: of lines_of_report(). Problems."""
    left = collections.Counter((file, code) for file, code, _ in entries)
    luck = {(file, code) for file, code, reason in entries if reason.startswith(RACE)}
    problems = []
    for file, number, text, reached, _, _ in lines:
        if reached:
            continue
        if left[file, text] > 0:
            left[file, text] -= 1
        else:
            problems.append(f"{file}:{number}: not reached: {text}")
    problems += [f"{file}: listed, and reached: {code}" for (file, code), count in left.items()
                 if count > 0 and (file, code) not in luck]
    return problems


def lines_of(file):
    path = ROOT / file
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 2
    entries, problems = read_list(LIST.read_text(encoding="utf-8"))
    problems += stale(entries, lines_of)
    if sys.argv[1] != "--list":
        report = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
        lines = list(lines_of_report(report, lines_of))
        problems += compare(entries, lines)
        branches, missed = sum(line[4] for line in lines), sum(line[5] for line in lines)
        if "--branches" in sys.argv:
            for file, number, text, _, there, not_taken in lines:
                if not_taken:
                    print(f"{file}:{number}: {not_taken} of {there} branches not taken: {text}")
        reached = sum(line[3] for line in lines)
        percent = 100 * (branches - missed) / branches if branches else 0
        print(f"{reached} of {len(lines)} lines, {branches - missed} of {branches} branches ({percent:.1f}%)")
        if percent < LEAST_BRANCHES:
            problems.append(f"fewer than {LEAST_BRANCHES}% of the branches were taken")
    for problem in problems:
        print(problem)
    print(f"{len(entries)} listed, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
