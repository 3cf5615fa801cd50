# SPDX-License-Identifier: MIT
"""No compiler compares what this package says of C with crochet.h: this does."""
from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

import pytest

import crochet_uv
from crochet_uv import _library, _log, _results, _status

HEADER = Path(__file__).resolve().parents[3] / "include" / "crochet.h"
if not HEADER.exists():
    pytest.skip("outside of a checkout", allow_module_level=True)
TEXT = re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)

NUMBERS = {
    "int": ctypes.c_int,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "uint32_t": ctypes.c_uint32,
    "size_t": ctypes.c_size_t,
    "void": None,
}


def kinds(c_type: str) -> list[Any]:
    """What a C type, with or without a name behind it, may be here."""
    if c_type.count("*") == 1 and ("const char" in c_type or "const void" in c_type):
        return [ctypes.c_char_p, ctypes.c_void_p]
    if "*" in c_type:
        return [ctypes.c_void_p]
    return [NUMBERS[c_type.replace("const ", "").split()[0]]]


def declared() -> dict[str, tuple[str, list[str]]]:
    functions = re.findall(r"CROCHET_API\s+([\w ]+?[\s*]+)crochet_(\w+)\(([^;]*?)\)\s*(?:CROCHET_PRINTF[^;]*)?;", TEXT)
    return {
        name: (returns, [] if parameters == "void" else [part.strip() for part in parameters.split(",")])
        for returns, name, parameters in functions
    }


def test_functions_are_declared_as_in_the_header() -> None:
    header = declared()
    assert len(header) > 100
    for name, (returns, parameters, _) in _library._FUNCTIONS.items():
        c_returns, c_parameters = header[name]
        assert returns in kinds(c_returns), name
        assert len(parameters) == len(c_parameters), name
        for mine, its in zip(parameters, c_parameters):
            assert mine in kinds(its), (name, its)


def test_functions_that_block_give_the_interpreters_lock_up() -> None:
    documented = re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s*CROCHET_API[^;]*?crochet_(\w+)\(", HEADER.read_text(), re.DOTALL)
    blocking = {
        name
        for comment, name in documented
        if "@blocking" in comment and not re.match(r"[\s*]*none\.", comment.split("@blocking")[1])
    }
    assert {"result_wait_interruptible", "result_join", "setup", "shutdown", "run", "every"} <= blocking
    kept = {name for name, (_, _, keeps) in _library._FUNCTIONS.items() if keeps}
    assert sorted(kept & blocking) == []


def test_codes_are_the_headers() -> None:
    for name, value in vars(_status).items():
        if name.isupper() and name != "FOREVER":
            found = re.search(rf"#define CROCHET_{name} \(?(-?\d+)\)?\s", TEXT)
            assert found and int(found.group(1)) == value, name
    for outcome in _results.CancelOutcome:
        assert re.search(rf"#define CROCHET_CANCEL_{outcome.name} {outcome.value}\s", TEXT)


def test_the_record_of_the_log_is_the_headers() -> None:
    found = re.search(r"typedef struct crochet_log_record \{(.*?)\}", TEXT, re.DOTALL)
    assert found
    fields = [line.strip().rstrip(";") for line in found.group(1).strip().splitlines()]
    mine = [(field[0], field[1]) for field in _log._Record._fields_]
    assert [name for name, _ in mine] == [re.split(r"[\s*]+", field)[-1] for field in fields]
    for (name, kind), field in zip(mine, fields):
        assert kind in kinds(field), name


def test_the_version_is_the_librarys() -> None:
    number = _library.lib.version()
    assert crochet_uv.__version__ == f"{number >> 16}.{number >> 8 & 255}.{number & 255}"
