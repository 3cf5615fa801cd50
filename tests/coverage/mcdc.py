#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tells how many conditions of src/ were shown to decide alone (MC/DC), by the profiles that a run has left.

    mcdc.py BUILDDIR [--html DIR] [--list]

--list prints each decision with a condition that was never seen to make the difference. Exit code 1 when nothing was
counted.
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = "-19"


def merge(builddir):
    """The profiles of all processes as one, and how many there were."""
    profiles = sorted(builddir.glob("*.profraw"))
    merged = builddir / "all.profdata"
    names = builddir / "profiles.txt"
    names.write_text("".join(f"{path}\n" for path in profiles), encoding="utf-8")
    # A process that was killed has left half a file.
    subprocess.run([f"llvm-profdata{VERSION}", "merge", "-sparse", "-failure-mode=all", "-f", str(names), "-o", str(merged)],
                   check=True, stderr=subprocess.DEVNULL)
    return merged, len(profiles)


def export(library, merged):
    command = [f"llvm-cov{VERSION}", "export", str(library), f"-instr-profile={merged}", str(ROOT / "src")]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["data"][0]


def decisions(data):
    """(file, line, conditions, of them not shown)"""
    for file in data["files"]:
        name = pathlib.Path(file["filename"]).relative_to(ROOT).as_posix()
        for record in file.get("mcdc_records", []):
            conditions = next(part for part in record if isinstance(part, list))
            yield name, record[0], len(conditions), sum(not shown for shown in conditions)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("builddir", type=pathlib.Path)
    parser.add_argument("--html", type=pathlib.Path)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    merged, count = merge(options.builddir)
    library = next(options.builddir.glob("src/libcrochet.so.*.*"))
    data = export(library, merged)
    found = list(decisions(data))
    if options.list:
        for name, line, conditions, missed in sorted(found):
            if missed:
                print(f"{name}:{line}: {missed} of {conditions} conditions not shown to decide")
    if options.html:
        subprocess.run([f"llvm-cov{VERSION}", "show", str(library), f"-instr-profile={merged}", "-show-mcdc", "-format=html",
                        f"-output-dir={options.html}", str(ROOT / "src")], check=True)
    conditions = sum(record[2] for record in found)
    shown = conditions - sum(record[3] for record in found)
    percent = 100 * shown / conditions if conditions else 0
    print(f"{shown} of {conditions} conditions in {len(found)} decisions were shown to decide alone: {percent:.1f}% "
          f"({count} profiles)")
    return 0 if conditions else 1


if __name__ == "__main__":
    sys.exit(main())
