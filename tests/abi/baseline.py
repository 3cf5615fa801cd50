#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the library's functions and the types in them, as its debug information tells them, with the recorded
baseline: what was there must be there unchanged; what is new is allowed, and gets into the baseline with a release.
Before the first release the baseline is what was recorded last.

    baseline.py LIBRARY INCLUDE_DIR BASELINE [--write]

--write records the three things that are held against later libraries: the ABI, the public headers, and programs that use
all of it (baseline_programs.py runs those).

Exit code 77: the tools are not here (Debian: abigail-tools).
"""
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ["c/every_function_test.c", "c/host_loop.c", "c/host_loop.h", "hpp/everything.cpp", "coro/everything_coro.cpp"]
OPAQUE = str(pathlib.Path(__file__).with_name("opaque.suppr"))
ABIDIFF_CHANGED = 4  # beside it: 1 and 2 for errors, 8 for what is surely incompatible


def write(library, include, baseline):
    subprocess.run(["abidw", "--exported-interfaces-only", "--headers-dir", include, "--drop-private-types",
                    "--drop-undefined-syms", "--no-show-locs", "--no-corpus-path", "--no-comp-dir-path",
                    "--no-elf-needed", "--type-id-style", "hash", "--out-file", baseline, library], check=True)
    kept = HERE / "baseline"
    shutil.rmtree(kept, ignore_errors=True)
    (kept / "include").mkdir(parents=True)
    for header in sorted(pathlib.Path(include).glob("*.h*")):
        shutil.copy(header, kept / "include")
    for program in PROGRAMS:
        shutil.copy(HERE.parent / program, kept)


def compare(library, include, baseline):
    return subprocess.run(["abidiff", "--exported-interfaces-only", "--headers-dir2", include, "--drop-private-types",
                           "--no-show-locs", "--no-added-syms", "--suppressions", OPAQUE, baseline, library]).returncode


def main():
    library, include, baseline, *write_it = sys.argv[1:]
    if not shutil.which("abidw") or not shutil.which("abidiff"):
        print("abidw and abidiff are missing")
        return 77
    if write_it:
        write(library, include, baseline)
    status = compare(library, include, baseline)
    if status & ABIDIFF_CHANGED:
        print("The ABI of a release is for ever. Before it: baseline.py --write, and say in CHANGELOG.md what breaks.")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
