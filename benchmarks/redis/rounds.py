#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs redis-bench for each number of threads and each peer, round after round, beside one redis-server on loopback, and
writes all that it says to a file of JSON.

    rounds.py PROGRAM OUT [--quick] [--rounds N]

Each is a process of its own. Within a round the peers of a number of threads stand beside each other, in an order that
moves on by one with the round.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests/examples")]
import serving  # noqa: E402
from harness import machine, rounds  # noqa: E402

PEERS = ["own", "shared", "mutex"]
THREADS = [1, 4, 16, 64]


def cpu_seconds(process):
    """What it has used, in both modes."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(program, peer, threads, milliseconds, port, redis):
    command = [str(program), peer, str(threads), str(milliseconds), str(port)]
    before = cpu_seconds(redis)
    said = rounds.run(command, 120)
    return {"peer": peer, "threads": threads, "server_cpu": cpu_seconds(redis) - before, **said}


def main():
    asked = rounds.parser(__doc__, "program").parse_args()
    port = serving.free_port()
    with serving.folder() as where, serving.redis(where, port) as redis:

        def measure_round(number):
            return [measure(asked.program, peer, threads, 200 if asked.quick else 1000, port, redis)
                    for threads in THREADS for peer in rounds.in_turn(PEERS, number)]

        played = list(rounds.play(asked.rounds, measure_round))
    version = subprocess.run(["redis-server", "--version"], check=True, capture_output=True, text=True).stdout.split()[2]
    result = {"quick": asked.quick, **machine.facts(), "hiredis": machine.package_version("hiredis"),
              "redis": version.split("=")[1], "rounds": played}
    rounds.write(asked.out, result)


main()
