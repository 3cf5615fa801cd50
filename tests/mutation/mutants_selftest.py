#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mutants.py finds what can be changed in a line, and leaves alone what is none of it; survivors.py knows what it lists."""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mutants  # noqa: E402
import survivors  # noqa: E402


class Mutants(unittest.TestCase):
    def changes(self, text):
        return [(mutant.old.strip(), mutant.new.strip()) for mutant in mutants.mutants("src/a.cpp", text)]

    def test_operators_and_constants(self):
        self.assertEqual(self.changes("  if (a == b && !c) return 1;"), [("==", "!="), ("&&", "||"), ("!", ""), ("1", "0")])
        self.assertEqual(self.changes("  return x + 10'000;"), [("+", "-"), ("10'000", "10001")])
        self.assertEqual(self.changes("  return true;"), [("true", "false")])

    def test_statements(self):
        self.assertEqual(self.changes("  close(file);"), [("close(file);", ";")])
        self.assertEqual(self.changes("  count_ = other;"), [("count_ = other;", ";")])
        self.assertEqual(self.changes('  log("a; b");'), [('log("a; b");', ";")])

    def test_no_declarations(self):
        for line in ("  int count = other;", "  Deadline end(time);", "  const Word w = call.word.load(acquire);", "  return f(x);"):
            self.assertEqual(self.changes(line), [], line)

    def test_nothing_in_comments_strings_templates_and_assertions(self):
        for line in ("  // a == b", '  const char* text = "a == b";', "  std::vector<int> found;", "  assert(a == b);",
                     "#if A == B", "  char text[256];", "  static_assert(a == 1);"):
            self.assertEqual(self.changes(line), [], line)

    def test_one_change_at_a_time(self):
        text = "f();\n  if (a == b) return a == c;\n"
        changed = [mutants.apply(text, mutant) for mutant in mutants.mutants("src/a.cpp", text)]
        self.assertEqual(changed, ["f();\n  if (a != b) return a == c;\n", "f();\n  if (a == b) return a != c;\n"])

    def test_keys_do_not_depend_on_where_a_line_lies(self):
        def keys(text):
            return {mutants.key(mutant) for mutant in mutants.mutants("src/a.cpp", text)}
        self.assertEqual(keys("  return a == b;"), keys("\n\n  return a == b;"))
        self.assertEqual(len(keys("  return a == b;\n  return a == b;")), 2)


class Survivors(unittest.TestCase):
    TEXT = "  if (a == b) return 1;\n"

    def test_explains_what_it_lists(self):
        entries = survivors.read("src/a.cpp | if (a == b) return 1; | == -> != | same: b is a")
        explained = [survivors.explains(entries, mutant) for mutant in mutants.mutants("src/a.cpp", self.TEXT)]
        self.assertEqual(explained, [True, False])

    def test_what_it_lists_must_be_there_and_have_a_reason(self):
        entries = survivors.read("src/a.cpp | if (a == b) return 1; | == -> != | same: b is a\n"
                                 "src/a.cpp | if (a == c) return 1; | == -> != | speed\n"
                                 "src/a.cpp | if (a == b) return 1; | * | lazy\n")
        problems = survivors.problems(entries, lambda file: self.TEXT)
        self.assertEqual(len(problems), 2, problems)


if __name__ == "__main__":
    unittest.main()
