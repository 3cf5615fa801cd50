#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The figures as Markdown.

    table.py RESULT             prints the tables
    table.py RESULT --into PAGE writes them between the page's two marks
"""
import json
import pathlib
import re
import sys

import cases
from figures import Figures, cpu_call_ns, mean_call_ns, median_call_ns

MARKS = re.compile(r"(<!-- figures: written by scripts/bench log --write -->\n).*(<!-- end of the figures -->\n)", re.S)


def number(value):
    """Three digits that mean something."""
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}"


def spread(of, form=number):
    return f"{form(of.median)} ({form(of.low)} to {form(of.high)})"


def times(of):
    return spread(of, "{:.2f}".format)


def micro(of):
    return number(of.median / 1000)


def large_times(value):
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def rows(head, body):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body])


def peers(figures, workload, place):
    return [peer for peer in cases.PEERS if figures.has(workload, place, peer)]


def calls(figures, workload, place):
    body = []
    for peer in peers(figures, workload, place):
        if peer == cases.EMPTY:
            continue
        at = (workload, place, peer)
        lost = figures.run_value("refused", *at).median + figures.run_value("overwritten", *at).median
        body.append([
            cases.PEERS[peer],
            f"{figures.run_value('messages', *at).median:,.0f}",
            f"{lost:,.0f}",
            spread(figures.call_ns(*at)),
            number(figures.call_cpu_ns(*at).median),
            number(figures.call_median_ns(*at).median),
            times(figures.ratio(mean_call_ns, *at)),
            f"{figures.ratio(cpu_call_ns, *at).median:.2f}",
            f"{figures.ratio(median_call_ns, *at).median:.2f}",
        ])
    head = ["", "messages", "lost", "mean call, ns", "on the CPU, ns", "median, ns", "mean ×", "CPU ×", "median ×"]
    return rows(head, body)


def iterations(figures, workload, place):
    body = []
    for peer in peers(figures, workload, place):
        at = (workload, place, peer)
        body.append([
            cases.PEERS[peer],
            *(micro(figures.quantile(part, *at)) for part in ("0.5", "0.99", "0.999")),
            micro(figures.run_value("max_ns", *at)),
            spread(figures.tail_ratio("0.999", *at), large_times),
        ])
    return rows(["iteration of 10 messages, µs", "p50", "p99", "p99.9", "max", "p99.9 × the empty loop's"], body)


def summary(figures):
    body = []
    for workload in cases.WORKLOADS:
        for place in figures.places():
            at = (workload, place, cases.OURS)
            body.append([
                f"{workload}, {place}",
                number(figures.call_ns(*at).median),
                number(figures.call_ns(workload, place, cases.BESIDE).median),
                times(figures.ratio(mean_call_ns, *at)),
                times(figures.ratio(cpu_call_ns, *at)),
                times(figures.ratio(median_call_ns, *at)),
                spread(figures.tail_ratio("0.999", *at), large_times),
                spread(figures.tail_ratio("0.999", workload, place, cases.BESIDE), large_times),
            ])
    return rows(["", "ours, ns", "`overrun_oldest`, ns", "mean ×", "CPU ×", "median ×", "our p99.9 × empty",
                 "its p99.9 × empty"], body)


def machine(result):
    loads = [load for one in result["rounds"] for load in one["load"]]
    scale = "quick" if result["quick"] else "full"
    return (f"{result['date']}, {len(result['rounds'])} rounds, {scale}. {result['cpu']}, {result['cpus']} CPUs, "
            f"Linux {result['kernel']}, clock {result['clock']}; libuv {result['libuv']}, spdlog {result['spdlog']}, "
            f"fmt {result['fmt']}. Load of the machine meanwhile: {min(loads):.1f} to {max(loads):.1f}.")


def all_tables(result):
    figures = Figures(result)
    parts = [machine(result), summary(figures)]
    for workload, what in cases.WORKLOADS.items():
        for place in figures.places():
            line = figures.run_value("line_ns", workload, place, cases.OURS).median
            took = f" A line took {line / 1000:.0f} µs with the wake-up." if line else ""
            parts.append(f"### {workload}, {place}\n\n{what[0].upper()}{what[1:]}; {cases.PLACES[place]}.{took}")
            parts.append(calls(figures, workload, place))
            parts.append(iterations(figures, workload, place))
    return "\n\n".join(parts) + "\n"


def main():
    tables = all_tables(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    if sys.argv[2:3] != ["--into"]:
        print(tables, end="")
        return
    page = pathlib.Path(sys.argv[3])
    text, count = MARKS.subn(lambda marks: f"{marks[1]}\n{tables}\n{marks[2]}", page.read_text(encoding="utf-8"))
    if count != 1:
        sys.exit(f"{page}: the marks around the figures are missing")
    page.write_text(text, encoding="utf-8")


main()
