# SPDX-License-Identifier: MIT
"""The life of the default loop: set up, shut down, forked, and over before the interpreter is."""
from __future__ import annotations

import atexit
import ctypes
import os
import threading
import time
from typing import Optional, Union

from . import _log, _status
from ._errors import LoopStopped, check
from ._library import lib, new_handle
from ._pins import FIRST, LAST, loop_threads, pins

_lock = threading.Lock()
_bridge: Optional[_log.Bridge] = None
_left_to_the_host = False
_at_exit = False

# In seconds, how long the end waits: for sinks, as long as the library does; for a function that blocks the loop, after that;
# for the loop of a host.
_SINKS_END = 2.0
_STUCK_ENDS = 0.5
_HOST_ANSWERS = 1.0


def setup() -> None:
    """Starts the loop, in a thread of its own, and hands the library's log to `logging`. Calling it again does nothing.

    After a fork the child calls it once more; after shutdown() it starts a new loop.
    """
    global _bridge
    if _left_to_the_host:
        return
    code, options = new_handle(lib.options_new)
    check(code)
    try:
        check(lib.options_set_thread_hooks(options, FIRST, LAST, None, None))
        check(lib.setup(options))
    finally:
        lib.options_free(options)
    with _lock:
        if _bridge is None:
            _bridge = _log.Bridge()
            _bridge.add()
        _end_before_the_interpreter()


def no_setup(uv_loop: Union[int, ctypes.c_void_p, None] = None) -> None:
    """For applications whose loop is their own: a later setup(), by a library they use, does nothing. The log is left alone.

    With the address of a uv_loop_t, that loop becomes the default loop, and the calling thread the one that runs it. Without,
    the host of this interpreter has seen to it, or will. RuntimeError: there is a loop already.
    """
    global _left_to_the_host
    with _lock:
        if _bridge is not None or _left_to_the_host:
            raise RuntimeError("no_setup() is for the application, once, before anybody calls setup()")
        if uv_loop is not None:
            code = lib.no_setup(uv_loop, None)
            if code == _status.EALREADY:
                raise RuntimeError("there is a loop already, or this thread runs one")
            check(code)
            loop_threads.add(threading.get_ident())
        _left_to_the_host = True
        _end_before_the_interpreter()


def shutdown(grace: float = 0.0) -> None:
    """For applications only: stops every loop of the process. Who waits gets LoopStopped; setup() starts a new one.

    `grace`, in seconds, is how long calls get to end by themselves. TimeoutError: something blocks the loop, and was left
    behind.
    """
    global _left_to_the_host
    code = lib.shutdown(int(grace * 1e9))
    with _lock:
        if _left_to_the_host:
            _left_to_the_host = False
            loop_threads.discard(threading.get_ident())
    if code not in (_status.EINPROGRESS, _status.EBUSY):
        check(code)


def _end_before_the_interpreter() -> None:
    global _at_exit
    if _at_exit:
        return
    _at_exit = True
    atexit.register(_over)
    try:
        # Runs when the main thread has ended, before the others are waited for: those that wait for a result of ours
        # would never end otherwise. concurrent.futures ends its threads by the same means.
        threading._register_atexit(_end)  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError):
        pass


def _nothing_is_out_there() -> bool:
    """Does C hold nothing of Python's, and is in no callback of Python's?"""
    code, nap = new_handle(lib.sleep, None, 0)
    if not code:
        code = lib.result_join(nap, int(_HOST_ANSWERS * 1e9))
        lib.result_release(nap)
    return code in (_status.OK, _status.ENOTSETUP, _status.ESTOPPED, _status.EFORKED) and not pins


def _end() -> None:
    """Nothing of C's may call an interpreter that is no more: it kills threads that do (before 3.14), or stops them for
    ever."""
    global _bridge
    if _left_to_the_host and _nothing_is_out_there():
        return  # the host's loops may go on
    if lib.shutdown(0) == _status.ETIMEDOUT and not _left_to_the_host:
        # A function blocks the loop. If that is Python's, it can be ended, and must be: it would be killed later on, in
        # the middle of a call.
        for thread in list(loop_threads):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(LoopStopped))
        patience = time.monotonic() + _STUCK_ENDS
        while loop_threads and time.monotonic() < patience:
            time.sleep(0.001)
    if _bridge is not None:
        _bridge.remove(_SINKS_END)
        _bridge = None


def _over() -> None:
    """No other thread runs Python any more, but daemons."""
    _end()
    _log.end()


def _after_fork_in_child() -> None:
    global _lock, _bridge, _left_to_the_host
    _lock = threading.Lock()
    _bridge = None
    _left_to_the_host = False


os.register_at_fork(after_in_child=_after_fork_in_child)
