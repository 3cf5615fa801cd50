#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""error_table.py finds what no test provokes, and does not take a comment for a marker."""
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import error_table  # noqa: E402  (it makes contract known, too)
import contract  # noqa: E402

HEADER = contract.Contract(
    {"crochet_run": contract.Function("crochet_run", "0.1", ["CROCHET_EINVAL", "CROCHET_ENOMEM"], True)},
    ["CROCHET_OK", "CROCHET_EINVAL", "CROCHET_ENOMEM"])
BOTH = """
TEST(Run, RefusesWithoutFunction) { PROVOKES(crochet_run, CROCHET_EINVAL); }
TEST_F(Memory, IsGone) {
  PROVOKES(crochet_run,
           CROCHET_ENOMEM);
}
"""


class ErrorTable(unittest.TestCase):
    def provoked(self, text, name="api/run_test.cpp"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_text(text)
            return error_table.provoked(pathlib.Path(folder))

    def test_every_code_has_its_test(self):
        found, problems = self.provoked(BOTH)
        self.assertEqual(problems + error_table.missing(HEADER, found), [])
        self.assertIn("| `crochet_run` | `CROCHET_ENOMEM` | Memory.IsGone | tests/api/run_test.cpp |",
                      error_table.table(HEADER, found))

    def test_a_code_without_a_test(self):
        found, _ = self.provoked("TEST(Run, A) { PROVOKES(crochet_run, CROCHET_EINVAL); }")
        self.assertIn("CROCHET_ENOMEM", error_table.missing(HEADER, found)[0])

    def test_a_marker_in_a_comment_counts_for_nothing(self):
        found, _ = self.provoked("TEST(Run, A) {\n // PROVOKES(crochet_run, CROCHET_EINVAL);\n}")
        self.assertEqual(found, {})

    def test_a_marker_outside_a_test(self):
        _, problems = self.provoked("PROVOKES(crochet_run, CROCHET_EINVAL);")
        self.assertIn("stands in no test", problems[0])

    def test_a_documented_code_that_is_not_defined(self):
        header = contract.Contract(HEADER.functions, ["CROCHET_OK", "CROCHET_ENOMEM"])
        found, _ = self.provoked(BOTH)
        self.assertIn("does not define", error_table.missing(header, found)[0])

    def test_a_code_by_convention_is_listed_too(self):
        found, _ = self.provoked("TEST(Run, A) { PROVOKES(crochet_run, CROCHET_EFORKED); }")
        self.assertIn("*`CROCHET_EFORKED`*", error_table.table(HEADER, found))


if __name__ == "__main__":
    unittest.main()
