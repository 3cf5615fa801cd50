# SPDX-License-Identifier: MIT
"""Where the sources of src/ can be changed so that a test should notice: one operator, constant or statement at a time.

Read from the text, which clang-format has put in order: a binary operator has spaces around it, a template's bracket has
not. What then does not compile is no mutant. Left out: comments, strings, preprocessor lines, assertions, and memory
orders, which tests/model/orders.py weakens.
"""
import collections
import re

Mutant = collections.namedtuple("Mutant", "file line column old new occurrence text")  # text: of the line, as it was

SWAPS = {
    " == ": " != ", " != ": " == ", " < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ",
    " && ": " || ", " || ": " && ", " + ": " - ", " - ": " + ", " * ": " / ", " / ": " * ", " % ": " / ",
    " & ": " | ", " | ": " & ", " << ": " >> ", " >> ": " << ",
    " += ": " -= ", " -= ": " += ", " |= ": " &= ", " &= ": " |= ", "++": "--", "--": "++",
}
BINARY = re.compile("|".join(re.escape(old) for old in sorted(SWAPS, key=len, reverse=True)))
NEGATION = re.compile(r"(?<![\w)\]])[!~](?=[\w(])")
TRUTH = re.compile(r"\b(?:true|false)\b")
NUMBER = re.compile(r"(?<![\w.'])\d[\d']*(?![\w.'])")
ARRAY = re.compile(r"\w\[[^\]]*\](?: = |;|\{)")  # a declaration's bound
# What stands alone on its line, and can be left out: a call, an assignment. Not a declaration: that has a type in front.
STATEMENT = re.compile(r"^\s+(?:\(void\)!?)?(?:::)?[\w*][\w:.\->\[\]]*(?:\([^()]*\)(?:\.|->)\w+)*"
                       r"(?:\(.*\)| [|&+-]?= [^{]*|\+\+|--);\s*$")
NO_STATEMENT = re.compile(r"^\s+(?:return|throw|using|static_assert|assert|goto|case|default|friend|delete)\b")
QUIET = re.compile(r"\b(?:assert|static_assert|CROCHET_ASSERT\w*)\s*\(|alignas|alignof|^\s*#|^\s*template|operator\b")


def mask(text):
    """The text with comments and what is in quotes blanked; of the same length."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<![\w'])'(?:\\.|[^'\\\n])+'", blank, text, flags=re.DOTALL)


def changes(line):
    """(column, old, new) of a masked line."""
    if QUIET.search(line):
        return
    for match in BINARY.finditer(line):
        yield match.start(), match[0], SWAPS[match[0]]
    for match in NEGATION.finditer(line):
        yield match.start(), match[0], ""
    for match in TRUTH.finditer(line):
        yield match.start(), match[0], "false" if match[0] == "true" else "true"
    bounds = [match.span() for match in ARRAY.finditer(line)]
    for match in NUMBER.finditer(line):
        if any(start <= match.start() < end for start, end in bounds):
            continue
        number = int(match[0].replace("'", ""), 8 if re.fullmatch("0[0-7]+", match[0]) else 10)
        yield match.start(), match[0], "0" if number == 1 else str(number + 1)
    if STATEMENT.match(line) and not NO_STATEMENT.match(line) and line.count("(") == line.count(")"):
        start = len(line) - len(line.lstrip())
        yield start, line[start:].rstrip(), ";"


def mutants(file, text):
    lines, masked = text.splitlines(), mask(text).splitlines()
    seen = collections.Counter()
    in_macro = False
    for number, (line, code) in enumerate(zip(lines, masked), 1):
        was_macro, in_macro = in_macro, code.endswith("\\")
        if was_macro or in_macro:
            continue
        occurrence = seen[line]
        seen[line] += 1
        for column, old, new in changes(code):
            shown = line[column:column + len(old)]  # with what is in quotes
            yield Mutant(file, number, column, shown, new, occurrence, line)


def apply(text, mutant):
    lines = text.splitlines(keepends=True)
    line = lines[mutant.line - 1]
    end = mutant.column + len(mutant.old)
    lines[mutant.line - 1] = line[:mutant.column] + mutant.new + line[end:]
    return "".join(lines)


def key(mutant):
    """The same from run to run, as long as the line stays what it is."""
    return f"{mutant.file} | {' '.join(mutant.text.split())} | {mutant.occurrence} | {mutant.column} | {mutant.old.strip()} -> {mutant.new.strip()}"
