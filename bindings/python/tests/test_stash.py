# SPDX-License-Identifier: MIT
"""The stash."""
from __future__ import annotations

import ctypes
import logging

import pytest
from conftest import KILL_TIMER, flush_log, in_thread, on_loop, pinned

import crochet_uv
from crochet_uv import Deferred, LoopStopped, QueueFull, retrieve_result, run_in_loop, stash_limits
from crochet_uv._library import lib, new_handle


@pytest.mark.conformance("stash-once")
def test_gives_the_same_result_back_once() -> None:
    result = run_in_loop(lambda: 1)()
    uid = result.stash()
    assert 0 < uid < 2**63
    assert retrieve_result(int(str(uid))) is result
    for bad in (uid, 0, -1, 2**70):
        with pytest.raises(KeyError):
            retrieve_result(bad)
    assert pinned() == []


@pytest.mark.conformance("stash-pending")
def test_keeps_a_call_that_still_runs() -> None:
    deferred: Deferred[int] = Deferred()
    uid = run_in_loop(lambda: deferred)().stash()
    deferred.resolve(2)
    assert retrieve_result(uid).wait(KILL_TIMER) == 2


@pytest.mark.conformance("stash-type")
def test_refuses_what_another_language_stashed_and_leaves_it_there() -> None:
    code, result = new_handle(lib.sleep, None, 0)
    assert code == 0
    uid = ctypes.c_uint64()
    assert lib.result_stash(result, 1234, ctypes.byref(uid)) == 0
    lib.result_release(result)
    with pytest.raises(TypeError):
        retrieve_result(uid.value)
    code, result = new_handle(lib.retrieve_result, uid.value, 1234)
    assert code == 0
    lib.result_release(result)


@pytest.mark.conformance("stash-many-threads")
def test_of_eight_who_retrieve_one_wins() -> None:
    uid = run_in_loop(lambda: 1)().stash()

    def retrieve() -> bool:
        try:
            return retrieve_result(uid) is not None
        except KeyError:
            return False

    assert sum(join() for join in [in_thread(retrieve) for _ in range(8)]) == 1


@pytest.mark.conformance("stash-full")
def test_is_full_at_its_capacity() -> None:
    stash_limits(2)
    try:
        uids = [run_in_loop(int)().stash() for _ in range(2)]
        with pytest.raises(QueueFull):
            run_in_loop(int)().stash()
        assert len([retrieve_result(uid) for uid in uids]) == 2
    finally:
        stash_limits()
    assert pinned() == []


@pytest.mark.conformance("stash-stop")
def test_is_emptied_by_a_stop_and_failures_that_nobody_saw_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        raise ZeroDivisionError("stashed")

    result = run_in_loop(fails)()
    uid = result.stash()
    on_loop(int)
    del result
    crochet_uv.shutdown()
    flush_log()
    with pytest.raises(KeyError):
        retrieve_result(uid)
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.exc_info[0] for record in logged if record.exc_info] == [ZeroDivisionError]


def test_may_be_used_on_the_loop_and_not_after_its_stop() -> None:
    result = run_in_loop(int)()
    assert retrieve_result(on_loop(result.stash)) is result
    crochet_uv.shutdown()
    with pytest.raises(LoopStopped):
        result.stash()
