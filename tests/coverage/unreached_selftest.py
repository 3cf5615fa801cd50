#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""unreached.py tells what was not reached, what is listed without need, and what the list may not hold."""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import unreached  # noqa: E402

SOURCE = ["int f() {", "  if (bad) return 1;", "  return  2;", "  return 2;", "  while (!a.compare_exchange_weak(b, c)) {", "  }"]


def line(number, count, *branches):
    return {"line_number": number, "count": count, "branches": [{"count": count} for count in branches]}


def lines(*found):
    return list(unreached.lines_of_report({"files": [{"file": "src/a.cpp", "lines": found}]}, lambda file: SOURCE))


class Unreached(unittest.TestCase):
    def compare(self, text, *found):
        entries, problems = unreached.read_list(text)
        self.assertEqual(problems, [])
        return unreached.compare(entries, lines(*found))

    def test_nothing_where_all_is_reached(self):
        self.assertEqual(self.compare("", line(2, 5, 3, 2), line(3, 1)), [])

    def test_a_line(self):
        self.assertEqual(self.compare("", line(3, 0)), ["src/a.cpp:3: not reached: return 2;"])

    def test_what_is_listed(self):
        self.assertEqual(self.compare("src/a.cpp | if (bad) return 1; | cannot fail here\n", line(2, 0)), [])

    def test_one_of_two_that_look_alike_is_one(self):
        problems = self.compare("src/a.cpp | return 2; | cannot fail here\n", line(3, 0), line(4, 0))
        self.assertEqual(len(problems), 1)

    def test_what_is_listed_and_reached(self):
        problems = self.compare("src/a.cpp | if (bad) return 1; | cannot fail here\n", line(2, 5))
        self.assertEqual(problems, ["src/a.cpp: listed, and reached: if (bad) return 1;"])

    def test_a_lost_race_may_be_reached_or_not(self):
        entry = "src/a.cpp | if (bad) return 1; | race: tests/coverage/unreached.py\n"
        self.assertEqual(self.compare(entry, line(2, 5)), [])
        self.assertEqual(self.compare(entry, line(2, 0)), [])
        self.assertIn("there is no", unreached.read_list(entry.replace(".py", ".p"))[1][0])

    def test_branches_but_not_those_of_a_retry(self):
        self.assertEqual([(found[4], found[5]) for found in lines(line(2, 5, 5, 0), line(5, 5, 5, 0))], [(2, 1), (0, 0)])

    def test_no_branches_without_a_condition(self):
        self.assertEqual([(found[4], found[5]) for found in lines(line(4, 5, 5, 0))], [(0, 0)])

    def test_no_branches_of_exceptions(self):
        found = line(2, 5, 5, 0)
        found["branches"][1]["throw"] = True
        self.assertEqual([(one[4], one[5]) for one in lines(found)], [(1, 0)])

    def branches(self, text, *found):
        allowed, problems = unreached.read_branches(text)
        self.assertEqual(problems, [])
        return unreached.compare_branches(allowed, lines(*found))

    def test_branches_that_are_not_listed(self):
        problems, hints = self.branches("", line(2, 5, 5, 0, 0))
        self.assertEqual(problems, ["src/a.cpp: 2 of 3 branches not taken: if (bad) return 1;"])
        self.assertEqual(hints, [])

    def test_branches_that_are_listed_may_get_fewer_and_not_more(self):
        entry = "src/a.cpp | if (bad) return 1; | 1 | instances\n"
        self.assertEqual(self.branches(entry, line(2, 5, 5, 0)), ([], []))
        self.assertIn("1 listed", self.branches(entry, line(2, 5, 5, 0, 0))[0][0])
        self.assertEqual(len(self.branches(entry, line(2, 5, 5, 1))[1]), 1)

    def test_branches_are_not_asked_of_a_line_that_was_not_reached(self):
        self.assertEqual(self.branches("", line(2, 0, 0, 0)), ([], []))

    def test_branches_need_a_number_and_a_reason(self):
        for bad in ("x | instances", "0 | instances", "1 | because"):
            self.assertEqual(len(unreached.read_branches(f"src/a.cpp | if (bad) return 1; | {bad}\n")[1]), 1, bad)
        self.assertEqual(len(unreached.read_branches("src/a.cpp | if (bad) return 1; | 1 | instances\n" * 2)[1]), 1)

    def test_no_reason_of_ones_own(self):
        self.assertIn("is no reason", unreached.read_list("src/a.cpp | return 2; | too tired\n")[1][0])

    def test_not_more_than_a_few(self):
        text = "src/a.cpp | return 2; | cannot fail here\n" * (unreached.MOST + 1)
        self.assertIn("at most", unreached.read_list(text)[1][0])

    def test_entries_that_name_no_line(self):
        entries, _ = unreached.read_list("src/a.cpp | return 2; | cannot fail here\n" * 3)
        self.assertIn("has 2 lines", unreached.stale(entries, lambda file: SOURCE)[0])


if __name__ == "__main__":
    unittest.main()
