# SPDX-License-Identifier: MIT
"""Running coroutines on the loop's thread: what they await is a deferred or a result."""
from __future__ import annotations

import threading
from types import CoroutineType, TracebackType
from typing import Any, Generator, Optional, Union

from . import _settling
from ._after import after
from ._deferred import Deferred
from ._errors import Error, LoopStopped
from ._library import lib, new_handle
from ._pins import CALL, DROP, loop_threads, pin
from ._results import EventualResult
from ._status import ESTOPPED

# How often a coroutine may catch that the loop has stopped, and await something all the same.
_PATIENCE = 100

Awaited = Union[Deferred[Any], EventualResult[Any]]


def on_a_loop() -> bool:
    return threading.get_ident() in loop_threads or bool(lib.current_loop())  # one that others have started


def wait_for_result(result: EventualResult[Any]) -> Generator[Any, Any, Any]:
    return (yield result)


def _stopping() -> bool:
    code, call = new_handle(lib.call_new, None, 0)
    if not code:
        lib.call_discard(call)
    return code == ESTOPPED


class Driver:
    """A coroutine on its way. Whom it waits for keeps it alive: when that is forgotten, it ends, and its call is broken.

    It runs on the loop's thread only. A cancel is passed on to what it awaits; when it awaits nothing yet, to what
    it awaits next. Once, as in asyncio. At a stop of the loop each await raises LoopStopped.
    """

    __slots__ = ("_coroutine", "_producer", "_awaited", "_turn", "_hooked", "_cancelled", "__weakref__")

    def __init__(self, coroutine: CoroutineType[Any, Any, Any], producer: _settling.Producer) -> None:
        self._coroutine = coroutine
        self._producer = producer
        self._awaited: Optional[Awaited] = None
        self._turn = 0
        self._hooked = False
        self._cancelled = False

    def begin(self) -> None:
        self.go_on(self._turn, None, None)

    def cancel(self) -> None:
        """The call's on-cancel hook."""
        if self._awaited is not None:
            self._awaited.cancel()
        else:
            self._cancelled = True
        if _stopping():  # nothing that it would wait for is told any more
            self.go_on(self._turn, None, LoopStopped())

    def go_on(self, turn: int, value: Any, error: Optional[BaseException]) -> None:
        """Runs it until it waits for something that is not there yet."""
        if turn != self._turn:
            return  # a stop came first
        refusals = 0
        while refusals < _PATIENCE:
            self._turn += 1
            self._awaited = None
            try:
                if error is None:
                    awaited = self._coroutine.send(value)
                else:
                    awaited = self._coroutine.throw(error)
            except StopIteration as stop:
                self._producer.resolve(stop.value)
                return
            except BaseException as failure:
                self._producer.reject(failure, _settling.without_this_frame(failure))
                del self  # as in settle_by()
                return
            finally:
                value = error = None
            if not isinstance(awaited, (Deferred, EventualResult)):
                error = TypeError(f"crochet's loop can't await a {type(awaited).__name__}: another event loop's?")
            elif awaited.done():
                value, error = awaited.outcome()
            else:
                try:
                    self._wait_for(awaited)
                    return
                except Error as refused:
                    error = refused
                    refusals += 1
        self._coroutine.close()
        self._producer.reject(LoopStopped())

    def _wait_for(self, awaited: Awaited) -> None:
        self._awaited = awaited
        if not self._hooked:  # those that never wait do without
            self._hooked = True
            self._cancelled = not self._producer.pass_cancel_on(self)
        if isinstance(awaited, Deferred):
            if _stopping():
                raise LoopStopped()
            awaited.follow(_Resuming(self, self._turn))
        else:
            after(awaited, _Looking(self, self._turn, awaited))
        if self._cancelled:
            self._cancelled = False
            awaited.cancel()


class _Resuming:
    """Follows a deferred, on whichever thread settles it, and has the loop's thread go on with the coroutine."""

    __slots__ = ("_driver", "_turn")

    def __init__(self, driver: Driver, turn: int) -> None:
        self._driver = driver
        self._turn = turn

    def resolve(self, value: Any) -> None:
        self._queue(value, None)

    def reject(self, error: BaseException, trace: Optional[TracebackType] = None) -> None:
        self._queue(None, error.with_traceback(trace))

    def _queue(self, value: Any, error: Optional[BaseException]) -> None:
        # Refused, it is dropped: the loop has stopped, and the hook has told the coroutine, or will.
        lib.run(None, CALL, pin(_Step(self._driver, self._turn, value, error)), DROP, None)


class _Step:
    __slots__ = ("_driver", "_turn", "_value", "_error")

    def __init__(self, driver: Driver, turn: int, value: Any, error: Optional[BaseException]) -> None:
        self._driver = driver
        self._turn = turn
        self._value = value
        self._error = error

    def __call__(self, deferred: int) -> None:
        self._driver.go_on(self._turn, self._value, self._error)


class _Looking:
    """Waits for a result, and goes on with the coroutine."""

    __slots__ = ("_driver", "_turn", "_result")

    def __init__(self, driver: Driver, turn: int, result: EventualResult[Any]) -> None:
        self._driver = driver
        self._turn = turn
        self._result = result

    def __call__(self, deferred: int) -> None:
        self._driver.go_on(self._turn, *self._result.outcome())

    def dropped(self) -> None:
        pass


def _follow(producer: _settling.Producer, coroutine: CoroutineType[Any, Any, Any]) -> None:
    Driver(coroutine, producer).begin()


_settling.followed[CoroutineType] = _follow
