#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Loading the library starts nothing, and no static destructor of its runs when the process ends: it registers nothing
with the C++ runtime, and what the loader calls for it is the compiler's own start and end code alone.

    static_destructors.py NM READELF SHARED_LIBRARY STATIC_LIBRARY

The one way in which it hears of the end of the process is atexit(), called in runtime/runtime.cpp at the first setup.
In the shared library that is an import of __cxa_atexit, just as a static destructor's would be: so it is the object
files, in the archive, that tell one from the other.
"""
import re
import subprocess
import sys

# By what compilers have destructors of static and of thread-local objects called.
REGISTERS = {"__cxa_atexit", "__cxa_thread_atexit", "__cxa_thread_atexit_impl"}
# Names of ours that stand for a handler registered by hand, and who may.
BY_HAND = {"atexit": "runtime_runtime.cpp.o", "at_quick_exit": None, "on_exit": None}
# One entry each: crtbegin.o's frame_dummy and __do_global_dtors_aux.
ARRAYS = {".init_array", ".fini_array"}
OLD = {".ctors", ".dtors"}
POINTER = {"ELF64": 8, "ELF32": 4}


def undefined(text):
    """(object file, name) for each undefined symbol, from nm -A -P of an archive."""
    found = set()
    for line in text.splitlines():
        match = re.match(r".*[\[:]([^\[\]:/]+\.o)\]?: (\S+) U\b", line)
        if match:
            found.add((match.group(1), match.group(2).split("@")[0]))
    return found


def objects_problems(symbols):
    problems = []
    for file, name in sorted(symbols):
        if name in REGISTERS:
            problems.append(f"{file}: calls {name}: it has a static object with a destructor")
        elif name in BY_HAND and file != BY_HAND[name]:
            problems.append(f"{file}: calls {name}; {BY_HAND[name] or 'nobody'} may")
    return problems


def sections(text):
    """name -> bytes, from readelf -S -W."""
    found = {}
    line = r"^\s*\[\s*\d+\]\s+(\S+)\s+\S+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s"  # name, type, address, offset, size
    for match in re.finditer(line, text, re.MULTILINE):
        found[match.group(1)] = int(match.group(2), 16)
    return found


def array_problems(sizes, pointer):
    problems = [f"{name}: is there" for name in sorted(OLD & sizes.keys())]
    for name in sorted(ARRAYS):
        entries = sizes.get(name, 0) // pointer
        if entries > 1:
            problems.append(f"{name}: {entries} entries, one is the compiler's own")
    return problems


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def main():
    nm, readelf, shared, static = sys.argv[1:5]
    symbols = undefined(output(nm, "-A", "-P", "--undefined-only", static))
    kind = re.search(r"Class:\s+(\S+)", output(readelf, "-h", shared)).group(1)
    sizes = sections(output(readelf, "-S", "-W", shared))
    problems = objects_problems(symbols) + array_problems(sizes, POINTER[kind])
    if (BY_HAND["atexit"], "atexit") not in symbols:
        problems.append("no object calls atexit: this test looks at the wrong files")
    if ".text" not in sizes:
        problems.append(f"no .text in {shared}: this test can't read it")
    for problem in problems:
        print(problem)
    print(f"{len({file for file, _ in symbols})} object files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
