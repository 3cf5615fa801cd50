# SPDX-License-Identifier: MIT
"""Deferred: what a function returns when its value comes later."""
from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Callable, Generator, Generic, Optional, Protocol, TypeVar

from . import _settling
from ._errors import CancelledError

T = TypeVar("T")

_PENDING, _VALUE, _FAILURE = range(3)


class Follower(Protocol):
    def resolve(self, value: Any) -> None: ...

    def reject(self, error: BaseException, trace: Optional[TracebackType] = None) -> None: ...


class Deferred(Generic[T]):
    """A value that somebody promises: settled once, from the loop's thread or any other.

    A function that runs on the loop returns it, and its call is settled when the deferred is; or a coroutine awaits it. One
    that everybody forgets without settling it fails whoever waits with BrokenDeferred.
    """

    def __init__(self, canceller: Optional[Callable[[Deferred[T]], object]] = None) -> None:
        """`canceller` is called, with this, when a call that waits for it is cancelled, or its loop stops: it ends what
        goes on, and settles this. If it does not, this fails with CancelledError."""
        self._canceller = canceller
        self._lock = threading.Lock()
        self._state = _PENDING
        self._outcome: Any = None
        self._trace: Optional[TracebackType] = None
        self._followers: list[Follower] = []

    def __init_subclass__(cls) -> None:
        _settling.followed[cls] = _follow

    def resolve(self, value: T = None) -> bool:  # type: ignore[assignment]
        """Settles it with a value. False: it was settled before."""
        return self._settle(_VALUE, value, None)

    def reject(self, error: BaseException) -> bool:
        """Settles it with a failure. False: it was settled before."""
        if not isinstance(error, BaseException):
            raise TypeError(f"a failure is an exception, not {type(error).__name__}")
        return self._settle(_FAILURE, error, error.__traceback__)

    def cancel(self) -> None:
        """What a cancelled call does: asks who works on it to end. Nothing happens when it is settled."""
        canceller, self._canceller = self._canceller, None
        if self._state != _PENDING:
            return
        if canceller is not None:
            try:
                canceller(self)
            except BaseException as error:
                self.reject(error)
        self.reject(CancelledError())

    def done(self) -> bool:
        return self._state != _PENDING

    def _settle(self, state: int, outcome: Any, trace: Optional[TracebackType]) -> bool:
        with self._lock:
            if self._state != _PENDING:
                return False
            self._outcome, self._trace, self._state = outcome, trace, state
            followers, self._followers = self._followers, []
        self._canceller = None
        for follower in followers:
            self._tell(follower)
        return True

    def follow(self, follower: Follower) -> None:
        """Tells him when it is settled, on the thread that settles it; at once, when it is."""
        with self._lock:
            if self._state == _PENDING:
                self._followers.append(follower)
                return
        self._tell(follower)

    def outcome(self) -> tuple[Any, Optional[BaseException]]:
        """(value, failure) of one that is settled."""
        if self._state == _VALUE:
            return self._outcome, None
        error: BaseException = self._outcome
        return None, error.with_traceback(self._trace)

    def _tell(self, follower: Follower) -> None:
        if self._state == _VALUE:
            follower.resolve(self._outcome)
        else:
            follower.reject(self._outcome, self._trace)

    def __await__(self) -> Generator[Any, Any, T]:
        return (yield self)  # type: ignore[no-any-return]


def _follow(producer: _settling.Producer, deferred: Deferred[Any]) -> None:
    deferred.follow(producer)
    if not producer.pass_cancel_on(deferred):
        deferred.cancel()


_settling.followed[Deferred] = _follow
