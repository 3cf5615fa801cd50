# SPDX-License-Identifier: MIT
"""Results as the standard library's futures."""
from __future__ import annotations

import asyncio
import concurrent.futures

import pytest
from conftest import KILL_TIMER, BlockedLoop, in_thread, on_loop, pinned

import crochet_uv
from crochet_uv import Deferred, LoopStopped, run_in_loop, sleep


def fails() -> None:
    raise ZeroDivisionError


def test_has_the_value_or_the_same_exception() -> None:
    assert run_in_loop(lambda: 3)().future().result(KILL_TIMER) == 3
    result = run_in_loop(fails)()
    assert result.future().exception(KILL_TIMER) is result.original_failure()


@pytest.mark.conformance("many-as-completed")
def test_many_are_waited_for_as_they_complete() -> None:
    deferreds: list[Deferred[int]] = [Deferred() for _ in range(5)]
    futures = [run_in_loop(lambda d: d)(deferred).future() for deferred in deferreds]
    done, not_done = concurrent.futures.wait(futures, timeout=0)
    assert not done and len(not_done) == 5
    wanted, order = [3, 0, 1, 2, 4], []
    deferreds[wanted[0]].resolve(wanted[0])
    for future in concurrent.futures.as_completed(futures, timeout=KILL_TIMER):
        order.append(future.result())
        for next_one in wanted[len(order) : len(order) + 1]:
            deferreds[next_one].resolve(next_one)
    assert order == wanted
    assert pinned() == []


def test_cancel_asks_the_call_to_end() -> None:
    result = sleep(float("inf"))
    future = result.future()
    assert future.cancel()
    with pytest.raises(crochet_uv.CancelledError):
        result.wait(KILL_TIMER)
    done, _ = concurrent.futures.wait([future], timeout=KILL_TIMER)
    assert done and future.cancelled()


def test_a_cancelled_call_is_a_cancelled_future() -> None:
    result = sleep(float("inf"))
    future = result.future()
    result.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(KILL_TIMER)


@pytest.mark.conformance("stop-ends-futures")
def test_a_stop_ends_it() -> None:
    held: Deferred[None] = Deferred()
    future = run_in_loop(lambda: held)().future()
    on_loop(int)
    crochet_uv.shutdown()
    with pytest.raises(LoopStopped):
        future.result(KILL_TIMER)
    with pytest.raises(LoopStopped):
        run_in_loop(int)()


def test_may_be_asked_for_after_the_stop() -> None:
    result = run_in_loop(lambda: 1)()
    result.wait(KILL_TIMER)
    crochet_uv.shutdown()
    assert result.future().result(KILL_TIMER) == 1


def test_wrapped_for_asyncio() -> None:
    async def main() -> int:
        return await asyncio.wrap_future(run_in_loop(lambda: 5)().future())

    assert asyncio.run(main()) == 5


def test_callbacks_run_when_it_is_there() -> None:
    with BlockedLoop():
        future = run_in_loop(lambda: 1)().future()
        seen: list[int] = []
        future.add_done_callback(lambda done: seen.append(done.result()))
    assert future.result(KILL_TIMER) == 1
    in_thread(lambda: on_loop(int))()
    assert seen == [1]
