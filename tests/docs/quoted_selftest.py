#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""quoted.py accepts what is quoted, whole or in part, refuses what is not, and mends what has changed."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

QUOTED = pathlib.Path(__file__).with_name("quoted.py")
FILE = "int a;\n  /* [part] */\n  int b;\n    int c;\n  /* [end part] */\nint d;\n"
WHOLE = "<!-- docs/x.c -->\n```c\nint a;\n  int b;\n    int c;\nint d;\n```\n"
PART = "<!-- docs/x.c: part -->\n```c\nint b;\n  int c;\n```\n"


class Quoted(unittest.TestCase):
    def run_on(self, page, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            (root / "docs" / "x.c").write_text(FILE)
            (root / "README.md").write_text(page)
            done = subprocess.run([sys.executable, QUOTED, root, *arguments], capture_output=True, text=True)
            return done.returncode, done.stderr, (root / "README.md").read_text()

    def refused(self, page, why):
        code, said, _ = self.run_on(WHOLE + page)
        self.assertEqual(code, 1)
        self.assertIn(why, said)

    def test_accepts_a_file_and_a_part_of_it(self):
        self.assertEqual(self.run_on(WHOLE + PART)[0], 0)

    def test_accepts_what_a_terminal_shows_and_what_is_generated(self):
        page = WHOLE + "```console\n$ ls\n```\n```text\n-->\n```\n```\nplain\n```\n<!-- generated -->\n```c\nint x;\n```\n"
        self.assertEqual(self.run_on(page)[0], 0)

    def test_refuses_code_that_is_no_quotation(self):
        for language in ("c", "cpp", "python", "sh", "cmake"):
            self.refused(f"```{language}\nx\n```\n", "README.md:8: a block of code that is no quotation")

    def test_refuses_code_that_differs(self):
        self.refused(PART.replace("int c", "int e"), "the block is not docs/x.c: part")

    def test_refuses_a_file_and_a_part_that_are_not_there(self):
        self.refused("<!-- docs/y.c -->\n```c\n```\n", "there is no docs/y.c")
        self.refused("<!-- docs/x.c: other -->\n```c\n```\n", "there is no docs/x.c: other")

    def test_refuses_to_have_looked_at_nothing(self):
        self.assertEqual(self.run_on("nothing\n")[0], 1)

    def test_writes_what_has_changed(self):
        code, _, page = self.run_on(WHOLE + PART.replace("int c", "int e"), "--write")
        self.assertEqual((code, page), (0, WHOLE + PART))


unittest.main()
