# SPDX-License-Identifier: MIT
"""The library with one source changed, and which test programs are to notice: for scripts/mutation.

Everything comes from the build that scripts/coverage makes: the commands that compile and link, and, by running each test
program once, which lines it reaches. A mutant is compiled without counters: its objects alone, in front of the rest in a
new shared library (for the tests of the contract) or in the program itself (for the unit tests).
"""
import collections
import glob
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "gcc-coverage"
WORK = ROOT / "build" / "mutation"
SUITES = {"unit", "api", "abuse", "c", "hpp", "coro"}
# Left out of a command line of the coverage build.
COUNTING = {"--coverage", "-fprofile-arcs", "-ftest-coverage", "-g", "-g1", "-g3", "-Winvalid-pch", "-MD"}
# What a mutant must not do to the machine: signal everybody, fill the disk, take all memory.
CAGE = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child"]
MOST_BYTES = 1 << 30
MOST_MEMORY_KB = 24 << 20  # of addresses, not of memory: stacks and tables are reserved

Test = collections.namedtuple("Test", "name command workdir suite")


class DoesNotBuild(Exception):
    pass


def run(command, cwd=BUILD):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DoesNotBuild(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def digest(path):
    return hashlib.sha256((ROOT / path).read_bytes()).hexdigest()


def sources():
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.?pp"))


def all_tests():
    """The programs that meson runs of these suites."""
    tests = []
    for test in json.loads((BUILD / "meson-info" / "intro-tests.json").read_text(encoding="utf-8")):
        suites = {suite.split(":")[-1] for suite in test["suite"]} & SUITES
        program = pathlib.Path(test["cmd"][0])
        if suites and BUILD in program.parents:
            tests.append(Test(test["name"], test["cmd"], test["workdir"] or str(BUILD), suites.pop()))
    return tests


def run_test(test, seconds, environment):
    """(passed, why not, how long)"""
    command = [*CAGE, "sh", "-c", f"ulimit -c 0 -f {MOST_BYTES // 512} -v {MOST_MEMORY_KB}; \"$@\"; exit $?", "sh", *test.command]
    if test.suite != "c":
        command += ["--gtest_fail_fast", "--gtest_brief=1"]
    env = {name: value for name, value in os.environ.items() if name != "CROCHET_LOG"} | environment
    begun = time.monotonic()
    with subprocess.Popen(command, cwd=test.workdir, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            status = process.wait(seconds)
            why = "" if status == 0 else f"status {status}"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status, why = 1, "timeout"
    return status == 0, why, time.monotonic() - begun


# ---- Which test reaches which line


def reached_by(test):
    """({file: [lines of src/]}, seconds); None: it does not pass even so."""
    folder = WORK / "counts" / test.name
    shutil.rmtree(folder, ignore_errors=True)
    environment = {"GCOV_PREFIX": str(folder), "LD_PRELOAD": str(BUILD / "tests" / "coverage" / "libleaving.so")}
    for _ in range(3):  # on a busy machine some take longer than the library waits for them
        passed, why, seconds = run_test(test, 600, environment)
        if passed:
            break
    else:
        print(f"left out, for it does not pass by itself: {test.name} ({why})", flush=True)
        return None, seconds
    lines = collections.defaultdict(set)
    counts = [path for path in folder.rglob("*.gcda")]
    for path in counts:
        notes = pathlib.Path("/") / path.relative_to(folder).with_suffix(".gcno")
        if notes.is_file():
            path.with_suffix(".gcno").symlink_to(notes)
    if counts:
        output = run(["gcov", "--json-format", "--stdout", *map(str, counts)], BUILD)
        for report in output.splitlines():
            for file in json.loads(report)["files"]:
                path = os.path.normpath(BUILD / file["file"])
                name = os.path.relpath(path, ROOT)
                if name.startswith("src/"):
                    lines[name].update(line["line_number"] for line in file["lines"] if line["count"])
    shutil.rmtree(folder, ignore_errors=True)
    return {name: sorted(numbers) for name, numbers in lines.items()}, seconds


class Reach:
    """Made once, and again when a source or a test program is another."""

    def __init__(self):
        path = WORK / "reach.json"
        stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        now = {name: digest(name) for name in sources()}
        fresh = stored.get("sources") == now
        self.of = stored.get("of", {}) if fresh else {}
        for test in all_tests():
            stamp = os.stat(test.command[0]).st_mtime
            known = self.of.get(test.name)
            if known is not None and known["stamp"] == stamp and known["lines"] is not None:
                continue
            lines, seconds = reached_by(test)
            self.of[test.name] = {"stamp": stamp, "lines": lines, "seconds": seconds}
            path.write_text(json.dumps({"sources": now, "of": self.of}), encoding="utf-8")
        self.tests = {test.name: test for test in all_tests()}

    def tests_of(self, file, line):
        """Quickest first, (test, seconds)."""
        found = [(self.tests[name], entry["seconds"]) for name, entry in self.of.items()
                 if name in self.tests and entry["lines"] is not None and line in entry["lines"].get(file, ())]
        return sorted(found, key=lambda pair: pair[1])


# ---- The library, changed


class Library:
    def __init__(self):
        self.commands = {}  # source or object of the coverage build -> command without its output
        for entry in json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8")):
            words = [word for word in shlex.split(entry["command"]) if word not in COUNTING]
            if "ccache" in words[0]:
                words = words[1:]
            self.commands[entry["output"]] = self.without_pairs(words), entry["file"]
        self.objects = {output: WORK / "objects" / output.replace("/", "_") for output in self.commands
                        if output.startswith("src/")}
        self.needs = {}
        self.build_once()

    @staticmethod
    def without_pairs(words):
        kept, words = [], iter(words)
        for word in words:
            if word in ("-MQ", "-MF", "-o", "-c"):
                next(words)
            else:
                kept.append(word)
        return kept

    def compile(self, output, target, overlay=None):
        words, source = self.commands[output]
        source = os.path.normpath(BUILD / source)
        relative = os.path.relpath(source, ROOT)
        front = []
        if overlay is not None:
            front = [f"-I{overlay}/src"]
            if (overlay / relative).is_file():
                source = str(overlay / relative)
        run([words[0], *front, *words[1:], "-g0", "-w", "-MMD", "-MF", f"{target}.d", "-c", source, "-o", str(target)])

    def build_once(self):
        (WORK / "objects").mkdir(parents=True, exist_ok=True)
        stamp = WORK / "objects" / "sources.json"
        now = {name: digest(name) for name in sources()}
        if not stamp.is_file() or json.loads(stamp.read_text(encoding="utf-8")) != now:
            print(f"compiling {len(self.objects)} objects", flush=True)
            for output, target in self.objects.items():
                self.compile(output, target)
            stamp.write_text(json.dumps(now), encoding="utf-8")
        for output, target in self.objects.items():
            self.needs[output] = self.read_needs(f"{target}.d")
        archive = WORK / "objects" / "library.a"
        archive.unlink(missing_ok=True)
        run(["ar", "rc", str(archive), *map(str, self.objects.values())])
        self.archive = archive

    @staticmethod
    def read_needs(path):
        words = pathlib.Path(path).read_text(encoding="utf-8").replace("\\\n", " ").split()[1:]
        return {os.path.relpath(os.path.normpath(BUILD / word), ROOT) for word in words}

    def includers(self, file):
        return [output for output, needs in self.needs.items() if file in needs]

    def test_objects(self, program):
        """The objects of a test program that see src/."""
        folder = os.path.relpath(program, BUILD) + ".p/"
        return [output for output in self.commands if output.startswith(folder)]


class Changed:
    """One mutant: its objects are made at once, libraries and programs when they are asked for."""

    def __init__(self, library, mutant, text):
        self.library, self.mutant = library, mutant
        self.folder = WORK / "mutant"
        shutil.rmtree(self.folder, ignore_errors=True)
        copy = self.folder / mutant.file
        copy.parent.mkdir(parents=True)
        copy.write_text(text, encoding="utf-8")
        self.objects = []
        for output in library.includers(mutant.file):
            target = self.folder / output.replace("/", "_")
            library.compile(output, target, self.folder)
            if target.read_bytes() != library.objects[output].read_bytes():
                self.objects.append((output, target))
        self.shared = None

    def link_shared(self):
        if self.shared is None:
            changed = {output for output, _ in self.objects}
            objects = [target for _, target in self.objects]
            objects += [target for output, target in self.library.objects.items() if output not in changed]
            command = self.link_command("src/libcrochet.so")
            target = self.folder / "lib" / command[1]
            target.parent.mkdir()
            run([*self.without_objects(command[0]), "-o", str(target), *map(str, objects), "-luv", "-lm", "-pthread"])
            target.with_name("libcrochet.so.0").symlink_to(target.name)
            self.shared = target.parent
        return self.shared

    def link_command(self, prefix):
        """(words, name) of the library's link."""
        path = next(glob.iglob(str(BUILD / (prefix + ".*.*"))))
        words = shlex.split(run(["ninja", "-t", "commands", "-s", os.path.relpath(path, BUILD)]).strip().splitlines()[-1])
        return words, os.path.basename(path)

    @staticmethod
    def without_objects(words):
        kept, skip = [], False
        for word in words:
            if skip:
                skip = False
            elif word == "-o":
                skip = True
            elif word not in COUNTING and not word.endswith(".o") and "ccache" not in word and word != "&&" and word != ":":
                kept.append(word)
        return kept

    def link_program(self, test):
        """A unit test: its own objects, those of them that include what was changed compiled anew."""
        relative = os.path.relpath(test.command[0], BUILD)
        words = shlex.split(run(["ninja", "-t", "commands", "-s", relative]).strip().splitlines()[-1])
        own = []
        for output in self.library.test_objects(test.command[0]):
            needs = set()
            if self.mutant.file.endswith(".hpp"):
                needs = self.deps_of(output)
            if self.mutant.file in needs:
                target = self.folder / output.replace("/", "_")
                self.library.compile(output, target, self.folder)
                own.append(str(target))
            else:
                own.append(output)
        target = self.folder / test.name
        changed = [str(target) for _, target in self.objects]
        archive_at = [i for i, word in enumerate(words) if word.endswith("libcrochet.a")]
        tail = [word for word in words[archive_at[0] + 1:] if "-group" not in word] if archive_at else []
        run([self.compiler(words), "-o", str(target), *own, *changed, str(self.library.archive), *tail, "--coverage", "-lm"])
        return target

    @staticmethod
    def compiler(words):
        return next(word for word in words if re.search(r"(g\+\+|clang\+\+|c\+\+)", word))

    @staticmethod
    def deps_of(output):
        text = run(["ninja", "-t", "deps", output])
        return {os.path.relpath(os.path.normpath(BUILD / line.strip()), ROOT) for line in text.splitlines()[1:]}

    def judge(self, tests):
        """(verdict, by whom): killed, survived, or neither when no program could be built with it."""
        ran = 0
        for test, usual in tests:
            environment = {"GCOV_PREFIX": str(self.folder / "counts")}
            if test.suite == "unit":
                try:
                    test = test._replace(command=[str(self.link_program(test)), *test.command[1:]])
                except DoesNotBuild as error:
                    if "multiple definition" in str(error):  # it plays the loops itself, and can't have the changed ones
                        continue
                    raise
            else:
                environment["LD_LIBRARY_PATH"] = str(self.link_shared())
            ran += 1
            seconds = 20 + 5 * usual
            passed, why, _ = run_test(test, seconds, environment)
            if passed or (why != "timeout" and run_test(test, seconds, environment)[0]):  # twice: the first may be bad luck
                continue
            return "killed", f"{test.name} ({why})"
        return ("survived" if ran else "not built"), f"{ran} programs"
