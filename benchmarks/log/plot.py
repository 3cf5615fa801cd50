#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the figures, by gnuplot.

    plot.py RESULT OUT     .svg, or .png

Above: the mean call. Below, in the same colours: what an iteration took at most, for so many of all: the further right,
the rarer.
"""
import json
import pathlib
import subprocess
import sys

import cases
from figures import Figures

COLOURS = {"empty": "#888888", "crochet": "#d62728", "crochet-off": "#ff9896", "overrun_oldest": "#1f77b4",
           "block": "#9467bd", "deque": "#2ca02c", "synchronous": "#8c564b"}
FLOOR_NS = 0.5  # of the logarithmic axis


def bars(figures, workload, place):
    lines, labels = [], []
    shown = [peer for peer in cases.PEERS if peer != cases.EMPTY and figures.has(workload, place, peer)]
    for i, peer in enumerate(shown):
        call = figures.call_ns(workload, place, peer)
        low, median, high = (max(value, FLOOR_NS) for value in (call.low, call.median, call.high))
        lines.append(f"{i} {median} {low} {high} {int(COLOURS[peer][1:], 16)}")
        labels.append(f"'{peer.replace('_', ' ')}' {i}")
    block = f"$bars_{workload}_{place}"
    return "\n".join([
        f"{block} << EOD", *lines, "EOD",
        f"set title '{workload}, {place}: a call, ns'",
        "unset logscale", "set logscale y 10", f"set yrange [{FLOOR_NS}:1e6]",
        f"set xrange [-0.7:{len(shown) - 0.3}]",
        f"set xtics ({', '.join(labels)}) rotate by -30 scale 0",
        f"plot {block} using 1:2:(0.7):5 with boxes lc rgb variable, "
        f"{block} using 1:3:(0):($4-$3) with vectors nohead lc 'black'",
    ])


def tails(figures, workload, place):
    parts = sorted(figures.rounds[0][workload, place, cases.EMPTY]["quantiles"], key=float)
    blocks, plots = [], []
    for peer in cases.PEERS:
        if not figures.has(workload, place, peer) or peer == "crochet-off":
            continue
        # An iteration more or less is no quantile: as many as were seen, ten beyond.
        count = figures.run_value("iterations", workload, place, peer).median
        lines = [f"{1 / (1 - float(part))} {figures.quantile(part, workload, place, peer).median / 1000}"
                 for part in parts if (1 - float(part)) * count >= 5]
        block = f"$tail_{workload}_{place}_{peer.replace('-', '_')}"
        blocks += [f"{block} << EOD", *lines, "EOD"]
        plots.append(f"{block} using 1:2 with linespoints pt 7 ps 0.3 lw 1.5 lc rgb '{COLOURS[peer]}'")
    return "\n".join(blocks + [
        f"set title '{workload}, {place}: an iteration, µs (grey: empty)'",
        "set logscale xy 10", "set yrange [0.2:1e5]", "set xrange [2:10000]",
        "set xtics ('p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000) norotate",
        "plot " + ", ".join(plots),
    ])


def main():
    figures = Figures(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    places = figures.places()
    rows = [(draw, place) for draw in (bars, tails) for place in places]
    terminal = "pngcairo" if sys.argv[2].endswith(".png") else "svg"
    script = [
        f"set terminal {terminal} size 1200,{320 * len(rows)} font 'sans,11' background 'white'",
        f"set output '{sys.argv[2]}'",
        "set encoding utf8", "set style fill solid 0.8", "set grid y", "set format y '%g'",
        "unset key", "set lmargin 9", "set rmargin 7", "set mxtics 1", "set mytics 1", "set tics nomirror",
        f"set multiplot layout {len(rows)},{len(cases.WORKLOADS)}",
    ]
    script += [draw(figures, workload, place) for draw, place in rows for workload in cases.WORKLOADS]
    script.append("unset multiplot")
    subprocess.run(["gnuplot", "-"], input="\n".join(script) + "\n", check=True, text=True)


main()
