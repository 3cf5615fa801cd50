#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The changes that no test can notice, or need not: survivors.txt. Run by itself, looks whether each entry still applies.

An entry on each line: file, the line's text, the change and a reason, with " | " between them. "*" stands for every change
of the line.
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mutants  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = pathlib.Path(__file__).with_name("survivors.txt")
REASONS = {
    "same": "does the same",
    "speed": "only speed, or how often something is looked at",
    "order": "an order between threads, which tests/model owns",
    "tuning": "a constant that was chosen, and could be another",
    "kernel": "shows on another kernel or machine only",
    "text": "a text or number for people",
}


def read(text=None):
    """[(file, line's text, change, reason)]"""
    lines = (LIST.read_text(encoding="utf-8") if text is None else text).splitlines()
    entries = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        file, _, rest = line.partition(" | ")
        rest, _, reason = rest.rpartition(" | ")
        code, _, change = rest.rpartition(" | ")
        entries.append((file.strip(), " ".join(code.split()), change.strip(), reason.strip()))
    return entries


def change_of(mutant):
    return f"{mutant.old.strip()} -> {mutant.new.strip()}".strip()


def explains(entries, mutant):
    text = " ".join(mutant.text.split())
    return any(file == mutant.file and code == text and change in ("*", change_of(mutant)) for file, code, change, _ in entries)


def problems(entries, source):
    """source: file -> text, or none."""
    found = []
    for file, code, change, reason in entries:
        if reason.split(":")[0] not in REASONS:
            found.append(f"{file}: '{reason}' does not begin with {', '.join(REASONS)}")
        text = source(file)
        here = [mutant for mutant in mutants.mutants(file, text or "") if " ".join(mutant.text.split()) == code]
        if not any(change in ("*", change_of(mutant)) for mutant in here):
            found.append(f"{file}: has no such change: {code} | {change}")
    return found


def source_of(file):
    path = ROOT / file
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main():
    entries = read()
    found = problems(entries, source_of)
    for problem in found:
        print(problem)
    print(f"{len(entries)} explained, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
