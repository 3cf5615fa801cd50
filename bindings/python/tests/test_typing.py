# SPDX-License-Identifier: MIT
"""What a type checker is told."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import KILL_TIMER

pytest.importorskip("mypy")
import crochet_uv  # noqa: E402

SOURCE = """
from typing import List
from crochet_uv import *

@run_in_loop
def plain(a: int, *, key: str = "") -> float: return a
@run_in_loop
async def coroutine(a: int) -> str: return ""
@run_in_loop
def deferred() -> Deferred[bytes]: return Deferred()
@wait_for(timeout=1.0)
async def waited(a: int) -> str: return ""
@wait_for(timeout=None)
def resolved(name: str) -> EventualResult[List[Address]]: return getaddrinfo(name)

class Some:
    @run_in_loop
    def method(self, x: int) -> int: return x
    @classmethod
    @wait_for(timeout=1.0)
    def inner(cls, x: int) -> int: return x

reveal_type(plain(1, key="x").wait(timeout=1.0))
reveal_type(coroutine(1).wait())
reveal_type(deferred().wait())
reveal_type(waited(1))
reveal_type(resolved("x"))
reveal_type(Some().method(1).wait())
reveal_type(Some.inner(1))
reveal_type(plain(1).future().result())
reveal_type(retrieve_result(1).wait())
reveal_type(plain(1).stash())
reveal_type(plain(1).original_failure())
reveal_type(plain(1).cancel())
async def main() -> None:
    reveal_type(await coroutine(1))
    reveal_type(await sleep(1))
    reveal_type((await run_process(["true"])).stdout)
    d: Deferred[int] = Deferred()
    reveal_type(await d)
"""
REVEALED = """float str bytes str list[crochet_uv._operations.Address] int int float Any int BaseException|None
crochet_uv._results.CancelOutcome str None bytes int""".split()

MISTAKES = ['plain("text")', "plain()", "plain(1, key=2)", "waited('x')", "Some().method()", "plain(1).wait('soon')", "wait_for()"]


def mypy(path: Path, source: str) -> str:
    path.write_text(source)
    package = Path(crochet_uv.__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(path.parent / "cache"), str(path)],
        capture_output=True,
        text=True,
        timeout=5 * KILL_TIMER,
        cwd=path.parent,
        env={"MYPYPATH": "" if "site-packages" in str(package) else str(package), "PATH": "/usr/bin:/bin"},
    )
    assert ran.stderr == ""
    return ran.stdout


def test_decorators_keep_parameters_and_tell_what_comes_out(tmp_path: Path) -> None:
    said = mypy(tmp_path / "good.py", SOURCE)
    assert "error" not in said
    revealed = [line.split('"')[1].replace("builtins.", "").replace(" ", "") for line in said.splitlines() if "Revealed" in line]
    revealed = [{"Union[BaseException,None]": "BaseException|None"}.get(name, name) for name in revealed]
    assert revealed == REVEALED


def test_the_package_is_strictly_typed(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(Path(crochet_uv.__file__).parent)],
        capture_output=True,
        text=True,
        timeout=5 * KILL_TIMER,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout


def test_mistakes_are_found(tmp_path: Path) -> None:
    lines = SOURCE.count("\n") + 1
    said = mypy(tmp_path / "bad.py", SOURCE + "\n".join(MISTAKES) + "\n")
    found = {int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line}
    assert found == set(range(lines, lines + len(MISTAKES)))
