#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sweep sees what it is to see: each kind of finding, made up, and that what libuv is known for is none."""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import sweep  # noqa: E402

CLEAN = """code 1 crochet_run 0
used crochet_run
fires 0
count crochet memory 2
code 2 crochet_run 0
end
live crochet malloc 16 1
descriptors 6
threads 1
done
"""


class FakeProgram(sweep.Sweep):
    """Says what it is told to, instead of running one."""

    def __init__(self, report):
        super().__init__("none", 1)
        self.report = report

    def run(self, *words):
        return self.report


def findings_of(output, status=0):
    reference = sweep.Reference([sweep.Report(0, CLEAN, "")])
    fired = "fired crochet memory malloc in uv_made_up\n"
    fake = FakeProgram(sweep.Report(status, fired + output, ""))
    fake.limits = {("uv_made_up", "malloc", "leaks descriptors"), ("uv_made_up", "malloc", "aborts")}
    return fake.try_plan("made_up", "crochet:memory:1", reference)


class Finding(unittest.TestCase):
    def one(self, key, output, status=0):
        findings = findings_of(output, status)
        self.assertEqual(len(findings), 1, findings)
        self.assertIn(f": {key}: ", findings[0])

    def test_there_is_none_when_all_is_well(self):
        self.assertEqual(findings_of(CLEAN), [])

    def test_there_is_none_when_it_says_a_documented_code(self):
        self.assertEqual(findings_of(CLEAN.replace("code 1 crochet_run 0", "code 1 crochet_run -10011")), [])

    def test_undocumented_code(self):
        self.one("code", CLEAN.replace("code 1 crochet_run 0", "code 1 crochet_run -10019"))

    def test_what_the_scenario_says_is_broken(self):
        self.one("broken", CLEAN + "broken 1 token 3 of 5 was dropped 2 times\n")

    def test_another_code_afterwards(self):
        self.one("afterwards", CLEAN.replace("code 2 crochet_run 0", "code 2 crochet_run -10011"))

    def test_a_function_that_is_not_reached_afterwards(self):
        self.one("afterwards", CLEAN.replace("code 2 crochet_run 0\n", ""))

    def test_memory(self):
        self.one("leaks memory", CLEAN.replace("malloc 16 1", "malloc 16 2"))

    def test_a_thread(self):
        self.one("leaks threads", CLEAN.replace("threads 1", "threads 2"))

    def test_an_early_end(self):
        self.one("crashes", CLEAN.replace("done\n", ""))
        self.one("crashes", "", -11)

    def test_no_end(self):
        self.one("hangs", "", None)

    def test_what_libuv_is_known_for_is_none(self):
        self.assertEqual(findings_of(CLEAN.replace("descriptors 6", "descriptors 7")), [])
        self.assertEqual(findings_of("aborts libuv in uv_made_up after malloc\n", sweep.ABORTED), [])

    def test_what_libuv_is_not_known_for_is_one(self):
        self.one("aborts", "aborts libuv in uv_run after malloc\n", sweep.ABORTED)


class Table(unittest.TestCase):
    def test_of_limits_can_be_read(self):
        limits = sweep.read_limits(sweep.ROOT / "docs" / "libuv-limits.md")
        self.assertIn(("uv_run", "epoll_ctl", "aborts"), limits)

    def test_of_codes_follows_references(self):
        codes = FakeProgram(None).documented
        self.assertIn(-10006, codes["crochet_result_wait_interruptible"])  # as crochet_result_wait()
        self.assertIn(-24, codes["crochet_setup"])  # "and other codes of libuv's"
        self.assertNotIn(-24, codes["crochet_run"])
        self.assertNotIn("crochet_version", codes)


if __name__ == "__main__":
    unittest.main()
