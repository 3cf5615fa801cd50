# SPDX-License-Identifier: MIT
"""run_in_loop and wait_for: functions that run on the loop's thread, whoever calls them."""
from __future__ import annotations

import functools
import threading
from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Optional, TypeVar, overload

from . import _after, _coroutines, _deferred  # noqa: F401  what functions may return
from ._deferred import Deferred
from ._errors import TimeoutError, WouldDeadlock, error_of
from ._library import lib
from ._pins import DROP, loop_threads, number, pins
from ._results import CancelOutcome, EventualResult, nanoseconds
from ._settling import RUN

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

_run = lib.run


def _start(function: Callable[..., Any], args: Any, kwargs: Any) -> EventualResult[Any]:
    result: EventualResult[Any] = EventualResult()
    mine = number()
    pins[mine] = (result, function, args, kwargs)
    out = c_void_p()
    code = _run(None, RUN, mine, DROP, byref(out))
    if code:
        raise error_of(code)
    result._handle = out.value
    return result


@overload
def run_in_loop(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, EventualResult[T]]: ...
@overload
def run_in_loop(function: Callable[P, Deferred[T]]) -> Callable[P, EventualResult[T]]: ...
@overload
def run_in_loop(function: Callable[P, EventualResult[T]]) -> Callable[P, EventualResult[T]]: ...
@overload
def run_in_loop(function: Callable[P, T]) -> Callable[P, EventualResult[T]]: ...
def run_in_loop(function: Any) -> Any:
    """Decorates a function, method or coroutine function: it runs on the loop's thread, and who calls it gets an
    EventualResult at once.

    What it returns, or raises, is the result; a Deferred, an EventualResult or a coroutine are waited for first. The
    function itself is in `__wrapped__`.
    """
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(run_in_loop(function.__func__))

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> EventualResult[Any]:
        return _start(function, args, kwargs)

    return wrapper


class _WaitFor:
    """The type of wait_for(timeout)."""

    def __init__(self, timeout: Optional[float]) -> None:
        self._ns = nanoseconds(timeout)

    def _decorate(self, function: Any) -> Any:
        if isinstance(function, (classmethod, staticmethod)):
            return type(function)(self._decorate(function.__func__))
        ns = self._ns

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() in loop_threads:
                raise WouldDeadlock()  # before anything is queued
            result = _start(function, args, kwargs)
            try:
                return result._wait_ns(ns)
            except WouldDeadlock:
                result.cancel()  # the loop of somebody else
                raise
            except TimeoutError as error:
                if error is result._error or result.cancel() is not CancelOutcome.TOO_LATE:
                    raise
                return result._wait_ns(0)
            finally:
                del result  # this frame is in the traceback of a failure: no circle

        return wrapper

    if TYPE_CHECKING:

        @overload
        def __call__(self, function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]: ...
        @overload
        def __call__(self, function: Callable[P, Deferred[T]]) -> Callable[P, T]: ...
        @overload
        def __call__(self, function: Callable[P, EventualResult[T]]) -> Callable[P, T]: ...
        @overload
        def __call__(self, function: Callable[P, T]) -> Callable[P, T]: ...
        def __call__(self, function: Any) -> Any: ...

    else:
        __call__ = _decorate


def wait_for(timeout: Optional[float]) -> _WaitFor:
    """Decorates a function, method or coroutine function: it runs on the loop's thread, and who calls it gets what it returns,
    or raises.

    When that takes longer than `timeout` seconds, TimeoutError is raised, and the call cancelled. On the loop's thread:
    WouldDeadlock, and nothing runs.
    """
    return _WaitFor(timeout)
