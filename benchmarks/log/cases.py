# SPDX-License-Identifier: MIT
"""What is measured: workloads, where the log's thread runs, peers, how many messages each."""

LOOP_CPU = 0
PER_ITERATION = 10  # as workload.hpp has it

WORKLOADS = {
    "flood": "more than the sink can take, without a pause; 100 µs a line",
    "bursts": "500 messages, then a pause until they are written: all fit; 100 µs a line",
    "fast": "the same, and the sink takes no time",
}
PLACES = {"cross": "the log's thread on another CPU than the loop's", "same": "both on one CPU"}

EMPTY = "empty"
OURS = "crochet"
BESIDE = "overrun_oldest"
# The order of the rows; the first is subtracted from all others.
PEERS = {
    EMPTY: "nothing is logged",
    OURS: "`crochet_log()`, 1024 places",
    "crochet-off": "`crochet_log()`, level off",
    BESIDE: "spdlog, `overrun_oldest`, 1024 places",
    "block": "spdlog, `block`, 1024 places",
    "deque": "mutex and deque, no bound",
    "synchronous": "synchronous",
}

QUICK = 10  # times fewer messages


def messages(workload, peer, quick):
    """Where the caller waits for the sink, a million messages would take 100 seconds: those get fewer."""
    waits = peer == "synchronous" and workload != "fast" or (workload, peer) == ("flood", "block")
    if waits:
        return 3_000 if quick else 10_000  # block: more than the queue holds
    return (1_000_000 if workload == "flood" else 200_000) // (QUICK if quick else 1)


def cases():
    """(workload, place, peer) of a round."""
    for workload in WORKLOADS:
        for place in PLACES:
            for peer in PEERS:
                if peer == "synchronous" and place == "cross":
                    continue  # it has no thread of its own
                yield workload, place, peer
