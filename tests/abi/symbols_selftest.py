#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""symbols.py finds each difference between library, list and header."""
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import contract  # noqa: E402
import symbols  # noqa: E402

HEADER = """
#define CROCHET_OK 0
#define CROCHET_EINVAL (-2)
/** Does one thing.
 *  @retval CROCHET_OK done. @retval CROCHET_EINVAL not.
 *  @retval UV_EMFILE and others.
 *  @since 0.1 */
CROCHET_API int crochet_one(int a,
                            int b);
/** Another. @since 0.2 */
CROCHET_API struct uv_loop_s *crochet_two(void);
"""


class Symbols(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "crochet.h"
            path.write_text(HEADER)
            self.header = contract.read(path)
        self.exported = {"crochet_one": "CROCHET_0", "crochet_two": "CROCHET_0"}
        self.listed = {"crochet_one": "0.1", "crochet_two": "0.2"}

    def expect(self, word):
        problems = symbols.compare(self.exported, self.listed, self.header)
        self.assertTrue(problems)
        self.assertIn(word, problems[0])

    def test_the_header_is_read(self):
        self.assertEqual(self.header.codes, ["CROCHET_OK", "CROCHET_EINVAL"])
        self.assertEqual(self.header.functions["crochet_one"].codes, ["CROCHET_EINVAL"])
        self.assertEqual(self.header.functions["crochet_two"].since, "0.2")

    def test_all_is_well(self):
        self.assertEqual(symbols.compare(self.exported, self.listed, self.header), [])

    def test_a_foreign_symbol(self):
        self.exported["_ZN7crochet4LoopC1Ev"] = "CROCHET_0"
        self.expect("no name of ours")

    def test_what_compilers_let_out_unasked(self):
        for name in ("uv_run", "_ZTIN7crochet4LoopE", "_ZNSt6vectorIiSaIiEED1Ev", "_ZTSN6spdlog6loggerE", "_ZN3fmt2v9E"):
            with self.subTest(name):
                self.exported = {"crochet_one": "CROCHET_0", "crochet_two": "CROCHET_0", name: "CROCHET_0"}
                self.expect(f"{name}: exported, and no name of ours")

    def test_a_symbol_that_is_not_listed(self):
        self.exported["crochet_three"] = "CROCHET_0"
        self.expect("not in symbols.txt")

    def test_a_symbol_that_is_gone(self):
        del self.exported["crochet_one"]
        self.expect("not exported")

    def test_a_symbol_without_its_node(self):
        self.exported["crochet_one"] = ""
        self.expect("version node")

    def test_another_since(self):
        self.listed["crochet_one"] = "0.3"
        self.expect("since 0.3")

    def test_a_declaration_that_is_not_listed(self):
        del self.exported["crochet_two"]
        del self.listed["crochet_two"]
        self.expect("not in symbols.txt")

    def test_the_lists_own_form(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "symbols.txt"
            path.write_text("# why\ncrochet_two 0.1\ncrochet_one 0.1\ncrochet_three\n")
            names, problems = symbols.listed(path)
        self.assertEqual(len(names), 2)
        self.assertEqual(len(problems), 2)


if __name__ == "__main__":
    unittest.main()
