#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The figures as Markdown.

    table.py RESULT             prints the tables
    table.py RESULT --into PAGE writes them between the page's two marks
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import cases  # noqa: E402
from figures import Figures, cpu_call_ns, mean_call_ns, median_call_ns  # noqa: E402
from harness import machine  # noqa: E402
from harness.markdown import number, put_into, rows, spread, times  # noqa: E402


def micro(of):
    return number(of.median / 1000)


def large_times(value):
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


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


def versions(result):
    return f"libuv {result['libuv']}, spdlog {result['spdlog']}, fmt {result['fmt']}."


def all_tables(result):
    figures = Figures(result)
    parts = [f"{machine.sentence(result)} {versions(result)}", summary(figures)]
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
    put_into(sys.argv[3], "log", tables)


main()
