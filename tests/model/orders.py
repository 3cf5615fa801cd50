#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Weakens each memory order of the lock-free core in turn, and has the model checker look for a failure.

A mutant, one order weakened by a step or more, is killed by a scenario, or survives, and then orders/reasons.py must say
why. What became of each is in the tree, orders/verdicts.json, by function and operation: changes elsewhere don't matter.

    orders.py --check          every order has its verdicts, every survivor its reason, and none is out of date; no search
    orders.py --sample N       N of the killed ones are killed again by what killed them, and only they fail
    orders.py --update         searches for what is new, and in functions that were changed; rewrites verdicts.json
    orders.py --seconds N      the long form: kills all again, then goes on searching for survivors where it had stopped
    orders.py --markdown FILE  a table of all that

All mutants are one program: each order of a copy of the sources is wrapped in weakened() (weakened.hpp), which is told
by the environment which one to weaken. A search goes on in rounds, each much longer than the one before, and each over all
scenarios that get to the order: with bound 2, with bound 3, at random. What survives with a relaxed order survives with
any other: for those it is not searched again.
"""

import argparse
import collections
import concurrent.futures
import glob
import json
import os
import re
import runpy
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import order_sites  # noqa: E402
from mutants import HERE, ROOT, Crashed, Failed, Programs, read_source, run, scenario_files, search  # noqa: E402
from order_sites import WEAKER  # noqa: E402

CORE = ["src/call/*.hpp", "src/call/*.cpp", "src/loop/call_queue.hpp", "src/loop/completion_queue.*", "src/loop/queue_limit.hpp",
        "src/log/ring.hpp"]
VERDICTS = os.path.join(HERE, "orders", "verdicts.json")
REASONS = os.path.join(HERE, "orders", "reasons.py")
KINDS = {
    "stronger": "stronger than needed:",
    "together": "another order does its work:",
    "outside": "needed only by what the model does not have:",
    "hint": "a hint:",
}
# Executions of each search, round by round.
ROUNDS = [
    [("--bound 2", 300), ("--random 1", 600)],
    [("--random 1000", 5000), ("--bound 2", 3000), ("--bound 3", 3000)],
    [("--random 10000", 30000), ("--bound 2", 20000), ("--bound 3", 20000)],
    [("--random 100000", 200000), ("--bound 2", 150000), ("--bound 3", 150000)],
    [("--random 1000000", 1500000), ("--bound 2", 1000000), ("--bound 3", 1000000)],
]
UPDATE_ROUNDS = 2
UPDATE_SECONDS = 3600
EXECUTIONS_TO_REACH = 1000  # by which a scenario has got to all it gets to, more or less
MOST_SAMPLED = 20000        # executions of a search that is worth a place in a sample


# ---- The mutants there are


class Core:
    """The sources and their orders; a number for each."""

    def __init__(self):
        files = sorted(path for pattern in CORE for path in glob.glob(pattern, root_dir=ROOT))
        self.read({file: read_source(file) for file in files})

    def read(self, texts):
        self.sites = []
        self.code = {}  # function -> fingerprint
        self.wrapped = {}  # file -> text
        for file, text in texts.items():
            sites = order_sites.find_sites(file, text)
            self.wrapped[file] = order_sites.with_numbers(text, sites, len(self.sites))
            self.sites += sites
            prints = order_sites.fingerprints(file, text)
            self.code.update({f"{file}: {site.function}": prints[f"{file}: {site.function}"] for site in sites})
        self.numbers = {site.key: number for number, site in enumerate(self.sites)}
        self.mutants = {(*site.key, site.order, to): site for site in self.sites for to in WEAKER[site.order]}


def text_of(key):
    file, function, operation, nth, role, order, to = key
    which = "" if nth == 0 else f" (no. {nth + 1})"
    of = "" if role == "order" else f" on {role}"
    return f"{file}: {function}: {operation}{which}: {order}{of} -> {to}"


# ---- What is stored about them

FIELDS = ["file", "function", "operation", "nth", "role", "order", "to"]


def load_verdicts():
    """({function: fingerprint}, {mutant: verdict})"""
    if not os.path.exists(VERDICTS):
        return {}, {}
    with open(VERDICTS, encoding="utf-8") as file:
        stored = json.load(file)
    verdicts = {}
    for entry in stored["verdicts"]:
        key = tuple(entry.pop(field) for field in FIELDS)
        verdicts[key] = entry
    return stored["functions"], verdicts


def save_verdicts(core, code, verdicts):
    """One line for each, in the order of the sources."""
    functions = [f"{json.dumps(name)}: {json.dumps(code[name])}" for name in sorted(code)]
    entries = [json.dumps({**dict(zip(FIELDS, key)), **verdicts[key]}) for key in core.mutants if key in verdicts]
    text = '{"functions": {\n' + ",\n".join(functions) + '\n},\n"verdicts": [\n' + ",\n".join(entries) + "\n]}\n"
    with open(VERDICTS + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(VERDICTS + ".new", VERDICTS)


def load_reasons():
    return runpy.run_path(REASONS)["REASONS"]


def applies(where, key):
    """A part of a reason: its fields are those of the mutant; an operation is told by a part of it."""
    mutant = dict(zip(FIELDS, key))
    for field, wanted in where.items():
        if field == "operation":
            if wanted not in mutant[field]:
                return False
        elif mutant[field] not in (wanted if isinstance(wanted, (list, tuple)) else [wanted]):
            return False
    return True


def where_of(reason):
    return {field: value for field, value in reason.items() if field in FIELDS}


def reasons_of(reasons, key):
    return [reason for reason in reasons if applies(where_of(reason), key)]


def partners(core, reason):
    """The mutants that a reason says do the work as well: [(site's number, order)]."""
    found = []
    for where in reason.get("with", []):
        keys = [key for key in core.mutants if applies(where, key)]
        if len(keys) != 1:
            raise Failed(f"{os.path.relpath(REASONS, ROOT)}: {len(keys)} mutants, not one, are {where}")
        found.append(keys[0])
    return found


# ---- Searching


class Searcher:
    """The programs that all mutants are."""

    def __init__(self, core, folder, jobs, scenarios=None):
        self.core = core
        files = scenario_files()
        self.files = files if scenarios is None else {name: files[name] for name in scenarios if name in files}
        self.programs = Programs(folder, core.wrapped, ["model/weakened.hpp"])
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            self.programs.build_common(pool, set(self.files.values()))
        self.reached = None

    def run(self, scenario, how, limit, mutants=()):
        """(executions, failure or None) with the orders of all these mutants weakened."""
        program, _ = self.programs.as_it_is(self.files[scenario])
        weakened = ",".join(f"{self.core.numbers[key[:5]]}={key[6]}" for key in mutants)
        environment = {"CROCHET_WEAKENED": weakened}
        try:
            return search(program, scenario, [*how.split(), "--executions", str(limit)], environment)
        except Crashed as crashed:
            return self.find_crash(program, scenario, how, limit, environment), str(crashed)

    @staticmethod
    def find_crash(program, scenario, how, limit, environment):
        """The execution that crashes, among so many: a null pointer, say, is not what the checker itself looks for."""
        passed = 0
        while limit - passed > 1:
            middle = (passed + limit) // 2
            try:
                search(program, scenario, [*how.split(), "--executions", str(middle)], environment)
                passed = middle
            except Crashed:
                limit = middle
        return limit

    def kill(self, scenario, how, limit, mutants):
        """(executions, the verdict or None)"""
        executions, failure = self.run(scenario, how, limit, mutants)
        if failure is None:
            return executions, None
        _, as_it_is = self.run(scenario, how, executions)
        if as_it_is is not None:
            raise Failed(f"{scenario} {how}: fails with nothing weakened: {as_it_is}")
        return executions, {"scenario": scenario, "search": how, "executions": executions, "as": failure}

    def find_reached(self):
        """{number of an order: scenarios that get there}"""
        self.reached = collections.defaultdict(list)
        for scenario, file in self.files.items():
            program, _ = self.programs.as_it_is(file)
            command = [program, "--scenario", scenario, "--executions", str(EXECUTIONS_TO_REACH)]
            try:
                output = run(command, {"CROCHET_REACHED": "1"})
            except Failed as failed:
                raise Failed(f"{scenario} fails with nothing weakened:\n{failed}") from failed
            for number in re.search(r"^reached:(.*)", output, re.M).group(1).split():
                self.reached[int(number)].append(scenario)

    def scenarios_for(self, key, killers):
        """Those that get there; first those that have killed others of the function."""
        return sorted(self.reached[self.core.numbers[key[:5]]], key=lambda scenario: -killers[key[1]][scenario])


class Hunt:
    """Searches for mutants and keeps the verdicts."""

    def __init__(self, core, searcher, verdicts, seconds):
        self.core, self.searcher, self.verdicts = core, searcher, verdicts
        self.ends = time.monotonic() + seconds
        self.killers = collections.defaultdict(collections.Counter)  # function -> scenario -> how many it has killed
        for key, verdict in verdicts.items():
            if "killed" in verdict:
                self.killers[key[1]][verdict["killed"]["scenario"]] += 1

    def is_over(self):
        return time.monotonic() > self.ends

    def save(self):
        """A function with all its verdicts is up to date."""
        missing = {f"{key[0]}: {key[1]}" for key in self.core.mutants if key not in self.verdicts}
        save_verdicts(self.core, {name: code for name, code in self.core.code.items() if name not in missing},
                      self.verdicts)

    def again(self, key):
        """By what is known to have killed it. False: not any more."""
        known = self.verdicts.get(key, {}).get("killed")
        if known is None or known["scenario"] not in self.searcher.files:
            return False
        _, killed = self.searcher.kill(known["scenario"], known["search"], 2 * known["executions"] + 1000, [key])
        if killed is not None:
            self.note(key, {"killed": killed})
        return killed is not None

    def note(self, key, verdict):
        self.verdicts[key] = verdict
        if "killed" in verdict:
            killed = verdict["killed"]
            self.killers[key[1]][killed["scenario"]] += 1
            text = f"killed by {killed['scenario']} {killed['search']} after {killed['executions']}: {killed['as']}"
        else:
            text = f"survives {verdict['survived']['executions']} executions"
        print(f"{text_of(key)}: {text}", flush=True)

    def round(self, key, number):
        """All scenarios that get there, once. The verdict."""
        before = self.verdicts.get(key, {}).get("survived", {})
        total = before.get("executions", 0)
        scenarios = self.searcher.scenarios_for(key, self.killers)
        for scenario in scenarios:
            for how, limit in ROUNDS[number]:
                executions, killed = self.searcher.kill(scenario, how, limit, [key])
                total += executions
                if killed is not None:
                    return {"killed": killed}
        return {"survived": {"scenarios": len(scenarios), "executions": total, "rounds": number + 1}}

    def search_site(self, keys, number):
        """The mutants of one order, the relaxed one last in `keys`: what survives relaxed survives all else."""
        for key in reversed(keys):
            verdict = self.round(key, number)
            self.note(key, verdict)
            if key[6] == "relaxed" and "survived" in verdict:
                for other in keys:
                    self.verdicts[other] = verdict
                break
        self.save()

    def search(self, keys, rounds):
        """Those that are not killed, round by round, until the time is over."""
        by_site = collections.defaultdict(list)
        for key in keys:
            by_site[key[:5]].append(key)
        for number in range(rounds):
            for mutants in by_site.values():
                wanted = [key for key in mutants if "killed" not in self.verdicts.get(key, {})
                          and self.verdicts.get(key, {}).get("survived", {}).get("rounds", 0) <= number]
                if wanted and self.is_over():
                    return False
                if wanted:
                    self.search_site(wanted, number)
        return True


def search_together(core, searcher, verdicts, reasons):
    """A survivor whose work another order does as well: with both weakened it must be killed. Yields those that are not."""
    for reason in (reason for reason in reasons if reason["kind"] == "together"):
        others = partners(core, reason)
        for key in (key for key in core.mutants if applies(where_of(reason), key)):
            mutants = [key, *others]
            known = verdicts[key].get("together")
            killed = None
            if known is not None:
                _, killed = searcher.kill(known["scenario"], known["search"], 2 * known["executions"] + 1000, mutants)
            for searches in ROUNDS[:UPDATE_ROUNDS] if killed is None else []:
                for scenario in searcher.scenarios_for(key, collections.defaultdict(collections.Counter)):
                    for how, limit in searches:
                        killed = killed or searcher.kill(scenario, how, limit, mutants)[1]
            verdicts[key] = {**verdicts[key], "together": killed}
            if killed is None:
                yield key
            else:
                print(f"{text_of(key)}: together: killed by {killed['scenario']} after {killed['executions']}", flush=True)


# ---- What it is called for


def in_need(core, code, verdicts):
    """Mutants without a verdict, or in a function that was changed since."""
    changed = {name for name, text in core.code.items() if code.get(name) != text}
    return [key for key in core.mutants if key not in verdicts or f"{key[0]}: {key[1]}" in changed]


def forget(core, searcher, code, verdicts):
    """Survivors of what is not searched any more, or was searched otherwise: in changed functions, with other scenarios."""
    changed = set(in_need(core, code, verdicts))
    for key, verdict in list(verdicts.items()):
        is_known = "killed" in verdict
        reached = len(searcher.reached[core.numbers[key[:5]]]) if key in core.mutants else 0
        if key not in core.mutants or (not is_known and (key in changed or verdict["survived"]["scenarios"] != reached)):
            del verdicts[key]


def kill_again(hunt, keys):
    for key in keys:
        if "killed" in hunt.verdicts.get(key, {}) and not hunt.again(key):
            del hunt.verdicts[key]


def hunt_for(core, jobs, seconds, everything):
    code, verdicts = load_verdicts()
    with tempfile.TemporaryDirectory(prefix="orders-") as folder:
        searcher = Searcher(core, folder, jobs)
        searcher.find_reached()
        forget(core, searcher, code, verdicts)
        wanted = list(core.mutants) if everything else in_need(core, code, verdicts)
        hunt = Hunt(core, searcher, verdicts, seconds)
        kill_again(hunt, wanted)
        finished = hunt.search(wanted, len(ROUNDS) if everything else UPDATE_ROUNDS)
        missing = [key for key in core.mutants if key not in verdicts]
        lonely = [] if missing else list(search_together(core, searcher, verdicts, load_reasons()))
        hunt.save()
    for key in missing:
        print(f"not searched: {text_of(key)}")
    for key in lonely:
        print(f"survives together with what does its work: {text_of(key)}")
    print_sum(core, verdicts, "" if finished else "the time was over before all rounds were; ")
    return 1 if missing or lonely else 0


def print_sum(core, verdicts, prefix=""):
    killed = sum("killed" in verdict for verdict in verdicts.values())
    print(f"{prefix}{len(core.sites)} orders, {len(core.mutants)} mutants, {killed} killed, {len(verdicts) - killed} survive")


def findings(core):
    """What is wrong with the stored verdicts and reasons, line by line."""
    code, verdicts = load_verdicts()
    reasons = load_reasons()
    used = set()
    for name in sorted(name for name in core.code if name in code and core.code[name] != code[name]):
        yield f"changed since its orders were searched: {name}"
    for key in core.mutants:
        if key not in verdicts:
            yield f"no verdict: {text_of(key)}"
            continue
        found = reasons_of(reasons, key)
        used.update(id(reason) for reason in found)
        if "killed" in verdicts[key] and found:
            yield f"a reason to survive, but it is killed: {text_of(key)}"
        if "killed" not in verdicts[key] and len(found) != 1:
            yield f"{len(found)} reasons, not one, why it survives: {text_of(key)}"
        is_outside = any(reason["kind"] == "outside" for reason in found)
        if verdicts[key].get("survived", {}).get("scenarios") == 0 and not is_outside:
            yield f"no scenario gets there: {text_of(key)}"
        if any(reason["kind"] == "together" for reason in found) and verdicts[key].get("together") is None:
            yield f"not tried together with what does its work: {text_of(key)}"
    for key in verdicts:
        if key not in core.mutants:
            yield f"a verdict about what is not there any more: {text_of(key)}"
    for reason in reasons:
        if reason["kind"] not in KINDS:
            yield f"a reason of no known kind: {reason['kind']}"
        if id(reason) not in used:
            yield f"a reason for nothing that is there: {where_of(reason)}"
        try:
            partners(core, reason)
        except Failed as failed:
            yield str(failed)


def check(core):
    wrong = list(findings(core))
    for line in wrong:
        print(f"FAILED  {line}")
    if wrong:
        print("a verdict: tests/model/orders.py --update; a reason: tests/model/orders/reasons.py")
    print_sum(core, load_verdicts()[1])
    return 1 if wrong else 0


def sample(core, jobs, count):
    """Evenly from all, in the order of the sources."""
    _, verdicts = load_verdicts()
    killed = [key for key in core.mutants if "killed" in verdicts.get(key, {})
              and verdicts[key]["killed"]["executions"] <= MOST_SAMPLED]
    chosen = [killed[i * len(killed) // count] for i in range(count)] if count < len(killed) else killed
    if not chosen:
        raise Failed("there is nothing to sample")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="orders-") as folder:
        searcher = Searcher(core, folder, jobs, {verdicts[key]["killed"]["scenario"] for key in chosen})
        hunt = Hunt(core, searcher, dict(verdicts), 0)
        for key in chosen:
            if not hunt.again(key):
                failed += 1
                print(f"FAILED  not killed any more: {text_of(key)}", flush=True)
    print(f"{len(chosen) - failed} killed, {failed} failed")
    return 1 if failed else 0


# ---- For people


def verdict_text(key, verdict, reasons):
    if "killed" in verdict:
        killed = verdict["killed"]
        how, number = killed["search"].replace("--", "").split()
        return f"killed by {killed['scenario']}, {how}{' ' + number if how == 'bound' else ''}, after {killed['executions']:,}"
    reason = next(iter(reasons_of(reasons, key)), None)
    if reason is None:
        return "survives, and nobody has said why"
    text = f"survives; {KINDS[reason['kind']]} {reason['why']}"
    if verdict.get("together"):
        killed = verdict["together"]
        text += f" (both weakened: killed by {killed['scenario']} after {killed['executions']:,})"
    return text


def rows(core, verdicts, reasons):
    """[site, what it is weakened to, what came of it]: those of one site that came to the same are one."""
    found = []
    for key, site in core.mutants.items():
        text = verdict_text(key, verdicts[key], reasons) if key in verdicts else "not searched"
        if found and found[-1][0] is site and found[-1][2] == text:
            found[-1][1] += f", {key[6]}"
        else:
            found.append([site, key[6], text])
    return found


def write_markdown(path, core):
    _, verdicts = load_verdicts()
    killed = sum("killed" in verdict for verdict in verdicts.values())
    lines = [HEAD.strip(), "", f"{len(core.mutants)} mutants of {sum(bool(WEAKER[site.order]) for site in core.sites)} orders "
             f"(and {sum(not WEAKER[site.order] for site in core.sites)} that are relaxed): {killed} killed, "
             f"{len(verdicts) - killed} survive."]
    last = None
    for site, to, text in rows(core, verdicts, load_reasons()):
        if last is None or site.file != last.file:
            lines += ["", f"## `{site.file}`", "", "| function | operation | order | weakened to | |", "|---|---|---|---|---|"]
        operation = site.operation.replace("|", "\\|") + ("`" if site.nth == 0 else f"` (no. {site.nth + 1})")
        role = "" if site.role == "order" else f", {site.role}"
        head = f"| `{site.function}` | `{operation} | {site.order}{role} |" if site is not last else "| | | |"
        lines.append(f"{head} {to} | {text.replace('|', ' ')} |")
        last = site
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


HEAD = """
# The memory orders of the core

Made by `tests/model/orders.py --markdown docs/model-orders.md`; not to be edited. Each order is weakened, one at a time,
and the model checker looks for a failure: [model-checking.md](model-checking.md) tells how. "Killed by a scenario, bound
2, after 40" means that the 40th execution of that search failed.

No scenario needs an order that survives, and the text says why nothing breaks without it. It stays where it says what is
meant: on x86-64 a read-modify-write has all orders anyway, and the next change may need it. It is what a reader may rely
on least.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="are the stored verdicts those of these sources?")
    what.add_argument("--sample", type=int, metavar="N", help="kill N mutants again")
    what.add_argument("--update", action="store_true", help="search for what is new or changed")
    what.add_argument("--seconds", type=float, metavar="N", help="kill all again, and search for survivors for so long")
    what.add_argument("--markdown", metavar="FILE", help="a table of all verdicts")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="compilers at once")
    options = parser.parse_args()

    core = Core()
    if options.check:
        return check(core)
    if options.sample is not None:
        return sample(core, options.jobs, options.sample)
    if options.markdown:
        write_markdown(options.markdown, core)
        return 0
    return hunt_for(core, options.jobs, options.seconds or UPDATE_SECONDS, everything=not options.update)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, order_sites.NotUnderstood) as failed:
        print(f"orders: {failed}", file=sys.stderr)
        sys.exit(1)
