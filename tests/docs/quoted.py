#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Code in the documentation that is a file of the tree: `<!-- path -->` before a code block says which.

The block must be that file, to the letter. With --write the blocks are made so. Only files that are built and run as tests
should be quoted; a path that does not exist is an error.
"""
import pathlib
import re
import sys

QUOTE = re.compile(r"(<!-- (?P<path>[\w./-]+) -->\n```\w*\n)(?P<code>.*?)(?P<end>^```$)", re.S | re.M)


def main() -> int:
    write = "--write" in sys.argv
    root = pathlib.Path([a for a in sys.argv[1:] if a != "--write"][0])
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    quotes = failures = 0
    for page in pages:
        text = page.read_text()

        def check(match: re.Match) -> str:
            nonlocal quotes, failures
            quotes += 1
            source = root / match["path"]
            wanted = source.read_text() if source.is_file() else None
            if wanted is None or (match["code"] != wanted and not write):
                failures += 1
                print(f"{page.relative_to(root)}: the block is not {match['path']}", file=sys.stderr)
                return match[0]
            return match[1] + wanted + match["end"]

        changed = QUOTE.sub(check, text)
        if write and changed != text:
            page.write_text(changed)
    print(f"{quotes} quotations, {failures} wrong")
    return 1 if failures or quotes == 0 else 0


sys.exit(main())
