# SPDX-License-Identifier: MIT
"""run_in_loop and wait_for: functions that run on the loop's thread, whoever calls them."""
from __future__ import annotations

import functools
import threading
from ctypes import byref, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Optional, TypeVar, overload

from . import _after, _coroutines, _deferred  # noqa: F401  what functions may return
from ._deferred import Deferred
from ._errors import TimeoutError, WouldDeadlock, check, error_of
from ._library import lib
from ._pins import DROP, loop_threads, number, pins
from ._results import CancelOutcome, EventualResult, nanoseconds
from ._settling import FORGET_STORED, RUN, RUN_STORED, call_of

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

_run = lib.run
_labels: dict[str, bytes] = {}  # C does not copy them


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


def _start_labelled(label: bytes, function: Callable[..., Any], args: Any, kwargs: Any) -> EventualResult[Any]:
    result: EventualResult[Any] = EventualResult()
    call, out = c_void_p(), c_void_p()
    check(lib.call_new(None, 8, byref(call)))
    code = lib.call_set_label(call, label)
    if code:
        lib.call_discard(call)
        check(code)
    c_uint64.from_address(lib.call_storage(call)).value = call_of(result, function, args, kwargs)
    check(lib.call_run(call, RUN_STORED, FORGET_STORED, byref(out)))
    result._handle = out.value
    return result


def _starter(label: Optional[str]) -> Callable[..., EventualResult[Any]]:
    """What starts calls with this label; without one it is quicker."""
    if label is None:
        return _start
    return functools.partial(_start_labelled, _labels.setdefault(label, label.encode("utf-8", "replace")))


class _Decorator:
    """Of functions and methods of every kind, whose calls have this label."""

    def __init__(self, label: Optional[str]) -> None:
        self._start = _starter(label)

    def _decorate(self, function: Any) -> Any:
        if isinstance(function, (classmethod, staticmethod)):
            return type(function)(self._decorate(function.__func__))
        return functools.wraps(function)(self._wrapper(function))

    def _wrapper(self, function: Any) -> Any:
        raise NotImplementedError


class _RunInLoop(_Decorator):
    """The type of run_in_loop(label=...)."""

    def _wrapper(self, function: Any) -> Any:
        start = self._start

        def wrapper(*args: Any, **kwargs: Any) -> EventualResult[Any]:
            return start(function, args, kwargs)

        return wrapper

    if TYPE_CHECKING:

        @overload
        def __call__(self, function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, EventualResult[T]]: ...
        @overload
        def __call__(self, function: Callable[P, Deferred[T]]) -> Callable[P, EventualResult[T]]: ...
        @overload
        def __call__(self, function: Callable[P, EventualResult[T]]) -> Callable[P, EventualResult[T]]: ...
        @overload
        def __call__(self, function: Callable[P, T]) -> Callable[P, EventualResult[T]]: ...
        def __call__(self, function: Any) -> Any: ...

    else:
        __call__ = _Decorator._decorate


@overload
def run_in_loop(*, label: str) -> _RunInLoop: ...
@overload
def run_in_loop(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, EventualResult[T]]: ...
@overload
def run_in_loop(function: Callable[P, Deferred[T]]) -> Callable[P, EventualResult[T]]: ...
@overload
def run_in_loop(function: Callable[P, EventualResult[T]]) -> Callable[P, EventualResult[T]]: ...
@overload
def run_in_loop(function: Callable[P, T]) -> Callable[P, EventualResult[T]]: ...
def run_in_loop(function: Any = None, *, label: Optional[str] = None) -> Any:
    """Decorates a function, method or coroutine function: it runs on the loop's thread, and who calls it gets an
    EventualResult at once.

    What it returns, or raises, is the result; a Deferred, an EventualResult or a coroutine are waited for first. The
    function itself is in `__wrapped__`. With a label, as @run_in_loop(label="..."), its calls are named so by dump() and in the
    log; labels are kept for ever, so they should be few.
    """
    decorate = _RunInLoop(label)
    return decorate if function is None else decorate(function)


class _WaitFor(_Decorator):
    """The type of wait_for(timeout)."""

    def __init__(self, timeout: Optional[float], label: Optional[str]) -> None:
        super().__init__(label)
        self._ns = nanoseconds(timeout)

    def _wrapper(self, function: Any) -> Any:
        ns, start = self._ns, self._start

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() in loop_threads:
                raise WouldDeadlock()  # before anything is queued
            result = start(function, args, kwargs)
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
        __call__ = _Decorator._decorate


def wait_for(timeout: Optional[float], *, label: Optional[str] = None) -> _WaitFor:
    """Decorates a function, method or coroutine function: it runs on the loop's thread, and who calls it gets what it returns,
    or raises.

    When that takes longer than `timeout` seconds, TimeoutError is raised, and the call cancelled. On the loop's thread:
    WouldDeadlock, and nothing runs. `label` as for run_in_loop().
    """
    return _WaitFor(timeout, label)
