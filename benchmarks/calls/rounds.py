#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the peers' programs for each case, round after round, and writes all that they say to a file of JSON.

    rounds.py BUILD OUT [--quick] [--rounds N] [--only W1,W2...] [--peer NAME,NAME...]

Each run is a process of its own. In a round all peers of a case stand beside each other, in an order that moves on by
one with the round: what disturbs the machine disturbs them alike. How many operations a run has is found out before,
once: as many as take a given time.
"""
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import cases  # noqa: E402
import versions  # noqa: E402
from harness import machine, rounds  # noqa: E402

PYTHON = "/usr/bin/python3"  # the distribution's, for its packages
RUN_NS = 200e6
QUICK_RUN_NS = 50e6
HELD = {"w5", "w8cancel", "w8stop", "w8list"}  # as many operations as the peer says
LIMIT_S = 120


class Suite:
    def __init__(self, build, quick):
        self.build = build
        self.quick = quick
        self.cpus = ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0))[:2])
        self.operations = {}

    def program(self, peer):
        return [PYTHON, str(HERE / peer.program)] if peer.is_script else [str(self.build / peer.program)]

    def is_here(self, peer):
        if not peer.is_script:
            return (self.build / peer.program).exists()
        tried = subprocess.run([*self.program(peer), "--can-run"], check=False, capture_output=True)
        return tried.returncode == 0

    def command(self, peer, case, operations):
        workload, placement, producers = cases.CASES[case]
        command = [*self.program(peer), "--workload", workload, "--placement", placement,
                   "--producers", str(producers), "--operations", str(operations), "--cpus", self.cpus]
        if peer.variant:
            command += ["--variant", peer.variant]
        if peer.by_taskset:
            cpus = self.cpus.split(",")[0] if placement == "same" else self.cpus
            command = ["taskset", "-c", cpus, *command]
        return command

    def run(self, peer, case, operations):
        command = self.command(peer, case, operations)
        return {**rounds.run(command, LIMIT_S), "case": case, "peer": peer.name}

    def calibrate(self, peer, case):
        workload, _, producers = cases.CASES[case]
        if workload in HELD:
            self.operations[peer.name, case] = peer.held // (5 if self.quick else 1)
            return
        wanted_ns = QUICK_RUN_NS if self.quick else RUN_NS
        operations = 1024 * producers if workload in ("w2", "w3") else 200 if producers == 1 else 10 * producers
        if peer.assumed_ns:
            self.operations[peer.name, case] = max(int(wanted_ns / peer.assumed_ns), operations)
            return
        while True:
            ns = self.run(peer, case, operations)["ns"]
            took_enough = operations * ns >= wanted_ns / 20
            operations = max(int(wanted_ns / ns), operations)
            if took_enough:
                break
        self.operations[peer.name, case] = operations


def measure_round(suite, chosen, number):
    runs = []
    for case, peers in chosen.items():
        for peer in rounds.in_turn(peers, number):
            runs.append(suite.run(peer, case, suite.operations[peer.name, case]))
    return runs


def choose(suite, asked, here):
    """The peers of each case."""
    wanted = asked.only.upper().split(",") if asked.only else None
    chosen = {}
    for case, (_, placement, _) in cases.CASES.items():
        if wanted and case.split()[0] not in wanted or placement == "cross" and "," not in suite.cpus:
            continue
        peers = [peer for peer in here if peer.takes(case)]
        if peers:
            chosen[case] = peers
    return chosen


def main():
    parser = rounds.parser(__doc__, "build")
    parser.add_argument("--only", help="W1,W2,...")
    parser.add_argument("--peer", help="names of peers, as in cases.py; otherwise all that are there")
    asked = parser.parse_args()
    suite = Suite(asked.build.resolve(), asked.quick)
    names = asked.peer.split(",") if asked.peer else cases.NAMES
    for name in set(names) - set(cases.NAMES):
        sys.exit(f"there is no peer {name}: {', '.join(cases.NAMES)}")
    peers = [peer for peer in cases.PEERS if peer.name in names]
    here = [peer for peer in peers if suite.is_here(peer)]
    skipped = [peer.name for peer in peers if peer not in here]
    for name in skipped:
        rounds.show(f"SKIPPED: {name}: not installed (scripts/bench calls --peers all installs it)")
    chosen = choose(suite, asked, here)
    begin = time.monotonic()
    for case, of_case in chosen.items():
        for peer in of_case:
            suite.calibrate(peer, case)
    rounds.show(f"calibrated {len(suite.operations)} runs: {time.monotonic() - begin:.0f} s")
    result = {"quick": asked.quick, **machine.facts(), "versions": versions.sentence(), "skipped": skipped, "rounds": []}
    for played in rounds.play(asked.rounds, lambda number: measure_round(suite, chosen, number)):
        result["rounds"].append(played)
        rounds.write(asked.out, result)  # after each round: if a later one fails, these are not lost


main()
