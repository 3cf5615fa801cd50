# SPDX-License-Identifier: MIT
"""One figure over the rounds."""
import statistics


class Spread:
    """The median over the rounds, and between which two values all lie."""

    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)
        self.low = min(self.values)
        self.high = max(self.values)
