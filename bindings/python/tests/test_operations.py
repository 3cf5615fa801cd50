# SPDX-License-Identifier: MIT
"""Names, addresses and child processes."""
from __future__ import annotations

import socket
from pathlib import Path

import pytest
from conftest import KILL_TIMER, pinned

from crochet_uv import (
    CancelledError,
    Error,
    LookupFailed,
    OperationError,
    getaddrinfo,
    getnameinfo,
    run_in_loop,
    run_process,
    wait_for,
)


@pytest.mark.conformance("operation-value")
def test_looks_names_up() -> None:
    result = getaddrinfo("127.0.0.1", 80, socket.AF_INET, socket.SOCK_STREAM)
    (found,) = result.wait(KILL_TIMER)
    assert (found.address, found.port, found.family) == ("127.0.0.1", 80, socket.AF_INET)
    assert result.wait(KILL_TIMER)[0] is found
    host, service = getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV).wait(KILL_TIMER)
    assert (host, service) == ("127.0.0.1", "80")


@pytest.mark.conformance("operation-failure")
def test_failures_are_of_the_kinds_that_python_has_for_them() -> None:
    result = getaddrinfo("127.0.0.1", "no-such-service")
    with pytest.raises(socket.gaierror) as caught:
        result.wait(KILL_TIMER)
    assert isinstance(caught.value, LookupFailed)
    with pytest.raises(LookupFailed) as again:
        result.wait(KILL_TIMER)
    assert again.value is caught.value
    with pytest.raises(OSError) as no_program:
        run_process(["/does/not/exist"]).wait(KILL_TIMER)
    assert isinstance(no_program.value, OperationError)
    assert isinstance(no_program.value, Error)
    assert (no_program.value.errno, no_program.value.name) == (2, "UV_ENOENT")
    with pytest.raises(ValueError):
        getaddrinfo(None)


@pytest.mark.conformance("child-process")
def test_runs_programs(tmp_path: Path) -> None:
    script = "cat; echo $WORD; pwd; echo oops >&2; exit 7"
    ended = run_process(["sh", "-c", script], input=b"in\0put ", env={"WORD": "w"}, cwd=tmp_path).wait(KILL_TIMER)
    assert (ended.returncode, ended.stderr, ended.truncated) == (7, b"oops\n", False)
    assert ended.stdout == b"in\0put w\n%s\n" % bytes(tmp_path)
    limited = run_process(["echo", "12345"], output_limit=3).wait(KILL_TIMER)
    assert (limited.stdout, limited.truncated) == (b"123", True)


@pytest.mark.conformance("child-process-cancel")
def test_a_cancel_ends_the_program() -> None:
    result = run_process(["sleep", "1000"])
    result.cancel()
    with pytest.raises(CancelledError):
        result.wait(KILL_TIMER)
    assert run_process(["sh", "-c", "kill -9 $$"]).wait(KILL_TIMER).returncode == -9
    assert pinned() == []


def test_a_function_on_the_loop_may_return_them() -> None:
    assert run_in_loop(lambda: run_process(["true"]))().wait(KILL_TIMER).returncode == 0
    resolve = wait_for(KILL_TIMER)(lambda: getaddrinfo("127.0.0.1", type=socket.SOCK_STREAM))
    assert [found.address for found in resolve()] == ["127.0.0.1"]
