# SPDX-License-Identifier: MIT
"""Results that come by themselves: after a time, or again and again."""
from __future__ import annotations
from typing import Any, Callable, Optional

from ._library import lib
from ._pins import DROP
from ._results import EventualResult, nanoseconds, start
from ._settling import EVERY, call_of


def sleep(seconds: float) -> EventualResult[None]:
    """A result that is there after that time: to be awaited, waited for, or cancelled."""
    result: EventualResult[None] = EventualResult()
    start(result, lib.sleep, None, nanoseconds(seconds))
    return result


def every(
    period: float, function: Callable[..., Any], *args: Any, first: Optional[float] = None, **kwargs: Any
) -> EventualResult[None]:
    """Calls a function on the loop's thread each `period` seconds, for the first time after `first` (at first: `period`).

    A round may return a Deferred or be a coroutine: no other begins before it is over, and those that become due meanwhile are
    left out. A round that fails is the last: the result fails with its exception. Cancelling the result ends it.
    """
    result: EventualResult[None] = EventualResult()
    times = nanoseconds(period if first is None else first), nanoseconds(period)
    start(result, lib.every, None, *times, EVERY, call_of(result, function, args, kwargs), DROP)
    return result
