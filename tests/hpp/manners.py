#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What crochet.hpp must not bring along: macros, atomics, mutexes, anything but the standard library and crochet.h.

    manners.py INCLUDE_DIR COMPILER [ARGUMENT...]
"""
import pathlib
import re
import subprocess
import sys

STANDARD = {"chrono", "cstddef", "cstdint", "cxxabi.h", "exception", "limits", "memory", "new", "stdexcept", "string",
            "string_view", "tuple", "type_traits", "utility"}


def macros(include, compiler, source):
    command = [*compiler, "-std=c++17", "-I", include, "-dM", "-E", "-xc++", "-"]
    lines = subprocess.run(command, input=source, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    return {line.split()[1].split("(")[0] for line in lines if line.startswith("#define")}


def main():
    include, compiler = sys.argv[1], sys.argv[2:]
    text = (pathlib.Path(include) / "crochet.hpp").read_text(encoding="utf-8")
    code = re.sub(r"//.*", "", text)
    problems = []
    angled = set(re.findall(r"#\s*include\s*<([^>]+)>", code))
    quoted = set(re.findall(r'#\s*include\s*"([^"]+)"', code))
    if angled - STANDARD:
        problems.append(f"includes {sorted(angled - STANDARD)}")
    if quoted != {"crochet.h"}:
        problems.append(f"includes {sorted(quoted)}")
    for word in ("atomic", "mutex", "condition_variable", "thread_local", "volatile", "static inline", "asm"):
        if re.search(rf"\b{word}\b", code):
            problems.append(f"holds `{word}`: state machines belong behind the C ABI")
    before = "".join(f"#include <{name}>\n" for name in sorted(angled)) + '#include "crochet.h"\n'
    leaked = macros(include, compiler, before + '#include "crochet.hpp"\n') - macros(include, compiler, before)
    if leaked != {"CROCHET_HPP"}:
        problems.append(f"defines {sorted(leaked - {'CROCHET_HPP'})}")
    for problem in problems:
        print(f"crochet.hpp {problem}")
    lines = text.splitlines()
    contract = next(i for i, line in enumerate(lines) if line.startswith("// ==== Below"))
    comments = sum(1 for line in lines if line.lstrip().startswith("//"))
    print(f"crochet.hpp: {len(lines)} lines, {contract} of them the classes; {comments} lines of comment")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
