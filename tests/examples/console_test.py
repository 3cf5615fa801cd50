# SPDX-License-Identifier: MIT
"""The console into the running process: a program is asked what it waits for, and ends when that is there.

    console_test.py --cpp PROGRAM --python FOLDER [--library FILE --binding FOLDER]
"""
import argparse
import contextlib
import functools
import os
import signal
import socket
import stat
import subprocess
import sys
import unittest

import programs
import serving


class Visitor:
    """Asks line by line; an empty line ends each answer."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(serving.SECONDS)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.lines = self.socket.makefile("r")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def ask(self, question):
        self.socket.sendall(question.encode() + b"\n")
        return list(iter(self.lines.readline, "\n"))

    def ask_until(self, question, what):
        """What becomes so in a moment: the answer of which it is true."""
        answer = []

        def is_so():
            answer[:] = self.ask(question)
            return what(answer)

        serving.until(is_so, lambda: f"{question}: {''.join(answer)}")
        return answer


@contextlib.contextmanager
def running(program, folder, *commands):
    """Runs it with commands that read `work` until the block is left; then it and they are ended."""
    path = f"{folder}/console"
    process = subprocess.Popen(
        [*program, path, *commands], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,
    )

    def visit():
        assert process.poll() is None, process.communicate()
        with contextlib.suppress(OSError):
            return Visitor(path)

    try:
        first = serving.until(visit, lambda: "there is no console")
        # No visitor leaves before the commands are started: the thread sanitizer does not see libuv close a descriptor, and
        # takes the next one with this number, another thread's, for the same.
        with first, open(f"{folder}/work", "w") as work:  # open: somebody reads it
            first.ask_until("loops", lambda loops: any("(default): running, waits" in loop for loop in loops))
            yield path, process, work
    finally:
        if process.returncode is None:  # not waited for: the group is there
            os.killpg(process.pid, signal.SIGKILL)  # its commands, too: a group of their own
        process.communicate()


def of_each(test):
    """For each program, in a folder of its own, with a command that goes on until nobody writes to `work` there any more."""

    @functools.wraps(test)
    def tests(self):
        for program in consoles:
            with self.subTest(program[-1]), serving.folder() as folder:
                os.mkfifo(f"{folder}/work")
                test(self, program, folder, f"cat {folder}/work")

    return tests


class Console(unittest.TestCase):
    @of_each
    def test_tells_what_the_program_waits_for_until_that_is_there(self, program, folder, work):
        with running(program, folder, work) as (path, process, pipe):
            with Visitor(path) as visitor:
                outstanding = lambda calls: any(f'"{work}"' in call and "waited for" in call for call in calls)
                calls = visitor.ask_until("calls", outstanding)
                self.assertTrue(all(call.startswith("call ") for call in calls))
                pipe.close()  # cat has come to the end, and ends
                self.assertEqual(process.communicate(timeout=serving.SECONDS), (f"{work}: 0\n", ""))
            self.assertEqual(process.returncode, 0)
            self.assertFalse(os.path.exists(path))

    @of_each
    def test_names_loops_and_counters_and_what_it_can_do(self, program, folder, work):
        with running(program, folder, work) as (path, *_), Visitor(path) as visitor:
            loops = visitor.ask("loops")
            self.assertTrue(any("(default): running" in loop for loop in loops), loops)
            counters = dict(line.split() for line in visitor.ask("counters"))
            self.assertGreaterEqual(int(counters["calls_unsettled"]), 0)
            self.assertIn("turns", counters)
            self.assertIn("calls", "".join(visitor.ask("what?")))

    @of_each
    def test_sets_the_level_of_the_log(self, program, folder, work):
        with running(program, folder, work) as (path, *_), Visitor(path) as visitor:
            self.assertEqual(visitor.ask("log debug"), [])
            self.assertNotEqual(visitor.ask("log loud"), [])

    @of_each
    def test_several_visitors_are_served_and_leave_as_they_like(self, program, folder, work):
        with running(program, folder, work) as (path, *_):
            with Visitor(path) as first, Visitor(path) as second:
                self.assertTrue(second.ask("loops"))
                second.socket.sendall(b"loops\n" * 3000 + b"quit\n")
                for _ in range(20):  # meanwhile the answers become more than a socket holds
                    self.assertTrue(first.ask("loops"))
                self.assertEqual(second.lines.read().count("\n\n"), 3000)
                first.socket.sendall(b"quit\n")
                self.assertEqual(first.lines.read(), "")
            with Visitor(path) as rude:
                rude.socket.sendall(b"calls\n" * 100)  # and gone
            with Visitor(path) as third:
                self.assertTrue(third.ask("loops"))

    @of_each
    def test_the_socket_is_its_owners_alone_and_not_taken_from_another(self, program, folder, work):
        with running(program, folder, work) as (path, *_):
            self.assertEqual(stat.filemode(os.stat(path).st_mode), "srw-------")
            ran = subprocess.run([*program, path, "true"], capture_output=True, timeout=serving.SECONDS, env=environment)
            self.assertEqual(ran.returncode, 1)
            self.assertIn(b"address already in use", ran.stderr.lower())
            with Visitor(path) as visitor:
                self.assertTrue(visitor.ask("loops"))

    @of_each
    def test_a_command_that_fails_is_told_by_the_exit_code(self, program, folder, work):
        ran = subprocess.run(
            [*program, f"{folder}/console", "exit 3", "true"],
            capture_output=True, text=True, timeout=serving.SECONDS, env=environment,
        )
        self.assertEqual((ran.returncode, sorted(ran.stdout.splitlines())), (1, ["exit 3: 3", "true: 0"]))


parser = argparse.ArgumentParser()
programs.add_options(parser)
arguments = parser.parse_args()
consoles = [[arguments.cpp]]
if arguments.library:
    consoles.append([sys.executable, f"{arguments.python}/console.py"])
environment = programs.environment(arguments)
unittest.main(argv=sys.argv[:1], verbosity=2)
