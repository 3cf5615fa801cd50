# SPDX-License-Identifier: MIT
"""Where the programs are that a test runs, in C++ and in Python, and what they need around them."""
import os


def add_options(parser):
    parser.add_argument("--cpp", help="a program, or the folder of several")
    parser.add_argument("--python", help="the folder of those in Python")
    parser.add_argument("--library", help="for those in Python: the shared library; without it they are left out")
    parser.add_argument("--binding", help="and the folder of crochet_uv")


def environment(arguments):
    """Ours, with what a program in Python finds the library and the binding by."""
    ours = dict(os.environ)
    if arguments.library:
        ours.update(CROCHET_LIBRARY=arguments.library, PYTHONPATH=arguments.binding, PYTHONDONTWRITEBYTECODE="1")
    return ours
