#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the static library brings into a host's program: names of ours, and instances of the standard library's templates
that any C++ program holds, too. Nothing that could take the place of something of the host's; and hidden, so that a plugin
that the archive is linked into lets nothing out but crochet.h's functions.

    archive.py READELF ARCHIVE

A shared library has a list of what it lets out (symbols.py); an archive lets everything out that is not local.
"""
import re
import subprocess
import sys

# Mangled names with something of crochet's outermost: the namespaces crochet, crochet_spdlog and crochet_fmt, and what stands
# behind crochet.h's opaque types.
OURS = re.compile(r"_Z(?:T[VISTHW]|GV|GR|TC|Z)*N?[rVK]*L?\d+crochet")
# Weak: the standard library's, and those of the compiler's run-time part.
STANDARD = re.compile(r"_Z(?:T[VIS]|GV|Z)*N?[VK]*[RO]?(?:S[taosbid]|9__gnu_cxx|10__cxxabiv1)|_Z(?:n|d|la)|_Z[a-z0-9]*ISt")
# The compilers': a reference to a type's table, and clang's way to end a noexcept function.
COMPILERS = re.compile(r"DW\.ref\.|__clang_call_terminate$")


def defined(text):
    """(name, binding, visibility) of what readelf -sW says is defined and not local."""
    found = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) == 8 and words[0].endswith(":") and words[4] in ("GLOBAL", "WEAK", "UNIQUE") and words[6] != "UND":
            found.add((words[7], words[4], words[5]))
    return found


def problems_of(symbols):
    problems = []
    for name, binding, visibility in sorted(symbols):
        if name.startswith("crochet_"):
            continue
        if STANDARD.match(name):
            if binding == "GLOBAL":
                problems.append(f"{name}: the standard library's, and not weak")
        elif not OURS.match(name) and not COMPILERS.match(name):
            problems.append(f"{name}: neither ours nor the standard library's: it may clash with a host's")
        elif visibility != "HIDDEN":
            problems.append(f"{name}: is not hidden: what the archive is linked into lets it out")
    return problems


def main():
    readelf, archive = sys.argv[1:3]
    symbols = defined(subprocess.run([readelf, "-sW", archive], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout)
    problems = problems_of(symbols)
    for problem in problems:
        print(problem)
    ours = sum(1 for name, _, _ in symbols if OURS.match(name))
    print(f"{len(symbols)} symbols, {ours} ours, {len(problems)} problems")
    return 1 if problems or not ours else 0


if __name__ == "__main__":
    sys.exit(main())
