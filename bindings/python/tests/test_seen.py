# SPDX-License-Identifier: MIT
"""Listings, counters, labels, and the level of the log."""
from __future__ import annotations

import json
import logging
from typing import Any, Callable

import pytest
from conftest import KILL_TIMER, BlockedLoop, flush_log, pinned, program, settle

import crochet_uv
from crochet_uv import CancelledError, CancelOutcome, Deferred, counters, dump, run_in_loop, set_log_level, wait_for
from crochet_uv._library import lib


def lines(label: str) -> list[str]:
    return [line for line in dump().splitlines() if f'"{label}"' in line]


def test_a_listing_names_loops_and_outstanding_calls_by_their_labels() -> None:
    deferred: Deferred[int] = Deferred()
    result = run_in_loop(label="a promise")(lambda: deferred)()
    settle()
    (line,) = lines("a promise")
    assert line.startswith("call ") and ": pending," in line
    assert '(default): running' in dump()
    deferred.resolve(1)
    assert result.wait(KILL_TIMER) == 1
    del result, deferred
    settle()
    assert lines("a promise") == []
    assert pinned() == []


def test_a_listing_is_json_when_asked_and_labels_are_any_text() -> None:
    deferred: Deferred[int] = Deferred()
    result = run_in_loop(label='"täglich"\n')(lambda: deferred)()
    settle()
    (call,) = [call for call in json.loads(dump(json=True))["calls"] if call.get("label") == '"täglich"\n']
    assert call["state"] == "pending"
    deferred.resolve(1)
    result.wait(KILL_TIMER)


def test_a_listing_needs_no_loop() -> None:
    with BlockedLoop():
        result = run_in_loop(label="behind it")(int)()
        (line,) = lines("behind it")
        assert ": queued," in line
    assert result.wait(KILL_TIMER) == 0


def test_a_labelled_call_is_like_any_other() -> None:
    def fails() -> None:
        raise KeyError("it")

    async def later(value: int) -> int:
        return value

    waits: Callable[..., Any] = wait_for(KILL_TIMER, label="waited")
    assert waits(divmod)(7, 2) == (3, 1)
    assert waits(later)(5) == 5
    with pytest.raises(KeyError):
        waits(fails)()

    class Some:
        @run_in_loop(label="method")
        def method(self) -> Any:
            return self

        @run_in_loop(label="class")
        @classmethod
        def inner(cls) -> Any:
            return cls

    some = Some()
    assert some.method().wait(KILL_TIMER) is some
    assert Some.inner().wait(KILL_TIMER) is Some
    assert run_in_loop(label="named")(fails).__wrapped__ is fails


def test_a_labelled_call_that_is_cancelled_or_refused_leaves_nothing_behind() -> None:
    with BlockedLoop():
        result = run_in_loop(label="never")(int)()
        assert result.cancel() is CancelOutcome.NOT_RUN
    with pytest.raises(CancelledError):
        result.wait(KILL_TIMER)
    assert pinned() == []
    crochet_uv.shutdown()
    with pytest.raises(crochet_uv.LoopStopped):
        run_in_loop(label="never")(int)()


def test_counters_are_named_and_count() -> None:
    before = counters()
    assert {"calls_run", "calls_unsettled", "turns", "cpu_ns"} <= set(before)
    settle()
    assert counters()["calls_run"] > before["calls_run"]


def test_without_a_loop_they_say_so() -> None:
    program(
        """
        import crochet_uv
        assert "0 calls" in crochet_uv.dump()
        try:
            crochet_uv.counters()
        except crochet_uv.NotSetUp:
            raise SystemExit(7)
        """,
        status=7,
    )


def test_the_level_of_the_log_is_one_of_loggings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        for level, kept in ((logging.DEBUG, 2), (logging.INFO, 2), (logging.INFO + 1, 1), (logging.CRITICAL + 1, 0)):
            set_log_level(level)
            caplog.clear()
            lib.log(2, b"shop", b"an info", 7)
            lib.log(4, b"shop", b"an error", 8)
            flush_log()
            assert len(caplog.records) == kept, level
    finally:
        set_log_level(logging.WARNING)
