# SPDX-License-Identifier: MIT
"""What goes on, for people who look at a program that runs."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_int, c_size_t, c_uint64, c_void_p

from ._errors import check
from ._library import lib, text
from ._pins import callback, pin, pins

_TEXT, _JSON = 0, 1


@callback(c_int, c_void_p, c_void_p, c_size_t)
def _KEEP(mine: int, piece: int, length: int) -> int:
    pins[mine].append(ctypes.string_at(piece, length))
    return 0


def dump(json: bool = False) -> str:
    """Lists the loops, and every call that is not finished: what the program waits for, and what it has forgotten. Works when
    a loop is stuck, on any thread. Calls are named by their labels: see run_in_loop()."""
    pieces: list[bytes] = []
    mine = pin(pieces)
    try:
        check(lib.dump(None, _JSON if json else _TEXT, _KEEP, mine))
    finally:
        del pins[mine]
    return text(b"".join(pieces))


def counters() -> dict[str, int]:
    """What became of the calls of the default loop since it was started, how many there are now, and how busy it is."""
    found: dict[str, int] = {}
    count = c_uint64()
    while name := lib.loop_counter_name(len(found)):
        check(lib.loop_counter(None, name, byref(count)))
        found[text(name)] = count.value
    return found
