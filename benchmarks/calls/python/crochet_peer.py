#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Python's Crochet, the ancestor: wait_for() and run_in_reactor() over Twisted."""
import crochet
from twisted.internet import reactor
from twisted.internet.defer import Deferred

import program

FOR_EVER = 1000.0


@crochet.wait_for(timeout=FOR_EVER)
def call_and_wait():
    return 1


@crochet.wait_for(timeout=FOR_EVER)
def call_timer_and_wait():
    done = Deferred()
    reactor.callLater(0, done.callback, 1)
    return done


@crochet.run_in_reactor
def answer():
    return 1


@crochet.run_in_reactor
def add_one(tally):
    tally.add_one()


@crochet.wait_for(timeout=FOR_EVER)
def on_loop(function):
    function()


class CrochetPeer:
    def __init__(self):
        crochet.setup()
        self.held = []
        self.kept = []

    on_loop = staticmethod(on_loop)
    call_and_wait = staticmethod(call_and_wait)
    call_timer_and_wait = staticmethod(call_timer_and_wait)

    def burst(self, count):
        results = [answer() for _ in range(count)]
        return sum(result.wait(FOR_EVER) for result in results)

    def fire(self, tally, count):
        for _ in range(count):
            add_one(tally)

    def hold(self, count):
        for _ in range(count):
            self.held.append(self.wait_for_ever())

    @crochet.run_in_reactor
    def wait_for_ever(self):
        done = Deferred()
        self.kept.append(done)
        return done

    def cancel_held(self):
        for result in self.held:
            result.cancel()
        for result in self.held:
            try:
                result.wait(FOR_EVER)
            except Exception as error:
                assert type(error).__name__ == "CancelledError"


program.run(CrochetPeer, "python-crochet")
