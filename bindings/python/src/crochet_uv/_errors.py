# SPDX-License-Identifier: MIT
"""What is raised: one class per kind of failure, and which code is which."""
from __future__ import annotations

import builtins
import concurrent.futures
import socket
from typing import Any, Optional

from . import _status
from ._library import lib, text


class Error(Exception):
    """A failure that the library tells by a code; the base of all that this package raises of its own."""

    def __init__(self, code: int = _status.EFAILED, message: str = "") -> None:
        message = message or text(lib.status_message(code))
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def name(self) -> str:
        """ "CROCHET_ESTOPPED", "UV_ENOENT"; "UNKNOWN" for a number of somebody's own."""
        return text(lib.status_name(self.code))

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message)


class TimeoutError(Error, builtins.TimeoutError):
    """This wait ran out of time; the call goes on (wait_for() has cancelled it)."""

    def __init__(self, code: int = _status.ETIMEDOUT, message: str = "") -> None:
        super().__init__(code, message)


class LoopStopped(Error):
    """The loop has stopped: this result will never be there, or no call is accepted any more."""

    def __init__(self, code: int = _status.ESTOPPED, message: str = "") -> None:
        super().__init__(code, message)

    @property
    def safe_to_repeat(self) -> bool:
        """The function was never started."""
        return self.code == _status.ENOTRUN


class CancelledError(Error, concurrent.futures.CancelledError):
    """The call was cancelled."""

    def __init__(self, code: int = _status.ECANCELED, message: str = "") -> None:
        super().__init__(code, message)


class BrokenDeferred(Error):
    """Everybody who could have settled the call let go of it."""

    def __init__(self, code: int = _status.EBROKEN, message: str = "") -> None:
        super().__init__(code, message)


class WouldDeadlock(Error, RuntimeError):
    """A loop's thread must not wait."""

    def __init__(self, code: int = _status.EDEADLK, message: str = "") -> None:
        super().__init__(code, message)


class NotSetUp(Error, RuntimeError):
    """setup() was not called."""

    def __init__(self, code: int = _status.ENOTSETUP, message: str = "") -> None:
        super().__init__(code, message)


class Forked(Error, RuntimeError):
    """This is a forked child: call setup() here; what was made before the fork stays the parent's."""

    def __init__(self, code: int = _status.EFORKED, message: str = "") -> None:
        super().__init__(code, message)


class QueueFull(Error):
    """As many calls are queued as the loop's limit lets in, or as many results stashed."""


class OperationError(Error, OSError):
    """The system said no; `errno` is its number."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(code, message)
        self.errno = -code
        self.strerror = self.message


class LookupFailed(Error, socket.gaierror):
    """No such name, or nobody who could tell; `code` is one of libuv's UV_EAI_..."""


_CLASSES: dict[int, type[Error]] = {
    _status.ECANCELED: CancelledError,
    _status.ESTOPPED: LoopStopped,
    _status.EBROKEN: BrokenDeferred,
    _status.ENOTRUN: LoopStopped,
    _status.ETIMEDOUT: TimeoutError,
    _status.EDEADLK: WouldDeadlock,
    _status.EFORKED: Forked,
    _status.ENOTSETUP: NotSetUp,
    _status.EAGAIN: QueueFull,
    _status.ENOSPC: QueueFull,
}
_EAI = range(-3014, -2999)
_ERRNO = range(-2999, 0)


def error_of(code: int, message: str = "") -> BaseException:
    """The exception that stands for a code."""
    if code == _status.ENOMEM:
        return MemoryError(message or text(lib.status_message(code)))
    if code == _status.EINVAL:
        return ValueError(message or text(lib.status_message(code)))
    known = _CLASSES.get(code)
    if known is not None:
        return known(code, message)
    if code in _EAI:
        return LookupFailed(code, message)
    if code in _ERRNO:
        return OperationError(code, message)
    return Error(code, message)


def check(code: int) -> None:
    if code:
        raise error_of(code)


def error_of_handle(handle: Optional[int], code: int) -> BaseException:
    """Why a result failed, as the library tells it; which counts as having looked."""
    error = lib.result_error(handle)
    if not error:
        return error_of(code)
    said = lib.error_code(error)
    if code == _status.ECANCELED:
        said = code
    return error_of(said, text(lib.error_message(error)))
