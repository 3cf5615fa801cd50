# SPDX-License-Identifier: MIT
"""The main function of the peers in Python, and their workloads: the same command line, the same JSON.

A peer is a class: start(), on_loop(function), call_and_wait(), call_timer_and_wait(), burst(count), fire(tally, count),
hold(count), cancel_held(). Threads pin themselves.
"""
import argparse
import json
import os
import resource
import sys
import threading
import time

BURST = 1024
MOST = 65_536


class Tally:
    """How many of a caller's calls have run, where nobody waits for each."""

    def __init__(self):
        self.ran = self.expected = self.sent = 0
        self.all_have_run = threading.Semaphore(0)

    def expect(self, calls):
        self.ran, self.sent, self.expected = 0, 0, calls

    def before_sending(self, calls):
        self.sent += calls
        if self.sent - self.ran > MOST:
            while self.sent - self.ran > MOST // 2:
                time.sleep(1e-4)

    def add_one(self):
        self.ran += 1
        if self.ran == self.expected:
            self.all_have_run.release()


def quantile(ordered, part):
    return ordered[int(part * (len(ordered) - 1))]


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


class Program:
    def __init__(self, peer, asked):
        self.peer = peer
        self.asked = asked
        self.cpus = [int(cpu) for cpu in asked.cpus.split(",")]

    def caller_cpu(self, number):
        return self.cpus[0] if self.asked.placement == "same" else self.cpus[number % len(self.cpus)]

    def loop_cpu(self):
        return self.cpus[0] if self.asked.placement == "same" else self.cpus[-1]

    def run_callers(self, warm_up, operations, work):
        callers = self.asked.producers
        barrier = threading.Barrier(callers)
        spans = [None] * callers

        def call(number):
            os.sched_setaffinity(0, {self.caller_cpu(number)})
            work(number, warm_up)
            barrier.wait()
            begin = time.monotonic_ns()
            work(number, operations)
            spans[number] = (begin, time.monotonic_ns())
            barrier.wait()

        threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return max(end for _, end in spans) - min(begin for begin, _ in spans)

    def round_trips(self, call):
        each = self.asked.operations // self.asked.producers
        samples = [[0] * each for _ in range(self.asked.producers)]

        def work(number, operations):
            mine = samples[number]
            before = time.monotonic_ns()
            for i in range(operations):
                assert call() == 1
                now = time.monotonic_ns()
                mine[i] = now - before
                before = now

        ns = self.run_callers(min(each // 4, 1000), each, work)
        figures = {"ns": ns / each / self.asked.producers}
        if self.asked.producers == 1:
            ordered = sorted(samples[0])
            figures.update(p50=quantile(ordered, 0.5), p99=quantile(ordered, 0.99), p999=quantile(ordered, 0.999))
        return figures

    def bursts(self):
        each = max(self.asked.operations // self.asked.producers // BURST, 1)

        def work(_, bursts):
            for _ in range(bursts):
                assert self.peer.burst(BURST) == BURST

        return {"ns": self.run_callers(1, each, work) / each / BURST / self.asked.producers}

    def fires(self):
        between_looks = 256
        each = max(self.asked.operations // self.asked.producers // between_looks, 1)
        tallies = [Tally() for _ in range(self.asked.producers)]

        def work(number, rounds):
            tally = tallies[number]
            tally.expect(rounds * between_looks)
            for _ in range(rounds):
                tally.before_sending(between_looks)
                self.peer.fire(tally, between_looks)
            tally.all_have_run.acquire()

        return {"ns": self.run_callers(min(each, 4), each, work) / each / between_looks / self.asked.producers}

    def held(self, cancel):
        os.sched_setaffinity(0, {self.caller_cpu(0)})
        before = resident_bytes()
        for begin in range(0, self.asked.operations, BURST):
            self.peer.hold(min(BURST, self.asked.operations - begin))
            self.peer.on_loop(int)
        figures = {"bytes": (resident_bytes() - before) / self.asked.operations, "ns": 0}
        if cancel:
            begin = time.monotonic_ns()
            self.peer.cancel_held()
            figures["ns"] = (time.monotonic_ns() - begin) / self.asked.operations
        return figures

    def measure(self):
        workload = self.asked.workload
        if workload in ("w1", "w6"):
            return self.round_trips(self.peer.call_and_wait)
        if workload == "w2":
            return self.bursts()
        if workload == "w3":
            return self.fires()
        if workload == "w4":
            return self.round_trips(self.peer.call_timer_and_wait)
        if workload in ("w5", "w8cancel"):
            return self.held(workload == "w8cancel")
        return None


def run(make_peer, name):
    parser = argparse.ArgumentParser()
    parser.add_argument("--can-run", action="store_true")
    parser.add_argument("--workload", default="w1")
    parser.add_argument("--placement", choices=("same", "cross"), default="same")
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--producers", type=int, default=1)
    parser.add_argument("--cpus", default="0,1")
    asked = parser.parse_args()
    if asked.can_run:
        return
    peer = make_peer()
    program = Program(peer, asked)
    peer.on_loop(lambda: os.sched_setaffinity(0, {program.loop_cpu()}))
    figures = program.measure()
    if figures is None:
        print(f"{name} leaves out {asked.workload}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(3)
    shown = {"peer": name, "variant": "", "workload": asked.workload, "placement": asked.placement,
             "producers": asked.producers, "operations": asked.operations, **figures}
    print(json.dumps(shown), flush=True)
    os._exit(0)  # what is held is not tidied up
