# SPDX-License-Identifier: MIT
"""What is measured: the peers, their variants, the cases. Whoever adds a variant of a peer adds a line here."""
import dataclasses

CASES = {
    # name: workload, placement, producers
    "W1 same": ("w1", "same", 1),
    "W1 cross": ("w1", "cross", 1),
    "W2 same, P=1": ("w2", "same", 1),
    "W2 cross, P=1": ("w2", "cross", 1),
    "W2 cross, P=2": ("w2", "cross", 2),
    "W2 cross, P=4": ("w2", "cross", 4),
    "W3 same, P=1": ("w3", "same", 1),
    "W3 cross, P=1": ("w3", "cross", 1),
    "W3 cross, P=4": ("w3", "cross", 4),
    "W4 same": ("w4", "same", 1),
    "W4 cross": ("w4", "cross", 1),
    "W5": ("w5", "cross", 1),
    "W6": ("w6", "cross", 64),
    "W8 cancel": ("w8cancel", "cross", 1),
    "W8 stop": ("w8stop", "cross", 1),
    "W8 list": ("w8list", "cross", 1),
    "W9": ("w9", "same", 1),
    "W9 alone": ("w9alone", "same", 1),
}

WORKLOADS = {
    "W1": "round trip: one caller, a trivial function, its result",
    "W2": "fire and collect: each producer makes 1024 calls, then takes their results, and again",
    "W3": "fire and forget: until the last function has run; at most 64k outstanding for each producer",
    "W4": "round trip, settled by a timer of 0 ms on the loop",
    "W5": "memory of an unsettled call: what the caller holds, what the loop holds, what lies between",
    "W6": "64 threads, each as W1",
    "W8": "a million unsettled calls, cancelled; a stop with a million of them; and a listing of a million, as text",
    "W9": "ping-pong with an echo on the loop over a socket pair, alone and beside one W2 producer",
}

EVERY_CALL = frozenset("w1 w2 w3 w4 w6".split())
ECHO = frozenset("w9 w9alone".split())


@dataclasses.dataclass(frozen=True)
class Peer:
    name: str
    text: str  # in tables
    program: str  # below the build folder; a script: below this one
    workloads: frozenset
    leaves_out: str = ""  # why it has no more of them
    variant: str = ""
    placements: tuple = ("same", "cross")
    is_script: bool = False
    by_taskset: bool = False  # it can't pin its threads: the whole process gets the CPUs
    is_limit: bool = False  # no library: what one could reach
    held: int = 1_000_000  # unsettled calls in W5 and W8
    assumed_ns: int = 0  # what a call takes, where to find it out takes too long

    def takes(self, case):
        workload, placement, _ = CASES[case]
        return workload in self.workloads and placement in self.placements


OURS = "crochet"
PROGRAMS = "benchmarks/calls/calls-"
PEERS = [
    Peer("L1", "L1: eventfd, epoll, futex", PROGRAMS + "limit-eventfd", frozenset({"w1", "w4"}), is_limit=True),
    Peer("L2", "L2: a futex both ways", PROGRAMS + "limit-futex", frozenset({"w1"}), is_limit=True),
    Peer("L3", "L3: a cache line, spinning", PROGRAMS + "limit-spin", frozenset({"w1"}), placements=("cross",),
         is_limit=True),
    Peer("L4", "L4: a bare queue", PROGRAMS + "limit-queue", frozenset({"w2"}), is_limit=True),
    Peer(OURS, "**crochet**", PROGRAMS + "crochet", EVERY_CALL | ECHO | {"w5", "w8cancel", "w8stop", "w8list"}),
    Peer("crochet spin", "crochet, both sides spin", PROGRAMS + "crochet", frozenset({"w1", "w4"}),
         "the others: it is about round trips", variant="spin"),
    Peer("crochet spin-loop", "crochet, the loop spins", PROGRAMS + "crochet", frozenset({"w1", "w4"}),
         "as when both sides spin", variant="spin-loop"),
    Peer("crochet cork", "crochet, by corks of 256", PROGRAMS + "crochet", frozenset({"w3"}),
         "a cork is for what nobody waits for", variant="cork"),
    Peer("crochet queue", "crochet, by a completion queue", PROGRAMS + "crochet", frozenset({"w2"}),
         "a completion queue is for many", variant="queue"),
    Peer("crochet descriptor", "crochet, by a queue that is polled", PROGRAMS + "crochet", frozenset({"w2"}),
         "a completion queue is for many", variant="descriptor"),
    Peer("crochet.hpp", "crochet, by `crochet.hpp`", PROGRAMS + "crochet-hpp", EVERY_CALL - {"w4"},
         "the others: what the C interface does there"),
    Peer("glue", "by hand over libuv", PROGRAMS + "glue", EVERY_CALL | ECHO | {"w5", "w8stop"},
         "a promise can't be cancelled"),
    Peer("asio", "Asio", PROGRAMS + "asio", EVERY_CALL | ECHO | {"w5"},
         "what is posted can't be cancelled; stopping is what the promises make of it, as by hand"),
    Peer("boost", "Boost.Asio", PROGRAMS + "boost-asio", EVERY_CALL | ECHO | {"w5"}, "as Asio"),
    Peer("kj", "KJ", PROGRAMS + "kj", (EVERY_CALL | ECHO | {"w5"}) - {"w3"},
         "W3: a promise that is dropped is cancelled; W8: dropping is a round trip for each call", held=100_000),
    Peer("glib", "GLib", PROGRAMS + "glib", EVERY_CALL | ECHO, "W5, W8: it has no result that could be held"),
    Peer("qt", "Qt", PROGRAMS + "qt", EVERY_CALL | ECHO,
         "W5, W8: its results would be the standard library's, as by hand"),
    Peer("tokio", "tokio", "tokio/release/calls-tokio", EVERY_CALL | ECHO | {"w5", "w8cancel", "w8stop"}),
    Peer("go", "Go", "calls-go", EVERY_CALL | {"w5"}, "W8: what waits for a channel can't be cancelled from outside, a "
         "loop of channels has no stop of its own; W9: a goroutine for each socket, none on the loop", by_taskset=True),
    Peer("py-crochet", "Python's Crochet", "python/crochet_peer.py", EVERY_CALL | {"w5", "w8cancel"},
         "W8, stopping: it has one reactor for ever; W9: not asked of Python", is_script=True, held=50_000,
         assumed_ns=40_000),
    Peer("asyncio", "Python's asyncio", "python/asyncio_peer.py", EVERY_CALL | {"w5", "w8cancel"},
         "as Python's Crochet", is_script=True, held=50_000,
         assumed_ns=40_000),
]
NAMES = [peer.name for peer in PEERS]
BY_NAME = {peer.name: peer for peer in PEERS}


