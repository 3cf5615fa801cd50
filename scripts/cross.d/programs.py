#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a build for another architecture makes and runs of some suites, as lines of words:

    build TARGET            a program, or a library that a test names
    test NAME               to be run
    skip NAME: REASON       not to be run: SKIP_LIST names it

    programs.py BUILDDIR SKIP_LIST SUITE...

SKIP_LIST has lines "name: why"; # begins a comment. One that names no test of any suite is refused.
"""
import json
import pathlib
import sys


def reasons(path):
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def main():
    build, skips, suites = pathlib.Path(sys.argv[1]), reasons(pathlib.Path(sys.argv[2])), set(sys.argv[3:])
    tests = json.loads((build / "meson-info" / "intro-tests.json").read_text(encoding="utf-8"))
    targets = json.loads((build / "meson-info" / "intro-targets.json").read_text(encoding="utf-8"))
    files = {target["id"]: target["filename"] for target in targets}
    unknown = skips.keys() - {test["name"] for test in tests}
    if unknown:
        sys.exit(f"{sys.argv[2]} names what is no test: {', '.join(sorted(unknown))}")
    build_these = set()
    for test in tests:
        if not suites & {suite.split(":")[-1] for suite in test["suite"]}:
            continue
        if test["name"] in skips:
            print(f"skip {test['name']}: {skips[test['name']]}")
            continue
        print(f"test {test['name']}")
        for target in test["depends"]:
            build_these |= {pathlib.Path(file).resolve().relative_to(build.resolve()) for file in files[target]}
    for target in sorted(build_these):
        print(f"build {target}")


if __name__ == "__main__":
    sys.exit(main())
