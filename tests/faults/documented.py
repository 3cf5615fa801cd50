# SPDX-License-Identifier: MIT
"""Which codes crochet.h lets each function return: those behind its @retval, also by reference to another function."""
import errno
import re

_DECLARATION = re.compile(r"/\*\*((?:(?!\*/).)*)\*/\s*CROCHET_API\s[^;()]*?\b(crochet_\w+)\s*\(", re.DOTALL)
_VALUE = re.compile(r"^#define\s+(CROCHET_(?:OK|E[A-Z]+))\s+\(?(-?\d+)\)?", re.MULTILINE)
_RETVALS = re.compile(r"@retval(.*?)(?=@(?:retval|ownership|threads|blocking|param|return)|\Z)", re.DOTALL)
_AS = re.compile(r"[Cc]odes and the rest as (crochet_\w+)\(\)")
_ANY_OF_LIBUV = range(-4999, 0)


def names(header):
    """The names of the header's codes, by number."""
    return {int(value): name for name, value in _VALUE.findall(header)}


def codes(header):
    """function -> the numbers that it may return; without those that have no @retval."""
    values = {name: int(value) for name, value in _VALUE.findall(header)}
    found, references = {}, {}
    for doc, function in _DECLARATION.findall(header):
        doc = re.sub(r"\n \*", "\n", doc)
        allowed = set()
        for text in _RETVALS.findall(doc):
            if "codes of libuv's" in text:
                allowed.update(_ANY_OF_LIBUV)
            # What is said of the code's circumstances may name others.
            for name in re.findall(r"\b(?:CROCHET|UV)_[A-Z]+\b", text.split(" as crochet_")[0]):
                if name in values:
                    allowed.add(values[name])
                elif name.startswith("UV_"):
                    allowed.add(-getattr(errno, name[3:], 0))
        references[function] = _AS.findall(doc)
        if allowed or references[function]:
            found[function] = allowed
    for function, others in references.items():
        for other in others:
            found[function] |= found[other]
    return found
