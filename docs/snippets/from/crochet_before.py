# SPDX-License-Identifier: MIT
# Python's Crochet: Twisted from threads.
import sys

try:
    import crochet  # noqa: F401
except ImportError:
    sys.exit(77)  # it is not installed here

# [program]
from crochet import TimeoutError, run_in_reactor, setup, wait_for
from twisted.internet import defer, reactor, task

setup()


@wait_for(timeout=5.0)
def tea():
    return task.deferLater(reactor, 0.01, lambda: "Tea is ready.")


@run_in_reactor
def order():
    return defer.Deferred()


print(tea())
result = order()
try:
    result.wait(timeout=0.05)
except TimeoutError:
    result.cancel()
# [end program]
