#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Links between the tree's Markdown pages: each leads to a file, and to a heading that is there; and every page of docs/ is
reached from docs/index.md.

    links.py ROOT              # needs no network: links to other sites are looked at by scripts/docs --links
"""
import os
import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`|^    .*$", re.S | re.M)
FOLDERS = ["docs", "bindings", "tests", "benchmarks"]


def headings(text: str) -> set[str]:
    """What a Git host makes of a page's headings."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M), re.M):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        while slug in found:
            slug += "-1"
        found.add(slug)
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = {p: p.read_text(encoding="utf-8") for p in
             [*root.glob("*.md"), *(p for folder in FOLDERS for p in sorted((root / folder).rglob("*.md")))]
             if not any(part.startswith(".") for part in p.relative_to(root).parts)}
    problems, to_pages, count = [], {}, 0
    for page, text in pages.items():
        name = page.relative_to(root)
        to_pages[page] = set()
        for link in LINK.findall(CODE.sub("", text)):
            if re.match(r"[a-z]+:", link):
                continue
            count += 1
            path, _, place = link.partition("#")
            other = pathlib.Path(os.path.normpath(page.parent / path)) if path else page
            to_pages[page].add(other)
            if not other.exists():
                problems.append(f"{name}: {link} leads nowhere")
            elif place and other in pages and place not in headings(pages[other]):
                problems.append(f"{name}: there is no heading {link}")
    reached, todo = set(), [root / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached or page not in pages:
            continue
        reached.add(page)
        todo += to_pages[page]
        todo += [p for folder in to_pages[page] if folder.is_dir() for p in folder.glob("*.md")]
    for page in pages:
        if page.is_relative_to(root / "docs") and page not in reached:
            problems.append(f"{page.relative_to(root)}: not reached from docs/index.md")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(pages)} pages, {count} links, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


sys.exit(main())
