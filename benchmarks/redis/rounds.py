#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs redis-bench for each number of threads and each peer, round after round, beside one redis-server on loopback, and
writes all that it says to a file of JSON.

    rounds.py PROGRAM OUT [--quick] [--rounds N]

Each is a process of its own. Within a round the peers of a number of threads stand beside each other, in an order that
moves on by one with the round.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests/examples")]
import serving  # noqa: E402
from harness import machine  # noqa: E402

PEERS = ["own", "shared", "mutex"]
THREADS = [1, 4, 16, 64]


def cpu_seconds(process):
    """What it has used, in both modes."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(program, peer, threads, milliseconds, port, redis):
    command = [program, peer, str(threads), str(milliseconds), str(port)]
    before = cpu_seconds(redis)
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=machine.environment(), timeout=120)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    return {"peer": peer, "threads": threads, "server_cpu": cpu_seconds(redis) - before, **json.loads(done.stdout)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    rounds = []
    port = serving.free_port()
    with serving.folder() as where, serving.redis(where, port) as redis:
        for number in range(asked.rounds):
            begin = time.monotonic()
            before = os.getloadavg()[0]
            turn = number % len(PEERS)
            runs = [measure(asked.program, peer, threads, 200 if asked.quick else 1000, port, redis)
                    for threads in THREADS for peer in PEERS[turn:] + PEERS[:turn]]
            load = (before, os.getloadavg()[0])
            rounds.append({"load": load, "runs": runs})
            print(f"round {number + 1} of {asked.rounds}: {time.monotonic() - begin:.0f} s, load {load[0]:.1f} to "
                  f"{load[1]:.1f}", file=sys.stderr, flush=True)
    version = subprocess.run(["redis-server", "--version"], check=True, capture_output=True, text=True).stdout.split()[2]
    result = {"quick": asked.quick, **machine.facts(), "hiredis": machine.package_version("hiredis"),
              "redis": version.split("=")[1], "rounds": rounds}
    asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


main()
