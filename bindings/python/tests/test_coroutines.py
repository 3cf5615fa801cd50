# SPDX-License-Identifier: MIT
"""Coroutines on the loop."""
from __future__ import annotations

import asyncio
import inspect
import threading
from typing import Any

import pytest
from conftest import KILL_TIMER, Gate, in_thread, on_loop, pinned

import crochet_uv
from crochet_uv import CancelledError, Deferred, LoopStopped, TimeoutError, getaddrinfo, run_in_loop, run_process, sleep, wait_for


@pytest.mark.conformance("coroutine-value")
def test_runs_on_the_loops_thread_and_gives_its_value() -> None:
    threads = []

    @run_in_loop
    async def goes() -> str:
        threads.append(threading.get_ident())
        await sleep(0)
        threads.append(threading.get_ident())
        return "there"

    assert not inspect.iscoroutinefunction(goes)
    assert goes().wait(KILL_TIMER) == "there"
    assert set(threads) == {on_loop(threading.get_ident)}

    @wait_for(timeout=KILL_TIMER)
    async def waited() -> str:
        return await goes()

    assert waited() == "there"


@pytest.mark.conformance("coroutine-failure")
def test_what_it_awaits_raises_inside_and_what_it_raises_is_the_failure() -> None:
    deferred: Deferred[None] = Deferred()
    error = KeyError("inside")

    @run_in_loop
    async def goes() -> None:
        try:
            await deferred
        except KeyError as caught:
            assert caught is error
            raise ValueError("outside") from caught

    result = goes()
    deferred.reject(error)
    with pytest.raises(ValueError) as caught:
        result.wait(KILL_TIMER)
    assert caught.value.__cause__ is error


@pytest.mark.conformance("coroutine-awaits-everything")
def test_awaits_deferreds_of_any_thread_results_and_operations() -> None:
    deferred: Deferred[int] = Deferred()

    @run_in_loop
    async def goes() -> Any:
        number = await deferred
        address = (await getaddrinfo("127.0.0.1", 80, type=1))[0].address
        ended = await run_process(["sh", "-c", "exit 3"])
        return number, address, ended.returncode, await run_in_loop(lambda: "call")()

    result = goes()
    in_thread(lambda: deferred.resolve(1))()
    assert result.wait(KILL_TIMER) == (1, "127.0.0.1", 3, "call")
    assert pinned() == []


def test_awaits_many_that_are_there_without_deep_recursion() -> None:
    async def one(i: int) -> int:
        deferred: Deferred[int] = Deferred()
        deferred.resolve(i)
        return await deferred

    async def goes() -> int:
        return sum([await one(i) for i in range(3000)])

    assert run_in_loop(goes)().wait(KILL_TIMER) == sum(range(3000))


@pytest.mark.conformance("coroutine-cancel")
def test_a_cancel_reaches_what_it_awaits_and_is_raised_there_once() -> None:
    cancelled = Gate()
    held: Deferred[None] = Deferred(cancelled.open)
    after = []

    @run_in_loop
    async def goes() -> str:
        try:
            await held
        except CancelledError:
            after.append("cancelled")
        await sleep(0)
        return "went on"

    result = goes()
    on_loop(int)
    result.cancel()
    cancelled.wait()
    assert result.wait(KILL_TIMER) == "went on"
    assert after == ["cancelled"]


def test_a_cancel_that_comes_while_it_runs_is_for_the_next_await() -> None:
    entered, leave = Gate(), Gate()

    @run_in_loop
    async def goes() -> None:
        entered.open()
        leave.wait()
        await sleep(float("inf"))

    result = goes()
    entered.wait()
    result.cancel()
    leave.open()
    with pytest.raises(CancelledError):
        result.wait(KILL_TIMER)


@pytest.mark.conformance("coroutine-stop")
def test_a_stop_raises_at_each_await_and_lets_it_clean_up_on_the_loops_thread() -> None:
    seen: list[int] = []
    told = Gate()
    held: Deferred[None] = Deferred(told.open)
    thread = on_loop(threading.get_ident)

    @run_in_loop
    async def goes() -> None:
        try:
            await held
        except LoopStopped:
            seen.append(threading.get_ident())
        try:
            await sleep(1)
        finally:
            seen.append(threading.get_ident())

    result = goes()
    on_loop(int)
    crochet_uv.shutdown(grace=KILL_TIMER)
    assert seen == [thread, thread]
    told.wait()
    with pytest.raises(LoopStopped):
        result.wait(KILL_TIMER)


def test_one_that_never_gives_up_does_not_hold_a_stop_up() -> None:
    held: Deferred[None] = Deferred()

    @run_in_loop
    async def stubborn() -> None:
        while True:
            try:
                await held
            except LoopStopped:
                pass

    result = stubborn()
    on_loop(int)
    crochet_uv.shutdown()
    with pytest.raises(LoopStopped):
        result.wait(KILL_TIMER)


def test_a_time_out_cancels_it() -> None:
    ended = Gate()

    @wait_for(timeout=0.01)
    async def slow() -> None:
        try:
            await sleep(float("inf"))
        finally:
            ended.open()

    with pytest.raises(TimeoutError):
        slow()
    ended.wait()


def test_what_is_another_loops_is_refused() -> None:
    class Odd:
        def __await__(self) -> Any:
            return (yield "what is this?")

    async def goes() -> None:
        await Odd()

    with pytest.raises(TypeError):
        run_in_loop(goes)().wait(KILL_TIMER)
    with pytest.raises(RuntimeError):
        run_in_loop(lambda: asyncio.sleep(1))().wait(KILL_TIMER)
