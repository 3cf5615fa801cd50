# SPDX-License-Identifier: MIT
"""A function that runs on the loop, called from a program that knows nothing of event loops."""
from crochet_uv import run_in_loop, setup, sleep, wait_for

setup()


@wait_for(timeout=5.0)
async def slow_sum(a: int, b: int) -> int:
    await sleep(0.1)
    return a + b


@run_in_loop
def later(text: str) -> str:
    return text.upper()


print("waited for:", slow_sum(1, 2))

result = later("an eventual result")
print("and now:", result.wait(timeout=5.0))
