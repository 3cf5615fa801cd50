#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Row F5: looks where the library's spdlog and fmt could meet those of a host.

    host_spdlog_symbols.py NM HOST LIBRARY ARCHIVE NAIVE

HOST is a program that exports its own spdlog and fmt, linked with LIBRARY. ARCHIVE is the static library. NAIVE is a
shared library that uses spdlog without hiding it: in it every check must find something.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# A mangled name with a namespace spdlog or fmt in it, alone or as an argument; crochet_spdlog is another.
THEIRS = re.compile(r"(?<![0-9])(?:6spdlog|3fmt)")
BINDING = re.compile(r"binding file (.+?) \[\d+\] to (.+?) \[\d+\]: \w+ symbol [`'](.+?)'")
SHOWN = 5


def symbols(nm, args):
    out = subprocess.run([nm, "--format=posix", *args], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return {line.split()[0] for line in out.splitlines() if line.split() and THEIRS.search(line.split()[0])}


def bindings(host, library, preload=None):
    """Symbols of spdlog and fmt that the dynamic linker bound from the library to elsewhere, or to it from elsewhere;
    and how many bindings of the library it told of at all."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": os.path.join(folder, "bindings"),
               "LD_BIND_NOW": "1"}
        args = [host]
        if preload:
            env["LD_PRELOAD"] = preload
            args.append("--gtest_list_tests")  # bound at the start, all the same
        subprocess.run(args, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=100)
        lines = "\n".join(path.read_text(encoding="utf-8") for path in pathlib.Path(folder).iterdir())
    library = os.path.realpath(library)
    found, seen = set(), 0
    for user, definer, symbol in BINDING.findall(lines):
        sides = [os.path.realpath(user) == library, os.path.realpath(definer) == library]
        seen += sides[0]
        if any(sides) and not all(sides) and THEIRS.search(symbol):
            found.add(symbol)
    return found, seen


def main():
    nm, host, library, archive, naive = sys.argv[1:6]
    problems = []

    def none(what, found):
        for name in sorted(found)[:SHOWN]:
            problems.append(f"{what}: {name}")
        if len(found) > SHOWN:
            problems.append(f"{what}: and {len(found) - SHOWN} more")

    def some(what, found):
        print(f"{what}: {len(found)}")
        if not found:
            problems.append(f"{what}: none, so that the check checks nothing")

    some("symbols of spdlog and fmt that the host exports", symbols(nm, ["-D", "--defined-only", host]))
    some("dynamic symbols in the naive library", symbols(nm, ["-D", naive]))
    some("bindings of the naive library", bindings(host, naive, preload=naive)[0])

    none("a dynamic symbol of the library", symbols(nm, ["-D", library]))
    none("a symbol of the static library", symbols(nm, [archive]))
    found, seen = bindings(host, library)
    none("a binding of the library", found)
    if not seen:
        problems.append("the dynamic linker told of no binding of the library")
    for problem in problems:
        print(problem)
    print(f"{seen} bindings of the library, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
