# SPDX-License-Identifier: MIT
"""Sleeps, and calls that are made again and again."""
from __future__ import annotations

import time
from typing import Any

import pytest
from conftest import KILL_TIMER, Gate, on_loop, pinned

import crochet_uv
from crochet_uv import CancelledError, Deferred, LoopStopped, every, sleep


def test_a_sleep_is_never_early() -> None:
    begin = time.monotonic()
    assert sleep(0.02).wait(KILL_TIMER) is None
    assert time.monotonic() - begin >= 0.02


@pytest.mark.conformance("every-until-it-fails")
def test_runs_again_and_again_until_it_fails_with_the_same_exception() -> None:
    error = KeyError("the fourth")
    rounds: list[Any] = []

    def round_(*args: Any, **kwargs: Any) -> None:
        rounds.append((args, kwargs))
        if len(rounds) == 4:
            raise error

    result = every(0.001, round_, 1, key=2)
    with pytest.raises(KeyError) as caught:
        result.wait(KILL_TIMER)
    assert caught.value is error
    assert rounds == [((1,), {"key": 2})] * 4
    assert pinned() == []


@pytest.mark.conformance("every-cancel")
def test_is_ended_by_a_cancel_and_lets_go_of_its_function() -> None:
    began = Gate()
    result = every(0.001, began.open, first=0)
    began.wait()
    result.cancel()
    with pytest.raises(CancelledError):
        result.wait(KILL_TIMER)
    result.join(KILL_TIMER)
    assert pinned() == []


@pytest.mark.conformance("every-awaits-a-round")
def test_a_round_that_waits_is_not_begun_again() -> None:
    began: list[Deferred[None]] = []
    two = Gate()

    def round_() -> Deferred[None]:
        deferred: Deferred[None] = Deferred()
        began.append(deferred)
        if len(began) == 2:
            two.open()
        return deferred

    result = every(0.001, round_, first=0)
    for _ in range(5):
        sleep(0.002).wait(KILL_TIMER)
    assert len(began) == 1
    began[0].resolve()
    two.wait()
    result.cancel()
    with pytest.raises(CancelledError):
        result.wait(KILL_TIMER)


def test_a_round_may_be_a_coroutine() -> None:
    rounds = []

    async def round_() -> None:
        await sleep(0)
        rounds.append(1)
        if len(rounds) == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        every(0, round_).wait(KILL_TIMER)


@pytest.mark.conformance("every-stop")
def test_is_stopped_with_the_loop() -> None:
    result = every(0.001, int)
    on_loop(int)
    crochet_uv.shutdown()
    with pytest.raises(LoopStopped):
        result.wait(KILL_TIMER)
    with pytest.raises(LoopStopped):
        every(1, int)
    with pytest.raises(LoopStopped):
        sleep(0)
