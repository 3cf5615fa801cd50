#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every header of src/ by itself, included twice, with nothing before it.

    headers_test.py ROOT COMPILER [ARGUMENT...]
"""
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++", "-"]


def compiles(compiler, folders, header):
    """(does it, what the compiler says)"""
    source = f'#include "{header}"\n#include "{header}"\n'
    command = compiler + [f"-I{folder}" for folder in folders] + FLAGS
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def can_fail(compiler):
    """The test of the test: a header that leans on its includer is found out."""
    with tempfile.TemporaryDirectory() as folder:
        bad = pathlib.Path(folder) / "bad.hpp"
        bad.write_text("#pragma once\nstd::uint32_t number();\n", encoding="utf-8")
        good = pathlib.Path(folder) / "good.hpp"
        good.write_text("#pragma once\n#include <cstdint>\nstd::uint32_t number();\n", encoding="utf-8")
        return not compiles(compiler, [folder], "bad.hpp")[0] and compiles(compiler, [folder], "good.hpp")[0]


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    if not can_fail(compiler):
        print("a header without its includes was not found out")
        return 1
    src = root / "src"
    headers = sorted(path.relative_to(src).as_posix() for path in src.rglob("*.hpp"))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = pool.map(lambda header: compiles(compiler, [src, root / "include"], header), headers)
        for header, (passed, said) in zip(headers, results):
            if not passed:
                failed += 1
                print(f"{header} does not compile alone:\n{said}")
    print(f"{len(headers)} headers, {failed} failed")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
