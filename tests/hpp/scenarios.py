#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds SCENARIOS.md: every test that it names exists, and every suite of tests/hpp and tests/coro is named in it."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent


def tests():
    found = set()
    for path in [*HERE.glob("*_test.cpp"), *HERE.with_name("coro").glob("*_test.cpp")]:
        found |= {f"{suite}.{name}" for suite, name in
                  re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", path.read_text(encoding="utf-8"), re.MULTILINE)}
    return found


def main():
    named = set(re.findall(r"`(\w+\.[A-Z]\w+)`", (HERE / "SCENARIOS.md").read_text(encoding="utf-8")))
    there = tests()
    problems = [f"SCENARIOS.md names {name}, which is no test" for name in sorted(named - there)]
    suites = {name.split(".")[0] for name in named}
    problems += [f"SCENARIOS.md names no test of {suite}" for suite in sorted({name.split(".")[0] for name in there} - suites)]
    for problem in problems:
        print(problem)
    print(f"{len(named)} of {len(there)} tests named, {len(problems)} problems")
    return 1 if problems or not named else 0


if __name__ == "__main__":
    sys.exit(main())
