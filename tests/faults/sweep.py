#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets each call that can fail fail in its turn, under each scenario, and looks what comes of it.

    sweep.py PROGRAM [--seconds S] [--timeout S] [--scenario NAME]... [--plan PLAN [--warm]]

PROGRAM is faults-scenarios. First each scenario runs without faults: that counts the calls, and shows what is right. Then
there is a run, in a process of its own, for each call, class of calls and library (shim/faults.h): this call fails, and in
a second one all of its class after it do so, too; all that once in a fresh process, and once in one where the scenario
ran before. Of each run is asked

    that it ends, by itself and in time;
    that each function gave a code that crochet.h documents for it;
    that each owned argument, value and payload was dropped once, and what else the scenario itself looks at;
    that the library works as ever afterwards, in the same process;
    that at the end there is no memory, no descriptor and no thread that is not there without faults.

docs/libuv-limits.md names what libuv does that the library can't help; everything else is a finding.

    --seconds    how long it may take: what fits, in an order that is always the same and spreads over everything; what was
                 left is said
    --timeout    how long one run may take; 30 when it is not said
    --plan       this plan alone, for each scenario that is named
"""
import argparse
import collections
import os
import pathlib
import random
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "faults"))
import documented  # noqa: E402

ABORTED = 78
ONCE_ONLY = ("transient",)  # it does not go on for ever


class Report:
    """What one run of the program has said."""

    def __init__(self, status, output, errors):
        self.status, self.errors = status, errors
        self.codes = collections.defaultdict(set)  # of each run of the scenario
        self.broken = []
        self.fired = self.aborts = None  # (call, function of libuv's)
        self.counts, self.warm_counts, self.live = (collections.Counter() for _ in range(3))
        self.descriptors = self.threads = 0
        self.done = False
        at_end = False
        for line in output.splitlines():
            kind, *words = line.split(" ")
            if kind == "code":
                self.codes[int(words[0])].add((words[1], int(words[2])))
            elif kind == "broken":
                self.broken.append(" ".join(words))
            elif kind == "fired":
                self.fired = (words[2], words[4])
            elif kind == "aborts":
                self.aborts = (words[4], words[2])
            elif kind == "count":
                (self.warm_counts if at_end else self.counts)[words[0], words[1]] = int(words[2])
            elif kind == "live" and at_end:
                self.live[tuple(words[:3])] = int(words[3])
            elif kind == "end":
                at_end = True
            elif kind == "descriptors":
                self.descriptors = int(words[0])
            elif kind == "threads":
                self.threads = int(words[0])
            elif kind == "done":
                self.done = True


class Reference:
    """What is right for a scenario: as seen in several runs, of which none is exactly as another."""

    def __init__(self, reports):
        runs = [codes for report in reports for codes in report.codes.values()]
        self.codes = set().union(*runs)
        reached = [{function for function, _ in codes} for codes in runs]
        self.always = set.intersection(*reached) if reached else set()
        self.counts, self.warm_counts, self.live = (collections.Counter() for _ in range(3))
        for report in reports:
            self.counts |= report.counts
            self.warm_counts |= report.warm_counts
            self.live |= report.live
        self.points = self.counts + self.warm_counts
        self.descriptors = max(r.descriptors for r in reports)
        self.threads = min(r.threads for r in reports)


class Sweep:
    def __init__(self, program, timeout):
        header = (ROOT / "include" / "crochet.h").read_text(encoding="utf-8")
        self.program, self.timeout = program, timeout
        self.documented, self.names = documented.codes(header), documented.names(header)
        self.limits = read_limits(ROOT / "docs" / "libuv-limits.md")
        self.met = collections.Counter()
        self.repeated = 0

    def say(self, code):
        return self.names.get(code, str(code))

    def run(self, *words):
        environment = {k: v for k, v in os.environ.items() if k not in ("CROCHET_LOG", "FAULTS")}
        try:
            done = subprocess.run([self.program, *map(str, words)], env=environment, timeout=self.timeout,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        except subprocess.TimeoutExpired as late:
            return Report(None, (late.stdout or b"").decode(errors="replace"),
                          (late.stderr or b"").decode(errors="replace"))
        return Report(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def refer(self, scenario):
        reports = [self.run(scenario) for _ in range(3)]
        for report in reports:
            problems = self.undocumented(report) + report.broken
            if report.status != 0 or not report.done or problems:
                sys.exit(f"{scenario} fails without faults, with {report.status}: {problems}\n{report.errors}")
        return Reference(reports)

    def undocumented(self, report):
        wrong = []
        for function, code in sorted(set().union(*report.codes.values())):
            if function in self.documented and code not in self.documented[function]:
                wrong.append(f"{function} gave {self.say(code)}, which is not documented")
        return wrong

    def problems(self, report, reference):
        """(key, text): a key names what libuv is known to do."""
        if report.status is None:
            return [("hangs", "did not end in time")]
        if report.status == ABORTED:
            return [("aborts", f"the last to fail: {' in '.join(report.aborts)}")]
        if report.status != 0 or not report.done:
            return [("crashes", f"ended with {report.status}: {report.errors[-2000:]}")]
        found = [("code", text) for text in self.undocumented(report)]
        found += [("broken", text) for text in report.broken]
        last = report.codes[max(report.codes)] if len(report.codes) > 1 else set()
        for function, code in sorted(last - reference.codes):
            found.append(("afterwards", f"afterwards {function} gave {self.say(code)}"))
        for function in sorted(reference.always - {function for function, _ in last}):
            found.append(("afterwards", f"afterwards {function} was never reached"))
        for kind, count in (report.live - reference.live).items():
            found.append(("leaks memory", f"{count} more of {' '.join(kind)} bytes"))
        if report.descriptors > reference.descriptors:
            found.append(("leaks descriptors", f"{report.descriptors - reference.descriptors} more descriptors"))
        if report.threads > reference.threads:
            found.append(("leaks threads", f"{report.threads - reference.threads} more threads"))
        return found

    def run_plan(self, scenario, plan, reference, warm):
        report = self.run(scenario, plan, reference.threads, *(["warm"] if warm else []))
        return report, self.problems(report, reference)

    def try_plan(self, scenario, plan, reference, warm=False):
        """The findings of a run, as text; None when the call was not reached."""
        report, problems = self.run_plan(scenario, plan, reference, warm)
        # A machine that stands still for a second makes a time-out of what is right: that must come again.
        for _ in range(3):
            if not problems or not all("TIMEDOUT" in text or key == "hangs" for key, text in problems):
                break
            self.repeated += 1
            report, problems = self.run_plan(scenario, plan, reference, warm)
        if report.fired is None and not problems:
            return None
        call, function = report.aborts or report.fired or ("?", "?")
        findings = []
        for key, text in problems:
            if (function, call, key) in self.limits:
                self.met[function, call, key] += 1
            else:
                findings.append(f"{scenario} {plan}{' warm' if warm else ''}: {call} in {function}: {key}: {text}")
        return findings


def read_limits(path):
    """(function of libuv's, call that fails, what comes of it), from the table."""
    if not path.is_file():
        return set()
    rows = re.findall(r"^\| `(\w+)\(?\)?` \| `(\w+)\(?\)?` \| (\w[\w ]*?) \|", path.read_text(encoding="utf-8"), re.MULTILINE)
    return set(rows)


def plans_of(reference):
    for warm, counts in ((False, reference.counts), (True, reference.warm_counts)):
        for (library, its_class), count in sorted(counts.items()):
            for number in range(1, count + 1):
                yield library, its_class, f"{library}:{its_class}:{number}", warm
                if its_class not in ONCE_ONLY:
                    yield library, its_class, f"{library}:{its_class}:{number}+", warm


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("--scenario", action="append")
    parser.add_argument("--plan")
    parser.add_argument("--warm", action="store_true")
    arguments = parser.parse_args()
    begun = time.monotonic()
    sweep = Sweep(arguments.program, arguments.timeout)
    scenarios = arguments.scenario or subprocess.check_output([arguments.program, "--list"], text=True).split()
    references = {scenario: sweep.refer(scenario) for scenario in scenarios}

    if arguments.plan:
        for scenario in scenarios:
            found = sweep.try_plan(scenario, arguments.plan, references[scenario], arguments.warm)
            print("\n".join(found or [f"{scenario}: nothing was found"]))
        return 0

    work = [(s, *what) for s in scenarios for what in plans_of(references[s])]
    random.Random(1).shuffle(work)  # a part of it is spread over all
    runs, bad, unreached, left = (collections.Counter() for _ in range(4))
    findings = []
    for scenario, library, its_class, plan, warm in work:
        cell = (scenario, library, its_class)
        if arguments.seconds and time.monotonic() - begun > arguments.seconds:
            left[cell] += 1
            continue
        found = sweep.try_plan(scenario, plan, references[scenario], warm)
        runs[cell] += 1
        if found is None:
            unreached[cell] += 1
        elif found:
            bad[cell] += 1
            findings += found
            print("\n".join(found), flush=True)

    print(f"\n{'scenario':20} {'library':8} {'class':10} points  runs  not reached  left  findings")
    for scenario in scenarios:
        for (library, its_class), count in sorted(references[scenario].points.items()):
            cell = (scenario, library, its_class)
            if count:
                print(f"{scenario:20} {library:8} {its_class:10} {count:6} {runs[cell]:5} {unreached[cell]:12} "
                      f"{left[cell]:5} {bad[cell]:9}")
    points = sum(sum(r.points.values()) for r in references.values())
    print(f"{points} injection points in {len(scenarios)} scenarios, {sum(runs.values())} runs, of which "
          f"{sum(unreached.values())} did not reach theirs; {sum(left.values())} were left for want of time")
    if sweep.repeated:
        print(f"{sweep.repeated} runs were late, and were made again")
    for (function, call, key), count in sorted(sweep.met.items()):
        print(f"known of libuv: {function}() {key} when {call}() fails: {count} times")
    for finding in findings:  # once more, where a log that was cut still has them
        print(f"finding: {finding}")
    failed = sum(bad.values())
    print(f"{sum(runs.values()) - failed} passed, {failed} failed")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
