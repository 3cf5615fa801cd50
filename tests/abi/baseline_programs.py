#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs of the recorded baseline run on the library as it is now: compiled with the baseline's headers, linked with
nothing but the baseline's symbols, then given this library. So a program that somebody built back then goes on.

    baseline_programs.py LIBRARY BASELINE FOLDER CC CXX

BASELINE is the recorded ABI, FOLDER what baseline.py --write has put beside it. A compiler is one word or several. The last
line says "N passed, M failed[, K skipped]".
"""
import pathlib
import re
import subprocess
import sys
import tempfile

# name: sources, compiler's arguments.
PROGRAMS = {
    "C99": (["every_function_test.c", "host_loop.c"], ["-std=gnu99"]),
    "C++17": (["everything.cpp"], ["-std=c++17"]),
    "C++20": (["everything_coro.cpp"], ["-std=c++20"]),
}


def run(args, **kwargs):
    print("+", " ".join(str(arg) for arg in args), flush=True)
    return subprocess.run([str(arg) for arg in args], check=True, **kwargs)


def stand_in(cc, baseline, folder):
    """A library that has the baseline's functions, and nothing in them, to link with."""
    symbols = re.findall(r"<elf-symbol name='(\w+)' version='(\w+)'", baseline.read_text(encoding="utf-8"))
    nodes = {node for _, node in symbols}
    (folder / "stand_in.c").write_text("".join(f"void {name}(void);\nvoid {name}(void) {{}}\n" for name, _ in symbols),
                                       encoding="utf-8")
    (folder / "stand_in.map").write_text("".join(
        f"{node} {{ global: {' '.join(f'{name};' for name, of in symbols if of == node)} }};\n" for node in nodes),
        encoding="utf-8")
    run([*cc, "-shared", "-fPIC", folder / "stand_in.c", "-o", folder / "libcrochet.so", "-Wl,-soname,libcrochet.so.0",
         f"-Wl,--version-script,{folder / 'stand_in.map'}"])
    return len(symbols)


def main():
    library, baseline, kept = (pathlib.Path(arg).resolve() for arg in sys.argv[1:4])
    cc, cxx = (arg.split() for arg in sys.argv[4:6])
    passed, failed, skipped = 0, [], 0
    with tempfile.TemporaryDirectory(prefix="crochet-baseline-") as name:
        folder = pathlib.Path(name)
        if not stand_in(cc, baseline, folder):
            sys.exit(f"{baseline} names no symbol")
        (folder / "now").mkdir()
        (folder / "now" / "libcrochet.so.0").symlink_to(library)
        for name, (sources, dialect) in PROGRAMS.items():
            compiler = cc if sources[0].endswith(".c") else cxx
            probe = subprocess.run([*compiler, *dialect, "-fsyntax-only", "-xc++", "-"], input="#include <coroutine>\n",
                                   encoding="utf-8", capture_output=True)
            if "coro" in sources[0] and probe.returncode:
                print(f"skipped: {name}: this compiler has no coroutines")
                skipped += 1
                continue
            try:
                run([*compiler, *dialect, "-I", kept / "include", *(kept / source for source in sources),
                     "-o", folder / "program", f"-L{folder}", "-lcrochet", "-luv", "-pthread"])
                run([folder / "program"], env={"LD_LIBRARY_PATH": str(folder / "now"), "LD_BIND_NOW": "1"}, timeout=120)
                passed += 1
            except subprocess.SubprocessError as error:
                print(error)
                failed.append(name)
    for name in failed:
        print(f"failed: {name}: what was built with the baseline does not run on this library any more")
    print(f"{passed} passed, {len(failed)} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
