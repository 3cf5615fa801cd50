#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts together what Sphinx reads: the pages of docs/, those of the tree's top, a page for each example, and the reference.

    stage.py ROOT TARGET XML    # TARGET is made anew; XML is doxygen's, of the headers

Pages stay readable on a Git host: their links are relative paths in the tree. Here links that leave docs/ are turned to
the page that shows the file, or to plain text where there is none. The navigation is the lists of links in docs/index.md.
"""
import ast
import os
import pathlib
import re
import shutil
import sys
from xml.etree import ElementTree

import doxygen_filter

C_HEADER = "crochet.h"
CPP_HEADERS = ["crochet.hpp", "crochet_completion.hpp", "crochet_operations.hpp", "crochet_coro.hpp", "crochet_spdlog.hpp"]
# Files of the tree that have a page, and which.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "bindings/python/README.md": "project/python-binding.md",
    "tests/model/README.md": "project/model-checker.md",
    "tests/model/scenarios/call.md": "project/model-scenarios.md",
    f"include/{C_HEADER}": "reference/c.md",
    **{f"include/{name}": "reference/cpp.md" for name in CPP_HEADERS},
}
FOLDERS = {"docs/internals/": "project/internals.md", "docs/design/": "project/design.md",
           "docs/benchmarks/": "performance.md", "docs/": "index.md", "examples/": "examples/index.md"}
LANGUAGES = {".c": "c", ".h": "c", ".cpp": "cpp", ".hpp": "cpp", ".py": "python"}
LINK = re.compile(r"(?P<text>!?\[[^\]\[]*(?:\[[^\]]*\][^\]\[]*)*\])\((?P<to>[^)\s]+)\)")


def page_of(path: str) -> str | None:
    """The page, below TARGET, that shows a file or folder of the tree."""
    if path in PAGES:
        return PAGES[path]
    for known in (path, path + "/"):
        if known in FOLDERS:
            return FOLDERS[known]
    if path.startswith("docs/"):
        return path[len("docs/"):]
    if path.startswith("examples/"):
        return "examples/" + path[len("examples/"):].replace("/", "-").replace(".", "_") + ".md"
    return None


class Stage:
    def __init__(self, root: pathlib.Path, target: pathlib.Path):
        self.root, self.target, self.problems = root, target, []

    def write(self, page: str, text: str):
        path = self.target / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def linked(self, text: str, source: str, page: str) -> str:
        """The text of a page with its links turned to pages."""
        def turned(match):
            to = match["to"]
            if re.match(r"[a-z]+:|#", to):
                return match[0]
            path, _, anchor = to.partition("#")
            inside = os.path.normpath(os.path.join(os.path.dirname(source), path))
            other = page_of(inside)
            if not (self.root / inside).exists():
                self.problems.append(f"{source}: {to} leads nowhere")
                return match[0]
            if other is None or inside.startswith("docs/snippets"):
                return match["text"][1:-1]  # a file of the tree that is not shown here
            new = os.path.relpath(other, os.path.dirname(page) or ".")
            return f"{match['text']}({new}{'#' + anchor if anchor else ''})"
        parts = re.split(r"(^```.*?^```$)", text, flags=re.S | re.M)  # code has no links
        return "".join(part if i % 2 else LINK.sub(turned, part) for i, part in enumerate(parts))

    def copy(self, source: str, page: str):
        text = (self.root / source).read_text(encoding="utf-8")
        # Whether it can be reached is looked at by tests/docs/links.py; it need not be in the navigation.
        self.write(page, "---\norphan: true\n---\n\n" + self.linked(text, source, page))

    def pages(self):
        skipped = ("site", "snippets")
        for path in sorted((self.root / "docs").rglob("*")):
            name = path.relative_to(self.root / "docs").as_posix()
            if path.is_dir() or name.split("/")[0] in skipped:
                continue
            if path.suffix == ".md":
                self.copy(f"docs/{name}", name)
            elif path.suffix in (".svg", ".png"):
                (self.target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, self.target / name)
        for source, page in PAGES.items():
            if source.endswith(".md") and source != "README.md" and (self.root / source).exists():
                self.copy(source, page)
        for title, folder, page in (("Design records", "design", "project/design.md"),
                                    ("Internals", "internals", "project/internals.md")):
            names = [p.stem for p in sorted((self.root / "docs" / folder).glob("*.md"))]
            self.write(page, f"# {title}\n\n" + toctree([f"../{folder}/{name}" for name in names]))

    def navigation(self):
        """Each list of links in docs/index.md is a part of the navigation, under its heading."""
        text = (self.target / "index.md").read_text(encoding="utf-8")
        trees = []
        for heading, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.S | re.M):
            pages = [f"{title} <{to[:-3]}>" for title, to in re.findall(r"^- \[([^\]]+)\]\(([^)#:]+\.md)\)", body, re.M)]
            if pages:
                trees.append(toctree(pages, caption=heading, hidden=True))
        self.write("index.md", text + "\n" + "\n".join(trees))

    def examples(self):
        entries = {"In C": [], "In C++": [], "In Python": []}
        for path in sorted((self.root / "examples").rglob("*")):
            if path.suffix not in LANGUAGES:
                continue
            source = path.relative_to(self.root).as_posix()
            code = path.read_text(encoding="utf-8")
            page = page_of(source)
            name = source[len("examples/"):]
            self.write(page, f"# {name}\n\n```{LANGUAGES[path.suffix]}\n{code}```\n")
            kind = {".py": "In Python", ".cpp": "In C++", ".hpp": "In C++"}.get(path.suffix, "In C")
            entries[kind].append((name, os.path.basename(page), first_sentences(code)))
        text = "# Examples\n\nEach is built and run as a test. Those that end in `.h` or `.hpp` belong to others.\n"
        names = []
        for kind, list_ in entries.items():
            if list_:
                text += f"\n## {kind}\n\n" + "".join(f"- [`{name}`]({page}): {what}\n" for name, page, what in list_)
                names += [page[:-3] for _, page, _ in list_]
        self.write("examples/index.md", text + "\n" + toctree(names, hidden=True))

    def reference(self):
        include = self.root / "include"
        header = (include / C_HEADER).read_text(encoding="utf-8")
        self.write("reference/conventions.md", conventions(header))
        entries = self.groups(include / C_HEADER, "c")
        self.write("reference/c.md", "# Reference: C\n\nEverything in `<crochet.h>`, as the header says it and in its order. "
                   "Functions mention departures from the [conventions](conventions.md) only. Each has a manual page, too: "
                   "`man 3 crochet_run`, and `man 7 crochet` for all of it.\n\n" + toctree(["conventions", *entries]))
        text = ("# Reference: C++\n\nThe headers for C++, as they say it and in their order. What a function promises in full is "
                "said in [C's reference](c.md), where it points.\n")
        for name in CPP_HEADERS:
            own = self.groups(include / name, "cpp") if doxygen_filter.sections(include / name) else [self.whole(include / name)]
            text += f"\n## `<{name}>`\n\n{opening(include / name)}\n\n" + toctree(own)
        self.write("reference/cpp.md", text)

    def groups(self, header: pathlib.Path, folder: str) -> list[str]:
        names, pages = set(), []
        for title, group in doxygen_filter.sections(header):
            short = re.sub(r"[^a-z0-9]+", "-", title.split(":")[0].lower()).strip("-")
            if short in names or title.startswith("Ready-made"):
                short = re.sub(r"[^a-z0-9]+", "-", title.split(":")[-1].lower()).strip("-")
            names.add(short)
            family = "" if folder == "c" else header.stem.replace("crochet_", "").replace("crochet", "base") + "-"
            page = f"{folder}/{family}{short}"
            head = title.split(":")[-1].strip().capitalize() if title.startswith("Ready-made") else title.split(":")[0]
            undocumented = "\n   :undoc-members:"
            self.write(f"reference/{page}.rst", f"{head}\n{'=' * len(head)}\n\n.. doxygengroup:: {group}\n   :content-only:\n"
                       f"   :members:{undocumented}\n")
            pages.append(page)
        return pages

    def qualify(self, xml: pathlib.Path):
        """Breathe names what lies in a group without its namespace, so that nothing could refer to it."""
        shared = {}  # what class runs documents for namespace crochet as well
        for member in ElementTree.parse(xml / "classcrochet_1_1runs.xml").iter("memberdef"):
            name = member.findtext("name")
            shared[name] = ElementTree.fromstring(
                f'<para>On the default loop: see <ref refid="{member.get("id")}" kindref="member">runs::{name}()</ref>.</para>')
        for path in xml.glob("group__*__cpp__*.xml"):
            tree = ElementTree.parse(path)
            for member in tree.iter("memberdef"):
                name = member.find("name")
                if member.get("kind") == "function" and name.text in shared and member.find("briefdescription/para") is None:
                    member.find("briefdescription").append(shared[name.text])
                if not name.text.startswith("crochet::"):
                    name.text = "crochet::" + name.text
            tree.write(path, encoding="utf-8", xml_declaration=True)

    def whole(self, header: pathlib.Path) -> str:
        page = "cpp/" + header.stem.replace("crochet_", "")
        head = f"<{header.name}>"
        self.write(f"reference/{page}.rst", f"{head}\n{'=' * len(head)}\n\n.. doxygenfile:: {header.name}\n"
                   "   :sections: func innerclass typedef var define enum user-defined\n")
        return page


def toctree(pages: list[str], caption: str = "", hidden: bool = False) -> str:
    options = (f":caption: {caption}\n" if caption else "") + (":hidden:\n" if hidden else "") + ":maxdepth: 1\n"
    return "```{toctree}\n" + options + "\n" + "\n".join(pages) + "\n```\n"


def first_sentences(code: str) -> str:
    comment = re.match(r'(?:/\*|//|#!?.*?\n?#|""")?\s*SPDX[^\n]*\n(?:\s*(?:\*|//|#|""")\s*)?(?P<text>.*?)(?:\*/|\n(?!\s*(?:\*|//|#)))', code, re.S)
    text = re.sub(r"\n\s*(?:\*|//|#)\s?", " ", comment["text"]) if comment else ""
    if code.startswith("#"):  # Python's
        text = " ".join((ast.get_docstring(ast.parse(code)) or "").split("\n\n")[0].split())
    sentences = re.split(r"(?<=[.?])\s+", text.strip())
    text = " ".join(sentences[: 1 if len(sentences[0]) > 60 else 2])
    return "".join(part if i % 2 else part.replace("<", "&lt;") for i, part in enumerate(re.split(r"(`[^`]*`)", text)))


def conventions(header: str) -> str:
    block = header[: header.index("*/")]
    rules = re.findall(r"^ \* {1,2}(\d+)\. (.*?)(?=^ \* {1,2}\d+\. |\Z)", block, re.S | re.M)
    text = "# Conventions\n\nThey hold for every function; each mentions only where it departs from them.\n\n"
    for number, rule in rules:
        rule = re.sub(r"\s*\n \*\s*", " ", rule).strip()
        name, rest = re.match(r"([A-Z][A-Z-]+(?: [A-Z]+)*)(?=[.,]| [a-z]) ?(.*)", rule).groups()
        rest = re.sub(r"\b(CROCHET_\w+|crochet_\w+\(\)|UV_\w+|is_\.\.\.|out_\.\.\.|\.\.\._ns|int64_t|drop\(argument\))", r"`\1`", rest)
        title = "NULL" if name == "NULL" else name.capitalize()
        rest = rest[1:].strip() if rest.startswith(".") else title + (rest if rest.startswith(",") else " " + rest)
        rest = re.sub(r"==", "`==`", rest)
        text += f"{number}. **{title}.** {rest[:1].upper() + rest[1:]}\n"
    return text


def opening(header: pathlib.Path) -> str:
    """The first sentence of a C++ header's comment."""
    lines = []
    for line in header.read_text(encoding="utf-8").splitlines()[2:]:
        if not line.startswith("// "):
            break
        lines.append(line[3:])
    text = " ".join(lines)
    text = re.sub(r"^crochet\w*\.hpp: ", "", text)
    return re.split(r"(?<=\.)\s", text)[0]


def main() -> int:
    root, target = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    if target.exists():
        shutil.rmtree(target)
    stage = Stage(root, target)
    stage.qualify(pathlib.Path(sys.argv[3]))
    stage.pages()
    stage.examples()
    stage.reference()
    stage.navigation()
    for problem in stage.problems:
        print(problem, file=sys.stderr)
    return 1 if stage.problems else 0


if __name__ == "__main__":
    sys.exit(main())
