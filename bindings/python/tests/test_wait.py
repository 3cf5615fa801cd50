# SPDX-License-Identifier: MIT
"""Waiting: values, failures, time-outs, Ctrl-C, and where it is refused."""
from __future__ import annotations

import builtins
import gc
import signal
import threading
import time
import traceback
import weakref
from typing import Any

import pytest
from conftest import KILL_TIMER, BlockedLoop, Gate, in_thread, on_loop, pinned, pinned_without_a_loop, program, settle, unfinished_calls

import crochet_uv
from crochet_uv import Deferred, EventualResult, LoopStopped, TimeoutError, WouldDeadlock, run_in_loop, wait_for


class OwnError(Exception):
    pass


@run_in_loop
def value() -> str:
    return "value"


@run_in_loop
def failure() -> None:
    raise OwnError("of the function")


def pending() -> tuple[Deferred[Any], EventualResult[Any]]:
    """A call whose function has returned the deferred."""
    deferred: Deferred[Any] = Deferred()
    result = run_in_loop(lambda: deferred)()
    settle()
    return deferred, result


@pytest.mark.conformance("value")
def test_a_value_is_given_each_time() -> None:
    result = value()
    assert [result.wait(KILL_TIMER), result.wait(KILL_TIMER), result.wait()] == ["value"] * 3


@pytest.mark.conformance("value-none")
def test_none_is_a_value() -> None:
    assert run_in_loop(lambda: None)().wait(KILL_TIMER) is None


@pytest.mark.conformance("failure-own-exception")
def test_a_failure_is_the_same_exception_each_time() -> None:
    raised = OwnError("made before")

    @run_in_loop
    def fails() -> None:
        raise raised

    result = fails()
    for _ in range(3):
        with pytest.raises(OwnError) as caught:
            result.wait(KILL_TIMER)
        assert caught.value is raised


@pytest.mark.conformance("failure-traceback")
def test_a_failure_has_the_traceback_of_the_function_and_it_does_not_grow() -> None:
    def innermost() -> None:
        raise OwnError

    result = run_in_loop(innermost)()
    lengths = set()
    for _ in range(3):
        with pytest.raises(OwnError) as caught:
            result.wait(KILL_TIMER)
        names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert names[-1] == "innermost"
        lengths.add(len(names))
    assert len(lengths) == 1
    failed = result.original_failure()
    assert failed is not None
    assert [frame.name for frame in traceback.extract_tb(failed.__traceback__)] == ["innermost"]


def test_failures_that_are_no_exceptions_of_the_usual_kind_come_through_too() -> None:
    def leaves() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run_in_loop(leaves)().wait(KILL_TIMER)
    assert value().wait(KILL_TIMER) == "value"


@pytest.mark.conformance("time-out-then-value")
def test_a_time_out_changes_nothing() -> None:
    deferred, result = pending()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            result.wait(0.001)
    deferred.resolve("late")
    assert result.wait(KILL_TIMER) == "late"


@pytest.mark.conformance("time-out-is-not-the-operations")
def test_a_functions_own_time_out_is_not_the_waits() -> None:
    def times_out() -> None:
        raise builtins.TimeoutError("its own")

    with pytest.raises(builtins.TimeoutError) as caught:
        run_in_loop(times_out)().wait(KILL_TIMER)
    assert not isinstance(caught.value, TimeoutError)
    _deferred, result = pending()
    with pytest.raises(builtins.TimeoutError):
        result.wait(0)


@pytest.mark.conformance("time-out-values")
@pytest.mark.parametrize("timeout", [0, -1, -0.0, 5e-324])
def test_times_that_are_over_look_once(timeout: float) -> None:
    deferred, result = pending()
    with pytest.raises(TimeoutError):
        result.wait(timeout)
    deferred.resolve(1)
    assert result.wait(timeout) == 1


@pytest.mark.conformance("time-out-values")
@pytest.mark.parametrize("timeout", [float("inf"), 1e300, 2**40, None])
def test_huge_times_wait(timeout: float) -> None:
    deferred, result = pending()
    waiting = in_thread(lambda: result.wait(timeout))
    deferred.resolve(2)
    assert waiting() == 2


@pytest.mark.conformance("time-out-values")
def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError):
        value().wait(float("nan"))


@pytest.mark.conformance("wait-on-the-loop")
def test_waiting_on_the_loop_is_refused_also_when_it_is_there() -> None:
    ready = value()
    ready.wait(KILL_TIMER)
    _, not_ready = pending()
    for result in (ready, not_ready):
        with pytest.raises(WouldDeadlock):
            on_loop(result.wait)
        with pytest.raises(RuntimeError):  # as Crochet has it
            on_loop(result.join)


