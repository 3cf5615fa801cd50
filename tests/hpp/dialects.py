#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles a program with all warnings as errors, links it with the library, and runs it.

    dialects.py SOURCE INCLUDE_DIR LIBRARY SCRATCH COMPILER [ARGUMENT...]

Exit code 77: this compiler is not here, or not with that standard library, or without what a line "// Needs: ..." of
SOURCE includes.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wold-style-cast", "-Wundef",
            "-Wnon-virtual-dtor", "-Woverloaded-virtual", "-Wcast-align", "-Wcast-qual", "-pedantic", "-Werror"]


def run(args):
    print("+", " ".join(args), flush=True)
    return subprocess.run(args, timeout=300).returncode


def main():
    source, include, library, scratch, compiler, *arguments = sys.argv[1:]
    if not shutil.which(compiler):
        print(f"{compiler} is missing")
        return 77
    program = os.path.join(scratch, "-".join([pathlib.Path(source).stem, compiler, *arguments]).replace("=", "-"))
    needs = re.findall(r"^// Needs: (.*)", pathlib.Path(source).read_text(encoding="utf-8"), re.MULTILINE)
    probe = subprocess.run([compiler, *arguments, "-fsyntax-only", "-xc++", "-"],
                           input="\n".join(["#include <string>", *needs, ""]), encoding="utf-8", capture_output=True)
    if probe.returncode != 0:
        print(f"{compiler} does not know {' '.join(arguments)} here, or lacks {needs}\n{probe.stderr}")
        return 77
    command = [compiler, *arguments, *WARNINGS, "-I", include, "-pthread", source]
    folder = os.path.dirname(library)
    status = run([*command, "-o", program, library, f"-Wl,-rpath,{folder}"])
    if status != 0:
        return status
    status = run([program])
    os.remove(program)
    return status


if __name__ == "__main__":
    sys.exit(main())
