#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds what no test reaches against the lists of what none can.

    unreached.py REPORT [--branches]   gcovr's report as JSON: prints each line that was not reached, each branch that was
                                       not taken, and is not listed; and each line of the list that was reached after all.
                                       With --branches, the branches that were left out, in the form of their list
    unreached.py --list                looks at the lists alone: are they short, and does each entry still name a line?

unreached.txt has an entry on each line: file, the line's text and a reason, with " | " between them. Where a line occurs
more than once in its file, one of them may be unreached for each entry. branches.txt has a number before the reason: so
many ways out of such lines may be left, and never more; fewer are told of, so that the number can go down.

What only a lost race reaches is a matter of luck here, and the model checker's to reach: the reason is "race: " and the file
of tests/ that shows it. Such a line may be reached or not. "counts lost: " names a test that does reach it, and shows so
when it is run alone, in a child whose counts gcov can't always add to those of the others ("Merge mismatch"); "sampled: " is what
the short form of a sweep may or may not come to.

Of branches only a condition's count, those on a line with an if, a loop, a switch, a "?", "&&" or "||". Everything else
is the compiler's own: the null test before a delete, the guard of a static, what is inlined, a handler that does not fit.
An exception's edges are left out as soon as gcov knows them to be some in one of the object files (in those where the line
was not run it does not say), and so are those of a compare-exchange or a system call that is to be tried again.
"""
import collections
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = pathlib.Path(__file__).with_name("unreached.txt")
BRANCHES = pathlib.Path(__file__).with_name("branches.txt")
MOST = 10
REASONS = {
    "cannot fail here",      # the system's or a library's function: asked so, it has no way to fail
    "needs another kernel",  # what a kernel or a container of our time lacks
    "needs a fault",         # a call of the system's that fails: tests/faults lets it
    "too many for a test",   # thousands of threads or descriptors
}
REASONS_OF_BRANCHES = REASONS | {
    "instances",       # of a template or an inlined function: each has branches of its own, and some ever go one way
    "signal handler",  # one that forks, or stops, at this very moment
    "another thread",  # one that stops, or makes, a loop at this very moment
    "other hosts",     # a host's data, or a network's, that no test has
    "no test",         # could have one
}
RACE = "race: "
LUCK = (RACE, "counts lost: ", "sampled: ")
RETRIES = re.compile(r"compare_exchange_(?:weak|strong)\(|errno == EINTR")
CONDITION = re.compile(r"\b(?:if|while|for|switch)\b ?(?:constexpr )?\(|\?|(?:^|\s)(?:&&|\|\|)(?=\s|$)")
COMMENT = re.compile(r"\s*//.*")


def squeeze(text):
    return " ".join(text.split())


def problem_with(reason, reasons):
    if reason.startswith(LUCK):
        file = reason.partition(": ")[2]
        return None if (ROOT / file).is_file() else f"there is no {file}"
    return None if reason in reasons else f"'{reason}' is no reason ({', '.join(sorted(reasons))})"


def read_entries(name, text, reasons):
    """[(file, the rest before the reason, reason)], problems"""
    entries, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        file, _, rest = line.partition(" | ")
        code, _, reason = rest.rpartition(" | ")
        if problem := problem_with(reason.strip(), reasons):
            problems.append(f"{name}:{number}: {problem}")
        entries.append((file.strip(), squeeze(code), reason.strip()))
    return entries, problems


def read_list(text):
    """[(file, line's text, reason)], problems"""
    entries, problems = read_entries("unreached.txt", text, REASONS)
    count = sum(not reason.startswith(LUCK) for _, _, reason in entries)
    if count > MOST:
        problems.append(f"unreached.txt: {count} entries, {MOST} at most: test it, or take it out")
    return entries, problems


def read_branches(text):
    """{(file, line's text): how many may be left}, problems"""
    entries, problems = read_entries("branches.txt", text, REASONS_OF_BRANCHES)
    left = collections.Counter()
    for file, rest, _ in entries:
        code, _, number = rest.rpartition(" | ")
        if not number.isdecimal() or int(number) == 0:
            problems.append(f"branches.txt: {file}: no number before the reason: {rest}")
            continue
        if (file, squeeze(code)) in left:
            problems.append(f"branches.txt: {file}: listed twice: {code}")
        left[file, squeeze(code)] += int(number)
    return left, problems


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
            branches = [branch for branch in branches if not branch.get("throw")]
            if RETRIES.search(text) or not CONDITION.search(COMMENT.sub("", text)):
                branches = []
            missed = sum(branch["count"] == 0 for branch in branches)
            yield file["file"], line["line_number"], text, line["count"] > 0, len(branches), missed


def compare(entries, lines):
    """lines: of lines_of_report(). Problems."""
    left = collections.Counter((file, code) for file, code, _ in entries)
    luck = {(file, code) for file, code, reason in entries if reason.startswith(LUCK)}
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


def branches_missed(lines):
    """{(file, line's text): (branches, of them missed)} of lines that were reached: the others are told as such."""
    found = collections.defaultdict(lambda: [0, 0])
    for file, _, text, reached, there, missed in lines:
        if reached and there:
            found[file, text][0] += there
            found[file, text][1] += missed
    return found


def compare_branches(allowed, lines):
    """Problems, and what is no problem but worth a line."""
    problems, hints = [], []
    found = branches_missed(lines)
    for (file, text), (there, missed) in sorted(found.items()):
        if missed > allowed[file, text]:
            listed = f", {allowed[file, text]} listed" if allowed[file, text] else ""
            problems.append(f"{file}: {missed} of {there} branches not taken{listed}: {text}")
    for (file, text), number in sorted(allowed.items()):
        if (missed := found[file, text][1]) < number:
            hints.append(f"{file}: {number} listed, {missed} branches not taken: {text}")
    return problems, hints


def lines_of(file):
    path = ROOT / file
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def share(name, part, whole):
    return f"{part} of {whole} {name} ({100 * part / whole if whole else 0:.2f}%)"


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 2
    entries, problems = read_list(LIST.read_text(encoding="utf-8"))
    allowed, more = read_branches(BRANCHES.read_text(encoding="utf-8"))
    problems += more + stale(entries, lines_of) + stale([(*key, "") for key in allowed], lines_of)
    if sys.argv[1] != "--list":
        report = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
        lines = list(lines_of_report(report, lines_of))
        problems += compare(entries, lines)
        more, hints = compare_branches(allowed, lines)
        problems += more
        for hint in hints:
            print(hint)
        if "--branches" in sys.argv:
            for (file, text), (_, missed) in sorted(branches_missed(lines).items()):
                if missed:
                    print(f"{file} | {text} | {missed} | ")
        branches, missed = sum(line[4] for line in lines), sum(line[5] for line in lines)
        print(share("lines", sum(line[3] for line in lines), len(lines)) + ", " + share("branches", branches - missed, branches))
    for problem in problems:
        print(problem)
    print(f"{len(entries)} lines and {sum(allowed.values())} branches listed, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
