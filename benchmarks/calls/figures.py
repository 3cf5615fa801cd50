# SPDX-License-Identifier: MIT
"""What the rounds come to: per round a ratio to what was measured in the same round, over the rounds its median."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness.spread import Spread  # noqa: E402


class Figures:
    def __init__(self, result):
        self.rounds = [{(run["case"], run["peer"]): run for run in one["runs"]} for one in result["rounds"]]

    def has(self, case, peer):
        return (case, peer) in self.rounds[0]

    def has_case(self, case):
        return any(where[0] == case for where in self.rounds[0])

    def has_peer(self, peer):
        return any(where[1] == peer for where in self.rounds[0])

    def value(self, case, peer, key="ns"):
        return Spread(one[case, peer][key] for one in self.rounds)

    def ratio(self, case, peer, beside, key="ns", beside_case=None):
        """To a peer's figure, of the same case unless another is named. None: one of both was not measured."""
        beside_case = beside_case or case
        if not self.has(case, peer) or not self.has(beside_case, beside):
            return None
        return Spread(one[case, peer][key] / one[beside_case, beside][key] for one in self.rounds)
