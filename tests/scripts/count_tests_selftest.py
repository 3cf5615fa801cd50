#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/count-tests lets no failure through: not a crash, not a program that left early, not an empty run."""
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "count-tests"
loader = importlib.machinery.SourceFileLoader("count_tests", str(SCRIPT))
count_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader("count_tests", loader))
loader.exec_module(count_tests)

REPORT = """<?xml version="1.0"?><testsuites><testsuite name="Stop">
<testcase name="A" status="run" result="completed" classname="Stop" />
<testcase name="B" status="run" result="skipped" classname="Stop"><skipped message="x"/></testcase>
<testcase name="C" status="notrun" result="suppressed" classname="Stop" />
%s</testsuite></testsuites>"""
FAILED = '<testcase name="D" status="run" classname="Stop"><failure message="no"/></testcase>'


class CountTests(unittest.TestCase):
    def count(self, result, report=None, protocol="gtest"):
        with tempfile.TemporaryDirectory() as folder:
            if report is not None:
                (pathlib.Path(folder) / "api-stop.xml").write_text(report)
            tests = {"api-stop": {"name": "api-stop", "protocol": protocol, "workdir": folder}}
            return count_tests.count([{"name": "crochet:api / api-stop", "result": result}], tests)

    def test_cases_are_counted_one_by_one(self):
        self.assertEqual(self.count("OK", REPORT % ""), (1, 2, []))

    def test_a_failed_case(self):
        self.assertEqual(self.count("FAIL", REPORT % FAILED), (1, 2, ["api-stop: Stop.D"]))

    def test_a_failure_after_the_last_case(self):
        self.assertEqual(self.count("FAIL", REPORT % "")[2], ["api-stop: FAIL after its last case"])

    def test_a_crash(self):
        self.assertEqual(len(self.count("FAIL")[2]), 1)

    def test_a_program_that_left_early_with_success(self):
        self.assertEqual(len(self.count("OK")[2]), 1)

    def test_half_a_report(self):
        self.assertEqual(len(self.count("FAIL", (REPORT % "")[:200])[2]), 1)

    def test_a_program_without_cases(self):
        self.assertEqual(len(self.count("OK", "<testsuites></testsuites>")[2]), 1)

    def test_other_programs_count_as_one(self):
        self.assertEqual(self.count("OK", protocol="exitcode"), (1, 0, []))
        self.assertEqual(self.count("SKIP", protocol="exitcode"), (0, 1, []))
        self.assertEqual(self.count("TIMEOUT", protocol="exitcode")[2], ["api-stop (TIMEOUT)"])


if __name__ == "__main__":
    unittest.main()
