# SPDX-License-Identifier: MIT
"""Finds the memory orders in sources, and what each could be weakened to: for orders.py."""

import collections
import dataclasses
import hashlib
import re

ORDERS = "relaxed|acquire|release|acq_rel|seq_cst"
# An order as such, not a function of that name.
ORDER_WORD = re.compile(rf"(?<![\w.>])(?:std::memory_order(?:_|::))?({ORDERS})\b(?!\s*\()")
OPERATION = re.compile(r"(?:\.|->)\s*(load|store|exchange|compare_exchange_(?:weak|strong)|fetch_\w+)\s*\(")
WEAKER = {"acq_rel": ["acquire", "release", "relaxed"], "acquire": ["relaxed"], "release": ["relaxed"], "relaxed": []}
OPENING = {")": "(", "]": "["}


class NotUnderstood(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Site:
    """One order of one operation. All but `line` and `span` is the same after changes elsewhere."""
    file: str
    function: str   # with its class: "CallQueue::push"
    operation: str  # as it is written, in one line
    nth: int        # among operations of this text in the function
    role: str       # "order", or of a compare-exchange "success" or "failure"
    order: str
    line: int
    span: tuple     # of the order's word in the file

    @property
    def key(self):
        return self.file, self.function, self.operation, self.nth, self.role

    def __str__(self):
        return f"{self.file}:{self.line}: {self.function}: {self.operation}, {self.role}"


def without_comments(text, strings_too=False):
    """The same length, with spaces for what is left out."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'" and not strings_too:
            return found
        return re.sub(r"[^\n]", " ", found)
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<!\w)'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def closing(code, at):
    """Where the bracket ends that begins at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if depth == 0:
            return i
    raise NotUnderstood("a bracket without an end")


def start_of_object(code, end):
    """Where the expression begins whose member is accessed at `end`: turn_of(head).load -> turn_of."""
    at = end
    while True:
        while code[at - 1] in OPENING:
            depth = 0
            while True:
                at -= 1
                depth += (code[at] in ")]") - (code[at] in "([")
                if depth == 0:
                    break
        while re.match(r"\w", code[at - 1]):
            at -= 1
        if code[at - 1] == ".":
            at -= 1
        elif code[at - 2:at] in ("->", "::"):
            at -= 2
        else:
            return at


def arguments(code, begin, end):
    """Spans of the arguments between two brackets."""
    spans, depth, start = [], 0, begin
    for i in range(begin, end):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if code[i] == "," and depth == 0:
            spans.append((start, i))
            start = i + 1
    return [*spans, (start, end)]


def name_of_scope(header):
    """What opens a brace after `header`: ("namespace" | "class" | "function" | "other", its name)."""
    header = re.sub(r"\b(?:public|private|protected)\s*:|^\s*#.*$", "", header, flags=re.M).strip()
    header = re.sub(r"^template\s*<[^{]*?>\s*(?=\w)", "", header)
    if re.match(r"(?:inline\s+)?namespace\b", header):
        return "namespace", ""
    if re.match(r"(?:class|struct|union|enum)\b", header):
        plain = re.sub(r"\balignas\s*\([^)]*\)|\bfinal\b", "", header).split(":")[0]
        return "class", plain.split()[-1]
    name = re.search(r"([\w:~]+)\s*\(", header)
    return ("function", name.group(1)) if name else ("other", "")


def functions(code):
    """[(name with its class, begin, end)] of the bodies, from the header on."""
    found, scopes, start, i = [], [], 0, 0
    while i < len(code):
        if code[i] == "{":
            kind, name = name_of_scope(code[start:i])
            if kind in ("function", "other"):
                end = closing(code, i)
                if kind == "function":
                    found.append(("::".join([scope for scope in scopes if scope] + [name]), start, end + 1))
                i = end
            else:
                scopes.append(name if kind == "class" else "")
            start = i + 1
        elif code[i] == "}":
            scopes.pop()
            start = i + 1
        elif code[i] == ";":
            start = i + 1
        i += 1
    return found


def find_sites(file, text):
    """All orders in the text of a file, in their order."""
    code = without_comments(text, strings_too=True)
    bodies = functions(code)
    counted = collections.Counter()
    claimed, sites = set(), []
    for match in OPERATION.finditer(code):
        end = closing(code, match.end() - 1)
        spans = arguments(code, match.end(), end)
        words = [(begin + len(code[begin:stop]) - len(code[begin:stop].lstrip()), code[begin:stop].strip())
                 for begin, stop in spans]
        orders = [(at, word) for at, word in words if ORDER_WORD.fullmatch(word)]
        if not orders:
            continue
        begin = start_of_object(code, match.start())
        operation = " ".join(code[begin:end + 1].split()).replace("( ", "(")
        function = next((name for name, first, last in bodies if first <= begin < last), "")
        nth = counted[function, operation]
        counted[function, operation] += 1
        roles = ["success", "failure"] if match.group(1).startswith("compare_exchange") else ["order"]
        if len(orders) != len(roles):
            raise NotUnderstood(f"{file}: {operation} has {len(orders)} orders, not {len(roles)}")
        for role, (at, word) in zip(roles, orders):
            claimed.add(at)
            order = ORDER_WORD.fullmatch(word).group(1)
            if order not in WEAKER:
                raise NotUnderstood(f"{file}: {operation}: {order} is not known here")
            line = text.count("\n", 0, at) + 1
            sites.append(Site(file, function, operation, nth, role, order, line, (at, at + len(word))))
    for match in ORDER_WORD.finditer(code):
        if match.start() not in claimed:
            line = text.count("\n", 0, match.start()) + 1
            raise NotUnderstood(f"{file}:{line}: an order that is not an operation's own can't be weakened")
    return sorted(sites, key=lambda site: site.span)


def fingerprints(file, text):
    """{"file: function": what changes with its code, not with its comments or its layout}."""
    code = without_comments(text)
    bodies = collections.defaultdict(str)
    for name, begin, end in functions(without_comments(text, strings_too=True)):
        # Where a line is broken is no change.
        bodies[f"{file}: {name}"] += re.sub(r"(?<=[(\[]) ", "", " ".join(code[begin:end].split()))
    return {name: hashlib.sha256(body.encode()).hexdigest()[:12] for name, body in bodies.items()}


def with_numbers(text, sites, first):
    """The text with each order wrapped, so that it can be weakened by its number: first, first + 1, ..."""
    for number, site in reversed(list(enumerate(sites, first))):
        begin, end = site.span
        text = f"{text[:begin]}::crochet::model::weakened({number}, {text[begin:end]}){text[end:]}"
    return text
