#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows doxygen the public headers as it wants them: their sections as groups, comments behind a line as documentation.

    doxygen_filter.py HEADER       # writes to stdout; Doxyfile names it as its INPUT_FILTER

Nothing is added that the header does not say. What lies in namespace detail, and below a line `==== Below`, is left out.
"""
import pathlib
import re
import sys

C_SECTION = re.compile(r"^/\* -{4} (?P<title>.+?) -{4,} \*/$")
CPP_SECTION = re.compile(r"^// -{4} (?P<title>.+?) -{4,}$")


def slug(header: str, title: str) -> str:
    """The group of a section: `c_` or, for a C++ header, its name, then the section's title."""
    prefix = "c" if header.endswith(".h") else pathlib.Path(header).stem.replace("crochet_", "") + "_cpp"
    words = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    return f"{prefix}_{words}"


def sections(path: pathlib.Path) -> list[tuple[str, str]]:
    """(title, group) of each section of a header, in its order; internal ones left out."""
    lines = visible(path.read_text(encoding="utf-8"), path.name).splitlines()
    titles = [match["title"] for match in (C_SECTION.match(line) or CPP_SECTION.match(line) for line in lines) if match]
    return [(title, slug(path.name, title)) for title in titles]


def apart(match: re.Match) -> str:
    """`@param a, b text` as one for each; @retval likewise."""
    text = match["text"]
    flat = re.sub(r"\s*\n \*\s*", " ", text).strip()
    names = match["names"].split(", ")
    return "".join(f"@{match['kind']} {name} {flat} " for name in names[:-1]) + f"@{match['kind']} {names[-1]}{text}"


def visible(text: str, name: str) -> str:
    text = re.sub(r"@(?P<kind>param|retval) (?P<names>\w+(?:, \w+)+)(?P<text> [^@/]*)", apart, text)
    if name.endswith(".h"):
        # One declaration of a struct and its typedef is enough.
        return re.sub(r"^typedef (struct (\w+) \{$.*?^\}) \2;$", r"\1;", text, flags=re.M | re.S)
    below = re.search(r"^// ====.*?\bBelow\b.*$", text, re.M)
    if below:
        text = text[: below.start()] + "}  // namespace crochet\n"
    text = re.sub(r"^inline namespace v\d+_\d+ \{$|^\}  // namespace v\d+_\d+$|^ *// clang-format o\w+$", "", text, flags=re.M)
    text = re.sub(r"^namespace detail \{$.*?^\}  // namespace detail$", lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    return re.sub(r"^// ---- [^\n]*----\n(?=\s*// ----|\s*\Z)", "", text, flags=re.M)  # nothing is left of it


def filtered(path: pathlib.Path) -> str:
    is_c = path.name.endswith(".h")
    source = visible(path.read_text(encoding="utf-8"), path.name).splitlines()
    lines, open_group, at = [], False, 0
    while at < len(source):
        line = source[at]
        at += 1
        match = C_SECTION.match(line) or CPP_SECTION.match(line)
        if match:
            if open_group:
                lines.append("/** @} */")
            lines.append(f"/** @defgroup {slug(path.name, match['title'])} {match['title']}")
            # A plain comment at the head of a section describes all of it.
            head = at + 1 if at < len(source) and not source[at].strip() else at
            if is_c and re.match(r"/\* (?!.*\*/$)", source[head]):
                at = head + 1
                lines += [" *", " * " + source[head][3:]]
                while not source[at].rstrip().endswith("*/"):
                    lines.append(source[at])
                    at += 1
                lines.append(source[at].rstrip()[:-2])
                at += 1
            lines.append(" * @{ */")
            open_group = True
            continue
        if line.startswith(" *"):
            line = re.sub(r"<([a-z]+)>", r"\\<\1\\>", line)  # no HTML
        if not line.startswith("#"):
            line = re.sub(r"(?<![<\w/])(crochet\w*\.h(pp)?)\b", r"%\1", line)  # no link to a file
        if is_c and open_group and not line.startswith("struct uv_loop_s"):
            line = re.sub(r"(?<=[^\s/]) +/\* (?=.*\*/$)", " /**< ", line)
        elif not is_c:
            line = re.sub(r"(?<=[;,}]) +// (?!namespace)(?=\S)", " ///< ", line)
        lines.append(line)
    if open_group:
        ends = [i for i, line in enumerate(lines) if line == "}  // namespace crochet"]
        lines.insert(ends[-1] if ends else len(lines), "/** @} */")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(filtered(pathlib.Path(sys.argv[1])))
