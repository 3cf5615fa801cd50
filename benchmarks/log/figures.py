# SPDX-License-Identifier: MIT
"""What the rounds come to: per round a difference to the empty loop or a ratio, over the rounds their median."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import cases  # noqa: E402
from harness.spread import Spread  # noqa: E402


class Figures:
    def __init__(self, result):
        self.result = result
        self.rounds = [{(run["workload"], run["place"], run["peer"]): run for run in one["runs"]}
                       for one in result["rounds"]]

    def has(self, workload, place, peer):
        return (workload, place, peer) in self.rounds[0]

    def places(self):
        return [place for place in cases.PLACES if self.has("flood", place, cases.EMPTY)]

    def over(self, function, workload, place, peer):
        return Spread(function(one, workload, place, peer) for one in self.rounds)

    def call_ns(self, workload, place, peer):
        return self.over(mean_call_ns, workload, place, peer)

    def call_cpu_ns(self, workload, place, peer):
        return self.over(cpu_call_ns, workload, place, peer)

    def call_median_ns(self, workload, place, peer):
        return self.over(median_call_ns, workload, place, peer)

    def ratio(self, what, workload, place, peer, beside=cases.BESIDE):
        """what: one of the functions below."""
        return Spread(what(one, workload, place, peer) / what(one, workload, place, beside) for one in self.rounds)

    def run_value(self, key, workload, place, peer):
        return Spread(one[workload, place, peer][key] for one in self.rounds)

    def quantile(self, part, workload, place, peer):
        return Spread(one[workload, place, peer]["quantiles"][part] for one in self.rounds)

    def tail_ratio(self, part, workload, place, peer):
        def tail(one, of):
            return one[workload, place, of]["quantiles"][part]

        return Spread(tail(one, peer) / tail(one, cases.EMPTY) for one in self.rounds)


def less_empty(key, one, workload, place, peer):
    run, empty = one[workload, place, peer], one[workload, place, cases.EMPTY]
    return (run[key] - empty[key] / empty["iterations"] * run["iterations"]) / run["messages"]


def mean_call_ns(one, workload, place, peer):
    return less_empty("total_ns", one, workload, place, peer)


def cpu_call_ns(one, workload, place, peer):
    return less_empty("cpu_ns", one, workload, place, peer)


def median_call_ns(one, workload, place, peer):
    """Of the median iteration: without the rare ones in which something else ran."""
    run, empty = one[workload, place, peer], one[workload, place, cases.EMPTY]
    return (run["quantiles"]["0.5"] - empty["quantiles"]["0.5"]) / cases.PER_ITERATION
