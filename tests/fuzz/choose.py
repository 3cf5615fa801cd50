#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps the tree's corpus small: of what a fuzzer has minimised, as many inputs as fit, long and short ones.

    choose.py FROM TO [FILES [BYTES]]      replaces what is in TO; 160 files, 60,000 bytes
"""
import hashlib
import pathlib
import sys


def main():
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    most_files = int(sys.argv[3]) if len(sys.argv) > 3 else 160
    most_bytes = int(sys.argv[4]) if len(sys.argv) > 4 else 60_000
    inputs = sorted({path.read_bytes() for path in source.iterdir() if path.is_file()}, key=lambda it: (len(it), it))
    # Evenly over the lengths: the long ones reach most, the short ones are found by people who read them.
    step = max(1.0, len(inputs) / most_files)
    chosen, size = [], 0
    for index in range(min(most_files, len(inputs))):
        it = inputs[len(inputs) - 1 - int(index * step)]
        if size + len(it) > most_bytes:
            continue
        chosen.append(it)
        size += len(it)
    target.mkdir(parents=True, exist_ok=True)
    for path in target.iterdir():
        path.unlink()
    for it in chosen:
        (target / hashlib.sha1(it).hexdigest()[:16]).write_bytes(it)
    print(f"{target}: {len(chosen)} of {len(inputs)} inputs, {size} bytes")


main()
