#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""table.py: no promise without a test, no test without a promise, and results that stay until newer ones come."""
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import table  # noqa: E402

PROMISES = """# Abuse

| id | abuse | must give |
|---|---|---|
| A1 | this | that |
| B2 | these | those |
"""
REPORT = """<testsuites><testsuite name="AbuseA1">
<testcase name="Works" status="run" result="completed" classname="AbuseA1"/>
<testcase name="Each/0" status="run" result="completed" classname="Some/AbuseA1Ways"/>
<testcase name="Each/1" status="run" result="completed" classname="Some/AbuseA1Ways">%s</testcase>
</testsuite></testsuites>"""


class Table(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.tests = self.root / "tests"
        self.tests.mkdir()
        (self.tests / "a_test.cpp").write_text("TEST(AbuseA1, Works) {}\nTEST_P(AbuseA1Ways, Each) {}\n// TEST(AbuseA1, Not)\n")
        (self.tests / "meson.build").write_text("# AbuseB2: other-test\n")

    def build(self, column, text, log=""):
        build = self.root / column.replace(" ", "-")
        (build / "tests").mkdir(parents=True, exist_ok=True)
        (build / "tests" / "a.xml").write_text(REPORT % text)
        (build / "meson-logs").mkdir(exist_ok=True)
        (build / "meson-logs" / "testlog.json").write_text(log)

    def merged(self, text):
        document, found = table.Document(text), table.tests_in(self.tests)
        document.merge(found, lambda column: self.root / column.replace(" ", "-"))
        return document.text(found)

    def row(self, text, promise):
        return [part.strip() for part in next(l for l in text.splitlines() if l.startswith(f"| {promise} ")).split("|")][4:-1]

    def test_every_promise_has_tests_and_every_test_a_promise(self):
        found = table.tests_in(self.tests)
        self.assertEqual(table.problems_of(table.Document(PROMISES), found), [])
        (self.tests / "b_test.cpp").write_text("TEST(AbuseC3, Unknown) {}\n")
        (self.tests / "meson.build").write_text("")
        problems = table.problems_of(table.Document(PROMISES), table.tests_in(self.tests))
        self.assertEqual(problems, ["B2: no test shows it", "tests/b_test.cpp: there is no promise C3"])

    def test_results_are_merged_and_stay(self):
        self.build("gcc debug", "", '{"name": "crochet:abuse / other-test", "result": "OK"}\n')
        self.build("gcc thread", '<skipped message="a_test.cpp:1&#xA;why"/>')
        text = self.merged(PROMISES)
        self.assertEqual(self.row(text, "A1"), ["2", "2 passed"] + ["not run"] * 3 + ["1 passed, 1 skipped", "not run"])
        self.assertEqual(self.row(text, "B2"), ["1", "1 passed"] + ["not run"] * 5)
        self.assertIn("- A1, gcc thread: `AbuseA1Ways.Each`: why", text)
        self.assertEqual(self.merged(text), text)
        (self.root / "gcc-thread" / "tests" / "a.xml").unlink()
        self.assertEqual(self.merged(text), text)
        self.build("gcc thread", "<failure message='no'/>")
        text = self.merged(text)
        self.assertEqual(self.row(text, "A1")[5], "1 passed, 1 failed")
        self.assertNotIn("why", text.split(table.SKIPPED)[1].replace("and why", ""))


if __name__ == "__main__":
    unittest.main()
