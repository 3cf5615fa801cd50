#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks the library on purpose, in a copy of the tree, and says how long the fuzzer took to find each bug, from nothing.

    plants.py [--seconds N] [--only NAME] [--list]

Each bug is a text that stands once in one file, and what it becomes. Exit code 0 when each was found in time (300 s each).
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "fuzz-plants"

# name: (target, what is wrong, file, text, planted text)
PLANTS = {
    "drops-twice": (
        "api", "a value that was taken is dropped by the result, too", "src/call/call.cpp",
        "has_value(last) && (last & word::kTaken) == 0 ? value_drop : nullptr", "has_value(last) ? value_drop : nullptr"),
    "forgets-a-wake": (
        "api", "a delayed call that is due sooner than all others does not set the timer anew", "src/loop/loop_delays.cpp",
        "if (due_.first().ns() != first) set_due_timer();", "if (Deadline::at(first).is_never()) set_due_timer();"),
    "wrong-code": (
        "api", "what a stop asked for is reported as cancelled", "src/call/call.cpp",
        "publish(as_asked ? word::reason(w) : Outcome::kFailed);", "publish(as_asked ? Outcome::kCancelled : Outcome::kFailed);"),
    "forgets-a-watcher": (
        "api", "nobody is told of a call that was cancelled before it ran", "src/call/call.cpp",
        "    } else {\n      tell(w);\n      if (from == Phase::kQueued) {", "    } else {\n      if (from != Phase::kQueued) tell(w);\n      if (from == Phase::kQueued) {"),
    "cuts-a-character": (
        "log", "a long message is cut within a character", "src/log/record.cpp",
        "used = whole_characters(message.text, CROCHET_LOG_LONGEST - kCut.size());", "used = CROCHET_LOG_LONGEST - kCut.size();"),
    "escapes-too-little": (
        "dump", "a quotation mark in a label is no longer escaped", "src/runtime/dump_output.cpp",
        "if (text[0] == '\"' || text[0] == '\\\\') put('\\\\');", "if (text[0] == '\\\\') put('\\\\');"),
}


def copy_tree():
    """With new times, so that nothing of an earlier plant stays built."""
    for name in ["meson.build", "meson_options.txt", "LICENSE", "include", "src", "cmake", "scripts", "tests", "examples", "benchmarks"]:
        source, target = ROOT / name, COPY / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, copy_function=shutil.copy)
        else:
            COPY.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def fuzz(target, seconds):
    """How long it took until something was found, and what; None: nothing was."""
    # From nothing: neither the tree's inputs nor those of earlier runs.
    for name in [f"tests/fuzz/corpus/{target}", f"build/fuzz-corpus/{target}", f"build/fuzz-findings/{target}"]:
        shutil.rmtree(COPY / name, ignore_errors=True)
    subprocess.run(["scripts/fuzz", "--target", target, "0"], cwd=COPY, check=True, capture_output=True)  # builds it
    begin = time.monotonic()
    done = subprocess.run(["scripts/fuzz", "--target", target, str(seconds)], cwd=COPY, check=False, capture_output=True, text=True)
    took = time.monotonic() - begin
    if done.returncode == 0:
        return None
    said = re.search(r"^FOUND: .*|^.*ERROR: .*Sanitizer.*", done.stdout, re.MULTILINE)
    return took, said.group(0) if said else done.stdout[-400:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--only")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for name, plant in PLANTS.items():
            print(f"{name}: {plant[1]}")
        return 0
    passed = failed = 0
    copy_tree()
    for name, (target, what, file, text, planted) in PLANTS.items():
        if arguments.only and arguments.only != name:
            continue
        path = COPY / file
        source = path.read_text(encoding="utf-8")
        if source.count(text) != 1:
            print(f"{name}: its text does not stand once in {file}")
            failed += 1
            continue
        path.write_text(source.replace(text, planted), encoding="utf-8")
        found = fuzz(target, arguments.seconds)
        path.write_text(source, encoding="utf-8")
        if found is None:
            print(f"{name}: {what}: NOT FOUND in {arguments.seconds} s", flush=True)
            failed += 1
        else:
            print(f"{name}: {what}: found after {found[0]:.0f} s: {found[1]}", flush=True)
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


sys.exit(main())
