# SPDX-License-Identifier: MIT
"""The library's ready-made operations: names and addresses, child processes."""
from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_char_p, c_size_t
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence, Union

from ._errors import check
from ._library import lib, new_handle, text
from ._results import UNREAD, EventualResult, T, nanoseconds, start
from ._settling import followed
from ._after import follow_result


class _Operation(EventualResult[T]):
    """A result whose value lies in C until somebody looks."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self._value = UNREAD

    def _read(self) -> T:
        value = self._value
        if value is UNREAD:
            value = self._value = self._convert(lib.result_value(self._handle))
        return value  # type: ignore[no-any-return]

    def _convert(self, value: int) -> T:
        raise NotImplementedError


@dataclass(frozen=True)
class Address:
    """What a look-up found: `address` as text; family, socktype and protocol as in `socket`."""

    address: str
    port: int
    family: int
    socktype: int
    protocol: int
    canonical_name: str = ""


class _Addresses(_Operation["list[Address]"]):
    __slots__ = ()

    def _convert(self, value: int) -> list[Address]:
        name = text(lib.addresses_canonical_name(value))
        return [
            Address(
                text(lib.addresses_text(value, i)),
                lib.addresses_port(value, i),
                lib.addresses_family(value, i),
                lib.addresses_socktype(value, i),
                lib.addresses_protocol(value, i),
                name,
            )
            for i in range(lib.addresses_count(value))
        ]


def _bytes(value: Union[str, int, None]) -> Optional[bytes]:
    return None if value is None else str(value).encode()


def getaddrinfo(
    host: Optional[str],
    port: Union[str, int, None] = None,
    family: int = 0,
    type: int = 0,
    proto: int = 0,
    flags: int = 0,
) -> EventualResult[list[Address]]:
    """Looks a name up, with the parameters of socket.getaddrinfo(). LookupFailed, a socket.gaierror: there is none."""
    node = None if host is None else host.encode("ascii") if host.isascii() else host.encode("idna")
    result = _Addresses()
    start(result, lib.getaddrinfo, None, node, _bytes(port), family, type, proto, flags)
    return result


class _Names(_Operation["tuple[str, str]"]):
    __slots__ = ()

    def _convert(self, value: int) -> tuple[str, str]:
        return text(lib.name_info_host(value)), text(lib.name_info_service(value))


def getnameinfo(sockaddr: Sequence[Any], flags: int = 0) -> EventualResult[tuple[str, str]]:
    """Who has an address: (host, service) of (address, port, ...), as socket.getnameinfo()."""
    address, port = sockaddr[0], sockaddr[1]
    result = _Names()
    start(result, lib.getnameinfo_text, None, address.encode(), port, flags)
    return result


@dataclass(frozen=True)
class ProcessExit:
    """How a child process ended, and what it wrote."""

    returncode: int
    """Its exit status; minus the number of the signal that ended it."""
    pid: int
    stdout: bytes
    stderr: bytes
    truncated: bool
    """Something that it wrote is missing."""


class _Process(_Operation[ProcessExit]):
    __slots__ = ()

    def _convert(self, value: int) -> ProcessExit:
        signal = lib.process_exit_signal(value)
        return ProcessExit(
            -signal if signal else lib.process_exit_status(value),
            lib.process_exit_pid(value),
            _written(lib.process_exit_stdout, value),
            _written(lib.process_exit_stderr, value),
            bool(lib.process_exit_stdout_truncated(value) or lib.process_exit_stderr_truncated(value)),
        )


def _written(getter: Any, value: int) -> bytes:
    length = c_size_t()
    where = getter(value, byref(length))
    return ctypes.string_at(where, length.value)


def _strings(strings: Sequence[Union[str, bytes]]) -> Any:
    return (c_char_p * (len(strings) + 1))(*[os.fsencode(string) for string in strings], None)


def run_process(
    command: Sequence[Union[str, bytes]],
    *,
    input: Optional[bytes] = None,
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[Union[str, os.PathLike[str]]] = None,
    output_limit: Optional[int] = None,
    kill_after: Optional[float] = None,
) -> EventualResult[ProcessExit]:
    """Runs a program; the result is there when it has ended, and all that it wrote was read.

    A cancel ends the child: SIGTERM, and SIGKILL after `kill_after` seconds (at first 2). OperationError, an OSError: it
    can't be started.
    """
    code, made = new_handle(lib.command_new, os.fsencode(command[0]))
    check(code)
    try:
        check(lib.command_set_arguments(made, _strings(command[1:])))
        if env is not None:
            check(lib.command_set_environment(made, _strings([f"{name}={value}" for name, value in env.items()])))
        if cwd is not None:
            check(lib.command_set_directory(made, os.fsencode(cwd)))
        if input is not None:
            check(lib.command_set_input(made, input, len(input)))
        if output_limit is not None:
            check(lib.command_set_output_limit(made, output_limit))
        if kill_after is not None:
            check(lib.command_set_kill_after(made, nanoseconds(kill_after)))
        result = _Process()
        start(result, lib.command_run, made, None)
        return result
    finally:
        lib.command_free(made)


for _kind in (_Addresses, _Names, _Process):
    followed[_kind] = follow_result

