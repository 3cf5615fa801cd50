#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nothing is forgotten: each import of the library has its line in shim/calls.cpp, each public function is used.

    complete.py imports PROGRAM NM LIBRARY     what `nm -D --undefined-only LIBRARY` lists is in the table, and no other name
                                               of libuv's is
    complete.py functions PROGRAM              the scenarios together use what tests/abi/symbols.txt lists
"""
import fnmatch
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def output_of(*words):
    return subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, timeout=120).stdout


def check_imports(program, nm, library):
    imported = {line.split()[-1].split("@")[0] for line in output_of(nm, "-D", "--undefined-only", library).splitlines()}
    table = {line.split()[0] for line in output_of(program, "--table").splitlines()}
    problems = [f"{name}() is called by the library, and shim/calls.cpp does not say how it fails, or why never"
                for name in sorted(imported) if not any(fnmatch.fnmatchcase(name, entry) for entry in table)]
    problems += [f"{name}() is in shim/calls.cpp, and the library does not call it"
                 for name in sorted(table - imported) if name.startswith("uv_")]
    return len(imported), "imports", problems


def check_functions(program):
    symbols = (ROOT / "tests" / "abi" / "symbols.txt").read_text(encoding="utf-8").splitlines()
    public = {line.split()[0] for line in symbols if line and not line.startswith("#")}
    used = set()
    for scenario in output_of(program, "--list").split():
        used.update(line.split()[1] for line in output_of(program, scenario).splitlines() if line.startswith("used "))
    return len(public), "public functions", [f"no scenario uses {name}()" for name in sorted(public - used)]


def main():
    checks = {"imports": check_imports, "functions": check_functions}
    if len(sys.argv) < 3 or sys.argv[1] not in checks:
        print(__doc__, file=sys.stderr)
        return 2
    count, what, problems = checks[sys.argv[1]](*sys.argv[2:])
    for problem in problems:
        print(problem)
    print(f"{count} {what}, {len(problems)} problems")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main())
