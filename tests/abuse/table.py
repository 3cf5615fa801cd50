#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps docs/abuse.md: what each promise is shown by, and what came of that under each compiler and sanitizer.

    table.py --write    brings the tests up to date, and the results of those builds that have run their tests
    table.py --check    fails when a promise has no test, a test names no promise, or more than results are out of date

The promises stand in the document, and nowhere else: id, abuse, must give. All that comes after them is written here.
A test shows promise A1 when its suite is named AbuseA1, or AbuseA1Something. A meson.build names those of other kinds:

    # AbuseA1: name of a test
"""
import json
import pathlib
import re
import sys
import textwrap
import xml.etree.ElementTree

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = ["gcc debug", "clang release", "gcc address", "clang address", "gcc thread", "clang thread"]
NOT_RUN = "not run"
RESULTS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}  # meson's
TESTS = "## The tests"
SKIPPED = "## What was skipped, and why"

_PROMISE = re.compile(r"^\| (?P<id>[A-Z]\d+) \| (?P<abuse>.*?) \| (?P<gives>.*?) \|(?P<cells>.*)$")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TEST = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\s*\(\s*(?P<suite>Abuse(?P<id>[A-Z]\d+)\w*)\s*,\s*(?P<name>\w+)\s*\)")
_NAMED = re.compile(r"^\s*# Abuse(?P<id>[A-Z]\d+): (?P<name>\S+)$", re.MULTILINE)
_SKIP = re.compile(r"^- (?P<id>[A-Z]\d+), (?P<column>[^:]*): (?P<text>.*)$")


def tests_in(folder):
    """id -> {file: [tests]}"""
    found = {}
    for path in sorted(folder.rglob("*.cpp")):
        for match in _TEST.finditer(_COMMENT.sub("", path.read_text(encoding="utf-8"))):
            files = found.setdefault(match["id"], {})
            files.setdefault(path.relative_to(folder.parent).as_posix(), []).append(f"{match['suite']}.{match['name']}")
    for path in sorted(folder.rglob("meson.build")):
        for match in _NAMED.finditer(path.read_text(encoding="utf-8")):
            files = found.setdefault(match["id"], {})
            files.setdefault(path.relative_to(folder.parent).as_posix(), []).append(match["name"])
    return found


def results_in(build):
    """test -> ("passed", ""), ("skipped", why) or ("failed", ""), as the last run of this build's tests left them"""
    found = {}
    for path in sorted((build / "tests").rglob("*.xml")):
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            suite, name = case.get("classname").split("/")[-1], case.get("name").split("/")[0]
            skip = case.find("skipped")
            if case.find("failure") is not None:
                result = ("failed", "")
            elif skip is not None:
                why = skip.get("message", "").strip().splitlines()
                result = ("skipped", why[-1].strip() if why else "")
            else:
                result = ("passed", "")
            before = found.get(f"{suite}.{name}", result)
            found[f"{suite}.{name}"] = before if before[0] == "failed" else result
    for path in sorted((build / "meson-logs").glob("testlog*.json")):
        for line in path.read_text(encoding="utf-8").splitlines():
            run = json.loads(line)
            name = run["name"].split(" / ")[-1].split(":")[-1]
            found[name] = (RESULTS.get(run["result"], "failed"), "")
    return found


def cell(tests, results):
    """What a column says of these tests; None: none of them was run."""
    there = [results[test][0] for test in tests if test in results]
    if not there:
        return None
    counts = [(there.count(what), what) for what in ("passed", "skipped", "failed")]
    counts.append((len(tests) - len(there), NOT_RUN))
    return ", ".join(f"{count} {what}" for count, what in counts if count != 0)


class Document:
    """The promises' rows in their order, and what was said of each."""

    def __init__(self, text):
        self.prose = text.split(TESTS)[0].rstrip().splitlines()
        self.cells = {}  # (id, column) -> text
        self.skips = {}  # (id, column) -> [lines]
        for line in self.prose:
            match = _PROMISE.match(line)
            if match:
                said = [part.strip() for part in match["cells"].strip().strip("|").split("|")][1:]
                for column, text_of in zip(COLUMNS, said):
                    self.cells[match["id"], column] = text_of
        for line in text.partition(SKIPPED)[2].splitlines():
            match = _SKIP.match(line)
            if match:
                self.skips.setdefault((match["id"], match["column"]), []).append(match["text"])

    def promises(self):
        return [match["id"] for match in map(_PROMISE.match, self.prose) if match]

    def merge(self, found, build_of):
        for column in COLUMNS:
            results = results_in(build_of(column))
            for promise in self.promises():
                tests = [test for of_file in found.get(promise, {}).values() for test in of_file]
                said = cell(tests, results)
                if said is None:
                    continue
                self.cells[promise, column] = said
                self.skips[promise, column] = [
                    f"`{test}`: {results[test][1] or 'what it needs is not here'}"
                    for test in tests if results.get(test, ("", ""))[0] == "skipped"]

    def text(self, found, with_results=True):
        lines = []
        for line in self.prose:
            match = _PROMISE.match(line)
            if match:
                count = sum(map(len, found.get(match["id"], {}).values()))
                said = [self.cells.get((match["id"], column), NOT_RUN) if with_results else "" for column in COLUMNS]
                line = f"| {match['id']} | {match['abuse']} | {match['gives']} | {count} | {' | '.join(said)} |"
            elif line.startswith("| id |"):
                line = f"| id | abuse | must give | tests | {' | '.join(COLUMNS)} |"
            elif line.startswith("|---"):
                line = "|---" * (4 + len(COLUMNS)) + "|"
            lines.append(line)
        lines += ["", TESTS, "", "Written by `tests/abuse/table.py`, from the names of the tests.", ""]
        for promise in self.promises():
            for file, tests in found.get(promise, {}).items():
                names = ", ".join(test.partition(".")[2] or test for test in tests)
                lines += textwrap.wrap(f"- {promise}, `{file}`: {names}", 118, subsequent_indent="  ",
                                       break_long_words=False, break_on_hyphens=False)
        lines += ["", SKIPPED, "", "Written by `tests/abuse/table.py`, from what the tests said.", ""]
        for promise in self.promises() if with_results else []:
            for column in COLUMNS:
                lines += [f"- {promise}, {column}: {text}" for text in self.skips.get((promise, column), [])]
        return "\n".join(lines).rstrip() + "\n"


def problems_of(document, found):
    promises = document.promises()
    problems = [f"two promises are called {one}" for one in sorted(set(promises)) if promises.count(one) > 1]
    problems += [f"{promise}: no test shows it" for promise in promises if promise not in found]
    for promise in found:
        if promise not in promises:
            problems += [f"{file}: there is no promise {promise}" for file in found[promise]]
    return problems


def main(arguments):
    if arguments not in (["--write"], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    path = ROOT / "docs" / "abuse.md"
    text = path.read_text(encoding="utf-8")
    document, found = Document(text), tests_in(ROOT / "tests")
    problems = problems_of(document, found)
    if arguments == ["--write"]:
        document.merge(found, lambda column: ROOT / "build" / column.replace(" ", "-"))
        path.write_text(document.text(found), encoding="utf-8")
    elif document.text(found) != text:
        problems.append("docs/abuse.md is out of date: tests/abuse/table.py --write")
    for problem in problems:
        print(f"FAILED  {problem}", file=sys.stderr)
    print(f"{len(document.promises())} promises, {sum(len(t) for f in found.values() for t in f.values())} tests")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
