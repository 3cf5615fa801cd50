# SPDX-License-Identifier: MIT
"""Builds the model checker's programs with the sources of src/ changed, and runs them: for plants.py and orders.py.

The library and each file of scenarios are compiled once, behind a precompiled header. A change is a copy of the changed
files in a folder of its own, in front of the include path; what includes them is compiled anew and linked with the rest.
"""

import glob
import os
import re
import shlex
import subprocess
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INCLUDE = ["tests", "src", "include"]
# Shared by all scenarios. What needs libuv, an allocator of its own or threads is not there: see scenarios/.
LIBRARY = ["src/call/*.cpp", "src/log/drop.cpp", "src/loop/completion_queue.cpp", "tests/model/*.cpp", "tests/model/scenarios/*.cpp"]
NOT_IN_LIBRARY = re.compile(r"_test\.cpp$|/demo_|/explore\.cpp$|/call_memory\.cpp$")  # nor a file with scenarios in it
# In the precompiled header: nothing that is ever changed.
PRECOMPILED = ["model/scenario.hpp", "model/control.hpp", "model/heap.hpp", "model/thread_local.hpp", "base/atomic.hpp",
               "base/park.hpp"]
MOST_SECONDS = 240  # of one search: its own limit is a number of executions

FLAGS = ["-std=c++20", "-O1", "-w", "-DCROCHET_MODEL"]


class Failed(Exception):
    pass


class Crashed(Failed):
    pass


def run(command, environment=None):
    env = None if environment is None else {**os.environ, **environment}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        raise Failed(f"{shlex.join(command)}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def read_source(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def scenario_files():
    """Where each scenario is defined."""
    files = {}
    for path in sorted(glob.glob("tests/model/scenarios/*.cpp", root_dir=ROOT)):
        for name in re.findall(r"MODEL_SCENARIO\((\w+),", read_source(path)):
            files[name] = path
    return files


def write_changed(folder, texts):
    for path, text in texts.items():
        copy = os.path.join(folder, path)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text)


class Programs:
    """Compiles: the library and each scenario file once, what a change needs when it is asked for."""

    def __init__(self, folder, everywhere=None, precompiled=()):
        """everywhere: {path: text}, changes that all of its programs have. precompiled: more headers for all sources."""
        self.folder = folder
        self.compiler = shlex.split(os.environ.get("CXX", "c++"))
        self.headers = [*PRECOMPILED, *precompiled]
        self.needs = {}  # source -> the files of the project that its object is made from
        self.objects = {}  # source -> object
        self.binaries = {}
        self.lock = threading.Lock()
        self.everywhere = os.path.join(folder, "everywhere")
        write_changed(self.everywhere, everywhere or {})

    def compile(self, source, target, overlay=None):
        overlays = [folder for folder in (overlay, self.everywhere) if folder is not None]
        include = [f"-I{os.path.join(folder, root)}" for folder in overlays for root in INCLUDE]
        include += [f"-I{root}" for root in INCLUDE]
        copies = [os.path.join(folder, source) for folder in overlays]
        text = next(filter(os.path.exists, copies), source)
        head = [] if self.precompiled is None else ["-include", self.precompiled]
        run([*self.compiler, *FLAGS, *include, *head, "-MMD", "-MF", target + ".d", "-c", text, "-o", target])

    def precompile(self):
        self.precompiled = None
        header = os.path.join(self.folder, "common.hpp")
        with open(header, "w", encoding="utf-8") as file:
            file.writelines(f'#include "{name}"\n' for name in self.headers)
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
        """The program without a change of its own, and which sources of the library it consists of."""
        with self.lock:
            if scenario_file not in self.binaries:
                target = os.path.join(self.folder, os.path.basename(scenario_file)[:-len(".cpp")])
                self.link([self.objects[scenario_file]], target, f"-Wl,-Map={target}.map")
                with open(target + ".map", encoding="utf-8") as file:
                    taken = set(re.findall(r"library\.a\(([^)]+)\)", file.read()))
                used = {source for source in self.library if os.path.basename(self.objects[source]) in taken}
                self.binaries[scenario_file] = target, used
            return self.binaries[scenario_file]

    def changed(self, name, texts, scenario_file):
        """The program with files of these texts, {path: text}."""
        folder = os.path.join(self.folder, name)
        write_changed(folder, texts)
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


def search(program, scenario, args, environment=None):
    """The number of executions, and the failure that ended them; no failure: None."""
    command = [program, "--scenario", scenario, "--seconds", str(MOST_SECONDS), *args]
    env = None if environment is None else {**os.environ, **environment}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=2 * MOST_SECONDS)
    except subprocess.TimeoutExpired as expired:
        raise Failed(f"{shlex.join(command)}: a loop without an end, and without an operation on an atomic") from expired
    executions = sum(int(count) for count in re.findall(r"threads\s+(\d+) executions", done.stdout))
    failure = re.search(r"FAILED: (.*)", done.stdout)
    if done.returncode < 0:
        raise Crashed(f"the program was ended by signal {-done.returncode}")
    if (done.returncode != 0) != (failure is not None):
        raise Failed(f"exit status {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return executions, failure.group(1) if failure else None
