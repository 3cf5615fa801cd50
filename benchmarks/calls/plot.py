#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the figures, by gnuplot, as SVG without a background: greys that can be read on white and on black.

    plot.py RESULT FOLDER     calls-round-trip.svg, calls-many.svg, calls-held.svg, calls-echo.svg in it
"""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import cases  # noqa: E402
from figures import Figures  # noqa: E402

TEXT = "#808080"
OURS, OTHERS, LIMITS = "#e4572e", "#5b8db8", "#a0a0a0"
WIDTH, HEIGHT = 520, 300  # of one diagram

PLOTS = {
    # file: its diagrams, each a case, a figure, what the axis says
    "calls-round-trip": [("W1 same", "p50", "median, ns"), ("W1 cross", "p50", "median, ns"),
                         ("W4 same", "p50", "median, ns"), ("W4 cross", "p50", "median, ns"),
                         ("W1 same", "p99", "p99, ns"), ("W6", "ns", "ns a call")],
    "calls-many": [("W2 same, P=1", "ns", "ns a call"), ("W3 same, P=1", "ns", "ns a call"),
                   ("W2 cross, P=1", "ns", "ns a call"), ("W3 cross, P=1", "ns", "ns a call"),
                   ("W2 cross, P=4", "ns", "ns a call"), ("W3 cross, P=4", "ns", "ns a call")],
    "calls-held": [("W5", "bytes", "bytes a call"), ("W8 cancel", "ns", "ns a call")],
    "calls-echo": [("W9", "p99", "p99, ns"), ("W9 alone", "p99", "p99, ns")],
}


def colour(peer):
    if peer.name.startswith(cases.OURS):
        return OURS
    return LIMITS if peer.is_limit else OTHERS


def label(peer):
    text = peer.name if peer.is_limit or peer.name.startswith(cases.OURS) else peer.text
    return text.replace("Python's ", "Py ").replace("by hand over libuv", "by hand")


def short(value):
    """Two digits: there is little room."""
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.1f}{name}" if value < 10 * unit else f"{value / unit:.0f}{name}"
    return f"{value:.0f}"


def diagram(figures, number, case, key, axis):
    shown = [peer for peer in cases.PEERS if figures.has(case, peer.name)]
    lines, labels = [], []
    for i, peer in enumerate(shown):
        of = figures.value(case, peer.name, key)
        lines.append(f'{i} {of.median} {of.low} {of.high} {int(colour(peer)[1:], 16)} "{short(of.median)}"')
        labels.append(f'"{label(peer)}" {i}')
    block = f"$bars{number}"
    least = min(figures.value(case, peer.name, key).low for peer in shown)
    most = max(figures.value(case, peer.name, key).high for peer in shown)
    floor = 10 ** (len(str(int(least))) - 1) / 2
    return "\n".join([
        f"{block} << EOD", *lines, "EOD",
        f"set title '{case}: {axis}' textcolor rgb '{TEXT}'",
        f"set yrange [{floor}:{2.5 * most}]", f"set xrange [-0.7:{len(shown) - 0.3}]",
        f"set xtics ({', '.join(labels)}) rotate by -35 scale 0 textcolor rgb '{TEXT}'",
        f"plot {block} using 1:2:(0.7):5 with boxes lc rgb variable, "
        f"{block} using 1:3:(0):($4-$3) with vectors nohead lw 2 lc rgb '{TEXT}', "
        f"{block} using 1:4:6 with labels offset 0,0.6 font ',9' textcolor rgb '{TEXT}'",
    ])


def draw(figures, name, folder):
    wanted = [one for one in PLOTS[name] if figures.has_case(one[0])]
    if not wanted:
        return
    columns = min(2, len(wanted))
    in_rows = -(-len(wanted) // columns)
    script = [
        f"set terminal svg size {columns * WIDTH},{in_rows * HEIGHT} font 'sans,12'",
        f"set output '{folder / name}.svg'",
        "set encoding utf8", "set style fill solid 1.0 noborder", "set logscale y 10", "set format y '%.0s %c'",
        f"set border 3 lc rgb '{TEXT}'", f"set ytics nomirror textcolor rgb '{TEXT}'",
        f"set grid y lc rgb '{TEXT}' dt 3", "set xtics nomirror", "unset key", "set lmargin 11", "set rmargin 5",
        f"set multiplot layout {in_rows},{columns}",
        *(diagram(figures, number, *one) for number, one in enumerate(wanted)),
        "unset multiplot",
    ]
    subprocess.run(["gnuplot", "-"], input="\n".join(script) + "\n", check=True, text=True)


def main():
    figures = Figures(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    for name in PLOTS:
        draw(figures, name, pathlib.Path(sys.argv[2]))


main()
