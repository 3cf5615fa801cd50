# SPDX-License-Identifier: MIT
"""Something to do on the default loop when a result is settled."""
from __future__ import annotations

from ctypes import byref, c_uint64, c_void_p
from typing import Any, Protocol

from . import _settling
from ._errors import check
from ._library import lib
from ._pins import CALL_STORED, DROP_STORED, pin, pins
from ._results import EventualResult


class Sequel(Protocol):
    """Pinned until it was called, or can't be called any more; then dropped() is called, in either case."""

    def __call__(self, deferred: int) -> None: ...

    def dropped(self) -> None: ...


def after(result: EventualResult[Any], sequel: Sequel) -> None:
    """Calls it on the default loop's thread when `result` is settled. If this raises, it is not called."""
    call = c_void_p()
    check(lib.call_new(None, 8, byref(call)))
    code = lib.call_set_after(call, result._handle)
    if code:
        lib.call_discard(call)
        check(code)
    mine = pin(sequel)
    c_uint64.from_address(lib.call_storage(call)).value = mine
    if lib.call_run(call, CALL_STORED, DROP_STORED, None):
        assert mine not in pins  # refused, and dropped by that


class _Passing:
    """Settles a call with the outcome of another one, which its function has returned."""

    __slots__ = ("_result", "_producer")

    def __init__(self, result: EventualResult[Any], producer: _settling.Producer) -> None:
        self._result = result
        self._producer = producer

    def __call__(self, deferred: int) -> None:
        value, error = self._result.outcome()
        if error is None:
            self._producer.resolve(value)
        else:
            self._producer.reject(error)

    def dropped(self) -> None:
        pass


def follow_result(producer: _settling.Producer, result: EventualResult[Any]) -> None:
    cancelled = not producer.pass_cancel_on(result)
    after(result, _Passing(result, producer))
    if cancelled:
        result.cancel()


_settling.followed[EventualResult] = follow_result
