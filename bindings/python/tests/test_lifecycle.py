# SPDX-License-Identifier: MIT
"""Setting up, shutting down, forking and exiting."""
from __future__ import annotations

import sys

import pytest
from conftest import KILL_TIMER, in_thread, on_loop, program

import crochet_uv
from crochet_uv import run_in_loop, wait_for

UV = """
    import ctypes, ctypes.util
    uv = ctypes.CDLL("libuv.so.1")
    uv.uv_loop_size.restype = ctypes.c_size_t
    memory = ctypes.create_string_buffer(uv.uv_loop_size())
    loop = ctypes.addressof(memory)
    for function in (uv.uv_loop_init, uv.uv_loop_close):
        function.argtypes = [ctypes.c_void_p]
    uv.uv_run.argtypes = [ctypes.c_void_p, ctypes.c_int]
    assert uv.uv_loop_init(loop) == 0
"""


@pytest.mark.conformance("setup-twice")
def test_setup_may_be_called_again_and_by_many_threads() -> None:
    thread = on_loop(lambda: __import__("threading").get_ident())
    for join in [in_thread(crochet_uv.setup) for _ in range(8)]:
        join()
    assert on_loop(lambda: __import__("threading").get_ident()) == thread


@pytest.mark.conformance("no-setup")
def test_no_setup_makes_a_loop_of_the_hosts_the_default_loop() -> None:
    program(
        UV
        + """
    import threading, crochet_uv
    from crochet_uv import no_setup, run_in_loop, setup, shutdown, wait_for, WouldDeadlock
    no_setup(loop)
    setup()
    threading.Thread(target=setup).start()
    mine = threading.get_ident()
    results = []

    def other():
        results.append(wait_for(10)(threading.get_ident)())
        run_in_loop(shutdown)()

    thread = threading.Thread(target=other)
    thread.start()
    while uv.uv_run(loop, 0):
        pass
    thread.join()
    assert results == [mine], results
    assert uv.uv_loop_close(loop) == 0
    """.replace("\n    ", "\n    ")
    )


def test_no_setup_after_setup_is_refused() -> None:
    with pytest.raises(RuntimeError):
        crochet_uv.no_setup()
    program(
        """
        import crochet_uv
        crochet_uv.no_setup()
        crochet_uv.setup()
        try:
            crochet_uv.run_in_loop(int)()
        except crochet_uv.NotSetUp:
            pass
        else:
            raise SystemExit(1)
        """
    )


def test_no_setup_leaves_the_log_alone_and_failures_are_told_all_the_same() -> None:
    ran = program(
        """
        import crochet_uv, logging
        from crochet_uv._library import lib
        logging.basicConfig(format="%(name)s: %(message)s")
        assert lib.setup(None) == 0  # the host
        crochet_uv.no_setup()
        told = __import__("threading").Event()
        logging.getLogger().handlers[0].addFilter(lambda record: told.set() or True)
        crochet_uv.run_in_loop(lambda: 1 / 0)()
        assert told.wait(50)
        lib.log(3, b"host", b"its own", 7)
        lib.log_flush(10**10)
        """
    )
    assert "crochet_uv: Unhandled error in EventualResult: ZeroDivisionError\nTraceback" in ran.stderr
    assert "host warning: its own" in ran.stderr


def test_a_loop_that_others_have_started_is_as_good() -> None:
    program(
        """
        import crochet_uv
        from crochet_uv import *
        from crochet_uv._library import lib
        assert lib.setup(None) == 0
        setup()

        @wait_for(timeout=10)
        async def goes():
            await sleep(0)
            try:
                sleep(0).wait()
            except WouldDeadlock:
                return await run_in_loop(lambda: 3)()

        assert goes() == 3
        try:
            wait_for(timeout=10)(wait_for(timeout=10)(int))()
        except WouldDeadlock:
            raise SystemExit(7)
        """,
        status=7,
    )


@pytest.mark.conformance("shutdown-on-the-loop")
def test_shutdown_on_the_loop_is_a_request() -> None:
    on_loop(crochet_uv.shutdown)
    with pytest.raises(crochet_uv.LoopStopped):
        for _ in range(1_000_000):
            run_in_loop(int)()


def test_a_hundred_cycles_leave_nothing_behind() -> None:
    import os

    def look() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    crochet_uv.shutdown()
    before = look()
    for i in range(100):
        crochet_uv.setup()
        assert wait_for(KILL_TIMER)(lambda: i)() == i
        crochet_uv.shutdown()
    assert look() == before


FORK = """
    import os, sys, threading, crochet_uv
    from crochet_uv import *
    setup()
    deferred = Deferred()
    pending = run_in_loop(lambda: deferred)()
    ready = run_in_loop(lambda: 1)()
    ready.wait(10)
    uid = run_in_loop(lambda: 1)().stash()
    child = os.fork()
    if child == 0:
        try:
            for refused in (pending.wait, ready.wait, run_in_loop(int), lambda: retrieve_result(uid), ready.cancel):
                try:
                    refused()
                except Forked:
                    continue
                raise SystemExit(f"not refused: {refused}")
            setup()
            assert wait_for(10)(lambda: "fresh")() == "fresh"
            for stale in (pending.wait, ready.wait):
                try:
                    stale()
                except Forked:
                    continue
                raise SystemExit("a result of the parent's is no good here")
            try:
                retrieve_result(uid)
            except KeyError:
                pass
            del pending, ready
            print("child", flush=True)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(9)
        sys.exit(5)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 5, status
    deferred.resolve(2)
    assert (pending.wait(10), ready.wait(10), retrieve_result(uid).wait(10)) == (2, 1, 1)
    print("parent")
"""


