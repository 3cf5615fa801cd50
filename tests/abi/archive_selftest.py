#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""archive.py finds what may clash with a host, and what is let out."""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import archive  # noqa: E402

READ = """\
    12: 0000000000000000    52 FUNC    GLOBAL DEFAULT    1 crochet_run
    13: 0000000000000000    52 FUNC    GLOBAL HIDDEN     1 _ZN7crochet4Loop4stopEv
    14: 0000000000000000    52 OBJECT  UNIQUE HIDDEN     1 _ZN14crochet_spdlog7details5tokenE
    15: 0000000000000000    52 OBJECT  WEAK   HIDDEN     1 _ZTV15crochet_command
    16: 0000000000000000    52 FUNC    WEAK   DEFAULT    1 _ZNSt6vectorIiSaIiEED1Ev
    17: 0000000000000000    52 FUNC    LOCAL  DEFAULT    1 helper
    18: 0000000000000000     0 NOTYPE  GLOBAL DEFAULT  UND uv_run
    19: 0000000000000000     8 OBJECT  WEAK   HIDDEN     1 DW.ref._ZTISt9exception
"""


class Archive(unittest.TestCase):
    def expect(self, line, word):
        symbols = archive.defined(READ + f"    20: 0000000000000000    52 {line}\n")
        problems = archive.problems_of(symbols)
        self.assertEqual(len(problems), 1)
        self.assertIn(word, problems[0])

    def test_all_is_well(self):
        symbols = archive.defined(READ)
        self.assertEqual(len(symbols), 6)
        self.assertEqual(archive.problems_of(symbols), [])

    def test_a_foreign_function(self):
        self.expect("FUNC    GLOBAL HIDDEN     1 helper", "helper: neither")

    def test_a_foreign_type(self):
        self.expect("OBJECT  WEAK   HIDDEN     1 _ZTSN6spdlog6loggerE", "neither")

    def test_one_of_ours_that_is_let_out(self):
        self.expect("OBJECT  WEAK   DEFAULT    1 _ZTIN7crochet4LoopE", "not hidden")

    def test_a_standard_function_in_a_hosts_place(self):
        self.expect("FUNC    GLOBAL DEFAULT    1 _ZSt9terminatev", "not weak")


if __name__ == "__main__":
    unittest.main()
