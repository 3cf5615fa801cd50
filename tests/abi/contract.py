# SPDX-License-Identifier: MIT
"""What crochet.h promises, read from its text: the functions, since when, and the codes each documents."""
import dataclasses
import re

_DECLARATION = re.compile(
    r"(?:/\*\*(?P<doc>(?:(?!\*/).)*)\*/\s*)?CROCHET_API\s(?P<type>[^;()]*?)\b(?P<name>crochet_\w+)\s*\(", re.DOTALL)
_CODE = re.compile(r"^#define\s+(CROCHET_E[A-Z]+|CROCHET_OK)\b", re.MULTILINE)
_RETVAL = re.compile(r"[@\\]retval\s+(CROCHET_E[A-Z]+)")
_SINCE = re.compile(r"[@\\]since\s+(\d+\.\d+)")


@dataclasses.dataclass
class Function:
    name: str
    since: str  # "" when the header does not say
    codes: list  # in the order of the header, CROCHET_OK left out
    documented: bool


@dataclasses.dataclass
class Contract:
    functions: dict  # name -> Function, in the order of the header
    codes: list  # every status code that the header defines


def read(path):
    text = path.read_text(encoding="utf-8")
    functions = {}
    for match in _DECLARATION.finditer(text):
        doc = match.group("doc") or ""
        since = _SINCE.search(doc)
        codes = list(dict.fromkeys(_RETVAL.findall(doc)))
        functions[match.group("name")] = Function(
            match.group("name"), since.group(1) if since else "", codes, bool(doc.strip()))
    return Contract(functions, _CODE.findall(text))
