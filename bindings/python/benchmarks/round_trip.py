#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a round trip costs: a thread calls a function on the loop's thread and waits for its value.

    round_trip.py [--rounds 9] [--seconds 0.5] [--cpus 0,1] [--json]

Peers are measured in turns, each time in a process of its own: this binding; Python's Crochet with Twisted's reactor, if it
is installed here; asyncio's run_coroutine_threadsafe(). Figures are medians of the rounds, in microseconds for each call: of the
time on the clock, with its quartiles, and of the CPU time of both threads, which other programs disturb less. CROCHET_LIBRARY names the shared library. Exit code 2: a peer is missing.
"""
from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any, Callable

PLAIN = "crochet_uv: wait_for(), a function"
ANCESTOR = "Crochet with Twisted: wait_for(), a function"


def plain() -> Callable[[], int]:
    import crochet_uv

    crochet_uv.setup()
    return crochet_uv.wait_for(timeout=1000.0)(lambda: 1)  # type: ignore[no-any-return, unused-ignore]


def coroutine() -> Callable[[], int]:
    import crochet_uv

    crochet_uv.setup()

    @crochet_uv.wait_for(timeout=1000.0)
    async def answer() -> int:
        return 1

    return answer


def deferred() -> Callable[[], int]:
    import crochet_uv

    crochet_uv.setup()

    @crochet_uv.wait_for(timeout=1000.0)
    def answer() -> Any:
        later: crochet_uv.Deferred[int] = crochet_uv.Deferred()
        later.resolve(1)
        return later

    return answer


def ancestor() -> Callable[[], int]:
    import crochet

    crochet.setup()
    return crochet.wait_for(timeout=1000.0)(lambda: 1)  # type: ignore[no-any-return, unused-ignore]


def ancestor_coroutine() -> Callable[[], int]:
    import crochet

    crochet.setup()

    @crochet.wait_for(timeout=1000.0)  # type: ignore[misc, unused-ignore]
    async def answer() -> int:
        return 1

    return answer  # type: ignore[return-value, unused-ignore]


def threadsafe() -> Callable[[], int]:
    import asyncio
    import threading

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def answer() -> int:
        return 1

    return lambda: asyncio.run_coroutine_threadsafe(answer(), loop).result(1000.0)


PEERS: dict[str, Callable[[], Callable[[], int]]] = {
    PLAIN: plain,
    "crochet_uv: wait_for(), a coroutine": coroutine,
    "crochet_uv: wait_for(), a Deferred": deferred,
    ANCESTOR: ancestor,
    "Crochet with Twisted: wait_for(), a coroutine": ancestor_coroutine,
    "asyncio: run_coroutine_threadsafe()": threadsafe,
}


def measure(name: str, seconds: float) -> None:
    """In the peer's process: prints microseconds for each call, on the clock and of CPU time."""
    call = PEERS[name]()
    for _ in range(500):
        assert call() == 1
    calls, begin, begin_cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds:
        for _ in range(100):
            call()
        calls += 100
    end, end_cpu = time.perf_counter(), time.process_time()
    print((end - begin) / calls * 1e6, (end_cpu - begin_cpu) / calls * 1e6, flush=True)
    os._exit(0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--cpus", default="", help="the only ones to be used, with commas between them")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.cpus:
        os.sched_setaffinity(0, {int(cpu) for cpu in asked.cpus.split(",")})
    if asked.peer:
        measure(asked.peer, asked.seconds)
    missing = importlib.util.find_spec("crochet") is None
    peers = [name for name in PEERS if not (missing and "Twisted" in name)]
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in peers}
    for _ in range(asked.rounds):
        for name in peers:
            command = [sys.executable, __file__, "--peer", name, "--seconds", str(asked.seconds), "--cpus", asked.cpus]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            clock, cpu = map(float, ran.stdout.split())
            samples[name].append((clock, cpu))
    figures: dict[str, dict[str, Any]] = {}
    for name in peers:
        clock_times, cpu_times = zip(*samples[name])
        low, middle, high = statistics.quantiles(clock_times, n=4)
        figures[name] = {"median_us": middle, "quartiles_us": [low, high], "cpu_us": statistics.median(cpu_times)}
    if asked.json:
        print(json.dumps({"python": sys.version.split()[0], "rounds": asked.rounds, "peers": figures}, indent=1))
    else:
        first = figures[PLAIN]
        print(f"Python {sys.version.split()[0]}, {asked.rounds} rounds, microseconds for each call")
        print(f"  {'':46} {'median':>8}  {'quartiles':>17}  {'times':>5}  {'CPU':>7}  {'times':>5}")
        for name, it in figures.items():
            low, high = it["quartiles_us"]
            clock, cpu = it["median_us"] / first["median_us"], it["cpu_us"] / first["cpu_us"]
            spread = f"{low:.2f} to {high:.2f}"
            print(f"  {name:46} {it['median_us']:8.2f}  {spread:>17}  {clock:5.2f}  {it['cpu_us']:7.2f}  {cpu:5.2f}")
    if missing:
        print("Crochet with Twisted is not installed here: pip install crochet", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
