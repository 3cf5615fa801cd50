# SPDX-License-Identifier: MIT
# Threads that call into an asyncio loop.
import asyncio
import concurrent.futures
import threading


async def fetch(name):
    await asyncio.sleep(0.01)
    return name.upper()


def main():
    # [program]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    future = asyncio.run_coroutine_threadsafe(fetch("wool"), loop)
    try:
        print(future.result(timeout=5))          # on the loop's thread: for ever
    except concurrent.futures.TimeoutError:
        future.cancel()

    loop.call_soon_threadsafe(loop.stop)         # what is pending stays pending, and so does who waits for it
    thread.join()
    loop.close()
    # [end program]


if __name__ == "__main__":
    main()
