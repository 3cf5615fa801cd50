# SPDX-License-Identifier: MIT
"""Figures as text, tables as Markdown, and their place in a page."""
import pathlib
import re
import sys


def number(value):
    """Three digits that mean something."""
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}"


def spread(of, form=number):
    return f"{form(of.median)} ({form(of.low)} to {form(of.high)})"


def times(of):
    return spread(of, "{:.2f}".format)


def rows(head, body, others="--:"):
    """others: how all columns but the first are set, to the right unless they are text."""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + [others] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body])


def put_into(page, what, tables):
    """Replaces what stands between the page's marks, of which the first names the command that writes there."""
    first, last = f"<!-- figures: written by scripts/bench {what} --write -->\n", "<!-- end of the figures -->\n"
    marks = re.compile(f"({first}).*({last})", re.S)
    page = pathlib.Path(page)
    text, count = marks.subn(lambda found: f"{found[1]}\n{tables}\n{found[2]}", page.read_text(encoding="utf-8"))
    if count != 1:
        sys.exit(f"{page}: the marks around the figures are missing")
    page.write_text(text, encoding="utf-8")
