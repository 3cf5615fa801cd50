#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at the documentation that scripts/docs has built.

    built.py ROOT BUILT

Every exported function has a place in the reference and a manual page of its own; every class and function of the C++ headers
has a place; every link within the pages leads somewhere; manual pages please mandoc and groff.
"""
import html.parser
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse
from xml.etree import ElementTree


class Page(html.parser.HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if attributes.get("id"):
            self.ids.add(attributes["id"])
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append(attributes[name])


def links(html_dir: pathlib.Path, pages: dict[pathlib.Path, Page]):
    for path, page in pages.items():
        for link in page.links:
            to = urllib.parse.urlsplit(link)
            if to.scheme or to.netloc or link == "#":
                continue
            other = (path.parent / urllib.parse.unquote(to.path)).resolve() if to.path else path
            name = path.relative_to(html_dir)
            if not other.exists():
                yield f"{name}: {link} leads nowhere"
            elif to.fragment and other in pages and urllib.parse.unquote(to.fragment) not in pages[other].ids:
                yield f"{name}: there is no place {link}"


def names_of_cpp(xml: pathlib.Path):
    """Classes and functions of namespace crochet."""
    for path in xml.glob("group__*__cpp__*.xml"):
        tree = ElementTree.parse(path)
        for inner in tree.iter("innerclass"):
            yield inner.text.split("::")[-1]
        for member in tree.iter("memberdef"):
            if member.get("kind") == "function":
                yield member.findtext("name").split("::")[-1]


def manual(man: pathlib.Path):
    pages = sorted([*man.glob("*.3"), *man.glob("*.7")])
    if shutil.which("mandoc"):
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True)
        yield from lint.stdout.splitlines()
    if shutil.which("groff"):  # as `man --warnings` does
        seen = subprocess.run(["groff", "-man", "-ww", "-Kutf8", "-Tutf8", "-z", *pages], capture_output=True, text=True)
        yield from seen.stderr.splitlines()


def main() -> int:
    root, built = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    html_dir = built / "html"
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in html_dir.rglob("*.html")}
    problems = list(links(html_dir, pages))
    symbols = [line.split()[0] for line in (root / "tests/abi/symbols.txt").read_text().splitlines() if line[:1] not in ("#", "")]
    places = set().union(*(page.ids for path, page in pages.items() if "reference" in path.parts))
    for name in symbols:
        if f"c.{name}" not in places:
            problems.append(f"{name} has no place in the reference")
        if not (built / "man" / f"{name}.3").is_file():
            problems.append(f"{name} has no manual page")
    said = " ".join(place for place in places if place.startswith("_CPP"))  # 7crochet3run: lengths and names
    cpp = set(names_of_cpp(built / "xml"))
    for name in sorted(cpp):
        if not re.search(rf"7crochet{len(name)}{re.escape(name)}(?![a-z_])", said):
            problems.append(f"crochet::{name} has no place in the reference")
    problems += manual(built / "man")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(pages)} pages, {len(symbols)} functions of C, {len(cpp)} names of C++, {len(problems)} problems")
    return 1 if problems or not pages or not symbols or not cpp else 0


sys.exit(main())
