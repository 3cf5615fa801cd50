# SPDX-License-Identifier: MIT
"""What the tests share: a loop, gates, and programs of their own."""
from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any, Callable, Iterator, Optional

import pytest

import crochet_uv
from crochet_uv import _log, _pins
from crochet_uv._library import lib

KILL_TIMER = 60.0  # ends a test that hangs; no test waits that long when all is well


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """Each test has a loop; and leaves nothing behind."""
    crochet_uv.setup()
    yield
    gc.collect()
    try:
        crochet_uv.shutdown()
    except crochet_uv.TimeoutError:
        # The second that a stop gives was not enough, on a machine that is busy; the thread must end all the same.
        deadline = time.monotonic() + KILL_TIMER
        while _pins.loop_threads:
            assert time.monotonic() < deadline, "the loop's thread hangs"
            time.sleep(0.01)


class Gate:
    """Opened once; who waits goes on."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def open(self, *_: Any) -> None:
        self._event.set()

    def wait(self) -> None:
        assert self._event.wait(KILL_TIMER), "nobody opened the gate"


class BlockedLoop:
    """The loop's thread stands still: what is called meanwhile is queued."""

    def __init__(self) -> None:
        self._entered, self._leave = Gate(), Gate()

    def __enter__(self) -> BlockedLoop:
        @crochet_uv.run_in_loop
        def block() -> None:
            self._entered.open()
            self._leave.wait()

        self._blocker = block()
        self._entered.wait()
        return self

    def let_go(self) -> None:
        self._leave.open()

    def __exit__(self, *_: Any) -> None:
        self.let_go()
        self._blocker.join(KILL_TIMER)


def on_loop(function: Callable[..., Any], *args: Any) -> Any:
    return crochet_uv.wait_for(KILL_TIMER)(function)(*args)


def in_thread(function: Callable[[], Any]) -> Callable[[], Any]:
    """Starts it in a thread; what is returned gives what it returned, or raises what it raised."""
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["value"] = function()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join() -> Any:
        thread.join(KILL_TIMER)
        assert not thread.is_alive(), "the thread hangs"
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    return join


def pinned() -> list[Any]:
    """What C holds of Python's; but for the sink of the log."""
    settle()
    return pinned_without_a_loop()


def pinned_without_a_loop() -> list[Any]:
    return [item for item in _pins.pins.values() if not isinstance(item, _log._Sink)]


def settle() -> None:
    """All that was queued before has run, and been dropped."""
    crochet_uv.run_in_loop(int)().join(KILL_TIMER)


def unfinished_calls() -> int:
    from ctypes import byref, c_uint64

    settle()
    count = c_uint64()
    assert lib.loop_counter(None, b"calls_unsettled", byref(count)) == 0
    return count.value


def flush_log() -> None:
    assert lib.log_flush(int(KILL_TIMER * 1e9)) == 0


def program(
    source: str, *, status: Optional[int] = 0, env: Optional[dict[str, str]] = None, interpreter: Optional[list[str]] = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own, under a kill timer, and checks its exit status."""
    ran = subprocess.run(
        [*(interpreter or [sys.executable, "-X", "faulthandler"]), "-c", textwrap.dedent(source)],
        capture_output=True,
        text=True,
        timeout=KILL_TIMER,
        env={**os.environ, **(env or {})},
    )
    if status is not None:
        assert ran.returncode == status, (ran.returncode, ran.stdout, ran.stderr)
    return ran


