# SPDX-License-Identifier: MIT
"""Servers for examples: each on loopback, on a free port, in a folder of its own, and gone when its block is left."""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SECONDS = 60  # for a server to answer: it needs a fraction, but on a busy machine
MISSING = 77  # what meson takes for "skipped"


def need(*commands):
    """Paths of these commands; ends the test as skipped, and says so, when one is missing."""
    where = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    paths = [shutil.which(command, path=where) for command in commands]
    if None in paths:
        print(f"skipped: there is no {commands[paths.index(None)]} here")
        sys.exit(MISSING)
    return paths


def free_port(kind=socket.SOCK_STREAM):
    """One that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def until(what, failure):
    """Looks until what() is true, and gives it; when that takes too long, raises what failure() says."""
    end = time.monotonic() + SECONDS
    while not (found := what()):
        if time.monotonic() > end:
            raise AssertionError(failure())
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="crochet-example-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def server(command, ready, **options):
    """Runs `command` until the block is left; the block begins when ready() is true."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        until(lambda: process.poll() is not None or ready(), lambda: f"{command[0]} does not answer")
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def redis(where, port):
    """As server(): one that keeps nothing."""
    command = [*need("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
               "--dir", where]
    return server(command, lambda: accepts(port), stdout=subprocess.DEVNULL)
