#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The figures as Markdown.

    table.py RESULT             prints the table
    table.py RESULT --into PAGE writes it between the page's two marks
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import machine  # noqa: E402
from harness.markdown import number, put_into, rows, spread, times  # noqa: E402
from harness.spread import Spread  # noqa: E402


def per_second(run):
    return run["commands"] / run["seconds"]


def cpu_us(whose, runs):
    return number(Spread(run[whose] / run["commands"] * 1e6 for run in runs).median)


def table(result):
    rounds = [{(run["peer"], run["threads"]): run for run in one["runs"]} for one in result["rounds"]]
    body = []
    for threads in sorted({threads for _, threads in rounds[0]}):
        own, shared, mutex = (
            [one[peer, threads] for one in rounds] for peer in ("own", "shared", "mutex"))
        body.append([
            str(threads),
            spread(Spread(map(per_second, own))),
            spread(Spread(map(per_second, shared))),
            times(Spread(per_second(ours) / per_second(theirs) for ours, theirs in zip(shared, own))),
            spread(Spread(map(per_second, mutex))),
            times(Spread(per_second(ours) / per_second(theirs) for ours, theirs in zip(shared, mutex))),
            f"{cpu_us('cpu', own)}, {cpu_us('cpu', shared)}",
            f"{cpu_us('server_cpu', own)}, {cpu_us('server_cpu', shared)}",
        ])
    head = ["threads", "a connection each, commands/s", "one, shared by crochet", "×", "one, under a mutex", "crochet's × that",
            "client's CPU, µs per command: each, shared", "the server's"]
    return rows(head, body)


def main():
    result = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = f"{machine.sentence(result)} Redis {result['redis']}, hiredis {result['hiredis']}.\n\n{table(result)}\n"
    if sys.argv[2:3] == ["--into"]:
        put_into(sys.argv[3], "redis", text)
    else:
        print(text, end="")


main()
