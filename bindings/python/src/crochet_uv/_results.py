# SPDX-License-Identifier: MIT
"""EventualResult: the caller's side of a call. The value or exception stays in Python; C knows how the call ended."""
from __future__ import annotations

import enum
import math
from ctypes import byref, c_int, c_void_p
from time import monotonic_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Generator, Generic, Optional, TypeVar

from . import _log, _status
from ._errors import check, error_of, error_of_handle
from ._library import lib

if TYPE_CHECKING:
    import concurrent.futures

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_OK = _status.OK
_EINTR = _status.EINTR
_FOREVER = _status.FOREVER
_FINAL = (_status.EFAILED, _status.ECANCELED, _status.ESTOPPED, _status.EBROKEN)
_LONGEST = 2**63 - 1
_JOIN_SLICE = 100_000_000  # how long a Ctrl-C may have to wait for a join

UNREAD = object()

_wait = lib.result_wait_interruptible
_release = lib.result_release


class CancelOutcome(enum.IntEnum):
    """What a cancel came to."""

    NOT_RUN = 1
    """It was still queued; its function never runs."""
    REQUESTED = 2
    """It runs, or waits: it was asked to end."""
    TOO_LATE = 3
    """It had ended already; nothing changed."""


def nanoseconds(seconds: Optional[float]) -> int:
    """A time-out as the library takes it: None and infinity are for ever, a negative one looks and returns."""
    if seconds is None:
        return _FOREVER
    if seconds != seconds:
        raise ValueError("a time-out can't be NaN")
    if seconds <= 0:
        return 0
    if seconds > 9e9:
        return _FOREVER if math.isinf(seconds) else _LONGEST
    return math.ceil(seconds * 1e9)


class EventualResult(Generic[T_co]):
    """The result of a call, which is there sooner or later. Any thread may use it, any number of threads at once."""

    __slots__ = ("_handle", "_value", "_error", "_traceback", "_observed", "__weakref__")

    _handle: Optional[int]
    _value: Any
    _error: Optional[BaseException]
    _traceback: Optional[TracebackType]
    _observed: bool

    def __init__(self) -> None:
        """Made by what is called on the loop, not by you."""
        self._handle = None
        self._value = None
        self._error = None
        self._observed = False

    def __del__(self) -> None:
        handle = self._handle
        if handle is None or _log.interpreter_ends():
            return
        if self._error is not None and not self._observed and lib.result_status(handle) == _status.EFAILED:
            lib.result_error(handle)  # told here, with the traceback, hence not by the library
            _log.unhandled(self._error, self._traceback)
        _release(handle)

    def wait(self, timeout: Optional[float] = None) -> T_co:
        """The value; or raises the exception that the call failed with, the same one each time.

        `timeout` is in seconds; None: for ever. Afterwards TimeoutError is raised, and nothing has changed: wait again.
        Ctrl-C ends a wait at once. On a loop's thread: WouldDeadlock, also when the result is there.
        """
        try:
            return self._wait_ns(nanoseconds(timeout))
        finally:
            del self  # the frames of a failure lead here: no circle

    def _wait_ns(self, ns: int) -> T_co:
        begin = 0 if ns == _FOREVER else monotonic_ns()
        code = _wait(self._handle, ns)
        while code == _EINTR:  # the interpreter runs its signal handlers before it comes here
            code = _wait(self._handle, _FOREVER if ns == _FOREVER else max(begin + ns - monotonic_ns(), 0))
        if code == _OK:
            value = self._value
            return self._read() if value is UNREAD else value  # type: ignore[no-any-return]
        error, trace = self._failure(code)
        try:
            raise error.with_traceback(trace)
        finally:
            del self, error  # and here

    def _read(self) -> Any:
        """The value of an operation of the library's own, made Python's when it is first asked for."""
        raise NotImplementedError

    def _failure(self, code: int) -> tuple[BaseException, Optional[TracebackType]]:
        """The exception for a code that a wait gave, and its own traceback."""
        if code == _status.EFAILED:
            if not self._observed:
                self._observed = True
                lib.result_error(self._handle)  # for the library: it has been looked at
            if self._error is None:  # an operation of the library's own
                self._fail(error_of_handle(self._handle, code), None)
            assert self._error is not None
            return self._error, self._traceback
        if code in _FINAL:
            return error_of_handle(self._handle, code), None
        return error_of(code), None

    def _fail(self, error: BaseException, trace: Optional[TracebackType]) -> None:
        self._traceback = trace
        self._error = error

    def outcome(self) -> tuple[Any, Optional[BaseException]]:
        """(value, failure) of one that is settled; also on a loop's thread."""
        code: int = lib.result_status(self._handle)
        if code == _OK:
            return (self._read() if self._value is UNREAD else self._value), None
        error, trace = self._failure(code)
        return None, error.with_traceback(trace)

    def cancel(self) -> CancelOutcome:
        """Asks that the call not happen, or stop. Never waits; any thread may ask, any number of times."""
        raw = c_int()
        check(lib.result_cancel(self._handle, byref(raw)))
        outcome = CancelOutcome(raw.value)
        if outcome is not CancelOutcome.TOO_LATE:
            self._observed = True  # what it fails with after that is nobody's concern
        return outcome

    def done(self) -> bool:
        """Is it there, or the failure?"""
        code: int = lib.result_status(self._handle)
        if code in (_status.EFORKED, _status.EINVAL):
            raise error_of(code)
        return code != _status.EPENDING

    def join(self, timeout: Optional[float] = None) -> None:
        """Waits until the call is over, whatever came of it: settled, its arguments let go, no producer left."""
        ns = nanoseconds(timeout)
        end = monotonic_ns() + ns
        while True:
            left = _JOIN_SLICE if ns == _FOREVER else min(max(end - monotonic_ns(), 0), _JOIN_SLICE)
            code: int = lib.result_join(self._handle, left)
            if code == _OK:
                return
            if code == _EINTR or (code == _status.ETIMEDOUT and (ns == _FOREVER or monotonic_ns() < end)):
                continue
            raise error_of(code)

    def stash(self) -> int:
        """Keeps this result under a number, to be given to retrieve_result() once: fit for a web session."""
        from ._stash import stash

        return stash(self)

    def original_failure(self) -> Optional[BaseException]:
        """The exception that the call failed with, with its own traceback; None while there is none."""
        code: int = lib.result_status(self._handle)
        if code in (_status.EPENDING, _OK):
            return None
        error, trace = self._failure(code)
        return error.with_traceback(trace)

    def future(self) -> concurrent.futures.Future[T_co]:
        """The same as a future of the standard library's: for wait(), as_completed() and asyncio.wrap_future()."""
        from ._futures import future_of

        return future_of(self)

    def __await__(self) -> Generator[Any, Any, T_co]:
        """In a coroutine that the loop runs, and in asyncio."""
        from ._coroutines import on_a_loop, wait_for_result

        if on_a_loop():
            return (yield from wait_for_result(self))  # type: ignore[no-any-return]
        from ._asyncio import wait_in_asyncio

        return (yield from wait_in_asyncio(self))  # type: ignore[no-any-return]


def start(result: EventualResult[Any], begin: Callable[..., int], *arguments: Any) -> None:
    """Calls a function of the library's that gives a result, and makes it `result`'s."""
    out = c_void_p()
    check(begin(*arguments, byref(out)))
    result._handle = out.value
