#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what the shared library lets out with symbols.txt (a name, and the version that brought it), and both with
crochet.h: every symbol is declared, documented, and says the same "since".

    symbols.py NM LIBRARY HEADER SYMBOLS_TXT
"""
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import contract  # noqa: E402


def exported(nm, library):
    """Names of the dynamic symbols that the library defines; the version node itself (type A) is none of them."""
    out = subprocess.run([nm, "-D", "--defined-only", "--format=posix", library],
                         check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    names = {}
    for line in out.splitlines():
        name, kind = line.split()[:2]
        if kind == "A":
            continue
        name, _, node = name.partition("@@")
        names[name] = node
    return names


def listed(path):
    """name -> version; problems with the list's own form come second."""
    names, problems, previous = {}, [], ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 2:
            problems.append(f"{path.name}:{number}: want a name and a version")
            continue
        if words[0] <= previous:
            problems.append(f"{path.name}:{number}: {words[0]} is out of order, or stands twice")
        previous = words[0]
        names[words[0]] = words[1]
    return names, problems


def compare(symbols, versions, header):
    problems = []
    for name, node in symbols.items():
        if not name.startswith("crochet_"):
            problems.append(f"{name}: exported, and no name of ours")
        elif name not in versions:
            problems.append(f"{name}: exported, and not in symbols.txt")
        if node != "CROCHET_0":
            problems.append(f"{name}: has the version node '{node}', want CROCHET_0")
    for name, version in versions.items():
        if name not in symbols:
            problems.append(f"{name}: in symbols.txt, and not exported")
        function = header.functions.get(name)
        if function is None:
            problems.append(f"{name}: in symbols.txt, and not declared in crochet.h")
        elif function.since != version:
            problems.append(f"{name}: since {version} in symbols.txt, since '{function.since}' in crochet.h")
        elif not function.documented:
            problems.append(f"{name}: declared without a word in crochet.h")
    for name in header.functions:
        if name not in versions:
            problems.append(f"{name}: declared in crochet.h, and not in symbols.txt")
    return problems


def main():
    nm, library, header, symbols_txt = sys.argv[1:5]
    symbols = exported(nm, library)
    versions, problems = listed(pathlib.Path(symbols_txt))
    problems += compare(symbols, versions, contract.read(pathlib.Path(header)))
    for problem in problems:
        print(problem)
    print(f"{len(symbols)} symbols, {len(problems)} problems")
    return 1 if problems or not symbols else 0


if __name__ == "__main__":
    sys.exit(main())
