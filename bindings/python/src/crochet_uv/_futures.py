# SPDX-License-Identifier: MIT
"""Results as futures of the standard library's."""
from __future__ import annotations

import concurrent.futures
from typing import Any, Optional

from ._after import after
from ._errors import CancelledError, Error, LoopStopped
from ._results import EventualResult


class Future(concurrent.futures.Future[Any]):
    """A future whose cancel() asks the call to end."""

    def __init__(self, result: EventualResult[Any]) -> None:
        super().__init__()
        self._result_of_call: Optional[EventualResult[Any]] = result

    def cancel(self) -> bool:
        cancelled = super().cancel()
        result = self._result_of_call
        if cancelled and result is not None:
            result.cancel()
        return cancelled

    def settle(self, value: Any, error: Optional[BaseException]) -> None:
        self._result_of_call = None
        if isinstance(error, CancelledError):
            super().cancel()
        if not self.set_running_or_notify_cancel():
            return
        if error is None:
            self.set_result(value)
        else:
            self.set_exception(error)


class _Settling:
    """Settles a future when its call is settled; with LoopStopped when that will not be told any more."""

    __slots__ = ("_future", "_result")

    def __init__(self, future: Future, result: EventualResult[Any]) -> None:
        self._future: Optional[Future] = future
        self._result = result

    def __call__(self, deferred: Optional[int]) -> None:
        future, self._future = self._future, None
        if future is not None:
            future.settle(*self._result.outcome())

    def dropped(self) -> None:
        future, self._future = self._future, None
        if future is not None:
            future.settle(None, LoopStopped())


def future_of(result: EventualResult[Any]) -> concurrent.futures.Future[Any]:
    future = Future(result)
    settling = _Settling(future, result)
    try:
        after(result, settling)
    except Error:
        if result.done():
            settling(None)
        else:
            settling.dropped()
    return future
