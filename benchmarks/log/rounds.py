#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs log-bench for each case, round after round, and writes all that it says to a file of JSON.

    rounds.py PROGRAM OUT [--quick] [--rounds N]

Each case is a process of its own. In a round all peers of a workload and a place stand beside each other, in an order
that moves on by one with the round: what disturbs the machine disturbs them alike.
"""
import itertools
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import cases  # noqa: E402
from harness import machine, rounds  # noqa: E402


def other_cpu():
    others = sorted(os.sched_getaffinity(0) - {cases.LOOP_CPU})
    return others[0] if others else None


def measure(program, workload, place, peer, quick):
    log_cpu = cases.LOOP_CPU if place == "same" else other_cpu()
    command = [str(program), "--peer", peer, "--workload", workload, "--loop-cpu", str(cases.LOOP_CPU),
               "--log-cpu", str(log_cpu), "--messages", str(cases.messages(workload, peer, quick))]
    return {**rounds.run(command, 600), "place": place}


def check(run):
    """Everything is accounted for, and nothing is lost where all should fit."""
    where = f"{run['workload']}, {run['place']}, {run['peer']}"
    if run["workload"] != "flood" and run["refused"] + run["overwritten"] != 0:
        sys.exit(f"{where}: {run['refused']} refused, {run['overwritten']} overwritten, where all should be accepted")
    if run["peer"] == cases.OURS:
        if run["written_in_all"] != run["crochet_written"] or run["refused"] != run["crochet_dropped"]:
            sys.exit(f"{where}: the counters say other than what was seen: {run}")


def measure_round(program, number, quick):
    runs = []
    everything = [case for case in cases.cases() if case[1] == "same" or other_cpu() is not None]
    for _, group in itertools.groupby(everything, key=lambda case: case[:2]):
        for workload, place, peer in rounds.in_turn(list(group), number):
            run = measure(program, workload, place, peer, quick)
            check(run)
            runs.append(run)
    return runs


def main():
    asked = rounds.parser(__doc__, "program").parse_args()
    played = list(rounds.play(asked.rounds, lambda number: measure_round(asked.program, number, asked.quick)))
    result = {
        "quick": asked.quick,
        **machine.facts(),
        "spdlog": machine.package_version("spdlog"),
        "fmt": machine.package_version("fmt"),
        "rounds": played,
    }
    rounds.write(asked.out, result)


main()
