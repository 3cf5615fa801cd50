#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the manual pages of crochet.h's functions, section 3, and of the library, crochet(7), from doxygen's XML.

    manpages.py --root ROOT --out FOLDER [--xml XML]     # without XML, doxygen is run
    manpages.py --root ROOT --list                       # the names of the pages, one a line
"""
import argparse
import datetime
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

import doxygen_filter
import stage


BLOCKS = ("parameterlist", "simplesect", "itemizedlist", "orderedlist", "verbatim", "preformatted", "programlisting")


def escape(text: str) -> str:
    return text.replace("\\", "\\e").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti").replace("`", "\\(ga")


def code(text: str) -> str:
    return escape(text).replace("-", "\\-")


def prose(text: str) -> str:
    """A paragraph, one sentence a line, no line a request by accident."""
    text = re.sub(r"[ \n]+", " ", text).strip()
    text = re.sub(r"(?<=[^.][.:;])\s+(?=[A-Z\\])", "\n", text)
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.M)


class Function:
    """One function of the header, as doxygen understood it."""

    def __init__(self, node: ElementTree.Element, section: str, functions: set[str]):
        self.node, self.section, self.all = node, section, functions
        self.name = node.findtext("name")
        self.result = "".join(node.find("type").itertext())
        self.parameters = [("".join(p.find("type").itertext()), p.findtext("declname", "")) for p in node.findall("param")]
        self.names = {name for _, name in self.parameters}
        self.refs: list[str] = []

    def inline(self, node: ElementTree.Element) -> str:
        text = self.words(node.text or "")
        for child in node:
            inner = self.inline(child)
            if child.tag == "ref":
                name = "".join(child.itertext()).removesuffix("()")
                if name in self.all:
                    if name != self.name and name not in self.refs:
                        self.refs.append(name)
                    inner = f"\\fB{code(name)}\\fR(3)"
                else:
                    inner = f"\\fB{code(name)}\\fR"
            elif child.tag == "computeroutput":
                word = "".join(child.itertext())
                inner = f"\\fI{code(word)}\\fR" if word in self.names else f"\\fB{code(word)}\\fR"
            elif child.tag in ("emphasis", "bold"):
                inner = f"\\fI{inner}\\fR"
            elif child.tag in BLOCKS:
                inner = ""
            elif child.tag in ("ndash", "mdash"):
                inner = "\\(en"
            text += inner + self.words(child.tail or "")
        return text

    def words(self, text: str) -> str:
        """Names of codes in bold, wherever they stand."""
        return re.sub(r"\b((?:CROCHET|UV)\\?_[A-Z_]+)\b(?!\.\.\.)", lambda m: f"\\fB{m[1]}\\fR", escape(text))

    def blocks(self, node: ElementTree.Element | None) -> list[str]:
        """The paragraphs, lists and listings below a description, in their order."""
        out = []

        def paragraph(words: ElementTree.Element):
            text = prose(self.inline(words))
            if text:
                out.append(".PP\n" + text)

        for para in node.findall("para") if node is not None else []:
            words = ElementTree.Element("para")
            words.text = para.text
            for child in para:
                if child.tag not in BLOCKS:
                    words.append(child)
                    continue
                paragraph(words)
                words = ElementTree.Element("para")
                words.text = child.tail
                if child.tag in ("verbatim", "preformatted", "programlisting"):
                    listing = re.sub(r"^(?=[.'])", r"\\&", code(lines_of(child).strip("\n")), flags=re.M)
                    out.append(".PP\n.RS 4\n.nf\n" + listing + "\n.fi\n.RE")
                elif child.tag in ("itemizedlist", "orderedlist"):
                    out += [".IP \\(bu 2\n" + prose(" ".join(self.inline(p) for p in item)) for item in child]
            paragraph(words)
        return out

    def listed(self, kind: str) -> list[tuple[str, str]]:
        found = []
        for item in self.node.iterfind(f"detaileddescription//parameterlist[@kind='{kind}']/parameteritem"):
            name = "".join(item.find("parameternamelist").itertext()).strip()
            found.append((name, " ".join(self.inline(p) for p in item.find("parameterdescription"))))
        return found

    def said(self, kind: str, title: str = "") -> str:
        """What @return, @since, @ownership and their kin say."""
        for sect in self.node.iterfind(f"detaileddescription//simplesect[@kind='{kind}']"):
            if not title or sect.findtext("title") == title:
                return " ".join(self.inline(p) for p in sect.findall("para"))
        return ""

    def sentence(self, text: str) -> str:
        return text if re.match(r"\w+", text) and re.match(r"\w+", text)[0] in self.names else text[:1].upper() + text[1:]

    def synopsis(self) -> str:
        lead = f"{self.result}{'' if self.result.endswith('*') else ' '}{self.name}("
        lines, width = [f"\\fB{code(lead)}\\fR"], len(lead)
        if not self.parameters or self.parameters == [("void", "")]:
            return lines[0] + "\\fBvoid);\\fR"
        variadic = "..." in self.node.findtext("argsstring")
        parameters = [p for p in self.parameters if p[0] != "..."]
        for i, (type_, name) in enumerate(parameters):
            last = i == len(parameters) - 1
            gap = "" if type_.endswith("*") else " "
            end = (", ...);" if variadic else ");") if last else ","
            size = len(type_) + len(gap) + len(name) + len(end) + 1
            if width + size > 74 and i > 0:
                lines.append("    ")
                width = 4
            elif i > 0:
                lines[-1] += " "
            lines[-1] += f"\\fB{code(type_ + gap)}\\fI{code(name)}\\fB{code(end)}\\fR"
            width += size
        return "\n".join(lines)

    def brief(self) -> str:
        text = "".join(self.node.find("briefdescription").itertext()).strip()
        return text or "".join(self.node.find("detaileddescription").find("para").itertext()).strip()


def lines_of(node: ElementTree.Element) -> str:
    if node.tag == "programlisting":
        return "\n".join("".join(" " if e.tag == "sp" else (e.text or "") for e in line.iter()) for line in node)
    return "".join(node.itertext())


class Pages:
    def __init__(self, root: pathlib.Path, xml: pathlib.Path):
        self.header = (root / "include" / "crochet.h").read_text(encoding="utf-8")
        self.version = ".".join(re.search(rf"CROCHET_VERSION_{part} (\d+)", self.header)[1] for part in ("MAJOR", "MINOR", "PATCH"))
        epoch = os.environ.get("SOURCE_DATE_EPOCH", (root / "include" / "crochet.h").stat().st_mtime)
        self.date = datetime.datetime.fromtimestamp(float(epoch), datetime.timezone.utc).strftime("%Y-%m-%d")
        self.sections, self.callbacks = [], {}
        names = set(names_in(root))
        for title, group in doxygen_filter.sections(root / "include" / "crochet.h"):
            tree = ElementTree.parse(xml / f"group__{group.replace('_', '__')}.xml")
            members = [Function(node, title, names) for node in tree.iterfind(".//memberdef[@kind='function']")]
            for node in tree.iterfind(".//memberdef[@kind='typedef']"):
                if node.findtext("name").endswith("_fn"):
                    self.callbacks[node.findtext("name")] = Function(node, title, names)
            if members:
                self.sections.append((title, members))
        self.functions = [f for _, members in self.sections for f in members]

    def head(self, name: str, section: int) -> str:
        return (f'.\\" SPDX-License-Identifier: MIT\n.\\" Made from crochet.h by docs/site/manpages.py.\n'
                f'.TH {name} {section} {self.date} "crochet {self.version}" "crochet manual"\n.nh\n.ad l\n')

    def function(self, f: Function) -> str:
        brief = f.brief().split(". ")[0].rstrip(".:")
        brief = brief[:1].lower() + brief[1:] if brief[:2].istitle() or brief[1:2] == " " else brief
        out = [self.head(f.name, 3), f".SH NAME\n{code(f.name)} \\- {escape(brief)}",
               ".SH LIBRARY\ncrochet (libcrochet, \\fI\\-lcrochet\\fR)",
               ".SH SYNOPSIS\n.nf\n\\fB#include <crochet.h>\\fR\n.PP\n" + f.synopsis() + "\n.fi"]
        description = f.blocks(f.node.find("briefdescription")) + f.blocks(f.node.find("detaileddescription"))
        out.append(".SH DESCRIPTION\n" + "\n".join(description).removeprefix(".PP\n"))
        parameters = f.listed("param")
        if parameters:
            out.append(".SS Parameters")
            out += [f".TP\n.I {code(name)}\n{prose(text)}" for name, text in parameters]
        callbacks = [self.callbacks[name] for name in self.callbacks
                     if any(re.search(rf"\b{name}\b", type_) for type_, _ in f.parameters)]
        if callbacks:
            out.append(".SS Callbacks")
        for callback in callbacks:
            lead = "" if callback is callbacks[0] else ".PP\n"
            out.append(f"{lead}\\fB{code(callback.node.findtext('definition'))};\\fR")
            out += callback.blocks(callback.node.find("briefdescription")) + callback.blocks(callback.node.find("detaileddescription"))
        out += self.returned(f)
        for title in ("Ownership", "Threads", "Blocking"):
            said = f.said("par", title)
            if said and said.strip(" .") != "none":
                out.append(f".SH {title.upper()}\n{f.sentence(prose(said))}")
        since = f.said("since").strip()
        if since:
            out.append(f".SH HISTORY\nSince crochet {since}.")
        siblings = [g.name for title, members in self.sections if title == f.section for g in members]
        near = siblings[max(0, siblings.index(f.name) - 3): siblings.index(f.name) + 4]
        also = sorted({*f.refs, *near} - {f.name})
        out.append(".SH SEE ALSO\n" + "".join(f".BR {code(name)} (3),\n" for name in also) + ".BR crochet (7)")
        return "\n".join(out) + "\n"

    def returned(self, f: Function) -> list[str]:
        codes = f.listed("retval")
        said = f.said("return")
        if not codes and not said:
            if f.result == "void":
                return []
            return [".SH RETURN VALUE\nSee above."]
        out = []
        fine = [text for name, text in codes if name == "CROCHET_OK"]
        errors = [(name, text) for name, text in codes if name != "CROCHET_OK"]
        if said:
            out.append(".SH RETURN VALUE\n" + f.sentence(prose(said)))
        elif errors and fine:
            text = prose(fine[0])
            out.append(f".SH RETURN VALUE\n\\fBCROCHET_OK\\fR (0): {text}\nOtherwise a negative code.")
        elif fine:
            out.append(f".SH RETURN VALUE\n\\fBCROCHET_OK\\fR (0): {prose(fine[0])}")
        else:
            out.append(".SH RETURN VALUE\n\\fBCROCHET_OK\\fR (0), or a negative code.")
        if errors:
            out.append(".SH ERRORS")
            out += [f".TP\n.B {code(name)}\n{prose(text)}" for name, text in errors]
        return out

    def overview(self) -> str:
        out = [self.head("crochet", 7), OVERVIEW]
        out.append(".SH CONVENTIONS\nThey hold for every function; their pages mention departures only.")
        for name, text in re.findall(r"^\d+\. \*\*(.+?)\.\*\* (.*)$", stage.conventions(self.header), re.M):
            text = re.sub(r"`([^`]+)`", lambda m: f"\x01{m[1]}\x02", text)
            text = escape(text).replace("\x01", "\\fB").replace("\x02", "\\fR")
            out.append(f".TP\n.B {name}\n{prose(text)}")
        out.append(".SH FUNCTIONS")
        for title, members in self.sections:
            out.append(f".SS {escape(title)}")
            for f in members:
                out.append(f".TP\n.BR {code(f.name)} (3)\n{prose(escape(f.brief().split('. ')[0]))}")
        out.append(".SH STATUS CODES")
        for name, value, text in re.findall(r"^#define (CROCHET_(?:OK|E[A-Z]+)) \(?(-?\d+)\)? +/\* (.*?) \*/", self.header, re.M):
            out.append(f".TP\n.BR {name} \" ({code(value)})\"\n{prose(escape(text[:1].upper() + text[1:]))}.")
        out.append(ENDING)
        return "\n".join(out) + "\n"


def names_in(root: pathlib.Path) -> list[str]:
    lines = (root / "tests" / "abi" / "symbols.txt").read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


OVERVIEW = r""".SH NAME
crochet \- libuv for threaded programs
.SH LIBRARY
crochet (libcrochet, \fI\-lcrochet\fR)
.SH SYNOPSIS
.nf
\fB#include <crochet.h>\fR
.PP
\fBcc\fR \fIprogram.c\fR \fB$(pkg\-config \-\-cflags \-\-libs crochet)\fR
.fi
.SH DESCRIPTION
crochet runs a libuv loop in a thread of its own and lets any thread call into it.
A call gives an eventual result: wait for it, cancel it, stash it, share it.
.PP
.BR crochet_setup (3)
starts the default loop.
.BR crochet_run (3)
queues a call of a function on the loop\(aqs thread and returns;
.BR crochet_wait_for (3)
waits for its result as well.
The function gets a
.IR deferred ,
the producer\(aqs side of the call: it settles it by
.BR crochet_resolve (3)
or
.BR crochet_reject (3)
before it returns, or keeps a reference and settles it later, from any thread.
The caller holds a
.IR result :
.BR crochet_result_wait (3),
.BR crochet_result_value (3),
.BR crochet_result_error (3),
.BR crochet_result_cancel (3),
.BR crochet_result_release (3).
.PP
A call is
.I settled
once its outcome is decided, which never changes; it is
.I finished
once the last deferred was released: then its argument is dropped.
.PP
The pattern for what libuv does: say first how to cancel, by
.BR crochet_deferred_on_cancel (3),
and start only if that was accepted.
Hold a deferred for as long as libuv has your memory.
The hook settles; the close callback releases."""

ENDING = r""".SH ENVIRONMENT
.TP
.B CROCHET_LOG
The level of the log, and its sinks, with commas between them: \(lqdebug\(rq, \(lqinfo,file:/var/log/x.log\(rq,
\(lqwarning,stderr,syslog:name\(rq, \(lqoff\(rq.
Ignored in a program with more rights than its user.
.SH SEE ALSO
.BR crochet_setup (3),
.BR crochet_run (3),
.BR crochet_result_wait (3),
.BR crochet_shutdown (3)"""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--root", type=pathlib.Path, required=True)
    arguments.add_argument("--xml", type=pathlib.Path)
    arguments.add_argument("--out", type=pathlib.Path)
    arguments.add_argument("--list", action="store_true")
    options = arguments.parse_args()
    if options.list:
        print("\n".join(f"{name}.3" for name in names_in(options.root)))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        xml = options.xml
        if xml is None:
            xml = pathlib.Path(scratch)
            subprocess.run(["doxygen", options.root / "docs" / "site" / "Doxyfile"], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL,
                           env={**os.environ, "CROCHET_ROOT": str(options.root.resolve()), "CROCHET_XML": str(xml)})
        pages = Pages(options.root, xml)
    missing = set(names_in(options.root)) - {f.name for f in pages.functions}
    if missing:
        print("no page for", ", ".join(sorted(missing)), file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    for f in pages.functions:
        (options.out / f"{f.name}.3").write_text(pages.function(f), encoding="utf-8")
    (options.out / "crochet.7").write_text(pages.overview(), encoding="utf-8")
    print(f"{len(pages.functions) + 1} manual pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
