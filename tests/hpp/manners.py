#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What crochet.hpp must not bring along: macros, atomics, mutexes, anything but the standard library and crochet.h. And
what each of the other headers adds: spdlog, coroutines, some more of the standard library, and nothing else.

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
    if found != set(quoted):
        problems.append(f"{name} includes {sorted(found)}")
    for word in WORDS:
        if re.search(rf"\b{word}\b", code):
            problems.append(f"{name} holds `{word}`: state machines belong behind the C ABI")
    return code, problems


def main():
    include, compiler = sys.argv[1], sys.argv[2:]
    text = (pathlib.Path(include) / "crochet.hpp").read_text(encoding="utf-8")
    code, problems = includes_and_words(include, "crochet.hpp", ["crochet.h", "crochet_log.hpp"])
    angled = re.findall(r"#\s*include\s*<([^>]+)>", code)
    adapter, more = includes_and_words(include, "crochet_spdlog.hpp", ["crochet.hpp"],
                                       {"spdlog/spdlog.h", "spdlog/sinks/sink.h"})
    guards = [("crochet_spdlog.hpp", adapter, "CROCHET_SPDLOG_HPP")]
    for name, others in (("crochet_completion.hpp", {"array", "optional"}),
                         ("crochet_coro.hpp", {"coroutine", "functional", "optional"}),
                         ("crochet_log.hpp", set()), ("crochet_operations.hpp", set())):
        text_of, still_more = includes_and_words(include, name, ["crochet.hpp"], others)
        guards.append((name, text_of, name.replace(".", "_").upper()))
        more += still_more
    problems += more
    for name, text_of, guard in guards:
        defined = re.findall(r"#\s*define\s+(\w+)", text_of)
        if defined != [guard]:
            problems.append(f"{name} defines {defined}")
    before = "".join(f"#include <{name}>\n" for name in sorted(angled)) + '#include "crochet.h"\n'
    leaked = macros(include, compiler, before + '#include "crochet.hpp"\n') - macros(include, compiler, before)
    if leaked != {"CROCHET_HPP", "CROCHET_LOG_HPP"}:
        problems.append(f"crochet.hpp defines {sorted(leaked)}")
    for problem in problems:
        print(problem)
    lines = text.splitlines()
    contract = next(i for i, line in enumerate(lines) if line.startswith("// ==== Below"))
    comments = sum(1 for line in lines if line.lstrip().startswith("//"))
    print(f"crochet.hpp: {len(lines)} lines, {contract} of them the classes; {comments} lines of comment")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
