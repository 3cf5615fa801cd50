# SPDX-License-Identifier: MIT
"""Awaiting results in asyncio: a completion queue for each of its loops, which polls the queue's descriptor."""
from __future__ import annotations

import asyncio
import itertools
import weakref
from ctypes import byref, c_int, c_size_t, c_uint64, c_void_p
from typing import Any, Generator, Optional

from . import _log
from ._errors import check
from ._library import lib, new_handle
from ._results import EventualResult

_AT_ONCE = 64


class _Watched:
    __slots__ = ("tag", "result", "futures")

    def __init__(self, tag: int, result: EventualResult[Any]) -> None:
        self.tag = tag
        self.result = result
        self.futures: list[asyncio.Future[None]] = []


class _Watcher:
    """Hands an asyncio loop the results that it waits for. The loop holds it, as the reader of its descriptor."""

    def __init__(self) -> None:
        self._by_tag: dict[int, _Watched] = {}
        self._by_result: dict[EventualResult[Any], _Watched] = {}
        self._number = itertools.count(1).__next__
        self._queue: Optional[int] = None
        code, self._queue = new_handle(lib.completion_queue_new)
        check(code)
        descriptor = c_int()
        check(lib.completion_queue_descriptor(self._queue, byref(descriptor)))
        self.descriptor = descriptor.value
        self._handles = (c_void_p * _AT_ONCE)()
        self._tags = (c_uint64 * _AT_ONCE)()

    def __del__(self) -> None:
        if self._queue is not None and not _log.interpreter_ends():
            lib.completion_queue_release(self._queue)

    def watch(self, future: asyncio.Future[None], result: EventualResult[Any]) -> None:
        watched = self._by_result.get(result)
        if watched is None:
            watched = _Watched(self._number(), result)
            check(lib.completion_queue_watch(self._queue, result._handle, watched.tag))
            self._by_tag[watched.tag] = self._by_result[result] = watched
        watched.futures.append(future)

    def forget(self, future: asyncio.Future[None], result: EventualResult[Any]) -> None:
        watched = self._by_result.get(result)
        if watched is None or future not in watched.futures:
            return
        watched.futures.remove(future)
        if not watched.futures:
            lib.completion_queue_unwatch(self._queue, result._handle)
            self._remove(watched)

    def _remove(self, watched: _Watched) -> None:
        del self._by_tag[watched.tag], self._by_result[watched.result]

    def drain(self) -> None:
        """The descriptor is readable."""
        count = c_size_t(_AT_ONCE)
        while count.value == _AT_ONCE:
            if lib.completion_queue_drain(self._queue, _AT_ONCE, self._handles, self._tags, byref(count)):
                return
            for i in range(count.value):
                lib.result_release(self._handles[i])
                watched = self._by_tag.get(self._tags[i])
                if watched is None:
                    continue  # forgotten when it was on its way
                self._remove(watched)
                for future in watched.futures:
                    if not future.done():
                        future.set_result(None)


_watchers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Watcher] = weakref.WeakKeyDictionary()


def _watcher(loop: asyncio.AbstractEventLoop) -> _Watcher:
    watcher = _watchers.get(loop)
    if watcher is None:
        watcher = _watchers[loop] = _Watcher()
        loop.add_reader(watcher.descriptor, watcher.drain)
    return watcher


def wait_in_asyncio(result: EventualResult[Any]) -> Generator[Any, Any, Any]:
    loop = asyncio.get_running_loop()
    if not result.done():
        watcher = _watcher(loop)
        future: asyncio.Future[None] = loop.create_future()
        watcher.watch(future, result)
        try:
            yield from future.__await__()
        except asyncio.CancelledError:
            result.cancel()
            raise
        finally:
            watcher.forget(future, result)
            del future
    value, error = result.outcome()
    if error is None:
        return value
    try:
        raise error
    finally:
        del error, result
