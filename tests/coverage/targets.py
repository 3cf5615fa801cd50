#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what has to be built for some tests, or their names, each on a line: targets.py [--tests] BUILDDIR SUITE..."""
import json
import os
import pathlib
import sys


def of_suites(tests, suites):
    return [test for test in tests if {suite.split(":")[-1] for suite in test["suite"]} & set(suites)]


def needed(tests, targets):
    files = {target["id"]: target["filename"] for target in targets}
    return list(dict.fromkeys(file for test in tests for target in test["depends"] for file in files[target]))


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--tests"]
    builddir, suites = pathlib.Path(arguments[0]), arguments[1:]
    tests, targets = (json.loads((builddir / "meson-info" / f"intro-{name}.json").read_text(encoding="utf-8"))
                      for name in ("tests", "targets"))
    tests = of_suites(tests, suites)
    if "--tests" in sys.argv:
        print(*(test["name"] for test in tests), sep="\n")
    else:
        print(*(os.path.relpath(file, builddir) for file in needed(tests, targets)), sep="\n")


if __name__ == "__main__":
    main()
