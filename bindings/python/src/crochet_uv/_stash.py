# SPDX-License-Identifier: MIT
"""The stash: results under numbers that may leave the process."""
from __future__ import annotations

from ctypes import byref, c_uint64, c_void_p
from typing import Any, Optional

from . import _status
from ._errors import check
from ._library import lib
from ._pins import DROP, pin, pins
from ._results import EventualResult, nanoseconds

# "crochetu" as a number: the type of what this package stashes; other languages have other ones.
STASH_TYPE = 0x63726F6368657475


def stash(result: EventualResult[Any]) -> int:
    # A settled call with the result as its value: so the library's limits hold, and its type tells languages apart.
    deferred, ticket = c_void_p(), c_void_p()
    check(lib.deferred_new(None, None, None, byref(deferred), byref(ticket)))
    try:
        lib.resolve(deferred, pin(result), DROP)
        uid = c_uint64()
        check(lib.result_stash(ticket, STASH_TYPE, byref(uid)))
        return uid.value
    finally:
        lib.deferred_release(deferred)
        lib.result_release(ticket)


def retrieve_result(uid: int) -> EventualResult[Any]:
    """The result that was stashed under this number; once. KeyError: there is none, or there was. TypeError: it is another
    language's, and stays there."""
    if not 0 < uid < 2**63:
        raise KeyError(uid)
    ticket = c_void_p()
    code = lib.retrieve_result(uid, STASH_TYPE, byref(ticket))
    if code == _status.ENOENT:
        raise KeyError(uid)
    if code == _status.ETYPE:
        raise TypeError(f"{uid} was stashed with another type")
    check(code)
    mine, drop = c_void_p(), c_void_p()
    check(lib.result_take(ticket, byref(mine), byref(drop)))
    lib.result_release(ticket)
    result: EventualResult[Any] = pins.pop(mine.value or 0)
    return result


def stash_limits(capacity: int = 65_536, time_to_live: Optional[float] = None) -> None:
    """How many results may be stashed at once, in the whole process, and for how many seconds each is kept; None: until it is
    retrieved. What is dropped then is logged if it is a failure that nobody looked at."""
    check(lib.stash_limits(capacity, nanoseconds(time_to_live)))
