#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs log-bench for each case, round after round, and writes all that it says to a file of JSON.

    rounds.py PROGRAM OUT [--quick] [--rounds N]

Each case is a process of its own. In a round all peers of a workload and a place stand beside each other, in an order
that moves on by one with the round: what disturbs the machine disturbs them alike.
"""
import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import cases  # noqa: E402
from harness import machine  # noqa: E402


def other_cpu():
    others = sorted(os.sched_getaffinity(0) - {cases.LOOP_CPU})
    return others[0] if others else None


def measure(program, workload, place, peer, quick):
    log_cpu = cases.LOOP_CPU if place == "same" else other_cpu()
    command = [program, "--peer", peer, "--workload", workload, "--loop-cpu", str(cases.LOOP_CPU),
               "--log-cpu", str(log_cpu), "--messages", str(cases.messages(workload, peer, quick))]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=machine.environment(), timeout=600)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    return {**json.loads(done.stdout), "place": place}


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
        group = list(group)
        turn = number % len(group)
        for workload, place, peer in group[turn:] + group[:turn]:
            run = measure(program, workload, place, peer, quick)
            check(run)
            runs.append(run)
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    rounds = []
    for number in range(asked.rounds):
        begin = time.monotonic()
        before = os.getloadavg()[0]
        runs = measure_round(asked.program, number, asked.quick)
        load = (before, os.getloadavg()[0])
        rounds.append({"load": load, "runs": runs})
        took = time.monotonic() - begin
        print(f"round {number + 1} of {asked.rounds}: {took:.0f} s, load {load[0]:.1f} to {load[1]:.1f}",
              file=sys.stderr, flush=True)
    result = {
        "quick": asked.quick,
        **machine.facts(),
        "spdlog": machine.package_version("spdlog"),
        "fmt": machine.package_version("fmt"),
        "rounds": rounds,
    }
    asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


main()
