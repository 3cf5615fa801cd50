#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""static_destructors.py finds each way in which an object or a library registers something."""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import static_destructors as checked  # noqa: E402

OBJECTS = """\
src/libcrochet.a[runtime_runtime.cpp.o]: atexit U
src/libcrochet.a[base_log.cpp.o]: memcpy U
"""
SECTIONS = """\
  [12] .text             PROGBITS        0000000000003000 003000 00c0de 00  AX  0   0 16
  [20] .init_array       INIT_ARRAY      0000000000017810 016810 000008 08  WA  0   0  8
  [21] .fini_array       FINI_ARRAY      0000000000017818 016818 000008 08  WA  0   0  8
"""


class StaticDestructors(unittest.TestCase):
    def expect_objects(self, more, word):
        problems = checked.objects_problems(checked.undefined(OBJECTS + more))
        self.assertEqual(len(problems), 1)
        self.assertIn(word, problems[0])

    def expect_sections(self, text, word):
        problems = checked.array_problems(checked.sections(text), 8)
        self.assertEqual(len(problems), 1)
        self.assertIn(word, problems[0])

    def test_nothing_to_say(self):
        self.assertEqual(checked.objects_problems(checked.undefined(OBJECTS)), [])
        self.assertEqual(checked.array_problems(checked.sections(SECTIONS), 8), [])

    def test_static_object(self):
        self.expect_objects("src/libcrochet.a[base_log.cpp.o]: __cxa_atexit U         \n",
                            "base_log.cpp.o: calls __cxa_atexit")

    def test_thread_local_object(self):
        self.expect_objects("libcrochet.a:call_pool.cpp.o: __cxa_thread_atexit@CXXABI_1.3.7 U\n", "__cxa_thread_atexit")

    def test_handler_of_another_file(self):
        self.expect_objects("src/libcrochet.a[base_log.cpp.o]: atexit U\n", "runtime_runtime.cpp.o may")

    def test_handler_of_quick_exit(self):
        self.expect_objects("src/libcrochet.a[runtime_runtime.cpp.o]: at_quick_exit U\n", "nobody may")

    def test_destructor_function(self):
        self.expect_sections(SECTIONS.replace("016818 000008", "016818 000010"), ".fini_array: 2 entries")

    def test_constructor(self):
        self.expect_sections(SECTIONS.replace("016810 000008", "016810 000018"), ".init_array: 3 entries")

    def test_old_sections(self):
        self.expect_sections(SECTIONS + SECTIONS.splitlines()[1].replace(".init_array", ".dtors     "), ".dtors")


if __name__ == "__main__":
    unittest.main()
