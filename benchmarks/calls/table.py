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
from figures import Figures  # noqa: E402
from harness import machine  # noqa: E402
from harness.markdown import number, put_into, rows, spread  # noqa: E402

NOTHING = "–"


def ratio(of):
    """Three digits, also of a thousandth."""
    def form(value):
        if value >= 100:
            return f"{value:,.0f}"
        return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"

    return NOTHING if of is None else spread(of, form)


def peers(figures, case):
    return [peer.name for peer in cases.PEERS if figures.has(case, peer.name)]


def table(figures, case, columns):
    """columns: title, function of (figures, case, peer)."""
    body = [[cases.BY_NAME[peer].text, *(column(figures, case, peer) for _, column in columns)]
            for peer in peers(figures, case)]
    return f"#### {case}\n\n" + rows(["", *(title for title, _ in columns)], body)


def value(key="ns"):
    return lambda figures, case, peer: number(figures.value(case, peer, key).median)


def times(beside, key="ns"):
    return lambda figures, case, peer: ratio(figures.ratio(case, peer, beside, key))


def times_own(other_case, key):
    return lambda figures, case, peer: ratio(figures.ratio(case, peer, peer, key, other_case))


ROUND_TRIP = [("p50 × L1", times("L1", "p50")), ("p50 × by hand", times("glue", "p50")), ("p50, ns", value("p50")),
              ("mean × L1", times("L1")), ("mean, ns", value()), ("p99 × L1's", times("L1", "p99")),
              ("p99, ns", value("p99"))]
MANY = [("× by hand", times("glue")), ("× Asio", times("asio")), ("× L4", times("L4")), ("ns a call", value())]
COLUMNS = {
    "w1": ROUND_TRIP,
    "w2": MANY,
    "w3": [("× by hand", times("glue")), ("ns a call", value())],
    "w4": ROUND_TRIP,
    "w5": [("× by hand", times("glue", "bytes")), ("bytes a call", value("bytes"))],
    "w6": [("× by hand", times("glue")), ("ns a call", value())],
    "w8cancel": [("× crochet", times(cases.OURS)), ("ns a call", value())],
    "w8stop": [("× by hand", times("glue")), ("ns a call", value())],
    "w8list": [("ns a call", value())],
    "w9": [("p99 × alone", times_own("W9 alone", "p99")), ("p50 × alone", times_own("W9 alone", "p50")),
                        ("p99 × by hand", times("glue", "p99")), ("p99, ns", value("p99")), ("p50, ns", value("p50")),
                        ("calls a second meanwhile", value("calls_per_second"))],
    "w9alone": [("p99 × by hand", times("glue", "p99")), ("p99, ns", value("p99")),
                             ("p50, ns", value("p50"))],
}


def reached(figures, target):
    """The figure that a target is about; None: it was not measured."""
    if not figures.has(target.case, target.ours):
        return None
    if not target.beside:
        return figures.value(target.case, target.ours, target.key)
    if target.at_least:
        return figures.ratio(target.case, target.beside, target.ours, target.key)
    return figures.ratio(target.case, target.ours, target.beside, target.key)


def targets(figures):
    body = []
    for target in cases.TARGETS:
        is_now = reached(figures, target)
        if is_now is None:
            verdict = "not measured"
        else:
            holds = is_now.median >= target.bound if target.at_least else is_now.median <= target.bound
            verdict = "yes" if holds else "**no**"
        sign = "≥" if target.at_least else "≤"
        body.append([f"{target.case}: {target.what}", f"{sign} {target.bound:g}", ratio(is_now), verdict])
    return rows(["target", "", "is", "reached"], body)


def left_out(result, figures):
    lines = []
    if result["skipped"]:
        names = ", ".join(cases.BY_NAME[name].text for name in result["skipped"])
        lines.append(f"**Skipped, since not installed: {names}.**")
    body = [[peer.text, peer.leaves_out] for peer in cases.PEERS if peer.leaves_out and figures.has_peer(peer.name)]
    return "\n\n".join([*lines, rows(["", "leaves out, and why"], body, "---")])


def all_tables(result):
    figures = Figures(result)
    parts = [f"{machine.sentence(result)} {result['versions']}.", targets(figures)]
    for workload, what in cases.WORKLOADS.items():
        of_workload = [case for case in cases.CASES if case.split()[0] == workload and figures.has_case(case)]
        if of_workload:
            parts.append(f"### {workload}\n\n{what[0].upper()}{what[1:]}.")
        parts += [table(figures, case, COLUMNS[cases.CASES[case][0]]) for case in of_workload]
    return "\n\n".join([*parts, "### Left out", left_out(result, figures)]) + "\n"


def main():
    tables = all_tables(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    if sys.argv[2:3] == ["--into"]:
        put_into(sys.argv[3], "calls", tables)
    else:
        print(tables, end="")


main()
