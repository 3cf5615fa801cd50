#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""layers.py finds each breach in a small tree, and finds nothing in a good one."""
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import layers  # noqa: E402

GOOD = {
    "include/crochet.h": "#include <stddef.h>\n#include <stdint.h>\n",
    "src/meson.build": "files('base/a.cpp', 'loop/b.cpp', 'capi/c.cpp', 'operations/d.cpp')\n",
    "src/base/a.hpp": '#include <atomic>\n#include "model/atomic.hpp"\n',
    "src/base/a.cpp": '#include "base/a.hpp"\n',
    "src/loop/b.cpp": '#include <uv.h>\n#include "base/a.hpp"\n',
    "src/capi/c.cpp": '#include "crochet.h"\n#include "base/a.hpp"\n// #include "capi/gone.hpp"\n',
    "src/operations/d.cpp": '#include <uv.h>\n#include "crochet.h"\n#include "base/a.hpp"\n',
    "tests/unit/meson.build": "unit_tests = ['a']\n",
    "tests/unit/a_test.cpp": '#include "base/a.hpp"\n',
}


class Layers(unittest.TestCase):
    def problems(self, **changes):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD, **changes.get("files", {})}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return layers.check(root)

    def expect(self, files, word):
        problems = self.problems(files=files)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(word, problems[0])

    def test_nothing_in_a_good_tree(self):
        self.assertEqual(self.problems(), [])

    def test_an_include_that_points_up(self):
        self.expect({"src/loop/b.hpp": "", "src/base/a.hpp": '#include "loop/b.hpp"\n'}, "above")

    def test_an_include_without_its_layer(self):
        self.expect({"src/base/a.cpp": '#include "a.hpp"\n'}, "no file of a layer")

    def test_a_circle(self):
        self.expect({"src/base/a.hpp": '#include "base/d.hpp"\n', "src/base/d.hpp": '#include "base/a.hpp"\n'}, "circle")

    def test_uv_outside_the_layers_that_see_it(self):
        self.expect({"src/capi/c.cpp": "#include <uv.h>\n"}, "uv.h")

    def test_an_operation_that_something_lower_includes(self):
        self.expect({"src/operations/d.hpp": "", "src/capi/c.cpp": '#include "operations/d.hpp"\n'}, "above")

    def test_a_file_outside_every_layer(self):
        self.expect({"src/util.hpp": ""}, "no layer")

    def test_a_public_header_that_includes_more(self):
        self.expect({"include/crochet.h": "#include <stddef.h>\n#include <stdio.h>\n"}, "stdio.h")

    def test_a_cpp_header_that_sees_inside(self):
        self.expect({"include/crochet.hpp": '#include "base/a.hpp"\n'}, "public headers only")

    def test_a_contract_test_that_sees_inside(self):
        self.expect({"tests/api/meson.build": "api_tests = ['x']\n", "tests/api/x_test.cpp": '#include "base/a.hpp"\n'},
                    "crochet.h only")

    def test_a_source_that_is_not_built(self):
        self.expect({"src/base/new.cpp": ""}, "not built")

    def test_a_test_that_is_not_built(self):
        self.expect({"tests/unit/meson.build": "# 'a'\n"}, "not built")


if __name__ == "__main__":
    unittest.main()
