# SPDX-License-Identifier: MIT
"""Deferreds, and results that functions return."""
from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from conftest import KILL_TIMER, in_thread, on_loop, pinned

from crochet_uv import BrokenDeferred, CancelledError, Deferred, EventualResult, run_in_loop, sleep


@pytest.mark.conformance("deferred-any-thread")
def test_is_settled_later_from_any_thread() -> None:
    here: Deferred[int] = Deferred()
    result = run_in_loop(lambda: here)()
    assert in_thread(lambda: here.resolve(1))()
    assert result.wait(KILL_TIMER) == 1
    on_the_loop: Deferred[int] = Deferred()
    result = run_in_loop(lambda: on_the_loop)()
    assert on_loop(on_the_loop.resolve, 2)
    assert result.wait(KILL_TIMER) == 2


@pytest.mark.conformance("deferred-settled-before")
def test_may_be_settled_before_it_is_returned() -> None:
    deferred: Deferred[int] = Deferred()
    deferred.resolve(5)
    assert run_in_loop(lambda: deferred)().wait(KILL_TIMER) == 5
    assert run_in_loop(lambda: deferred)().wait(KILL_TIMER) == 5


@pytest.mark.conformance("deferred-first-wins")
def test_the_first_settling_wins() -> None:
    for _ in range(100):
        deferred: Deferred[int] = Deferred()
        result = run_in_loop(lambda: deferred)()
        settling = [in_thread(lambda i=i: deferred.resolve(i)) for i in range(4)]  # type: ignore[misc]
        won = [join() for join in settling]
        assert won.count(True) == 1
        assert result.wait(KILL_TIMER) == won.index(True)


@pytest.mark.conformance("deferred-failure")
def test_a_failure_is_an_exception() -> None:
    deferred: Deferred[int] = Deferred()
    result = run_in_loop(lambda: deferred)()
    error = KeyError("k")
    assert deferred.reject(error)
    assert not deferred.reject(ValueError())
    with pytest.raises(KeyError) as caught:
        result.wait(KILL_TIMER)
    assert caught.value is error
    with pytest.raises(TypeError):
        Deferred().reject("text")  # type: ignore[arg-type]


@pytest.mark.conformance("broken")
def test_in_a_coroutine_that_is_forgotten_with_it() -> None:
    @run_in_loop
    async def waits() -> None:
        await Deferred()

    result = waits()
    on_loop(int)
    gc.collect()
    with pytest.raises(BrokenDeferred):
        result.wait(KILL_TIMER)


def test_is_let_go_when_its_call_is_settled() -> None:
    gc.disable()
    try:
        deferred: Deferred[int] = Deferred(lambda _: None)
        ref = weakref.ref(deferred)
        result = run_in_loop(lambda held: held)(deferred)
        on_loop(int)
        deferred.resolve(1)
        result.join(KILL_TIMER)
        del deferred
        pinned()
        assert ref() is None
    finally:
        gc.enable()


@pytest.mark.conformance("result-returned")
def test_a_result_that_is_returned_stands_for_its_outcome() -> None:
    inner: Deferred[int] = Deferred()

    @run_in_loop
    def first() -> Any:
        return inner

    @run_in_loop
    def outer() -> EventualResult[int]:
        return first()

    result = outer()
    inner.resolve(4)
    assert result.wait(KILL_TIMER) == 4

    @run_in_loop
    def fails() -> EventualResult[int]:
        return run_in_loop(lambda: int("x"))()

    with pytest.raises(ValueError):
        fails().wait(KILL_TIMER)


@pytest.mark.conformance("result-returned-cancel")
def test_a_cancel_reaches_the_result_that_was_returned() -> None:
    slept: list[EventualResult[None]] = []

    @run_in_loop
    def outer() -> EventualResult[None]:
        slept.append(sleep(float("inf")))
        return slept[0]

    result = outer()
    on_loop(int)
    result.cancel()
    with pytest.raises(CancelledError):
        slept[0].wait(KILL_TIMER)
    with pytest.raises(CancelledError):
        result.wait(KILL_TIMER)


@pytest.mark.conformance("no-circle-through-c")
def test_a_function_that_knows_the_deferred_it_returns_does_not_keep_it_for_ever() -> None:
    def call() -> tuple[Any, EventualResult[int]]:
        deferred: Deferred[int] = Deferred()
        return weakref.ref(deferred), run_in_loop(lambda: deferred)()

    ref, result = call()
    on_loop(int)
    gc.collect()
    assert ref() is None
    with pytest.raises(BrokenDeferred):
        result.wait(KILL_TIMER)
    assert pinned() == []
