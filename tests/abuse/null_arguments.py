#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the tests of promise A1 from crochet.h: NULL for each pointer that is not said to be one that may be NULL.

    null_arguments.py crochet.h OUTPUT

One pointer at a time, the others good, for which null_arguments.hpp has what is named here. What must come of it
is read as well: the code or the neutral value; out-parameters set to nothing; what was handed over dropped.
"""
import dataclasses
import pathlib
import re
import sys
import textwrap

# How to make a good argument: by the parameter's type, or by its name where the type does not tell.
BY_TYPE = {
    "crochet_loop *": "good.loop.get()",
    "const crochet_options *": "good.options.get()",
    "crochet_options *": "good.options.get()",
    "struct uv_loop_s *": "good.host.uv()",
    "crochet_result *": "good.result.get()",
    "crochet_result *const *": "good.results.data()",
    "crochet_deferred *": "good.pending.deferred.get()",
    "crochet_call *": "good.call.get()",
    "crochet_cork *": "good.cork.get()",
    "crochet_completion_queue *": "good.queue.get()",
    "crochet_command *": "good.command.get()",
    "const crochet_command *": "good.command.get()",
    "crochet_call_fn *": "never",
    "crochet_every_fn *": "never_in_turn",
    "crochet_thread_fn *": "never_first_or_last",
    "crochet_log_fn *": "never_told",
    "crochet_dump_fn *": "never_written",
    "crochet_drop_fn *": "DropCounter::drop",
    "const char *const *": "good.strings.data()",
}
BY_NAME = {
    "arg": "good.drops.pointer()", "value": "good.drops.pointer()", "payload": "good.drops.pointer()",
    "address": "&good.address", "bytes": "\"x\"", "length": "1", "count": "1", "capacity": "1", "index": "0",
    "level": "CROCHET_LOG_INFO", "format": "CROCHET_DUMP_TEXT", "keep_alive": "1", "storage_size": "8", "facility": "0",
    "family": "0", "socktype": "0", "protocol": "0", "flags": "0", "port": "80", "code": "-1", "type": "1", "tag": "1",
    "uid": "1", "max_bytes": "0", "max_files": "0", "calls": "10",
    "origin": "\"origin\"", "message": "\"message\"", "label": "\"label\"", "name": "\"name\"", "node": "\"127.0.0.1\"",
    "service": "\"80\"", "file": "\"true\"", "argument": "\"x\"", "directory": "\"/\"", "path": "\"/dev/null\"",
    "ident": "\"ident\"",
}
BY_FUNCTION = {
    ("crochet_loop_counter", "name"): "\"calls_run\"",
    ("crochet_log_counter", "name"): "\"messages_written\"",
    ("crochet_loop_histogram", "name"): "\"run_ns\"",
    ("crochet_loop_histogram", "capacity"): "CROCHET_HISTOGRAM_BUCKETS",
    ("crochet_options_set_stack_size", "bytes"): "0",
    ("crochet_command_set_output_limit", "bytes"): "1",
    ("crochet_getnameinfo", "length"): "sizeof good.address",
    ("crochet_getnameinfo_text", "address"): "\"127.0.0.1\"",
    ("crochet_logf", "format"): "\"text\"",
    # These consume the call, and drop its storage.
    ("crochet_call_run", "call"): "good.call.release()",
    ("crochet_call_run", "drop"): "drop_stored",
    ("crochet_call_run_many", "calls"): "good.released_calls()",
    ("crochet_call_run_many", "drop"): "drop_stored",
}
LENGTHS = {"out_counts": "CROCHET_HISTOGRAM_BUCKETS"}
# Arrays of which nothing is set when there is nothing.
SET_IN_PART = {("crochet_completion_queue_drain", "out_results"), ("crochet_completion_queue_drain", "out_tags")}
OWNED = ("arg", "value", "payload", "call", "calls")

_FUNCTION = re.compile(r"(?:/\*\*(?P<doc>(?:(?!\*/).)*)\*/\s*)?CROCHET_API\s(?P<type>[^;()]*?)\b(?P<name>crochet_\w+)"
                       r"\s*\((?P<parameters>[^;()]*)\)", re.DOTALL)
_PARAM = re.compile(r"@param\s+(?P<names>\w+(?:, \w+)*)\s+(?P<text>.*?)(?=\s@\w|$)")
_AS = re.compile(r"as (?:in )?(crochet_\w+)\(\)")
_KIND_OF = re.compile(r"\s*(crochet_\w+)\(\)")
_OTHERS_AS = re.compile("(?:[Oo]ther parameters|the rest) " + _AS.pattern)
_NEUTRAL = r"(\"\"|NULL|-?\d+|CROCHET_EINVAL)"


class Unclear(Exception):
    pass


@dataclasses.dataclass
class Parameter:
    type: str
    name: str

    @property
    def is_pointer(self):
        return self.type.endswith("*")

    @property
    def is_out(self):
        return self.name.startswith("out_")


@dataclasses.dataclass
class Function:
    name: str
    type: str
    doc: str
    parameters: list

    def parts(self):
        """name of a parameter -> what is said of it"""
        return {name: part["text"] for part in _PARAM.finditer(self.doc) for name in part["names"].split(", ")}


def parameter(text):
    type_of, name = re.fullmatch(r"(.*?)(\w+)", text.strip()).groups()
    return Parameter(type_of.strip(), name)


def read(header):
    functions = {}
    for match in _FUNCTION.finditer(header):
        doc = " ".join(line.strip().lstrip("*").strip() for line in (match["doc"] or "").splitlines())
        given = [one for one in " ".join(match["parameters"].split()).split(", ") if one not in ("void", "...")]
        parameters = [parameter(one) for one in given]
        functions[match["name"]] = Function(match["name"], match["type"].strip(), doc, parameters)
    return functions


def may_be_null(functions, function, name):
    """Does the header say so, of this parameter or of the one of the same name that it refers to?"""
    text = function.parts().get(name)
    if text is None:
        # As in the function that this one is a kind of, or refers to for the others.
        other = _KIND_OF.match(function.doc) or _OTHERS_AS.search(function.doc)
    elif re.search(r"\bmay be NULL\b(?! when `\w+` is 0)", text, re.IGNORECASE):
        return True
    else:
        other = _AS.match(text)
    if other is None or other[1] not in functions:
        return False
    model = functions[other[1]]
    return name in (one.name for one in model.parameters) and may_be_null(functions, model, name)


def answer(functions, function):
    """What it returns when it refuses, as C; None: nothing."""
    if function.type == "void":
        return None
    if "@retval" in function.doc:
        return "CROCHET_EINVAL"
    said = re.search(r"@return (.*?)(?=\s@\w|$)", function.doc)
    if said is not None:
        other = _AS.match(said[1])
        if other is not None:
            return answer(functions, functions[other[1]])
        neutral = re.search(_NEUTRAL, said[1])
    else:
        neutral = re.search(_NEUTRAL + " for (?:NULL|a bad handle)", function.doc)
    if neutral is None:
        raise Unclear(f"{function.name}: the header does not say what comes of NULL")
    return neutral[1].replace("NULL", "nullptr")


def nothing(function, one):
    """What an out-parameter is set to when there is nothing: NULL or 0, unless the header says what."""
    said = re.search(r"[`\s](-?\w+)`? (?:on failure|when none is)", function.parts().get(one.name, ""))
    if said is None or said[1] == "NULL":
        return "{}"
    return next((expression(function, other) for other in function.parameters if other.name == said[1]), said[1])


def expression(function, one):
    for found in (BY_FUNCTION.get((function.name, one.name)), BY_TYPE.get(one.type), BY_NAME.get(one.name)):
        if found is not None:
            return found
    if one.name.endswith("_ns"):
        return "0"
    raise Unclear(f"{function.name}: how is a good `{one.type} {one.name}` made?")


def case(functions, function, null):
    outs = [one for one in function.parameters if one.is_out and one.name != null.name]
    lines = [f"Out<{one.type[:-1].strip()}, {LENGTHS.get(one.name, 1)}> {one.name};" for one in outs]
    given = ["nullptr" if one.name == null.name else f"{one.name}.get()" if one.is_out else expression(function, one)
             for one in function.parameters]
    # Through a pointer: the compiler knows that printf()'s format is not null.
    callee = "plain_logf" if function.name == "crochet_logf" else function.name
    call = f"{callee}({', '.join(given)})"
    neutral = answer(functions, function)
    if neutral is None:
        lines.append(f"{call};")
    else:
        lines.append(f"EXPECT_{'STREQ' if neutral.startswith(chr(34)) else 'EQ'}({call}, {neutral});")
    lines += [f"{one.name}.expect({nothing(function, one)});"
              for one in outs if (function.name, one.name) not in SET_IN_PART]
    names = [one.name for one in function.parameters]
    drops = int("drop" in names and any(one in names and one != null.name for one in OWNED))
    lines.append(f"EXPECT_EQ(good.drops.count(), {drops});")
    body = textwrap.indent("\n".join(lines), "    ")
    return f"  refuses(\"{function.name}({null.name})\", [](Good& good) {{\n{body}\n  }});\n"


def main(header, output):
    functions = read(pathlib.Path(header).read_text(encoding="utf-8"))
    text, count = "#include \"abuse/null_arguments.hpp\"\n\nnamespace contract {\nnamespace {\n\n", 0
    for function in functions.values():
        nulls = [one for one in function.parameters
                 if one.is_pointer and not may_be_null(functions, function, one.name)]
        count += len(nulls)
        if nulls:
            name = "".join(word.capitalize() for word in function.name.split("_"))
            cases = "".join(case(functions, function, null) for null in nulls)
            text += f"TEST(AbuseA1, {name}RefusesNull) {{\n{cases}}}\n\n"
    if count == 0:
        raise Unclear(f"no pointers in {header}")
    pathlib.Path(output).write_text(text + "}  // namespace\n}  // namespace contract\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Unclear as unclear:
        sys.exit(str(unclear))
