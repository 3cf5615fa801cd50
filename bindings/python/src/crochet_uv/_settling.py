# SPDX-License-Identifier: MIT
"""Settling a call with what its function came to: a value, a failure, or something that comes later."""
from __future__ import annotations

import traceback
import weakref
from ctypes import c_uint64, c_void_p
from types import TracebackType
from typing import Any, Callable, Optional

from . import _log, _status
from ._errors import CancelledError, Error, check
from ._library import lib
from ._pins import CALL, DROP, callback, number_in, pin, pins, unpin
from ._results import EventualResult

_resolve = lib.resolve

# What comes later, by type: each module that has such a type adds how a call follows it.
followed: dict[type, Callable[[Producer, Any], None]] = {}


def resolve(deferred: Optional[int], result: EventualResult[Any], value: Any) -> None:
    result._value = value
    if _resolve(deferred, None, None):
        result._value = None  # too late: it was cancelled, or the loop has stopped


def reject(
    deferred: Optional[int], result: EventualResult[Any], error: BaseException, trace: Optional[TracebackType]
) -> None:
    if isinstance(error, CancelledError):
        code = _status.ECANCELED
    else:
        code = error.code if isinstance(error, Error) else _status.EFAILED
    result._fail(error, trace)
    if lib.reject(deferred, code, described(error).encode("utf-8", "replace")):
        result._error = None


def described(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception_only(type(error), error)).strip()
    except Exception:
        return type(error).__name__


class Producer:
    """Who settles a call after its function has returned: holds a deferred, and lets go of it once."""

    __slots__ = ("_deferred", "_result", "__weakref__")

    def __init__(self, deferred: int, result: EventualResult[Any]) -> None:
        self._deferred = [lib.deferred_retain(deferred)]
        self._result = result

    def __del__(self) -> None:
        if self._deferred and not _log.interpreter_ends():
            lib.deferred_release(self._deferred.pop())

    def resolve(self, value: Any) -> None:
        self._settle(resolve, value)

    def reject(self, error: BaseException, trace: Optional[TracebackType] = None) -> None:
        self._settle(reject, error, error.__traceback__ if trace is None else trace)

    def _settle(self, settle: Callable[..., None], *outcome: Any) -> None:
        try:
            deferred = self._deferred.pop()  # of several, one gets it
        except IndexError:
            return
        settle(deferred, self._result, *outcome)
        lib.deferred_release(deferred)

    def pass_cancel_on(self, whom: Any) -> bool:
        """From now on a cancel of the call, and the stop of its loop, are `whom`'s, who is not kept alive by that. False: that
        was asked before. On the loop's thread, while the function of the call runs."""
        try:
            deferred = self._deferred[0]
        except IndexError:
            return True
        code: int = lib.deferred_on_cancel(deferred, CALL, pin(_Hook(weakref.ref(whom))), DROP)
        if code not in (_status.OK, _status.EALREADY):
            check(code)
        return code == _status.OK


class _Hook:
    """An on-cancel hook: passes a cancel, or the stop of the loop, on to somebody, if he is still there."""

    __slots__ = ("_whom",)

    def __init__(self, whom: Callable[[], Any]) -> None:
        self._whom = whom

    def __call__(self, deferred: int) -> None:
        whom = self._whom()
        if whom is not None:
            whom.cancel()


def settle_by(deferred: int, result: EventualResult[Any], function: Any, args: Any, kwargs: Any) -> None:
    """Calls the function and settles the call with what it gives; later, when that is something that comes later."""
    try:
        value = function(*args, **kwargs)
        follow = followed.get(type(value))
        if follow is not None:
            producer = Producer(deferred, result)
            try:
                follow(producer, value)
            except BaseException as error:
                producer.reject(error)
            return
        result._value = value
        if _resolve(deferred, None, None):
            result._value = None
    except BaseException as error:
        reject(deferred, result, error, without_this_frame(error))
    finally:
        # The frames of a failure lead here. What they found would be kept by what it keeps: the result, by its exception.
        del result, function, args, kwargs


def without_this_frame(error: BaseException) -> Optional[TracebackType]:
    """The traceback of what the caller has caught, from what he called on."""
    trace = error.__traceback__
    error.__traceback__ = trace = trace.tb_next if trace else None
    return trace


def call_of(result: EventualResult[Any], function: Any, args: Any, kwargs: Any) -> int:
    """Pins a call for RUN or EVERY. A tuple, for the frames between C and the function must not refer to it either."""
    return pin((result, function, args, kwargs))


@callback(None, c_void_p, c_void_p)
def RUN(deferred: int, mine: int) -> None:
    # Let go of here: what it returns may be known to the function, and would be kept for ever by what it is to settle.
    settle_by(deferred, *unpin(mine))


@callback(None, c_void_p, c_void_p)
def RUN_STORED(deferred: int, storage: int) -> None:
    settle_by(deferred, *unpin(number_in(storage)))


@callback(None, c_void_p)
def FORGET_STORED(storage: int) -> None:
    pins.pop(number_in(storage), None)


@callback(None, c_void_p, c_void_p, c_uint64)
def EVERY(deferred: int, mine: int, missed: int) -> None:
    settle_by(deferred, *pins[mine])
    pins[mine][0]._value = None  # a round's, which nobody gets
