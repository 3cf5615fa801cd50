#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Code in the documentation is code of the tree: `<!-- path -->` before a code block says which file it is.

    quoted.py ROOT             # compares
    quoted.py ROOT --write     # makes the blocks so

The block must be that file, to the letter, or a part of it: `<!-- path: name -->` is what stands between the lines that say
`[name]` and `[end name]` in a comment. (Such lines are left out of what is quoted, and what is indented moves to the margin.)
Only files that a test builds or runs should be quoted.

Code that is not quoted is an error. What a terminal shows is ```console, what a program prints or draws ```text or without a
language. `<!-- generated -->` says that a script writes the block and a test of its own compares it.
"""
import pathlib
import re
import sys
import textwrap

BLOCK = re.compile(r"(?P<lead>(?:^<!-- (?P<path>[\w./-]+)(?:: (?P<part>[\w -]+))? -->\n)?)"
                   r"^(?P<open>```(?P<language>[\w+-]*)\n)(?P<code>.*?)(?P<end>^```$)", re.S | re.M)
CODE = {"c", "cpp", "c++", "python", "py", "sh", "bash", "cmake", "meson", "js"}
MARK = re.compile(r"^[ \t]*(?://|#|/\*|--)[ \t]*\[(?P<end>end )?(?P<name>[\w -]+)\][ \t]*(?:\*/)?[ \t]*\n", re.M)


def source(path: pathlib.Path, part: str | None) -> str | None:
    """A file, or a part of it; None: there is none."""
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    if part is not None:
        marks = {(bool(m["end"]), m["name"]): m for m in MARK.finditer(text)}
        begin, end = marks.get((False, part)), marks.get((True, part))
        if begin is None or end is None:
            return None
        text = text[begin.end(): end.start()]
    text = MARK.sub("", text)
    return text if part is None else textwrap.dedent(text).strip("\n") + "\n"


def main() -> int:
    write = "--write" in sys.argv
    root = pathlib.Path([a for a in sys.argv[1:] if a != "--write"][0])
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    quotes = failures = 0

    def wrong(page, match, why):
        nonlocal failures
        failures += 1
        line = match.string.count("\n", 0, match.start("open")) + 1
        print(f"{page.relative_to(root)}:{line}: {why}", file=sys.stderr)

    for page in pages:
        text = page.read_text(encoding="utf-8")

        def check(match: re.Match) -> str:
            nonlocal quotes
            if match["path"] == "generated":
                return match[0]
            if not match["path"]:
                if match["language"] in CODE:
                    wrong(page, match, "a block of code that is no quotation")
                return match[0]
            quotes += 1
            what = match["path"] + (f": {match['part']}" if match["part"] else "")
            wanted = source(root / match["path"], match["part"])
            if wanted is None:
                wrong(page, match, f"there is no {what}")
            elif match["code"] != wanted:
                if write:
                    return match["lead"] + match["open"] + wanted + match["end"]
                wrong(page, match, f"the block is not {what}")
            return match[0]

        changed = BLOCK.sub(check, text)
        if write and changed != text:
            page.write_text(changed, encoding="utf-8")
    print(f"{quotes} quotations, {failures} wrong")
    return 1 if failures or quotes == 0 else 0


sys.exit(main())
