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

Each plant is a copy of the changed files in a folder of its own, in front of the include path; what includes them is
compiled anew and linked with the rest, which is compiled once.
"""

import argparse
import collections
import concurrent.futures
import glob
import os
import re
import runpy
import shlex
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INCLUDE = ["tests", "src", "include"]
# Shared by all scenarios. What needs libuv, an allocator of its own or threads is not there: see scenarios/.
LIBRARY = ["src/call/*.cpp", "src/log/drop.cpp", "tests/model/*.cpp", "tests/model/scenarios/*.cpp"]
NOT_IN_LIBRARY = re.compile(r"_test\.cpp$|/demo_|/explore\.cpp$|/call_memory\.cpp$")  # nor a file with scenarios in it
# In the precompiled header: nothing that a plant may change.
PRECOMPILED = ["model/scenario.hpp", "model/control.hpp", "model/heap.hpp", "model/thread_local.hpp", "base/atomic.hpp",
               "base/park.hpp"]
MOST_JOBS = 2
MOST_SECONDS = 240  # of one search: its own limit is a number of executions

FLAGS = ["-std=c++20", "-O1", "-w", "-DCROCHET_MODEL"]


class Failed(Exception):
    pass


def run(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{shlex.join(command)}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


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


def scenario_files():
    """Where each scenario is defined."""
    files = {}
    for path in sorted(glob.glob("tests/model/scenarios/*.cpp", root_dir=ROOT)):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            for name in re.findall(r"MODEL_SCENARIO\((\w+),", file.read()):
                files[name] = path
    return files


def changed_files(plant):
    """{path: text} with the bug in it."""
    texts = {}
    for change in [plant] + plant.get("also", []):
        path = change["file"]
        if path not in texts:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                texts[path] = file.read()
        count = texts[path].count(change["old"])
        if count != 1:
            raise Failed(f"no longer applies: {path} has {count} places, not one, with: {change['old']!r}")
        texts[path] = texts[path].replace(change["old"], change["new"])
    return texts


def arguments(plant):
    args = plant.get("args", [])
    return shlex.split(args) if isinstance(args, str) else list(args)


class Programs:
    """Compiles: the library and each scenario file once, a plant's own objects when they are asked for."""

    def __init__(self, folder):
        self.folder = folder
        self.compiler = shlex.split(os.environ.get("CXX", "c++"))
        self.needs = {}  # object -> the files of the project that it was made from
        self.objects = {}  # source -> object
        self.binaries = {}
        self.lock = threading.Lock()

    def compile(self, source, target, overlay=None):
        include = [f"-I{os.path.join(overlay, root)}" for root in INCLUDE] if overlay else []
        if overlay and os.path.exists(os.path.join(overlay, source)):
            source = os.path.join(overlay, source)
        include += [f"-I{root}" for root in INCLUDE]
        head = [] if self.precompiled is None else ["-include", self.precompiled]
        run([*self.compiler, *FLAGS, *include, *head, "-MMD", "-MF", target + ".d", "-c", source, "-o", target])

    def precompile(self):
        self.precompiled = None
        header = os.path.join(self.folder, "common.hpp")
        with open(header, "w", encoding="utf-8") as file:
            file.writelines(f'#include "{name}"\n' for name in PRECOMPILED)
        include = [f"-I{root}" for root in INCLUDE]
        is_clang = "clang" in run([*self.compiler, "--version"])
        run([*self.compiler, *FLAGS, *include, "-x", "c++-header", header, "-o", header + (".pch" if is_clang else ".gch")])
        self.precompiled = header

    def build_common(self, jobs, wanted_scenarios):
        self.precompile()
        library = {path for pattern in LIBRARY for path in glob.glob(pattern, root_dir=ROOT)}
        with_scenarios = set(scenario_files().values())
        self.library = sorted(path for path in library - with_scenarios if not NOT_IN_LIBRARY.search(path))
        sources = self.library + ["tests/model/explore.cpp"] + sorted(wanted_scenarios)
        for source in sources:
            self.objects[source] = os.path.join(self.folder, source.replace("/", "_") + ".o")
        list(jobs.map(lambda source: self.compile(source, self.objects[source]), sources))
        for source in sources:
            self.needs[source] = self.read_needs(self.objects[source] + ".d")
        self.archive = os.path.join(self.folder, "library.a")
        run(["ar", "rc", self.archive, *(self.objects[source] for source in self.library)])

    @staticmethod
    def read_needs(path):
        with open(path, encoding="utf-8") as file:
            words = file.read().replace("\\\n", " ").split()[1:]
        return {os.path.relpath(os.path.join(ROOT, word), ROOT) for word in words}

    def link(self, objects, target, *more):
        run([*self.compiler, *objects, self.objects["tests/model/explore.cpp"], self.archive, "-pthread", *more,
             "-o", target])

    def as_it_is(self, scenario_file):
        """The program without a bug, and which sources of the library it consists of."""
        with self.lock:
            if scenario_file not in self.binaries:
                target = os.path.join(self.folder, os.path.basename(scenario_file)[:-len(".cpp")])
                self.link([self.objects[scenario_file]], target, f"-Wl,-Map={target}.map")
                with open(target + ".map", encoding="utf-8") as file:
                    taken = set(re.findall(r"library\.a\(([^)]+)\)", file.read()))
                used = {source for source in self.library if os.path.basename(self.objects[source]) in taken}
                self.binaries[scenario_file] = target, used
            return self.binaries[scenario_file]

    def planted(self, plant, scenario_file):
        folder = os.path.join(self.folder, "plant-" + plant["name"])
        texts = changed_files(plant)
        for path, text in texts.items():
            copy = os.path.join(folder, path)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            with open(copy, "w", encoding="utf-8") as file:
                file.write(text)
        _, used = self.as_it_is(scenario_file)
        again = [source for source in [scenario_file, *sorted(used)] if self.needs[source] & set(texts)]
        if not again:
            raise Failed(f"no source of the scenario includes {', '.join(texts)}")
        objects = {scenario_file: self.objects[scenario_file]}
        for source in again:
            objects[source] = os.path.join(folder, source.replace("/", "_") + ".o")
            self.compile(source, objects[source], folder)
        program = os.path.join(folder, "program")
        self.link(list(objects.values()), program)
        return program


def search(program, scenario, args):
    """The number of executions, and the failure that ended them; no failure: None."""
    command = [program, "--scenario", scenario, "--seconds", str(MOST_SECONDS), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    executions = sum(int(count) for count in re.findall(r"threads\s+(\d+) executions", done.stdout))
    failure = re.search(r"FAILED: (.*)", done.stdout)
    if done.returncode < 0:
        raise Failed(f"the program was ended by signal {-done.returncode}")
    if (done.returncode != 0) != (failure is not None):
        raise Failed(f"exit status {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return executions, failure.group(1) if failure else None


def split_limit(args):
    """The search, and how many executions it may take."""
    if "--executions" not in args:
        return tuple(args), 0
    at = args.index("--executions")
    return tuple(args[:at] + args[at + 2:]), int(args[at + 1])


def check_plant(programs, plant, scenario_file):
    program = programs.planted(plant, scenario_file)
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
