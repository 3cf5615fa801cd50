# SPDX-License-Identifier: MIT
"""The library's log in Python's `logging`, and failures that nobody looked at. Handlers run on the log's thread: however
slow they are, no loop waits for them."""
from __future__ import annotations

import bisect
import collections
import ctypes
import logging
import os
import threading
from ctypes import Structure, byref, c_char_p, c_int, c_int64, c_size_t, c_uint64, c_void_p
from types import TracebackType
from typing import Optional

from ._errors import check
from ._library import lib
from ._pins import DROP, callback, pin, pins

# Loggers are children of this one, named after who says it: "crochet" for the library itself.
ROOT = "crochet_uv"

_LEVELS = (5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_ERROR = 4
_DEFAULT_SINK = 1
_PYTHONS = b"crochet_uv"  # the origin of lines that stand for what waits in _unhandled

_UNHANDLED = "Unhandled error in EventualResult: %s"
_unhandled: collections.deque[tuple[BaseException, Optional[TracebackType]]] = collections.deque()
_bridged = False
_ends = False


def set_log_level(level: int) -> None:
    """Messages below this level of `logging` are not even made, the library's own included; at first CROCHET_LOG says which.
    Loggers and handlers have levels of their own."""
    check(lib.log_set_level(bisect.bisect_left(_LEVELS, level)))


class _Record(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("time_ns", c_int64),
        ("thread", c_uint64),
        ("level", c_int),
        ("origin", c_char_p),
        ("origin_length", c_size_t),
        ("message", c_void_p),
        ("message_length", c_size_t),
        ("full_length", c_size_t),
    ]


class Bridge:
    """The sink that hands messages on to `logging`."""

    def __init__(self) -> None:
        self._id = c_uint64()
        self._gone = threading.Event()

    def add(self) -> None:
        global _bridged
        sink = _Sink(self._gone)
        if lib.log_add_function(0, _WRITE, pin(sink), DROP, byref(self._id)):
            return
        _bridged = True
        if "CROCHET_LOG" not in os.environ:
            lib.log_remove(_DEFAULT_SINK)  # `logging` decides what is shown

    def remove(self, timeout: float) -> None:
        """Returns when no message is on its way into Python any more. What is logged later goes to stderr."""
        global _bridged
        lib.log_flush(int(timeout * 1e9))
        _bridged = False
        if not lib.log_remove(self._id):
            self._gone.wait(timeout)
        if "CROCHET_LOG" not in os.environ:
            lib.log_add_stderr(3, None)
        _report_unhandled()


class _Sink:
    def __init__(self, gone: threading.Event) -> None:
        self._gone = gone

    def __del__(self) -> None:
        self._gone.set()

    def __call__(self, record: _Record) -> None:
        if record.origin == _PYTHONS:
            _report_unhandled()
            return
        message = ctypes.string_at(record.message, record.message_length).decode("utf-8", "replace")
        logger = logging.getLogger(ROOT)
        if record.origin:
            logger = logger.getChild(record.origin.decode("utf-8", "replace"))
        level = _LEVELS[record.level]
        if not logger.isEnabledFor(level):
            return
        made = logger.makeRecord(logger.name, level, "(crochet)", 0, "%s", (message,), None)
        made.created = record.time_ns / 1e9
        made.msecs = record.time_ns // 1_000_000 % 1000
        made.thread = record.thread
        made.threadName = "crochet"
        logger.handle(made)


@callback(None, c_void_p, c_void_p)
def _WRITE(mine: int, record: int) -> None:
    sink = pins.get(mine)
    if sink is not None:
        sink(_Record.from_address(record))


def unhandled(error: BaseException, trace: Optional[TracebackType]) -> None:
    """Logs a failure that nobody looked at, with its traceback. Never blocks."""
    _unhandled.append((error, trace))
    if _bridged:
        line = f"a failure that nobody looked at: {type(error).__name__}".encode("utf-8", "replace")
        if not lib.log(_ERROR, _PYTHONS, line, len(line)):
            return
    # The library's log is full, has ended, or is left alone by no_setup().
    try:
        threading.Thread(target=_report_unhandled, daemon=True).start()
    except RuntimeError:  # no more threads: the interpreter is about to end
        _report_unhandled()


def _report_unhandled() -> None:
    logger = logging.getLogger(ROOT)
    while _unhandled:
        try:
            error, trace = _unhandled.popleft()
        except IndexError:
            return
        logger.error(_UNHANDLED, type(error).__name__, exc_info=(type(error), error, trace))


def interpreter_ends() -> bool:
    """Nothing that lies in C is given back any more: the process ends, and C must not come back."""
    return _ends


def end() -> None:
    global _ends
    _ends = True


def _after_fork_in_child() -> None:
    global _bridged
    _bridged = False
    _unhandled.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)

