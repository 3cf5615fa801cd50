#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants bugs and expects the model checker to find each of them.

A scenario proves something only if it would have noticed. So every rule that the concurrent code relies on is broken
here once, one at a time, and the scenario that covers it must fail; the same search on the code as it is must pass.

plants/<set>.py holds PLANTS, a list of dicts:
    name      of the plant, unique
    file      that is changed, from the project's root: src/... or tests/model/scenarios/...
    old, new  the change. `old` occurs exactly once, or the plant no longer applies, and that is a failure
    scenario  that finds it
    args      of the explorer: which search, and its limit, "--bound 2 --executions 5000"
    failure   optional: words that the failure must contain
    also      optional: more changes, a list of dicts with file, old and new

--sample N: that all still apply, and N of them, evenly from all; a change of the sources moves on to others.
How a program with a plant comes to be: mutants.py. Weakened memory orders, all of them: orders.py.
"""

import argparse
import collections
import concurrent.futures
import glob
import os
import runpy
import shlex
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
from mutants import HERE, Failed, Programs, read_source, scenario_files, search  # noqa: E402

MOST_JOBS = 2


def load_plants():
    plants = []
    for path in sorted(glob.glob(os.path.join(HERE, "plants", "*.py"))):
        for plant in runpy.run_path(path)["PLANTS"]:
            plants.append(dict(plant, set=os.path.basename(path)[:-len(".py")]))
    counted = collections.Counter(plant["name"] for plant in plants)
    twice = [name for name, count in counted.items() if count > 1]
    if twice:
        raise Failed(f"two plants of one name: {', '.join(twice)}")
    return plants


def changed_files(plant):
    """{path: text} with the bug in it."""
    texts = {}
    for change in [plant] + plant.get("also", []):
        path = change["file"]
        if path not in texts:
            texts[path] = read_source(path)
        count = texts[path].count(change["old"])
        if count != 1:
            raise Failed(f"no longer applies: {path} has {count} places, not one, with: {change['old']!r}")
        texts[path] = texts[path].replace(change["old"], change["new"])
    return texts


def arguments(plant):
    args = plant.get("args", [])
    return shlex.split(args) if isinstance(args, str) else list(args)


def split_limit(args):
    """The search, and how many executions it may take."""
    if "--executions" not in args:
        return tuple(args), 0
    at = args.index("--executions")
    return tuple(args[:at] + args[at + 2:]), int(args[at + 1])


def check_plant(programs, plant, scenario_file):
    program = programs.changed("plant-" + plant["name"], changed_files(plant), scenario_file)
    executions, failure = search(program, plant["scenario"], arguments(plant))
    if failure is None:
        raise Failed(f"NOT FOUND in {executions} executions of {plant['scenario']}")
    if plant.get("failure", "") not in failure:
        raise Failed(f"found, but otherwise than expected: {failure}")
    return executions, failure


def check_as_it_is(programs, scenario, mode, limit, scenario_file):
    args = list(mode) + (["--executions", str(limit)] if limit else [])
    program, _ = programs.as_it_is(scenario_file)
    executions, failure = search(program, scenario, args)
    if failure is not None:
        raise Failed(f"{scenario} {shlex.join(args)}: fails without a planted bug: {failure}")
    return executions, None


def sample(plants, count):
    """Evenly from all, beginning where the sources say."""
    text = "".join(text for plant in plants for text in changed_files(plant).values())
    begin = zlib.crc32(text.encode()) % len(plants)
    chosen = {(begin + i * len(plants) // count) % len(plants) for i in range(count)}
    return [plant for index, plant in enumerate(plants) if index in chosen]


def searches_of(plants):
    """Each search that plants ask for, with the largest limit."""
    limits = {}
    for plant in plants:
        mode, limit = split_limit(arguments(plant))
        key = (plant["scenario"], mode)
        limits[key] = 0 if limit == 0 or limits.get(key) == 0 else max(limit, limits.get(key, limit))
    return [(scenario, mode, limit) for (scenario, mode), limit in limits.items()]


def attempt(check, *args):
    try:
        return check(*args), None
    except Failed as failed:
        return None, str(failed)


def check_all(plants, files, jobs, folder):
    """Yields (plant or None, label, executions, failure as found, error)."""
    programs = Programs(folder)
    programs.build_common(jobs, {files[plant["scenario"]] for plant in plants})
    pending = {}
    for plant in plants:
        future = jobs.submit(attempt, check_plant, programs, plant, files[plant["scenario"]])
        pending[future] = (plant, plant["name"])
    for scenario, mode, limit in searches_of(plants):
        future = jobs.submit(attempt, check_as_it_is, programs, scenario, mode, limit, files[scenario])
        pending[future] = (None, f"{scenario} {shlex.join(mode)}")
    for future in concurrent.futures.as_completed(pending):
        plant, label = pending[future]
        result, error = future.result()
        executions, failure = result or (0, None)
        yield plant, label, executions, failure, error


def write_markdown(path, found):
    with open(path, "w", encoding="utf-8") as file:
        file.write("| planted bug | scenario | search | found after | as |\n|---|---|---|---|---|\n")
        for plant, executions, failure in sorted(found, key=lambda row: (row[0]["set"], row[0]["index"])):
            mode, _ = split_limit(arguments(plant))
            how = shlex.join(mode).replace("--", "") or "both"
            text = failure if len(failure) <= 70 else failure[:67] + "..."
            file.write(f"| {plant['name']} | {plant['scenario']} | {how} | {executions:,} | {text.replace('|', ' ')} |\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this plant, or all of this set")
    parser.add_argument("--sample", type=int, metavar="N", help="N of them")
    parser.add_argument("--list", action="store_true", help="the plants there are")
    parser.add_argument("--markdown", metavar="FILE", help="a table of what was found")
    options = parser.parse_args()

    plants = load_plants()
    for index, plant in enumerate(plants):
        plant["index"] = index
    if options.only:
        unknown = set(options.only) - {plant[key] for plant in plants for key in ("name", "set")}
        if unknown:
            raise Failed(f"no such plant: {', '.join(sorted(unknown))}")
        plants = [plant for plant in plants if plant["name"] in options.only or plant["set"] in options.only]
    if options.list:
        for plant in plants:
            print(f"{plant['set']:<10} {plant['name']:<44} {plant['scenario']}")
        return 0
    if not plants:
        raise Failed("there are no plants")
    if options.sample is not None and options.sample < len(plants):
        plants = sample(plants, options.sample)
    files = scenario_files()
    homeless = [plant["name"] for plant in plants if plant["scenario"] not in files]
    if homeless:
        raise Failed(f"no such scenario for: {', '.join(homeless)}")

    passed = failed = 0
    found = []
    with tempfile.TemporaryDirectory(prefix="plants-") as folder, \
            concurrent.futures.ThreadPoolExecutor(min(MOST_JOBS, os.cpu_count() or 1)) as jobs:
        for plant, label, executions, failure, error in check_all(plants, files, jobs, folder):
            if error is not None:
                failed += 1
                print(f"FAILED  {label}: {error}", flush=True)
                continue
            passed += 1
            if plant is None:
                print(f"passed  {label}: as it is, {executions} executions", flush=True)
            else:
                found.append((plant, executions, failure))
                print(f"found   {label}: after {executions} executions: {failure}", flush=True)
    if options.markdown:
        write_markdown(options.markdown, found)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        print(f"plants: {failed}", file=sys.stderr)
        sys.exit(1)
