# SPDX-License-Identifier: MIT
"""The shared library: finding it, and the functions of crochet.h that are used, each declared once."""
from __future__ import annotations

import ctypes
import os
from ctypes import c_char_p, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Optional

SONAME = "libcrochet.so.0"
NEEDED = (0, 1)

P = c_void_p  # handles, callbacks and what they point to

# name: (what it returns, its parameters, does it keep the interpreter's lock). The lock is kept where a call is short and
# never waits: to give it up there hands it to the thread that was just woken, and to get it back takes longer than the call.
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...], bool]] = {
    "setup": (c_int, (P,), False),
    "no_setup": (c_int, (P, P), False),
    "shutdown": (c_int, (c_int64,), False),
    "stash_limits": (c_int, (c_uint32, c_int64), True),
    "options_new": (c_int, (P,), True),
    "options_free": (None, (P,), False),
    "options_set_thread_hooks": (c_int, (P, P, P, P, P), True),
    "current_loop": (P, (), True),
    "loop_counter": (c_int, (P, c_char_p, P), True),
    "loop_counter_name": (c_char_p, (c_uint32,), True),
    "dump": (c_int, (P, c_int, P, P), False),
    "run": (c_int, (P, P, P, P, P), False),
    "call_new": (c_int, (P, c_size_t, P), True),
    "call_storage": (P, (P,), True),
    "call_set_label": (c_int, (P, c_char_p), True),
    "call_set_after": (c_int, (P, P), True),
    "call_run": (c_int, (P, P, P, P), False),
    "call_discard": (None, (P,), True),
    "sleep": (c_int, (P, c_int64, P), False),
    "every": (c_int, (P, c_int64, c_int64, P, P, P, P), False),
    "result_wait_interruptible": (c_int, (P, c_int64), False),
    "result_join": (c_int, (P, c_int64), False),
    "result_status": (c_int, (P,), True),
    "result_value": (P, (P,), True),
    "result_error": (P, (P,), True),
    "result_cancel": (c_int, (P, P), False),
    "result_stash": (c_int, (P, c_uint64, P), False),
    "retrieve_result": (c_int, (c_uint64, c_uint64, P), False),
    "result_take": (c_int, (P, P, P), True),
    "result_release": (None, (P,), True),
    "completion_queue_new": (c_int, (P,), True),
    "completion_queue_watch": (c_int, (P, P, c_uint64), False),
    "completion_queue_unwatch": (c_int, (P, P), False),
    "completion_queue_drain": (c_int, (P, c_size_t, P, P, P), False),
    "completion_queue_descriptor": (c_int, (P, P), False),
    "completion_queue_release": (None, (P,), False),
    "deferred_new": (c_int, (P, P, P, P, P), False),
    "resolve": (c_int, (P, P, P), True),
    "reject": (c_int, (P, c_int, c_char_p), True),
    "deferred_on_cancel": (c_int, (P, P, P, P), False),
    "deferred_is_cancelled": (c_int, (P,), True),
    "deferred_retain": (P, (P,), True),
    "deferred_release": (None, (P,), True),
    "getaddrinfo": (c_int, (P, c_char_p, c_char_p, c_int, c_int, c_int, c_int, P), False),
    "addresses_count": (c_size_t, (P,), True),
    "addresses_text": (c_char_p, (P, c_size_t), True),
    "addresses_port": (c_int, (P, c_size_t), True),
    "addresses_family": (c_int, (P, c_size_t), True),
    "addresses_socktype": (c_int, (P, c_size_t), True),
    "addresses_protocol": (c_int, (P, c_size_t), True),
    "addresses_sockaddr": (P, (P, c_size_t, P), True),
    "addresses_canonical_name": (c_char_p, (P,), True),
    "getnameinfo_text": (c_int, (P, c_char_p, c_int, c_int, P), False),
    "name_info_host": (c_char_p, (P,), True),
    "name_info_service": (c_char_p, (P,), True),
    "command_new": (c_int, (c_char_p, P), True),
    "command_free": (None, (P,), True),
    "command_set_arguments": (c_int, (P, P), True),
    "command_set_environment": (c_int, (P, P), True),
    "command_set_directory": (c_int, (P, c_char_p), True),
    "command_set_input": (c_int, (P, c_char_p, c_size_t), True),
    "command_set_output_limit": (c_int, (P, c_size_t), True),
    "command_set_kill_after": (c_int, (P, c_int64), True),
    "command_run": (c_int, (P, P, P), False),
    "process_exit_status": (c_int, (P,), True),
    "process_exit_signal": (c_int, (P,), True),
    "process_exit_pid": (c_int64, (P,), True),
    "process_exit_stdout": (P, (P, P), True),
    "process_exit_stderr": (P, (P, P), True),
    "process_exit_stdout_truncated": (c_int, (P,), True),
    "process_exit_stderr_truncated": (c_int, (P,), True),
    "log": (c_int, (c_int, c_char_p, c_char_p, c_size_t), False),
    "log_set_level": (c_int, (c_int,), True),
    "log_add_function": (c_int, (c_int, P, P, P, P), False),
    "log_add_stderr": (c_int, (c_int, P), False),
    "log_remove": (c_int, (c_uint64,), False),
    "log_flush": (c_int, (c_int64,), False),
    "error_code": (c_int, (P,), True),
    "error_message": (c_char_p, (P,), True),
    "status_name": (c_char_p, (c_int,), True),
    "status_message": (c_char_p, (c_int,), True),
    "version": (c_uint32, (), True),
}


class Library:
    """crochet.h's functions as attributes, without the prefix."""

    def __init__(self, path: str) -> None:
        try:
            releasing, keeping = ctypes.CDLL(path), ctypes.PyDLL(path)
        except OSError as error:
            raise ImportError(
                f"crochet_uv needs crochet's shared library: {error}. Install it where the system's loader finds"
                f" {SONAME}, or set CROCHET_LIBRARY to its path"
            ) from None
        self.path = path
        for name, (returns, parameters, keeps_lock) in _FUNCTIONS.items():
            try:
                function = getattr(keeping if keeps_lock else releasing, "crochet_" + name)
            except AttributeError:
                raise ImportError(f"{path} has no crochet_{name}(): it is no crochet, or one that is too old") from None
            function.restype = returns
            function.argtypes = parameters
            setattr(self, name, function)
        found = self.version()
        if (found >> 16, found >> 8 & 255) < NEEDED:
            raise ImportError(f"{path} is too old: {found >> 16}.{found >> 8 & 255}; needed: {NEEDED[0]}.{NEEDED[1]}")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"crochet_{name} is not declared")


lib = Library(os.environ.get("CROCHET_LIBRARY") or SONAME)


def new_handle(function: Any, *arguments: Any) -> tuple[int, Optional[int]]:
    """Calls a function that has a handle as its last out-parameter: (status, handle)."""
    out = c_void_p()
    code: int = function(*arguments, ctypes.byref(out))
    return code, out.value


def text(raw: Optional[bytes]) -> str:
    """A string that the library lends."""
    return raw.decode("utf-8", "replace") if raw else ""
