#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""asyncio: run_coroutine_threadsafe(), and call_soon_threadsafe() where nobody waits."""
import asyncio
import threading

import program


async def answer():
    return 1


async def answer_by_timer():
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0, done.set_result, 1)
    return await done


class AsyncioPeer:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.held = []
        self.kept = []

    def on_loop(self, function):
        async def call():
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result()

    def call_and_wait(self):
        return asyncio.run_coroutine_threadsafe(answer(), self.loop).result()

    def call_timer_and_wait(self):
        return asyncio.run_coroutine_threadsafe(answer_by_timer(), self.loop).result()

    def burst(self, count):
        results = [asyncio.run_coroutine_threadsafe(answer(), self.loop) for _ in range(count)]
        return sum(result.result() for result in results)

    def fire(self, tally, count):
        for _ in range(count):
            self.loop.call_soon_threadsafe(tally.add_one)

    def hold(self, count):
        for _ in range(count):
            self.held.append(asyncio.run_coroutine_threadsafe(self.wait_for_ever(), self.loop))

    async def wait_for_ever(self):
        done = self.loop.create_future()
        self.kept.append(done)
        return await done

    def cancel_held(self):
        for result in self.held:
            assert result.cancel()
        self.on_loop(int)


program.run(AsyncioPeer, "asyncio")
