#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many instructions a call takes, by callgrind; system calls and what the kernel does there are not seen.

    instructions.py PROGRAM

Accepted calls, the 4100 of the warm-up among them; whoever else runs is not counted.
"""
import re
import subprocess
import sys
import tempfile

import cases

MESSAGES = 20_000
WARM_UP = 4_100  # 4 * 1024, rounded up to whole iterations


def instructions(program, peer):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                   "--toggle-collect=*Peer::log(*",
                   program, "--peer", peer, "--workload", "fast", "--messages", str(MESSAGES)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1]) / (MESSAGES + WARM_UP)


def main():
    empty = instructions(sys.argv[1], cases.EMPTY)
    print("| instructions of a call | |\n|---|--:|")
    for peer, name in cases.PEERS.items():
        if peer not in (cases.EMPTY, "block"):
            print(f"| {name} | {instructions(sys.argv[1], peer) - empty:.0f} |", flush=True)


main()
