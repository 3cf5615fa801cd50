# SPDX-License-Identifier: MIT
"""Results are awaited in asyncio, whose loop polls one descriptor for all of them."""
import asyncio

from crochet_uv import ProcessExit, run_in_loop, run_process, setup, sleep

setup()


@run_in_loop
async def measure(what: str) -> str:
    await sleep(0.02)
    return f"{what} measured on crochet's loop"


async def main() -> None:
    ended: ProcessExit
    first, second, ended = await asyncio.gather(measure("this"), measure("that"), run_process(["echo", "a child's word"]))
    print(first)
    print(second)
    print(ended.stdout.decode().strip())
    try:
        await asyncio.wait_for(sleep(1000), timeout=0.01)
    except asyncio.TimeoutError:
        print("asyncio's time-out cancelled the sleep")


asyncio.run(main())
