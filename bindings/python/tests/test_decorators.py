# SPDX-License-Identifier: MIT
"""What decorated functions look like, and how they are called."""
from __future__ import annotations

import inspect
import threading
from typing import Any, Callable

import pytest
from conftest import KILL_TIMER, on_loop

from crochet_uv import EventualResult, run_in_loop, run_in_reactor, wait_for

Decorator = Callable[[Any], Any]


def waited(value: Any) -> Any:
    return value.wait(KILL_TIMER) if isinstance(value, EventualResult) else value


decorators = pytest.mark.parametrize("decorate", [run_in_loop, wait_for(timeout=KILL_TIMER)])


@decorators
@pytest.mark.conformance("runs-on-the-loop")
def test_runs_on_the_loops_thread(decorate: Decorator) -> None:
    assert waited(decorate(threading.get_ident)()) == on_loop(threading.get_ident) != threading.get_ident()


@decorators
def test_name_signature_documentation_and_the_function_itself_are_kept(decorate: Decorator) -> None:
    def some(a: int, b: str = "x", *rest: int, key: bool, **more: Any) -> None:
        """What it does."""

    async def some_async(a: int) -> None: ...

    for function in (some, some_async):
        decorated = decorate(function)
        assert decorated.__name__ == function.__name__
        assert decorated.__qualname__ == function.__qualname__
        assert decorated.__doc__ == function.__doc__
        assert inspect.signature(decorated) == inspect.signature(function)
        assert decorated.__wrapped__ is function
        assert not inspect.iscoroutinefunction(decorated)


@decorators
@pytest.mark.conformance("arguments")
def test_gets_all_arguments(decorate: Decorator) -> None:
    function = decorate(lambda *args, **kwargs: (args, kwargs))
    assert waited(function(1, [2], key="word")) == ((1, [2]), {"key": "word"})


@decorators
def test_takes_methods_classmethods_staticmethods_and_bound_methods(decorate: Decorator) -> None:
    class Some:
        @decorate
        def method(self, x: int) -> Any:
            return self, x

        @classmethod
        @decorate
        def inner(cls, x: int) -> Any:
            return cls, x

        @decorate
        @classmethod
        def outer(cls, x: int) -> Any:
            return cls, x

        @decorate
        @staticmethod
        def static(x: int) -> Any:
            return x

        def plain(self, x: int) -> Any:
            return self, x

    some = Some()
    assert waited(some.method(1)) == (some, 1)
    assert waited(Some.method(some, 1)) == (some, 1)
    assert waited(Some.inner(2)) == waited(some.outer(2)) == (Some, 2)
    assert waited(Some.static(3)) == 3
    assert waited(decorate(some.plain)(4)) == (some, 4)


@pytest.mark.conformance("order")
def test_calls_of_one_thread_start_in_the_order_made() -> None:
    order: list[int] = []
    results = [run_in_loop(order.append)(i) for i in range(1000)]
    results[-1].wait(KILL_TIMER)
    assert order == list(range(1000))


def test_a_call_on_the_loop_is_queued_and_never_run_in_place() -> None:
    def outer() -> tuple[EventualResult[bool], bool]:
        inner = run_in_loop(lambda: True)()
        return inner, inner.done()

    inner, done_at_once = on_loop(lambda: (outer(),))[0]
    assert not done_at_once
    assert inner.wait(KILL_TIMER)


@pytest.mark.conformance("forgotten-calls-run")
def test_calls_that_are_forgotten_run_all_the_same() -> None:
    ran: list[int] = []
    for i in range(100):
        run_in_loop(ran.append)(i)
    on_loop(int)
    assert len(ran) == 100


def test_has_the_names_of_pythons_crochet() -> None:
    assert run_in_reactor is run_in_loop


def test_thread_local_variables_last_on_the_loops_thread() -> None:
    local = threading.local()

    def count() -> int:
        local.count = getattr(local, "count", 0) + 1
        return int(local.count)

    assert [on_loop(count) for _ in range(3)] == [1, 2, 3]
