# SPDX-License-Identifier: MIT
"""crochet: libuv for threaded programs, from Python.

    from crochet_uv import setup, wait_for, getaddrinfo
    setup()

    @wait_for(timeout=5.0)
    def resolve(name):
        return getaddrinfo(name)
"""

from ._decorators import run_in_loop, wait_for
from ._deferred import Deferred
from ._errors import (
    BrokenDeferred,
    CancelledError,
    Error,
    Forked,
    LookupFailed,
    LoopStopped,
    NotSetUp,
    OperationError,
    QueueFull,
    TimeoutError,
    WouldDeadlock,
)
from ._lifecycle import no_setup, setup, shutdown
from ._log import set_log_level
from ._operations import Address, ProcessExit, getaddrinfo, getnameinfo, run_process
from ._results import CancelOutcome, EventualResult
from ._seen import counters, dump
from ._stash import retrieve_result, stash_limits
from ._time import every, sleep
from ._version import VERSION

# The names that Python's Crochet has for these.
run_in_reactor = run_in_loop
ReactorStopped = LoopStopped

__version__ = VERSION

__all__ = [
    "Address",
    "BrokenDeferred",
    "CancelOutcome",
    "CancelledError",
    "Deferred",
    "Error",
    "EventualResult",
    "Forked",
    "LookupFailed",
    "LoopStopped",
    "NotSetUp",
    "OperationError",
    "ProcessExit",
    "QueueFull",
    "ReactorStopped",
    "TimeoutError",
    "WouldDeadlock",
    "__version__",
    "counters",
    "dump",
    "every",
    "getaddrinfo",
    "getnameinfo",
    "no_setup",
    "retrieve_result",
    "run_in_loop",
    "run_in_reactor",
    "run_process",
    "set_log_level",
    "setup",
    "shutdown",
    "sleep",
    "stash_limits",
    "wait_for",
]