@dataclasses.dataclass(frozen=True)
class Target:
    case: str
    what: str
    bound: float  # of the median of the rounds' ratios
    beside: str = ""  # a peer; empty: the figure itself
    key: str = "ns"
    at_least: bool = False  # the peer's figure by ours; otherwise ours by the peer's, at most
    ours: str = OURS


TARGETS = [
    Target("W1 same", "p50 × L1", 1.0, "L1", "p50"),
    Target("W1 same", "p50 × by hand", 0.75, "glue", "p50"),
    Target("W1 same", "p99 × L1's", 1.5, "L1", "p99"),
    Target("W1 cross", "p50 × L1", 1.1, "L1", "p50"),
    *(Target(f"W2 cross, P={producers}", f"× {name}", bound, beside)
      for producers in (1, 2, 4)
      for name, beside, bound in (("by hand", "glue", 0.10), ("Asio", "asio", 0.07), ("L4, beyond", "L4", 1.25))),
    Target("W3 cross, P=1", "× by hand", 0.6, "glue"),
    Target("W3 cross, P=4", "× by hand", 0.6, "glue"),
    Target("W3 same, P=1", "× by hand", 1.0, "glue"),
    Target("W4 cross", "p50 × L1", 1.1, "L1", "p50"),
    Target("W4 same", "p50 × by hand", 0.85, "glue", "p50"),
    Target("W4 cross", "p50 × by hand", 0.85, "glue", "p50"),
    Target("W5", "bytes", 80, key="bytes"),
    Target("W6", "× by hand", 0.9, "glue"),
    Target("W1 same", "times as fast as Python's Crochet, p50", 12, "py-crochet", "p50", at_least=True),
    Target("W1 cross", "both sides spin, beyond: p50 × L1", 0.05, "L1", "p50", ours="crochet spin"),
    Target("W1 cross", "the loop spins, beyond: p50 × L1", 0.08, "L1", "p50", ours="crochet spin-loop"),
    Target("W4 cross", "both sides spin, beyond: p50 × L1", 0.15, "L1", "p50", ours="crochet spin"),
    Target("W3 cross, P=1", "corks, beyond: × by hand", 0.2, "glue", ours="crochet cork"),
    Target("W3 cross, P=4", "corks, beyond: × by hand", 0.2, "glue", ours="crochet cork"),
    Target("W3 same, P=1", "corks, beyond: × by hand", 0.2, "glue", ours="crochet cork"),
    Target("W2 cross, P=1", "times as fast as Python's Crochet", 400, "py-crochet", at_least=True),
    Target("W3 cross, P=1", "times as fast as Python's Crochet", 80, "py-crochet", at_least=True),
    Target("W5", "times less memory than Python's Crochet", 25, "py-crochet", "bytes", at_least=True),
]