@pytest.mark.conformance("wait-for-on-the-loop-runs-nothing")
def test_wait_for_on_the_loop_runs_nothing() -> None:
    ran: list[int] = []

    @wait_for(timeout=KILL_TIMER)
    def run() -> None:
        ran.append(1)

    with pytest.raises(WouldDeadlock):
        on_loop(run)
    assert pinned() == []
    assert ran == []


@pytest.mark.conformance("wait-for-time-out-cancels")
def test_wait_for_cancels_when_its_time_is_over() -> None:
    cancelled = Gate()
    held: Deferred[None] = Deferred(cancelled.open)

    @wait_for(timeout=0.01)
    def never() -> Deferred[None]:
        return held

    with pytest.raises(TimeoutError):
        never()
    cancelled.wait()


@pytest.mark.conformance("wait-for-time-out-in-the-queue")
def test_wait_for_does_not_run_what_timed_out_in_the_queue() -> None:
    ran: list[int] = []
    with BlockedLoop():
        with pytest.raises(TimeoutError):
            wait_for(0.001)(lambda: ran.append(1))()
    assert pinned() == []
    assert ran == []


@pytest.mark.conformance("many-threads-one-result")
def test_many_threads_wait_for_one() -> None:
    deferred, result = pending()
    waiting = [in_thread(lambda: result.wait(KILL_TIMER)) for _ in range(16)]
    marker = object()
    deferred.resolve(marker)
    assert all(join() is marker for join in waiting)


@pytest.mark.conformance("many-threads-one-failure")
def test_many_threads_are_raised_one_exception() -> None:
    deferred, result = pending()
    waiting = [in_thread(lambda: result.wait(KILL_TIMER)) for _ in range(16)]
    error = OwnError()
    deferred.reject(error)
    for join in waiting:
        with pytest.raises(OwnError) as caught:
            join()
        assert caught.value is error


@pytest.mark.conformance("many-threads-call")
def test_many_threads_call_wait_and_cancel_and_nothing_is_lost() -> None:
    ran = [0]

    @run_in_loop
    def count() -> int:
        ran[0] += 1
        return ran[0]

    def work() -> tuple[int, int]:
        waited = not_run = 0
        for i in range(200):
            result = count()
            if i % 4 == 0 and result.cancel() is crochet_uv.CancelOutcome.NOT_RUN:
                not_run += 1
                continue
            try:
                result.wait(KILL_TIMER)
            except crochet_uv.CancelledError:
                pass
            waited += 1
        return waited, not_run

    threads = [in_thread(work) for _ in range(8)]
    waited, not_run = map(sum, zip(*[join() for join in threads]))
    assert waited + not_run == 8 * 200
    assert pinned() == []
    assert ran[0] == waited


@pytest.mark.conformance("given-back-after-failures")
def test_nothing_is_left_after_waits_that_failed() -> None:
    def times_out() -> None:
        never, result = pending()
        with pytest.raises(TimeoutError):
            result.wait(0.001)
        assert result.cancel() is crochet_uv.CancelOutcome.REQUESTED
        del never

    for _ in range(50):
        with pytest.raises(OwnError):
            failure().wait(KILL_TIMER)
        times_out()
        with pytest.raises(WouldDeadlock):
            on_loop(value().wait)
    assert pinned() == []
    assert unfinished_calls() == 0


@pytest.mark.conformance("failure-not-kept-alive")
def test_nothing_keeps_a_failed_result_and_its_exception_but_who_holds_them() -> None:
    class Held:
        pass

    def fails(argument: Held) -> None:
        local = argument  # noqa: F841  in the traceback
        raise OwnError

    def call_and_fail() -> tuple[Any, Any, Any]:
        held = Held()
        result = run_in_loop(fails)(held)
        refs = weakref.ref(result), weakref.ref(held)
        error = None
        try:
            result.wait(KILL_TIMER)
        except OwnError as caught:
            error = weakref.ref(caught)
        finally:
            del result, held  # what is left in this frame is the caller's own affair
        return (*refs, error)

    gc.disable()
    try:
        refs = call_and_fail()
        pinned()
        assert [ref() for ref in refs] == [None, None, None]
        with pytest.raises(OwnError):
            wait_for(KILL_TIMER)(fails)(Held())
    finally:
        gc.enable()


@pytest.mark.conformance("argument-dropped-once")
def test_arguments_are_let_go_when_the_call_is_over() -> None:
    class Held:
        pass

    gc.disable()
    try:
        for function in (lambda held: None, lambda held: 1 / 0):
            held = Held()
            ref = weakref.ref(held)
            result = run_in_loop(function)(held)
            del held
            result.join(KILL_TIMER)
            result.original_failure()
            del result
            assert ref() is None
    finally:
        gc.enable()


