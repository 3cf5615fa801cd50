# SPDX-License-Identifier: MIT
"""Cancelling: each outcome, hooks, and what is reported."""
from __future__ import annotations

import concurrent.futures
import threading
from typing import Any

import pytest
from conftest import KILL_TIMER, BlockedLoop, Gate, on_loop, pinned

import crochet_uv
from crochet_uv import CancelledError, CancelOutcome, Deferred, LoopStopped, run_in_loop


@pytest.mark.conformance("cancel-not-run")
def test_a_queued_call_never_runs() -> None:
    ran: list[int] = []
    with BlockedLoop():
        result = run_in_loop(ran.append)(1)
        assert result.cancel() is CancelOutcome.NOT_RUN
        with pytest.raises(CancelledError):
            result.wait(KILL_TIMER)
    assert pinned() == []
    assert ran == []


@pytest.mark.conformance("cancel-requested")
def test_a_call_that_waits_without_a_canceller_is_settled_at_once() -> None:
    deferred: Deferred[int] = Deferred()
    result = run_in_loop(lambda: deferred)()
    on_loop(int)
    assert result.cancel() is CancelOutcome.REQUESTED
    with pytest.raises(CancelledError):
        result.wait(KILL_TIMER)
    on_loop(int)
    assert not deferred.resolve(1)  # it was told


@pytest.mark.conformance("cancel-too-late")
def test_a_settled_call_stays_what_it_was() -> None:
    result = run_in_loop(lambda: 3)()
    result.wait(KILL_TIMER)
    assert result.cancel() is CancelOutcome.TOO_LATE
    assert result.wait(KILL_TIMER) == 3


@pytest.mark.conformance("cancel-hook-on-the-loop")
def test_the_canceller_is_called_once_on_the_loops_thread_and_may_give_a_value() -> None:
    calls: list[int] = []

    def canceller(deferred: Deferred[str]) -> None:
        calls.append(threading.get_ident())
        deferred.resolve("all the same")

    held = Deferred(canceller)
    result = run_in_loop(lambda: held)()
    on_loop(int)
    result.cancel()
    result.cancel()
    assert result.wait(KILL_TIMER) == "all the same"
    assert calls == [on_loop(threading.get_ident)]


@pytest.mark.conformance("cancel-hook-fails")
def test_a_canceller_that_raises_is_the_failure() -> None:
    def canceller(_: Deferred[Any]) -> None:
        raise ZeroDivisionError

    held = Deferred(canceller)
    result = run_in_loop(lambda: held)()
    on_loop(int)
    result.cancel()
    with pytest.raises(ZeroDivisionError):
        result.wait(KILL_TIMER)


@pytest.mark.conformance("cancel-before-deferred-returned")
def test_a_cancel_while_the_function_runs_reaches_what_it_returns() -> None:
    entered, leave, cancelled = Gate(), Gate(), Gate()
    held: Deferred[None] = Deferred(cancelled.open)

    @run_in_loop
    def slow() -> Deferred[None]:
        entered.open()
        leave.wait()
        return held

    result = slow()
    entered.wait()
    assert result.cancel() is CancelOutcome.REQUESTED
    leave.open()
    cancelled.wait()
    with pytest.raises(CancelledError):
        result.wait(KILL_TIMER)


@pytest.mark.conformance("cancel-on-the-loop")
def test_may_be_asked_for_on_the_loop() -> None:
    held: Deferred[None] = Deferred()
    result = run_in_loop(lambda: held)()
    assert on_loop(result.cancel) is CancelOutcome.REQUESTED
    with pytest.raises(concurrent.futures.CancelledError):  # of this kind, too
        result.wait(KILL_TIMER)


@pytest.mark.conformance("stop-calls-hooks")
def test_a_stop_tells_cancellers_and_counts_as_the_stop() -> None:
    cancelled = Gate()
    held: Deferred[None] = Deferred(cancelled.open)
    result = run_in_loop(lambda: held)()
    on_loop(int)
    crochet_uv.shutdown(grace=KILL_TIMER)
    cancelled.wait()
    with pytest.raises(LoopStopped):
        result.wait(KILL_TIMER)
    assert held.done()
