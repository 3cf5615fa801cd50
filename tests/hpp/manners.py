#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What crochet.hpp must not bring along: macros, atomics, mutexes, anything but the standard library and crochet.h. And
what the other headers add: crochet_spdlog.hpp spdlog, crochet_completion.hpp some more of the standard library.

    manners.py INCLUDE_DIR COMPILER [ARGUMENT...]
"""
import pathlib
import re
import subprocess
import sys

STANDARD = {"chrono", "cstddef", "cstdint", "cstring", "cxxabi.h", "exception", "iterator", "limits", "memory", "new", "stdexcept",
            "string", "string_view", "tuple", "type_traits", "utility", "vector"}
WORDS = ("atomic", "mutex", "condition_variable", "thread_local", "volatile", "static inline", "asm")


def macros(include, compiler, source):
    command = [*compiler, "-std=c++17", "-I", include, "-dM", "-E", "-xc++", "-"]
    lines = subprocess.run(command, input=source, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    return {line.split()[1].split("(")[0] for line in lines if line.startswith("#define")}


def includes_and_words(include, name, quoted, others=frozenset()):
    """Its text without comments, and the problems that can be read in it."""
    code = re.sub(r"//.*", "", (pathlib.Path(include) / name).read_text(encoding="utf-8"))
    problems = []
    strangers = set(re.findall(r"#\s*include\s*<([^>]+)>", code)) - STANDARD - others
    if strangers:
        problems.append(f"{name} includes {sorted(strangers)}")
    found = set(re.findall(r'#\s*include\s*"([^"]+)"', code))
    if found != {quoted}:
        problems.append(f"{name} includes {sorted(found)}")
    for word in WORDS:
        if re.search(rf"\b{word}\b", code):
            problems.append(f"{name} holds `{word}`: state machines belong behind the C ABI")
    return code, problems


def main():
    include, compiler = sys.argv[1], sys.argv[2:]
    text = (pathlib.Path(include) / "crochet.hpp").read_text(encoding="utf-8")
    code, problems = includes_and_words(include, "crochet.hpp", "crochet.h")
    angled = re.findall(r"#\s*include\s*<([^>]+)>", code)
    adapter, more = includes_and_words(include, "crochet_spdlog.hpp", "crochet.hpp",
                                       {"spdlog/spdlog.h", "spdlog/sinks/sink.h"})
    defined = re.findall(r"#\s*define\s+(\w+)", adapter)
    if defined != ["CROCHET_SPDLOG_HPP"]:
        more.append(f"crochet_spdlog.hpp defines {defined}")
    problems += more
    # With what they need of the standard library themselves.
    for name, others in (("crochet_completion.hpp", {"array", "optional"}),):
        problems += includes_and_words(include, name, "crochet.hpp", others)[1]
    before = "".join(f"#include <{name}>\n" for name in sorted(angled)) + '#include "crochet.h"\n'
    leaked = macros(include, compiler, before + '#include "crochet.hpp"\n') - macros(include, compiler, before)
    if leaked != {"CROCHET_HPP"}:
        problems.append(f"crochet.hpp defines {sorted(leaked - {'CROCHET_HPP'})}")
    for problem in problems:
        print(problem)
    lines = text.splitlines()
    contract = next(i for i, line in enumerate(lines) if line.startswith("// ==== Below"))
    comments = sum(1 for line in lines if line.lstrip().startswith("//"))
    print(f"crochet.hpp: {len(lines)} lines, {contract} of them the classes; {comments} lines of comment")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
