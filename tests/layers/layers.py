#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the layers: reads every #include line and every list of sources, and names what breaks a rule.

    layers.py [ROOT]        ROOT is a checkout; without it, the one this file lies in

Rules:
  1. A file in src/<layer>/ includes "<layer>/<name>" of its own layer or of a lower one: base < log < call < loop < runtime
     < capi < operations. No other quoted include, except "crochet.h", and the model checker's "model/..." in base.
  2. Includes inside src/ make no circle.
  3. <uv.h> stands in src/loop and src/operations only, spdlog and fmt in src/log/spdlog_sinks.cpp only.
  4. include/crochet.h includes <stddef.h> and <stdint.h>; every other public header, and the bindings, see nothing of
     src/ and no <uv.h>.
  5. Every source file in src/, tests/ and examples/ is named by the meson.build of its layer or folder.
  6. tests/api, abuse, c and stress see nothing of src/.
"""
import pathlib
import re
import sys

LAYERS = ["base", "log", "call", "loop", "runtime", "capi", "operations"]
SEE_LIBUV = ["loop", "operations"]
SOURCES = {".c", ".cpp"}
HEADERS = {".h", ".hpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def includes(path):
    """(quoted, angled) names, comments taken out first."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    quoted, angled = [], []
    for match in INCLUDE.finditer(text):
        if match.group(1):
            quoted.append(match.group(1))
        else:
            angled.append(match.group(2))
    return quoted, angled


def files(folder, suffixes):
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.rglob("*") if p.suffix in suffixes and p.is_file())


def check_src(root):
    problems = []
    src = root / "src"
    graph = {}
    for path in files(src, SOURCES | HEADERS):
        name = path.relative_to(src).as_posix()
        layer = name.split("/")[0]
        if layer not in LAYERS or "/" not in name:
            problems.append(f"src/{name}: lies in no layer ({', '.join(LAYERS)})")
            continue
        quoted, angled = includes(path)
        graph[name] = []
        if "uv.h" in angled + quoted and layer not in SEE_LIBUV:
            problems.append(f"src/{name}: <uv.h> belongs to {' and '.join('src/' + layer for layer in SEE_LIBUV)} only")
        for include in angled + quoted:
            if include.split("/")[0] in ("spdlog", "fmt") and name != "log/spdlog_sinks.cpp":
                problems.append(f"src/{name}: <{include}> belongs to src/log/spdlog_sinks.cpp only")
        for include in quoted:
            if include in ("crochet.h", "uv.h"):
                continue
            other = include.split("/")[0]
            if other == "model" and layer == "base":
                continue
            if other not in LAYERS or not (src / include).is_file():
                problems.append(f'src/{name}: "{include}" is no file of a layer (write "<layer>/<name>")')
                continue
            if LAYERS.index(other) > LAYERS.index(layer):
                problems.append(f'src/{name}: {layer} includes "{include}", which lies above it')
            graph[name].append(include)
    return problems + circles(graph)


def circles(graph):
    """One line for each circle of includes that a depth-first walk meets."""
    problems, done = [], set()

    def walk(name, path):
        if name in path:
            problems.append("src/: a circle of includes: " + " -> ".join(path[path.index(name):] + [name]))
            return
        if name in done:
            return
        for include in graph.get(name, []):
            walk(include, path + [name])
        done.add(name)

    for name in graph:
        walk(name, [])
    return problems


def check_public(root):
    problems = []
    header = root / "include" / "crochet.h"
    if not header.is_file():
        return ["include/crochet.h: missing"]
    quoted, angled = includes(header)
    for include in quoted + [name for name in angled if name not in ("stddef.h", "stdint.h")]:
        problems.append(f"include/crochet.h: includes {include}; <stddef.h> and <stdint.h> are all it may")
    outside = [p for p in files(root / "include", HEADERS) if p != header]
    outside += files(root / "bindings", SOURCES | HEADERS)
    for path in outside:
        quoted, angled = includes(path)
        for include in quoted + angled:
            if include == "uv.h" or include.split("/")[0] in LAYERS:
                problems.append(f"{path.relative_to(root)}: includes {include}; it sees public headers only")
    for folder in ("api", "abuse", "c", "stress"):
        for path in files(root / "tests" / folder, SOURCES | HEADERS):
            for include in sum(includes(path), []):
                if include.split("/")[0] in LAYERS and (root / "src" / include).is_file():
                    problems.append(f"{path.relative_to(root)}: includes {include}; contract tests see crochet.h only")
    return problems


def check_lists(root):
    """Rule 5. A list may name 'call_queue' where a loop over it makes 'call_queue_test.cpp'."""
    problems = []
    for folder in ("src", "tests", "examples"):
        for path in files(root / folder, SOURCES):
            build, lists = path.parent, ""
            while not lists and build != root:
                if (build / "meson.build").is_file():
                    lists = (build / "meson.build").read_text(encoding="utf-8")
                else:
                    build = build.parent
            lists = re.sub(r"#.*", "", lists)
            relative = path.relative_to(build).as_posix() if lists else path.name
            stem = relative[: -len(path.suffix)]
            names = {relative, stem}
            names.update(stem[: -len(end)] for end in ("_test", "_stress", "_model") if stem.endswith(end))
            if not any(f"'{name}'" in lists for name in names):
                problems.append(f"{path.relative_to(root)}: no meson.build names it, so it is not built")
    return problems


def check(root):
    return check_src(root) + check_public(root) + check_lists(root)


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    problems = check(root)
    for problem in problems:
        print(problem)
    seen = len(files(root / "src", SOURCES | HEADERS))
    print(f"{seen} files in src/, {len(problems)} problems")
    return 1 if problems or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
