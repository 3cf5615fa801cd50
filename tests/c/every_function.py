#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails when every_function_test.c does not use a function that crochet.h declares.

    every_function.py
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "abi"))
import contract  # noqa: E402


def main():
    functions = contract.read(ROOT / "include" / "crochet.h").functions
    text = (ROOT / "tests" / "c" / "every_function_test.c").read_text(encoding="utf-8")
    used = set(re.findall(r"\b(crochet_\w+)\s*\(", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)))
    missing = [name for name in functions if name not in used]
    for name in missing:
        print(f"tests/c/every_function_test.c does not use {name}()")
    print(f"{len(functions)} functions, {len(missing)} not used")
    return 1 if missing or not functions else 0


if __name__ == "__main__":
    sys.exit(main())