@pytest.mark.conformance("fork")
def test_a_forked_child_is_refused_until_its_own_setup_and_the_parent_notices_nothing() -> None:
    assert program(FORK).stdout.split() == ["child", "parent"]


@pytest.mark.conformance("fork-preload")
def test_workers_that_are_forked_after_setup_set_up_for_themselves() -> None:
    ran = program(
        """
        import os, crochet_uv
        from crochet_uv import setup, wait_for
        setup()
        answer = wait_for(10)(lambda: os.getpid())
        assert answer() == os.getpid()
        workers = []
        for _ in range(4):
            worker = os.fork()
            if worker == 0:
                setup()
                raise SystemExit(0 if answer() == os.getpid() else 1)
            workers.append(worker)
        for worker in workers:
            assert os.waitpid(worker, 0)[1] == 0
        assert answer() == os.getpid()
        print("done")
        """
    )
    assert ran.stdout == "done\n"


@pytest.mark.conformance("fork-on-the-loop")
def test_a_child_forked_on_the_loop_is_refused_everything() -> None:
    program(
        """
        import os
        from crochet_uv import *
        setup()

        @wait_for(timeout=10)
        def fork():
            child = os.fork()
            if child == 0:
                try:
                    setup()
                except Forked:
                    os._exit(3)
                os._exit(4)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        assert fork() == 3
        """
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works(method: str, tmp_path: object) -> None:
    from pathlib import Path

    script = Path(str(tmp_path)) / "script.py"
    script.write_text(
        f"""
import multiprocessing, sys
import crochet_uv

def work(x):
    crochet_uv.setup()
    return crochet_uv.wait_for(10)(lambda: 2 * x)()

if __name__ == "__main__":
    crochet_uv.setup()
    assert work(1) == 2
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        assert pool.map(work, range(20)) == [2 * x for x in range(20)]
        pool.close()
        pool.join()
    print("done")
"""
    )
    import subprocess

    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=KILL_TIMER)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")


EXITS = {
    "a call that waits": "pending.wait",
    "a wait of a non-daemon thread": "threading.Thread(target=waits).start",
    "waits of daemon threads": "[threading.Thread(target=waits, daemon=True).start() for _ in range(20)].copy",
    "a stashed failure": "lambda: run_in_loop(lambda: 1 / 0)().stash()",
    "a coroutine": "run_in_loop(asleep)",
    "a recurring call": "lambda: every(0.001, int)",
    "a child process": "lambda: run_process(['sleep', '1000'])",
    "a storm of calls": "lambda: [run_in_loop(int)() for _ in range(10000)]",
    "callbacks that call on": "run_in_loop(again)",
}


@pytest.mark.conformance("exit-with-pending-calls")
@pytest.mark.parametrize("what", list(EXITS))
def test_a_process_with_pending_calls_exits_with_its_own_status(what: str) -> None:
    start = EXITS[what] if what != "a call that waits" else "lambda: None"
    program(
        f"""
        import sys, threading
        from crochet_uv import *
        import crochet_uv
        setup()
        deferred = Deferred()
        pending = run_in_loop(lambda: deferred)()

        def waits():
            try:
                pending.wait()
            except LoopStopped:
                pass

        async def asleep():
            await sleep(1000)

        def again():
            run_in_loop(again)()

        kept = ({start})()
        sys.exit(7)
        """,
        status=7,
    )


@pytest.mark.conformance("exit-with-a-stuck-callback")
@pytest.mark.parametrize(
    "stuck", ["while True: pass", "time.sleep(1000)", "threading.Lock().acquire(); threading.Event().wait()"]
)
def test_a_process_with_a_stuck_callback_exits_with_its_own_status(stuck: str) -> None:
    ran = program(
        f"""
        import sys, threading, time
        from crochet_uv import *
        setup()
        entered = threading.Event()

        def stuck():
            entered.set()
            {stuck}

        results = [run_in_loop(stuck)() for _ in range(3)]
        entered.wait()
        threading.Thread(target=lambda: results[0].wait(), daemon=True).start()
        sys.exit(7)
        """,
        status=7,
    )
    assert "Fatal" not in ran.stderr and "terminate" not in ran.stderr


def test_a_process_that_logs_to_the_end_exits_quietly() -> None:
    program(
        """
        import atexit, sys
        from crochet_uv import *
        from crochet_uv._library import lib
        setup()
        atexit.register(lambda: [lib.log(3, b"late", b"x", 1) for _ in range(100)])

        class Late:
            def __del__(self, log=lib.log):
                log(3, b"late", b"x", 1)

        sys.late = Late()
        kept = [run_in_loop(int)() for _ in range(10)]
        sys.exit(7)
        """,
        status=7,
    )


def test_exit_in_the_main_thread_ends_waits_of_other_threads() -> None:
    ran = program(
        """
        import threading
        from crochet_uv import *
        setup()
        deferred = Deferred()

        def waits():
            try:
                wait_for(timeout=None)(lambda: deferred)()
            except LoopStopped:
                print("stopped")

        threading.Thread(target=waits).start()
        """
    )
    assert ran.stdout == "stopped\n"


def test_without_the_shared_library_the_import_says_what_to_do() -> None:
    ran = program("import crochet_uv", status=1, env={"CROCHET_LIBRARY": "/no/such/lib.so"})
    assert "ImportError" in ran.stderr and "CROCHET_LIBRARY" in ran.stderr
    ran = program("import crochet_uv", status=1, env={"CROCHET_LIBRARY": "libc.so.6"})
    assert "it is no crochet" in ran.stderr
