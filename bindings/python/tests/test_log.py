# SPDX-License-Identifier: MIT
"""The library's log in `logging`, and failures that nobody looked at."""
from __future__ import annotations

import gc
import logging
import threading
from typing import Any

import pytest
from conftest import KILL_TIMER, Gate, flush_log, on_loop, program, settle

from crochet_uv import Deferred, TimeoutError, run_in_loop, setup, shutdown
from crochet_uv._library import lib


def log(level: int, origin: bytes, message: bytes) -> None:
    assert lib.log(level, origin, message, len(message)) == 0
    flush_log()


def failures(caplog: pytest.LogCaptureFixture) -> list[Any]:
    settle()
    gc.collect()
    flush_log()
    return [record.exc_info[1] for record in caplog.records if record.exc_info]


def fails() -> None:
    raise ZeroDivisionError("nobody looks")


@pytest.mark.conformance("log-sink")
def test_messages_come_with_level_origin_and_thread(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log(3, b"shop", b"50% of {this} \xff")
    log(4, b"", b"an error")
    log(2, b"shop", b"below the library's level")
    shop, error = caplog.records
    assert (shop.name, shop.levelno, shop.getMessage()) == ("crochet_uv.shop", logging.WARNING, "50% of {this} \ufffd")
    assert shop.thread == threading.get_native_id()
    assert (error.name, error.levelno) == ("crochet_uv", logging.ERROR)


@pytest.mark.conformance("log-sink-raises")
def test_a_handler_that_raises_or_calls_the_library_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            on_loop(int)
            raise ValueError("of a handler")

        def handleError(self, record: logging.LogRecord) -> None:
            raise ValueError("again")

    odd = Odd()
    logging.getLogger("crochet_uv").addHandler(odd)
    try:
        with pytest.MonkeyPatch.context() as patch:
            seen: list[Any] = []
            patch.setattr("sys.unraisablehook", seen.append)
            log(3, b"", b"one")
            log(3, b"", b"two")
    finally:
        logging.getLogger("crochet_uv").removeHandler(odd)
    assert on_loop(lambda: 1) == 1


@pytest.mark.conformance("log-slow-sink-does-not-block")
def test_a_handler_that_is_stuck_does_not_hold_the_loop_up() -> None:
    entered, leave = Gate(), Gate()

    class Stuck(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            entered.open()
            leave.wait()

    stuck = Stuck()
    logging.getLogger("crochet_uv").addHandler(stuck)
    try:
        run_in_loop(fails)()
        entered.wait()
        assert on_loop(lambda: "goes on") == "goes on"
    finally:
        leave.open()
        flush_log()
        logging.getLogger("crochet_uv").removeHandler(stuck)


@pytest.mark.conformance("unobserved-logged-once")
def test_a_failure_that_nobody_looked_at_is_logged_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    result = run_in_loop(fails)()
    result.join(KILL_TIMER)
    del result
    (failure,) = failures(caplog)
    assert isinstance(failure, ZeroDivisionError)
    assert "in fails" in caplog.text
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


def test_also_one_that_comes_after_everybody_forgot_the_result(caplog: pytest.LogCaptureFixture) -> None:
    deferred: Deferred[None] = Deferred()
    run_in_loop(lambda: deferred)()
    settle()
    deferred.reject(KeyError("late"))
    assert [type(failure) for failure in failures(caplog)] == [KeyError]


def test_also_one_whose_wait_had_timed_out(caplog: pytest.LogCaptureFixture) -> None:
    deferred: Deferred[None] = Deferred()
    result = run_in_loop(lambda: deferred)()
    with pytest.raises(TimeoutError):
        result.wait(0)
    deferred.reject(KeyError("late"))
    del result
    assert len(failures(caplog)) == 1


@pytest.mark.conformance("observed-not-logged")
def test_a_failure_that_somebody_looked_at_or_cancelled_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    waited, looked = [run_in_loop(fails)() for _ in range(2)]
    never: Deferred[None] = Deferred()
    cancelled = run_in_loop(lambda: never)()
    with pytest.raises(ZeroDivisionError):
        waited.wait(KILL_TIMER)
    looked.join(KILL_TIMER)
    assert isinstance(looked.original_failure(), ZeroDivisionError)
    cancelled.cancel()
    held: Deferred[None] = Deferred()
    failing_late = run_in_loop(lambda: held)()
    settle()
    failing_late.cancel()
    held.reject(KeyError("after the cancel"))
    del waited, looked, cancelled, failing_late
    assert failures(caplog) == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_goes_on_after_a_restart_of_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    shutdown()
    setup()
    log(3, b"shop", b"again")
    assert [record.getMessage() for record in caplog.records] == ["again"]


def test_stderr_has_nothing_twice_and_the_environment_may_name_other_sinks(tmp_path: Any) -> None:
    source = """
        import logging, crochet_uv
        from crochet_uv._library import lib
        logging.basicConfig(format="%(name)s: %(message)s")
        crochet_uv.setup()
        lib.log(3, b"shop", b"closed", 6)
        """
    assert program(source).stderr == "crochet_uv.shop: closed\n"
    path = tmp_path / "log"
    assert program(source, env={"CROCHET_LOG": f"warning,file:{path}"}).stderr == "crochet_uv.shop: closed\n"
    assert "closed" in path.read_text()
