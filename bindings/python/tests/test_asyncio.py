# SPDX-License-Identifier: MIT
"""Awaiting results in asyncio."""
from __future__ import annotations

import asyncio
import gc
import os
from typing import Any

import pytest
from conftest import KILL_TIMER, in_thread, on_loop, pinned

import crochet_uv
from crochet_uv import Deferred, EventualResult, LoopStopped, run_in_loop, sleep


@run_in_loop
def double(x: int) -> int:
    return 2 * x


def run(main: Any) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(main, KILL_TIMER)

    return asyncio.run(bounded())


@pytest.mark.conformance("event-loop-of-the-host")
def test_awaits_values_and_failures_while_other_tasks_run() -> None:
    deferred: Deferred[str] = Deferred()

    async def main() -> Any:
        result = run_in_loop(lambda: deferred)()

        async def settle_later() -> None:
            await asyncio.sleep(0)
            deferred.resolve("settled")

        settling = asyncio.ensure_future(settle_later())
        values = await asyncio.gather(*[double(i) for i in range(200)], result, sleep(0.001))
        await settling
        with pytest.raises(ZeroDivisionError):
            await run_in_loop(lambda: 1 / 0)()
        return values

    assert run(main()) == [2 * i for i in range(200)] + ["settled", None]
    assert pinned() == []


def test_one_result_is_awaited_by_several_tasks_and_loops() -> None:
    deferred: Deferred[int] = Deferred()
    result = run_in_loop(lambda: deferred)()

    async def waits() -> int:
        return await result

    async def main() -> Any:
        waiting = [asyncio.ensure_future(waits()) for _ in range(3)]
        await asyncio.sleep(0)
        elsewhere = in_thread(lambda: asyncio.run(waits()))
        deferred.resolve(9)
        return await asyncio.gather(*waiting), await asyncio.get_running_loop().run_in_executor(None, elsewhere)

    assert run(main()) == ([9, 9, 9], 9)


def test_a_cancelled_task_cancels_the_call_unless_it_is_shielded() -> None:
    async def wait(result: EventualResult[None]) -> None:
        await result

    async def main() -> None:
        result, shielded = sleep(float("inf")), sleep(float("inf"))
        tasks = asyncio.ensure_future(wait(result)), asyncio.ensure_future(asyncio.shield(shielded))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(crochet_uv.CancelledError):
            await result
        assert not shielded.done()
        shielded.cancel()

    run(main())


def test_a_stop_ends_it() -> None:
    async def main() -> None:
        held: Deferred[None] = Deferred()
        result = run_in_loop(lambda: held)()

        async def stop() -> None:
            await asyncio.get_running_loop().run_in_executor(None, crochet_uv.shutdown)

        stopping = asyncio.ensure_future(stop())
        with pytest.raises(LoopStopped):
            await result
        await stopping

    run(main())


def test_leaves_no_descriptor_behind() -> None:
    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    async def main() -> int:
        return await double(1)

    run(main())
    before = descriptors()
    for _ in range(20):
        run(main())
    assert descriptors() == before
    on_loop(int)
