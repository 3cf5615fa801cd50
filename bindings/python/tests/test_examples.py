# SPDX-License-Identifier: MIT
"""Every example runs, and says what it should."""
from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from conftest import KILL_TIMER

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
BLOCKING_DNS = EXAMPLES.parents[2] / "examples" / "names" / "blocking_dns.py"

SAYS = {
    "quick": "waited for: 3\nand now: AN EVENTUAL RESULT\n",
    "threaded_server": "EUR has a rate\n",
    "unit_test": "",
    "with_asyncio": "this measured on crochet's loop\nthat measured on crochet's loop\na child's word\n"
    "asyncio's time-out cancelled the sleep\n",
}


def test_each_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", list(SAYS))
def test_example(name: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(EXAMPLES / f"{name}.py")], capture_output=True, text=True, timeout=KILL_TIMER
    )
    assert (ran.returncode, ran.stderr if name != "unit_test" else "") == (0, "")
    assert ran.stdout == SAYS[name]
    assert name != "unit_test" or "Ran 4 tests" in ran.stderr


@pytest.mark.skipif(not BLOCKING_DNS.exists(), reason="outside of a checkout")
def test_blocking_dns() -> None:
    """The others that lie beside C++'s examples are run by the tests of those."""
    ran = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(BLOCKING_DNS), "localhost"], capture_output=True, text=True, timeout=KILL_TIMER
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "localhost: 127.0.0.1\n", "")


def test_the_one_in_the_readme_runs() -> None:
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    begin = readme.index("    from crochet_uv")
    source = textwrap.dedent(readme[begin : readme.index("\nThe shared library is found")])
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=KILL_TIMER)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("\n42\n")
