# SPDX-License-Identifier: MIT
"""What C holds of Python: numbered objects, and the few functions that C calls, made once and kept for ever.

An object is pinned when its number goes to C as a callback's argument, and let go when the function has it, or C drops that
argument, which it does exactly once, on every path. So nothing that lies in C refers to Python, and a look at `pins` tells what is out there.
"""
from __future__ import annotations

import ctypes
import itertools
import os
import threading
from ctypes import CFUNCTYPE, c_int, c_uint64, c_void_p
from typing import Any, Callable, Optional

pins: dict[int, Any] = {}
number = itertools.count(1).__next__

# The threads that run loops, by threading.get_ident().
loop_threads: set[int] = set()

_LOCKED = 0  # what PyGILState_Ensure() says when the lock was held

_kept: list[Any] = []
_forsaken: list[dict[int, Any]] = []


def pin(item: Any) -> int:
    mine = number()
    pins[mine] = item
    return mine


def unpin(mine: int) -> Any:
    """Lets go of the object. Its number stays, until C has dropped it."""
    item = pins[mine]
    pins[mine] = None
    return item


def callback(returns: Any, *parameters: Any) -> Callable[[Callable[..., Any]], int]:
    """Decorates a function that C calls. Its name stands for the address afterwards: a plain number costs nothing to pass."""

    def make(function: Callable[..., Any]) -> int:
        made = CFUNCTYPE(returns, *parameters)(function)
        _kept.append(made)
        address = ctypes.cast(made, c_void_p).value
        assert address is not None
        return address

    return make


@callback(None, c_void_p, c_void_p)
def CALL(deferred: int, mine: int) -> None:
    pins[mine](deferred)


@callback(None, c_void_p)
def DROP(mine: int) -> None:
    pins.pop(mine, None)


def number_in(storage: int) -> int:
    return c_uint64.from_address(storage).value


@callback(None, c_void_p, c_void_p)
def CALL_STORED(deferred: int, storage: int) -> None:
    pins[number_in(storage)](deferred)


@callback(None, c_void_p)
def DROP_STORED(storage: int) -> None:
    item = pins.pop(number_in(storage), None)
    if item is not None:
        item.dropped()


@callback(c_int, c_void_p)
def FIRST(_: Optional[int]) -> int:
    # Without this the interpreter would make a state for this thread at every callback, and end it afterwards, which costs
    # several times what a call costs; and thread-local variables would not last.
    ctypes.pythonapi.PyGILState_Ensure()
    loop_threads.add(threading.get_ident())
    return 0


@callback(c_int, c_void_p)
def LAST(_: Optional[int]) -> int:
    loop_threads.discard(threading.get_ident())
    ctypes.pythonapi.PyGILState_Release(_LOCKED)
    return 0


def _after_fork_in_child() -> None:
    # The parent's: it ends them. What they are made of is kept here, for a destructor may delete what is the parent's.
    _forsaken.append(dict(pins))
    pins.clear()
    loop_threads.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
