# SPDX-License-Identifier: MIT
"""Round after round of runs, each a process of its own that says its figures as JSON."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

from . import machine


def show(text):
    print(text, file=sys.stderr, flush=True)


def parser(description, program):
    """What every rounds.py is told; `program` is the name of the first argument."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument(program, type=pathlib.Path)
    made.add_argument("out", type=pathlib.Path)
    made.add_argument("--quick", action="store_true")
    made.add_argument("--rounds", type=int, default=7)
    return made


def run(command, limit_s):
    """What a program says; ends all when it fails, or is not done in time."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=machine.environment(),
                              timeout=limit_s)
    except subprocess.TimeoutExpired:
        sys.exit(f"{' '.join(command)}: not done in {limit_s} s")
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def in_turn(peers, number):
    """The peers in an order that moves on by one with the round."""
    turn = number % len(peers)
    return peers[turn:] + peers[:turn]


def play(count, measure_round):
    """Gives each round as it ends: measure_round(number)'s runs, and the load of the machine before and after."""
    for number in range(count):
        begin = time.monotonic()
        before = os.getloadavg()[0]
        runs = measure_round(number)
        load = (before, os.getloadavg()[0])
        show(f"round {number + 1} of {count}: {time.monotonic() - begin:.0f} s, load {load[0]:.1f} to {load[1]:.1f}")
        yield {"load": load, "runs": runs}


def write(out, result):
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