@pytest.mark.conformance("join")
def test_join_waits_until_the_call_is_over_whatever_came_of_it() -> None:
    deferred, result = pending()
    with pytest.raises(TimeoutError):
        result.join(0.001)
    deferred.reject(OwnError())
    result.join(KILL_TIMER)
    result.original_failure()
    with BlockedLoop() as blocked:
        queued = value()
        queued.cancel()
        queued.join(KILL_TIMER)
        blocked.let_go()


@pytest.mark.conformance("stop-while-waiting")
def test_a_stop_ends_all_waits() -> None:
    _deferred, result = pending()
    waiting = [in_thread(result.wait) for _ in range(4)]
    crochet_uv.shutdown()
    for join in waiting:
        with pytest.raises(LoopStopped):
            join()


@pytest.mark.conformance("stop-not-run-is-safe-to-repeat")
def test_what_never_started_is_safe_to_repeat() -> None:
    entered, leave = Gate(), Gate()

    def block() -> None:
        entered.open()
        leave.wait()

    run_in_loop(block)()
    entered.wait()
    queued = value()
    stopping = in_thread(lambda: crochet_uv.shutdown(grace=KILL_TIMER))
    while True:
        try:
            value()
        except LoopStopped:
            break
    leave.open()
    stopping()
    with pytest.raises(LoopStopped) as caught:
        queued.wait(KILL_TIMER)
    assert caught.value.safe_to_repeat


@pytest.mark.conformance("calls-after-stop")
def test_calls_after_the_stop_are_refused_and_setup_starts_anew() -> None:
    crochet_uv.shutdown()
    with pytest.raises(crochet_uv.ReactorStopped):
        value()
    assert pinned_without_a_loop() == []
    crochet_uv.setup()
    assert value().wait(KILL_TIMER) == "value"


@pytest.mark.conformance("calls-before-setup")
def test_calls_before_setup_are_refused() -> None:
    program(
        """
        import crochet_uv
        try:
            crochet_uv.wait_for(1)(int)()
        except crochet_uv.NotSetUp as error:
            assert isinstance(error, RuntimeError)
        else:
            raise SystemExit(1)
        from crochet_uv import _pins
        assert not _pins.pins
        """
    )


@pytest.mark.conformance("broken")
def test_a_deferred_that_everybody_forgets_breaks_the_call() -> None:
    with pytest.raises(crochet_uv.BrokenDeferred):
        run_in_loop(lambda: Deferred())().wait(KILL_TIMER)


@pytest.mark.conformance("interrupt")
@pytest.mark.parametrize(
    "blocks",
    ["pending.wait()", "pending.wait(50)", "pending.join()", "wait_for(timeout=50)(lambda: deferred)()"],
)
def test_ctrl_c_ends_a_wait_at_once_and_the_result_stays_good(blocks: str) -> None:
    ran = program(
        f"""
        import os, signal, threading, crochet_uv
        from crochet_uv import *
        crochet_uv.setup()
        deferred = Deferred()
        pending = run_in_loop(lambda: deferred)()
        main = threading.main_thread().ident

        def interrupt():
            # Until the main thread sleeps in its wait, and a little later: all the same when.
            path = f"/proc/self/task/{{os.getpid()}}/stat"
            while open(path).read().rpartition(")")[2].split()[0] != "S":
                pass
            signal.pthread_kill(main, signal.SIGINT)

        threading.Thread(target=interrupt).start()
        try:
            {blocks}
        except KeyboardInterrupt:
            print("interrupted")
        deferred.resolve(7)
        print(pending.wait(10))
        """
    )
    assert ran.stdout.split() == ["interrupted", "7"]


def test_a_signal_handler_that_returns_does_not_end_a_wait() -> None:
    deferred, result = pending()
    seen = Gate()
    former = signal.signal(signal.SIGUSR1, seen.open)
    try:

        def disturb() -> None:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            seen.wait()
            deferred.resolve("after")

        disturbed = in_thread(disturb)
        assert result.wait(KILL_TIMER) == "after"
        disturbed()
    finally:
        signal.signal(signal.SIGUSR1, former)


def test_other_threads_run_while_one_waits() -> None:
    deferred, result = pending()
    waiting = in_thread(result.wait)
    deadline = time.monotonic() + KILL_TIMER
    worked = 0
    while worked < 100_000:
        worked += 1
        assert time.monotonic() < deadline
    deferred.resolve(None)
    waiting()
